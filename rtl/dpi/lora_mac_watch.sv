// lora_mac_watch.sv -- holds a LoRA MAC unit against the C reference: all its pins are inputs here, and each is compared on each clock edge.
//
//   inputs of your unit ---+---> [ your unit ] ---> outputs ---+
//                          +---> [ lora_mac_ref ] ------------ = ?    else port, expected, got; then $fatal
//
// Beside your unit, port by port (tests/dpi/lora_mac_dpi_tb.sv), or bound into it (lora_mac_bind.sv).
//
// Fields are compared beside their valid, results up to their count (docs/lora_mac.md). Nothing is compared before the first edge with rst_i.
// `compared` counts the edges at which everything agreed.
module lora_mac_watch #(
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
    input logic                                  clk_i,
    input logic                                  rst_i,
    input logic                                  abort_i,

    input logic [3:0]                            x_valid_i,
    input logic [3:0]                            x_ready_o,
    input logic [4*8*LINK_ELEMENTS-1:0]          x_data_i,
    input logic [4*8-1:0]                        job_rank_i,
    input logic [4*3-1:0]                        job_pairs_i,
    input logic [4*20-1:0]                       job_inputs_i,
    input logic [4*11-1:0]                       job_beat_elements_i,
    input logic [4*3*20-1:0]                     job_outputs_i,
    input logic [4*3*16-1:0]                     job_base_exponent_i,
    input logic [4*32-1:0]                       job_a_address_i,
    input logic [4*32-1:0]                       job_b_address_i,
    input logic [4*16-1:0]                       job_a_delay_i,
    input logic [4*16-1:0]                       job_a_pause_i,
    input logic [4*16-1:0]                       job_b_pause_i,

    input logic                                  request_ready_i,
    input logic                                  request_valid_o,
    input logic [31:0]                           request_address_o,
    input logic [31:0]                           request_words_o,
    input logic [15:0]                           request_first_rows_o,
    input logic [15:0]                           request_block_rows_o,
    input logic [15:0]                           request_pause_o,

    input logic [WORD_COUNT_BITS-1:0]            word_count_i,
    input logic [PORT_WORDS*SRAM_WIDTH_BITS-1:0] word_data_i,

    input logic [3:0]                            delta_ready_i,
    input logic [3:0]                            delta_open_o,
    input logic [3:0]                            delta_valid_o,
    input logic [DELTA_COUNT_BITS-1:0]           delta_count_o,
    input logic                                  delta_last_o,
    input logic                                  delta_abort_o,
    input logic [40*ROM_DRAIN_ELEMENTS-1:0]      delta_data_o,

    input logic                                  busy_o,
    input logic                                  aborted_o
);
    logic [3:0]                       ref_x_ready, ref_delta_open, ref_delta_valid;
    logic                             ref_request_valid, ref_delta_last, ref_delta_abort, ref_busy, ref_aborted;
    logic [31:0]                      ref_request_address, ref_request_words;
    logic [15:0]                      ref_request_first_rows, ref_request_block_rows, ref_request_pause;
    logic [DELTA_COUNT_BITS-1:0]      ref_delta_count;
    logic [40*ROM_DRAIN_ELEMENTS-1:0] ref_delta_data;

    lora_mac_ref #(
        .LORA_LANES         (LORA_LANES),
        .LORA_LATENCY_CYCLES(LORA_LATENCY_CYCLES),
        .SRAM_WIDTH_BITS    (SRAM_WIDTH_BITS),
        .SRAM_WAYS          (SRAM_WAYS),
        .SRAM_PORTS         (SRAM_PORTS),
        .LINK_ELEMENTS      (LINK_ELEMENTS),
        .ROM_DRAIN_ELEMENTS (ROM_DRAIN_ELEMENTS),
        .SLOTS_RANK_MAX     (SLOTS_RANK_MAX),
        .INPUTS_MAX         (INPUTS_MAX)
    ) reference (
        .x_ready_o           (ref_x_ready),
        .request_valid_o     (ref_request_valid),
        .request_address_o   (ref_request_address),
        .request_words_o     (ref_request_words),
        .request_first_rows_o(ref_request_first_rows),
        .request_block_rows_o(ref_request_block_rows),
        .request_pause_o     (ref_request_pause),
        .delta_open_o        (ref_delta_open),
        .delta_valid_o       (ref_delta_valid),
        .delta_count_o       (ref_delta_count),
        .delta_last_o        (ref_delta_last),
        .delta_abort_o       (ref_delta_abort),
        .delta_data_o        (ref_delta_data),
        .busy_o              (ref_busy),
        .aborted_o           (ref_aborted),
        .*
    );

    wire                          beat = |ref_delta_valid;
    wire [ROM_DRAIN_ELEMENTS-1:0] results_differ;
    for (genvar i = 0; i < ROM_DRAIN_ELEMENTS; i++) begin : g_result
        assign results_differ[i] = beat && i < int'(ref_delta_count) && delta_data_o[40*i+:40] !== ref_delta_data[40*i+:40];
    end

    wire differs = x_ready_o !== ref_x_ready || request_valid_o !== ref_request_valid || delta_open_o !== ref_delta_open ||
                   delta_valid_o !== ref_delta_valid || busy_o !== ref_busy || aborted_o !== ref_aborted ||
                   (ref_request_valid && {request_address_o, request_words_o, request_first_rows_o, request_block_rows_o, request_pause_o} !==
                                         {ref_request_address, ref_request_words, ref_request_first_rows, ref_request_block_rows, ref_request_pause}) ||
                   (beat && {delta_count_o, delta_last_o, delta_abort_o} !== {ref_delta_count, ref_delta_last, ref_delta_abort}) ||
                   (|results_differ);

    longint unsigned compared;
    bit              reset_seen;

