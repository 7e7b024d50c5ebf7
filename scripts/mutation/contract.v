// contract.v -- what docs/lora_mac.md promises about the pins of the LoRA MAC unit, in a cycle: "Ports".
module contract #(
    parameter LORA_LANES = 64,
    parameter LORA_LATENCY_CYCLES = 6,
    parameter SRAM_WIDTH_BITS = 64,
    parameter SRAM_WAYS = 16,
    parameter SRAM_PORTS = 1,
    parameter LINK_ELEMENTS = 16,
    parameter ROM_DRAIN_ELEMENTS = 16,
    parameter SLOTS_RANK_MAX = 16,
    parameter INPUTS_MAX = 4096,
    parameter ROW_WORDS = (6 * LORA_LANES + SRAM_WIDTH_BITS - 1) / SRAM_WIDTH_BITS,
    parameter PORT_WORDS = ROW_WORDS < SRAM_WAYS * SRAM_PORTS ? ROW_WORDS : SRAM_WAYS * SRAM_PORTS,
    parameter WORD_COUNT_BITS = $clog2(PORT_WORDS + 1)
) (
    input                                   busy_i, // of the unit: it looks at a job's fields only without one
    input                                   rst_i,
    input                                   abort_i,
    input  [3:0]                            x_valid_i,
    input  [4*8*LINK_ELEMENTS-1:0]          x_data_i,
    input  [4*8-1:0]                        job_rank_i,
    input  [4*3-1:0]                        job_pairs_i,
    input  [4*20-1:0]                       job_inputs_i,
    input  [4*11-1:0]                       job_beat_elements_i,
    input  [4*3*20-1:0]                     job_outputs_i,
    input  [4*3*16-1:0]                     job_base_exponent_i,
    input  [4*32-1:0]                       job_a_address_i,
    input  [4*32-1:0]                       job_b_address_i,
    input  [4*16-1:0]                       job_a_delay_i,
    input  [4*16-1:0]                       job_a_pause_i,
    input  [4*16-1:0]                       job_b_pause_i,
    input                                   request_ready_i,
    input  [WORD_COUNT_BITS-1:0]            word_count_i,
    input  [PORT_WORDS*SRAM_WIDTH_BITS-1:0] word_data_i,
    input  [3:0]                            delta_ready_i,
    output                                  obeyed_o
);
    wire [3:0] job;
    genvar g;
    generate
        for (g = 0; g < 4; g = g + 1) begin : gen_link
            wire [7:0]  rank = job_rank_i[8*g +: 8];
            wire [19:0] inputs = job_inputs_i[20*g +: 20];
            wire [10:0] elements = job_beat_elements_i[11*g +: 11];
            assign job[g] = busy_i || !x_valid_i[g] ||
                            (rank >= 1 && rank <= SLOTS_RANK_MAX && job_pairs_i[3*g +: 3] != 0 && inputs >= 1 && inputs <= INPUTS_MAX &&
                             elements >= 1 && elements <= LINK_ELEMENTS);
        end
    endgenerate
    assign obeyed_o = &job && word_count_i <= PORT_WORDS;
endmodule
