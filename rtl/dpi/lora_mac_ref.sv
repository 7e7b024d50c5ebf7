// lora_mac_ref.sv -- the C reference of the LoRA MAC unit as a module: parameters, ports and cycles of rtl/lora_mac.v, computed by libetchsim_lora_dpi.so.
//
//   inputs before the edge --DPI--> [ sim/lora_pins_model.c ] --> outputs_q after it
//
// Needs a simulator with DPI-C. Outputs that do not matter in a cycle are zero. Unknown input bits count as 0. Inputs that break docs/lora_mac.md end the
// simulation, with words on stderr that name cycle, port and what was expected; the reference counts cycles from the first edge on.
// Inaccuracies: a simulator that insists on one type for each C function (Verilator does not) wants the same parameters for all units of a simulation.
module lora_mac_ref #(
    parameter int LORA_LANES = 64,
    parameter int LORA_LATENCY_CYCLES = 6,
    parameter int SRAM_WIDTH_BITS = 64,
    parameter int SRAM_WAYS = 16,
    parameter int SRAM_PORTS = 1,
    parameter int LINK_ELEMENTS = 16,
    parameter int ROM_DRAIN_ELEMENTS = 16,
    parameter int SLOTS_RANK_MAX = 16,
    parameter int INPUTS_MAX = 4096,
    // Derived: not to be set.
    parameter int ROW_WORDS = (6 * LORA_LANES + SRAM_WIDTH_BITS - 1) / SRAM_WIDTH_BITS,
    parameter int PORT_WORDS = ROW_WORDS < SRAM_WAYS * SRAM_PORTS ? ROW_WORDS : SRAM_WAYS * SRAM_PORTS,
    parameter int WORD_COUNT_BITS = $clog2(PORT_WORDS + 1),
    parameter int DELTA_COUNT_BITS = $clog2(ROM_DRAIN_ELEMENTS + 1)
) (
    input  logic                                  clk_i,
    input  logic                                  rst_i,
    input  logic                                  abort_i,

    input  logic [3:0]                            x_valid_i,
    output logic [3:0]                            x_ready_o,
    input  logic [4*8*LINK_ELEMENTS-1:0]          x_data_i,
    input  logic [4*8-1:0]                        job_rank_i,
    input  logic [4*3-1:0]                        job_pairs_i,
    input  logic [4*20-1:0]                       job_inputs_i,
    input  logic [4*11-1:0]                       job_beat_elements_i,
    input  logic [4*3*20-1:0]                     job_outputs_i,
    input  logic [4*3*16-1:0]                     job_base_exponent_i,
    input  logic [4*32-1:0]                       job_a_address_i,
    input  logic [4*32-1:0]                       job_b_address_i,
    input  logic [4*16-1:0]                       job_a_delay_i,
    input  logic [4*16-1:0]                       job_a_pause_i,
    input  logic [4*16-1:0]                       job_b_pause_i,

    input  logic                                  request_ready_i,
    output logic                                  request_valid_o,
    output logic [31:0]                           request_address_o,
    output logic [31:0]                           request_words_o,
    output logic [15:0]                           request_first_rows_o,
    output logic [15:0]                           request_block_rows_o,
    output logic [15:0]                           request_pause_o,

    input  logic [WORD_COUNT_BITS-1:0]            word_count_i,
    input  logic [PORT_WORDS*SRAM_WIDTH_BITS-1:0] word_data_i,

    input  logic [3:0]                            delta_ready_i,
    output logic [3:0]                            delta_open_o,
    output logic [3:0]                            delta_valid_o,
    output logic [DELTA_COUNT_BITS-1:0]           delta_count_o,
    output logic                                  delta_last_o,
    output logic                                  delta_abort_o,
    output logic [40*ROM_DRAIN_ELEMENTS-1:0]      delta_data_o,

    output logic                                  busy_o,
    output logic                                  aborted_o
);
    // All inputs, all outputs, in the order of sim/lora_ports.def, the first one lowest.
    localparam int GROUP_BITS = 8 * LINK_ELEMENTS + 8 + 3 + 20 + 11 + 3 * 20 + 3 * 16 + 2 * 32 + 3 * 16; // of x and its job
    localparam int INPUT_BITS = 2 + 4 + 4 * GROUP_BITS + 1 + WORD_COUNT_BITS + PORT_WORDS * SRAM_WIDTH_BITS + 4;
    localparam int OUTPUT_BITS = 4 + 1 + 2 * 32 + 3 * 16 + 4 + 4 + DELTA_COUNT_BITS + 2 + 40 * ROM_DRAIN_ELEMENTS + 2;

    import "DPI-C" function chandle lora_mac_dpi_open(
        input int lora_lanes, input int lora_latency_cycles, input int sram_width_bits, input int sram_ways, input int sram_ports,
        input int link_elements, input int rom_drain_elements, input int slots_rank_max, input int inputs_max, input int input_bits,
        input int output_bits);
    import "DPI-C" function int lora_mac_dpi_clock(input chandle unit, input bit [INPUT_BITS-1:0] inputs, output bit [OUTPUT_BITS-1:0] outputs);
    import "DPI-C" function void lora_mac_dpi_close(input chandle unit);

    chandle               unit;
    bit [INPUT_BITS-1:0]  inputs;
    bit [OUTPUT_BITS-1:0] outputs_d, outputs_q;

    assign inputs = {delta_ready_i, word_data_i, word_count_i, request_ready_i, job_b_pause_i, job_a_pause_i, job_a_delay_i, job_b_address_i,
                     job_a_address_i, job_base_exponent_i, job_outputs_i, job_beat_elements_i, job_inputs_i, job_pairs_i, job_rank_i, x_data_i,
                     x_valid_i, abort_i, rst_i};
    assign {aborted_o, busy_o, delta_data_o, delta_abort_o, delta_last_o, delta_count_o, delta_valid_o, delta_open_o, request_pause_o,
            request_block_rows_o, request_first_rows_o, request_words_o, request_address_o, request_valid_o, x_ready_o} = outputs_q;

    initial begin
        unit = lora_mac_dpi_open(LORA_LANES, LORA_LATENCY_CYCLES, SRAM_WIDTH_BITS, SRAM_WAYS, SRAM_PORTS, LINK_ELEMENTS, ROM_DRAIN_ELEMENTS,
                                 SLOTS_RANK_MAX, INPUTS_MAX, INPUT_BITS, OUTPUT_BITS);
        if (unit == null) $fatal(1, "lora_mac_ref: the reference cannot be opened");
    end

    always @(posedge clk_i) begin
        if (lora_mac_dpi_clock(unit, inputs, outputs_d) == 0) $fatal(1, "lora_mac_ref: broken inputs");
        outputs_q <= outputs_d;
    end

    final begin
        if (unit != null) lora_mac_dpi_close(unit);
    end
endmodule