`define ETCHSIM_TELL(PORT, WANTED, CARE) \
    if ((CARE) && (PORT) !== (WANTED)) $display("lora_mac_watch: time %0t: %s: expected %h, got %h", $time, `"PORT`", WANTED, PORT)

    always @(posedge clk_i) begin
        reset_seen <= reset_seen | rst_i;
        compared <= compared + longint'(reset_seen);
        if (reset_seen && differs) begin
            `ETCHSIM_TELL(x_ready_o, ref_x_ready, 1'b1);
            `ETCHSIM_TELL(request_valid_o, ref_request_valid, 1'b1);
            `ETCHSIM_TELL(request_address_o, ref_request_address, ref_request_valid);
            `ETCHSIM_TELL(request_words_o, ref_request_words, ref_request_valid);
            `ETCHSIM_TELL(request_first_rows_o, ref_request_first_rows, ref_request_valid);
            `ETCHSIM_TELL(request_block_rows_o, ref_request_block_rows, ref_request_valid);
            `ETCHSIM_TELL(request_pause_o, ref_request_pause, ref_request_valid);
            `ETCHSIM_TELL(delta_open_o, ref_delta_open, 1'b1);
            `ETCHSIM_TELL(delta_valid_o, ref_delta_valid, 1'b1);
            `ETCHSIM_TELL(delta_count_o, ref_delta_count, beat);
            `ETCHSIM_TELL(delta_last_o, ref_delta_last, beat);
            `ETCHSIM_TELL(delta_abort_o, ref_delta_abort, beat);
            for (int i = 0; i < ROM_DRAIN_ELEMENTS; i++) begin
                if (results_differ[i])
                    $display("lora_mac_watch: time %0t: delta_data_o[%0d]: expected %h, got %h", $time, i, ref_delta_data[40*i+:40],
                             delta_data_o[40*i+:40]);
            end
            `ETCHSIM_TELL(busy_o, ref_busy, 1'b1);
            `ETCHSIM_TELL(aborted_o, ref_aborted, 1'b1);
            $fatal(1, "lora_mac_watch: the unit differs from the reference");
        end
    end
endmodule
`undef ETCHSIM_TELL
