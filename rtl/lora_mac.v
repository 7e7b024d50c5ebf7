// lora_mac.v -- the LoRA MAC unit of a layer: delta = B (A x), one vector at a time. docs/lora_mac.md is its contract.
//
//            +-- lora_pick ---> lora_job ---> lora_control --- lora_request ---------------------> request_*
//            |                                     | lora_sequence: what each row is
//  x_* ------+--> lora_x_buffer ------+            v
//                                     v  phase A: dot product over the lanes
//  word_* -------> lora_row ----> mac_lanes ------ sum ------> lora_accumulators --> u
//                    | entries        ^  | B: an accumulator a lane      ^           |
//                    v                |  v                               | scale_a   v
//                 lora_scales --------|--|-------------------------------+      requantiser
//                    | scale_b        +--|-------------- h --------------------------+
//                    v                   v
//                 lora_outputs: scale, shift, saturate, latency ---------------------------------> delta_*
//
// Cycles of a row whose last word is at the pins in c: c + 1 row register (multiply), c + 2 products (add; B: accumulate), c + 3 partial sums
// (add; B: hold), c + 4 sum (accumulate; B: scale), c + 5 accumulator (scale; B: shift), c + 6 u (largest; B: saturate).
// Latency     A: the result's burst opens LORA_LATENCY_CYCLES after the last word; B: a block's results are seen LORA_LATENCY_CYCLES + 1 after its last word.
// Throughput  a lane row a cycle; a job at a time.
// Stall rule  it waits for words, and for room for a request or for the burst of results; what comes in is never stopped.
module lora_mac #(
    parameter LORA_LANES = 64,
    parameter LORA_LATENCY_CYCLES = 6,   // at least 6
    parameter SRAM_WIDTH_BITS = 64,
    parameter SRAM_WAYS = 16,
    parameter SRAM_PORTS = 1,
    parameter LINK_ELEMENTS = 16,
    parameter ROM_DRAIN_ELEMENTS = 16,
    parameter SLOTS_RANK_MAX = 16,
    parameter INPUTS_MAX = 4096,         // longest x of the model
    // Derived: not to be set.
    parameter ROW_WORDS = (6 * LORA_LANES + SRAM_WIDTH_BITS - 1) / SRAM_WIDTH_BITS,
    parameter PORT_WORDS = ROW_WORDS < SRAM_WAYS * SRAM_PORTS ? ROW_WORDS : SRAM_WAYS * SRAM_PORTS,
    parameter WORD_COUNT_BITS = $clog2(PORT_WORDS + 1),
    parameter DELTA_COUNT_BITS = $clog2(ROM_DRAIN_ELEMENTS + 1)
) (
    input                                   clk_i,
    input                                   rst_i,
    input                                   abort_i,

    input  [3:0]                            x_valid_i,
    output [3:0]                            x_ready_o,
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
    output                                  request_valid_o,
    output [31:0]                           request_address_o,
    output [31:0]                           request_words_o,
    output [15:0]                           request_first_rows_o,
    output [15:0]                           request_block_rows_o,
    output [15:0]                           request_pause_o,

    input  [WORD_COUNT_BITS-1:0]            word_count_i,
    input  [PORT_WORDS*SRAM_WIDTH_BITS-1:0] word_data_i,

    input  [3:0]                            delta_ready_i,
    output [3:0]                            delta_open_o,
    output [3:0]                            delta_valid_o,
    output [DELTA_COUNT_BITS-1:0]           delta_count_o,
    output                                  delta_last_o,
    output                                  delta_abort_o,
    output [40*ROM_DRAIN_ELEMENTS-1:0]      delta_data_o,

    output                                  busy_o,
    output                                  aborted_o
);
    localparam ROWS_MAX = 3 * SLOTS_RANK_MAX; // of A in a block
    localparam ENTRIES_MAX = ROWS_MAX + 3;    // of the preamble
    localparam SETS = (ENTRIES_MAX + LORA_LANES - 1) / LORA_LANES;
    localparam K_BITS = $clog2(ROWS_MAX);
    localparam SET_BITS = SETS > 1 ? $clog2(SETS) : 1;
    localparam LANE_COUNT_BITS = $clog2(LORA_LANES + 1);
    localparam SUM_BITS = 14 + $clog2(LORA_LANES);

    // -- job --

    wire        pick, idle, flush, drop, x_active, x_last;
    wire [1:0]  pick_group, group;
    wire [3:0]  x_taken = {3'b000, x_last} << group;

    lora_pick pick_u (
        .clk_i  (clk_i),
        .rst_i  (rst_i),
        .valid_i(x_valid_i),
        .taken_i(x_taken),
        .idle_i (idle),
        .pick_o (pick),
        .group_o(pick_group)
    );

    wire [7:0]      new_rank, rank;
    wire [1:0]      new_pair_count, pair_count;
    wire [19:0]     new_inputs;
    wire [10:0]     new_beat_elements;
    wire [31:0]     new_a_address, b_address;
    wire [15:0]     new_a_delay, new_a_pause, b_pause;
    wire [3*20-1:0] outputs;
    wire [3*16-1:0] base_exponent;

    lora_job job_u (
        .clk_i              (clk_i),
        .rst_i              (rst_i),
        .pick_i             (pick),
        .group_i            (pick_group),
        .job_rank_i         (job_rank_i),
        .job_pairs_i        (job_pairs_i),
        .job_inputs_i       (job_inputs_i),
        .job_beat_elements_i(job_beat_elements_i),
        .job_outputs_i      (job_outputs_i),
        .job_base_exponent_i(job_base_exponent_i),
        .job_a_address_i    (job_a_address_i),
        .job_b_address_i    (job_b_address_i),
        .job_a_delay_i      (job_a_delay_i),
        .job_a_pause_i      (job_a_pause_i),
        .job_b_pause_i      (job_b_pause_i),
        .new_rank_o         (new_rank),
        .new_pair_count_o   (new_pair_count),
        .new_inputs_o       (new_inputs),
        .new_beat_elements_o(new_beat_elements),
        .new_a_address_o    (new_a_address),
        .new_a_delay_o      (new_a_delay),
        .new_a_pause_o      (new_a_pause),
        .group_o            (group),
        .rank_o             (rank),
        .pair_count_o       (pair_count),
        .outputs_o          (outputs),
        .base_exponent_o    (base_exponent),
        .b_address_o        (b_address),
        .b_pause_o          (b_pause)
    );

    // -- control --

    wire push_b, phase_last, results_done, end_abort, opened;

    lora_control #(
        .LORA_LATENCY_CYCLES(LORA_LATENCY_CYCLES)
    ) control_u (
        .clk_i          (clk_i),
        .rst_i          (rst_i),
        .abort_i        (abort_i),
        .pick_i         (pick),
        .a_delay_i      (new_a_delay),
        .group_i        (group),
        .x_active_i     (x_active),
        .request_ready_i(request_ready_i),
        .delta_ready_i  (delta_ready_i),
        .phase_last_i   (phase_last),
        .results_done_i (results_done),
        .idle_o         (idle),
        .flush_o        (flush),
        .drop_o         (drop),
        .push_b_o       (push_b),
        .end_abort_o    (end_abort),
        .opened_o       (opened),
        .request_valid_o(request_valid_o),
        .delta_open_o   (delta_open_o),
        .busy_o         (busy_o),
        .aborted_o      (aborted_o)
    );

    wire [9:0] new_rows; // of A in a block

    lora_request #(
        .LORA_LANES(LORA_LANES),
        .ROW_WORDS (ROW_WORDS)
    ) request_u (
        .clk_i               (clk_i),
        .pick_i              (pick),
        .new_rank_i          (new_rank),
        .new_pair_count_i    (new_pair_count),
        .new_inputs_i        (new_inputs),
        .new_a_address_i     (new_a_address),
        .new_a_pause_i       (new_a_pause),
        .new_rows_o          (new_rows),
        .push_b_i            (push_b),
        .rank_i              (rank),
        .pair_count_i        (pair_count),
        .outputs_i           (outputs),
        .b_address_i         (b_address),
        .b_pause_i           (b_pause),
        .request_address_o   (request_address_o),
        .request_words_o     (request_words_o),
        .request_first_rows_o(request_first_rows_o),
        .request_block_rows_o(request_block_rows_o),
        .request_pause_o     (request_pause_o)
    );

    // -- rows --

    wire                    row_complete;
    wire [6*LORA_LANES-1:0] row;

    lora_row #(
        .LORA_LANES     (LORA_LANES),
        .SRAM_WIDTH_BITS(SRAM_WIDTH_BITS),
        .ROW_WORDS      (ROW_WORDS),
        .PORT_WORDS     (PORT_WORDS)
    ) row_u (
        .clk_i     (clk_i),
        .rst_i     (rst_i),
        .count_i   (word_count_i),
        .data_i    (word_data_i),
        .complete_o(row_complete),
        .row_o     (row)
    );

    wire                       block_begins; // the row at the pins is the first one of a block of A
    wire                       at_pins_last;
    wire [K_BITS-1:0]          at_pins_k;
    wire                       row_valid, row_b, row_entry, row_first, row_last, row_end;
    wire [1:0]                 row_third, row_pair;
    wire [SET_BITS-1:0]        row_set;
    wire [K_BITS-1:0]          row_k;
    wire [LANE_COUNT_BITS-1:0] row_count;

    lora_sequence #(
        .LORA_LANES    (LORA_LANES),
        .SLOTS_RANK_MAX(SLOTS_RANK_MAX)
    ) sequence_u (
        .clk_i           (clk_i),
        .rst_i           (rst_i),
        .start_a_i       (pick),
        .new_rows_i      (new_rows),
        .new_pair_count_i(new_pair_count),
        .new_inputs_i    (new_inputs),
        .start_b_i       (push_b),
        .rank_i          (rank),
        .pair_count_i    (pair_count),
        .outputs_i       (outputs),
        .row_i           (row_complete),
        .drop_i          (drop),
        .block_begins_o  (block_begins),
        .last_o          (at_pins_last),
        .k_o             (at_pins_k),
        .row_valid_o     (row_valid),
        .row_b_o         (row_b),
        .row_entry_o     (row_entry),
        .row_third_o     (row_third),
        .row_set_o       (row_set),
        .row_k_o         (row_k),
        .row_pair_o      (row_pair),
        .row_first_o     (row_first),
        .row_last_o      (row_last),
        .row_end_o       (row_end),
        .row_count_o     (row_count)
    );
    assign phase_last = row_complete & at_pins_last;

    wire                       product_entry, product_a, product_b, product_first;
    wire [1:0]                 product_third;
    wire [SET_BITS-1:0]        product_set;
    wire                       partial_a, partial_block, partial_first, partial_last, partial_end;
    wire [K_BITS-1:0]          partial_k;
    wire [1:0]                 partial_pair;
    wire [LANE_COUNT_BITS-1:0] partial_count;

    lora_stages #(
        .K_BITS    (K_BITS),
        .SET_BITS  (SET_BITS),
        .COUNT_BITS(LANE_COUNT_BITS)
    ) stages_u (
        .clk_i          (clk_i),
        .rst_i          (rst_i),
        .flush_i        (flush),
        .valid_i        (row_valid),
        .b_i            (row_b),
        .entry_i        (row_entry),
        .third_i        (row_third),
        .set_i          (row_set),
        .k_i            (row_k),
        .pair_i         (row_pair),
        .first_i        (row_first),
        .last_i         (row_last),
        .end_i          (row_end),
        .count_i        (row_count),
        .product_entry_o(product_entry),
        .product_a_o    (product_a),
        .product_b_o    (product_b),
        .product_first_o(product_first),
        .product_third_o(product_third),
        .product_set_o  (product_set),
        .partial_a_o    (partial_a),
        .partial_block_o(partial_block),
        .partial_first_o(partial_first),
        .partial_last_o (partial_last),
        .partial_end_o  (partial_end),
        .partial_k_o    (partial_k),
        .partial_pair_o (partial_pair),
        .partial_count_o(partial_count)
    );

    // -- multiply and add --

    wire                    x_next = row_complete & block_begins;
    wire [8*LORA_LANES-1:0] x_block;

    lora_x_buffer #(
        .LORA_LANES   (LORA_LANES),
        .LINK_ELEMENTS(LINK_ELEMENTS),
        .INPUTS_MAX   (INPUTS_MAX)
    ) x_buffer_u (
        .clk_i          (clk_i),
        .rst_i          (rst_i),
        .start_i        (pick),
        .inputs_i       (new_inputs),
        .beat_elements_i(new_beat_elements),
        .group_i        (group),
        .valid_i        (x_valid_i),
        .data_i         (x_data_i),
        .active_o       (x_active),
        .last_o         (x_last),
        .next_i         (x_next),
        .block_o        (x_block)
    );
    assign x_ready_o = {3'b000, x_active} << group;

    wire [7:0] h;
    reg  [7:0] h_q; // of the row in the row register

    always @(posedge clk_i) begin
        if (row_complete) begin
            h_q <= h;
        end
    end

    wire [20*LORA_LANES-1:0]   held;
    wire signed [SUM_BITS-1:0] sum;

    mac_lanes #(
        .LORA_LANES(LORA_LANES),
        .SUM_BITS  (SUM_BITS)
    ) lanes_u (
        .clk_i        (clk_i),
        .load_x_i     (x_next),
        .x_i          (x_block),
        .multiply_i   (row_valid & !row_entry),
        .row_i        (row),
        .use_x_i      (!row_b),
        .broadcast_i  (h_q),
        .add_i        (product_a),
        .add_partial_i(partial_a),
        .accumulate_i (product_b),
        .first_i      (product_first),
        .hold_i       (partial_block),
        .sum_o        (sum),
        .held_o       (held)
    );

    wire                    entry_next, u_entry_next, exponent_next;
    wire [15:0]             entry;
    wire [6*LORA_LANES-1:0] scale_low, scale_middle, scale_high;

    lora_scales #(
        .LORA_LANES(LORA_LANES),
        .SETS      (SETS),
        .SET_BITS  (SET_BITS)
    ) scales_u (
        .clk_i   (clk_i),
        .take_i  (row_valid & row_entry),
        .row_i   (row),
        .write_i (product_entry),
        .third_i (product_third),
        .set_i   (product_set),
        .rewind_i(pick),
        .next_i  (entry_next),
        .entry_o (entry),
        .low_o   (scale_low),
        .middle_o(scale_middle),
        .high_o  (scale_high)
    );
    assign entry_next = u_entry_next | exponent_next;

    // -- u and h --

    wire              a_done, read;
    wire [K_BITS-1:0] read_k;
    wire [47:0]       u;
    wire [3*47-1:0]   largest;

    lora_accumulators #(
        .ROWS_MAX(ROWS_MAX),
        .K_BITS  (K_BITS),
        .SUM_BITS(SUM_BITS)
    ) accumulators_u (
        .clk_i       (clk_i),
        .rst_i       (rst_i),
        .flush_i     (flush),
        .start_i     (pick),
        .valid_i     (partial_a),
        .first_i     (partial_first),
        .last_i      (partial_last),
        .end_i       (partial_end),
        .k_i         (partial_k),
        .pair_i      (partial_pair),
        .sum_i       (sum),
        .entry_next_o(u_entry_next),
        .scale_i     (entry),
        .done_o      (a_done),
        .largest_o   (largest),
        .read_i      (read),
        .read_k_i    (read_k),
        .u_o         (u)
    );

    wire [3*8-1:0] shifts;

    requantiser #(
        .ROWS_MAX(ROWS_MAX),
        .K_BITS  (K_BITS)
    ) requantiser_u (
        .clk_i          (clk_i),
        .rst_i          (rst_i),
        .flush_i        (flush),
        .start_i        (a_done),
        .rank_i         (rank),
        .pair_count_i   (pair_count),
        .base_exponent_i(base_exponent),
        .largest_i      (largest),
        .read_o         (read),
        .read_k_o       (read_k),
        .u_i            (u),
        .exponent_next_o(exponent_next),
        .exponent_i     (entry),
        .k_i            (at_pins_k),
        .h_o            (h),
        .shifts_o       (shifts)
    );

    // -- results --

    lora_outputs #(
        .LORA_LANES         (LORA_LANES),
        .LORA_LATENCY_CYCLES(LORA_LATENCY_CYCLES),
        .ROM_DRAIN_ELEMENTS (ROM_DRAIN_ELEMENTS),
        .LANE_COUNT_BITS    (LANE_COUNT_BITS),
        .DELTA_COUNT_BITS   (DELTA_COUNT_BITS)
    ) outputs_u (
        .clk_i         (clk_i),
        .rst_i         (rst_i),
        .flush_i       (flush),
        .group_i       (group),
        .hold_i        (partial_block),
        .count_i       (partial_count),
        .end_i         (partial_end),
        .pair_i        (partial_pair),
        .scale_low_i   (scale_low),
        .scale_middle_i(scale_middle),
        .scale_high_i  (scale_high),
        .shifts_i      (shifts),
        .held_i        (held),
        .abort_i       (end_abort & opened),
        .done_o        (results_done),
        .delta_valid_o (delta_valid_o),
        .delta_count_o (delta_count_o),
        .delta_last_o  (delta_last_o),
        .delta_abort_o (delta_abort_o),
        .delta_data_o  (delta_data_o)
    );

`ifndef SYNTHESIS
`ifndef FORMAL
    lora_mac_checks #(
        .LORA_LANES        (LORA_LANES),
        .LINK_ELEMENTS     (LINK_ELEMENTS),
        .ROM_DRAIN_ELEMENTS(ROM_DRAIN_ELEMENTS),
        .SLOTS_RANK_MAX    (SLOTS_RANK_MAX),
        .INPUTS_MAX        (INPUTS_MAX),
        .ROW_WORDS         (ROW_WORDS),
        .PORT_WORDS        (PORT_WORDS),
        .WORD_COUNT_BITS   (WORD_COUNT_BITS),
        .LANE_COUNT_BITS   (LANE_COUNT_BITS)
    ) checks_u (
        .clk_i          (clk_i),
        .rst_i          (rst_i),
        .x_valid_i      (x_valid_i),
        .x_ready_i      (x_ready_o),
        .pick_i         (pick),
        .rank_i         (new_rank),
        .pair_count_i   (new_pair_count),
        .inputs_i       (new_inputs),
        .beat_elements_i(new_beat_elements),
        .outputs_i      (outputs),
        .x_next_i       (x_next),
        .request_valid_i(request_valid_o),
        .request_words_i(request_words_o),
        .word_count_i   (word_count_i),
        .delta_ready_i  (delta_ready_i),
        .delta_open_i   (delta_open_o),
        .hold_i         (partial_block),
        .count_i        (partial_count)
    );
`endif
`endif
endmodule
