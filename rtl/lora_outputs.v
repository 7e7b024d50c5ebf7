// lora_outputs.v -- a block's accumulators and scales are held, and leave as results, ROM_DRAIN_ELEMENTS a beat.
//
//   held accumulators, scales --> beat 0, 1, .. --> rescaler: scale, shift, saturate --> delay_line --> delta_*
//
// Latency     hold_i in n: the first beat is seen in n + LORA_LATENCY_CYCLES - 2, four cycles at least (hold, scale, shift, saturate).
// Throughput  a beat a cycle; the next block may be held with the last beat of the one before.
// Stall rule  none: room was reserved. abort_i sends a beat that ends the burst.
module lora_outputs #(
    parameter LORA_LANES = 64,
    parameter LORA_LATENCY_CYCLES = 6,
    parameter ROM_DRAIN_ELEMENTS = 16,
    parameter LANE_COUNT_BITS = 7,
    parameter DELTA_COUNT_BITS = 5
) (
    input                               clk_i,
    input                               rst_i,
    input                               flush_i,
    input                         [1:0] group_i,
    input                               hold_i, // a block:
    input         [LANE_COUNT_BITS-1:0] count_i,
    input                               end_i, // the last one
    input                         [1:0] pair_i,
    input            [6*LORA_LANES-1:0] scale_low_i,
    input            [6*LORA_LANES-1:0] scale_middle_i,
    input            [6*LORA_LANES-1:0] scale_high_i,
    input                     [3*8-1:0] shifts_i, // of the pairs: requantiser.v
    input           [20*LORA_LANES-1:0] held_i,   // its accumulators, from the next cycle on
    input                               abort_i,
    output                              done_o, // the last beat is seen in the next cycle
    output                        [3:0] delta_valid_o,
    output       [DELTA_COUNT_BITS-1:0] delta_count_o,
    output                              delta_last_o,
    output                              delta_abort_o,
    output  [40*ROM_DRAIN_ELEMENTS-1:0] delta_data_o
);
    localparam ELEMENTS = ROM_DRAIN_ELEMENTS < LORA_LANES ? ROM_DRAIN_ELEMENTS : LORA_LANES; // most in a beat
    localparam BEATS = (LORA_LANES + ELEMENTS - 1) / ELEMENTS;                               // most of a block
    localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam COUNT_BITS = $clog2(ELEMENTS + 1);
    localparam EXTRA_STAGES = LORA_LATENCY_CYCLES - 6;
    localparam [31:0] MOST = ELEMENTS;

    wire go = !rst_i & !flush_i;

    // Hold.
    reg  [LANE_COUNT_BITS-1:0] left_q; // outputs of the block still to be sent
    reg  [BEAT_BITS-1:0]       beat_q;
    reg                        end_q;
    reg  [7:0]                 shift_q;
    reg  [6*LORA_LANES-1:0]    low_q, middle_q, high_q;
    wire                       send = left_q != {LANE_COUNT_BITS{1'b0}};
    wire                       block_ends = left_q <= MOST[LANE_COUNT_BITS-1:0];

    always @(posedge clk_i) begin
        if (!go) begin
            left_q <= {LANE_COUNT_BITS{1'b0}};
        end else if (hold_i) begin
            left_q <= count_i;
        end else if (send) begin
            left_q <= block_ends ? {LANE_COUNT_BITS{1'b0}} : left_q - MOST[LANE_COUNT_BITS-1:0];
        end
        if (hold_i) begin
            beat_q <= {BEAT_BITS{1'b0}};
            end_q <= end_i;
            shift_q <= shifts_i[8*pair_i +: 8];
            low_q <= scale_low_i;
            middle_q <= scale_middle_i;
            high_q <= scale_high_i;
        end else if (send) begin
            beat_q <= beat_q + 1'b1;
        end
    end

    // Of which a beat.
    wire [20*ELEMENTS-1:0] accumulators;
    wire [6*ELEMENTS-1:0]  low, middle, high;
    lane_select #(.LORA_LANES(LORA_LANES), .LANE_BITS(20), .ELEMENTS(ELEMENTS), .BEAT_BITS(BEAT_BITS)) accumulators_u (
        .enable_i(send), .beat_i(beat_q), .lanes_i(held_i), .elements_o(accumulators));
    lane_select #(.LORA_LANES(LORA_LANES), .LANE_BITS(6), .ELEMENTS(ELEMENTS), .BEAT_BITS(BEAT_BITS)) low_u (
        .enable_i(send), .beat_i(beat_q), .lanes_i(low_q), .elements_o(low));
    lane_select #(.LORA_LANES(LORA_LANES), .LANE_BITS(6), .ELEMENTS(ELEMENTS), .BEAT_BITS(BEAT_BITS)) middle_u (
        .enable_i(send), .beat_i(beat_q), .lanes_i(middle_q), .elements_o(middle));
    lane_select #(.LORA_LANES(LORA_LANES), .LANE_BITS(6), .ELEMENTS(ELEMENTS), .BEAT_BITS(BEAT_BITS)) high_u (
        .enable_i(send), .beat_i(beat_q), .lanes_i(high_q), .elements_o(high));

    // Scale, shift, saturate.
    reg                  product_valid_q, product_last_q, shifted_valid_q, shifted_last_q;
    reg [COUNT_BITS-1:0] product_count_q, shifted_count_q;
    reg [7:0]            product_shift_q;
    reg [35:0]           product_guard_q;

    always @(posedge clk_i) begin
        product_valid_q <= go & send;
        shifted_valid_q <= go & product_valid_q;
        if (send) begin
            product_last_q <= end_q & block_ends;
            product_count_q <= block_ends ? left_q[COUNT_BITS-1:0] : MOST[COUNT_BITS-1:0];
            product_shift_q <= shift_q;
            product_guard_q <= {36{1'b1}} << (6'd39 - shift_q[5:0]);
        end
        if (product_valid_q) begin
            shifted_last_q <= product_last_q;
            shifted_count_q <= product_count_q;
        end
    end

    wire [40*ELEMENTS-1:0] results;
    rescaler #(
        .ELEMENTS(ELEMENTS)
    ) rescaler_u (
        .clk_i         (clk_i),
        .multiply_i    (send),
        .accumulators_i(accumulators),
        .scale_low_i   (low),
        .scale_middle_i(middle),
        .scale_high_i  (high),
        .shift_i       (product_valid_q),
        .zero_i        (product_shift_q[7]),
        .left_i        (product_shift_q[6]),
        .amount_i      (product_shift_q[5:0]),
        .guard_i       (product_guard_q),
        .round_i       (shifted_valid_q),
        .results_o     (results)
    );

    // The rest of the latency: of the results, and a cycle earlier of what goes with them.
    wire                  valid, last;
    wire [COUNT_BITS-1:0] count;
    delay_line #(.STAGES(EXTRA_STAGES), .DATA_BITS(COUNT_BITS + 1)) beats_u (
        .clk_i(clk_i), .flush_i(!go), .valid_i(shifted_valid_q), .data_i({shifted_last_q, shifted_count_q}),
        .valid_o(valid), .data_o({last, count}));
    assign done_o = valid & last;

    reg                  result_valid_q;
    reg [3:0]            delta_valid_q;
    reg [COUNT_BITS-1:0] delta_count_q;
    reg                  delta_last_q, delta_abort_q;

    always @(posedge clk_i) begin
        result_valid_q <= go & shifted_valid_q;
        delta_valid_q <= go ? {3'b000, valid | abort_i} << group_i : 4'b0000;
        if (valid || abort_i) begin
            delta_count_q <= abort_i ? {COUNT_BITS{1'b0}} : count;
            delta_last_q <= abort_i | last;
            delta_abort_q <= abort_i;
        end
    end
    assign delta_valid_o = delta_valid_q;
    assign delta_last_o = delta_last_q;
    assign delta_abort_o = delta_abort_q;

    wire                   unused_valid;
    wire [40*ELEMENTS-1:0] data;
    delay_line #(.STAGES(EXTRA_STAGES), .DATA_BITS(40 * ELEMENTS)) results_u (
        .clk_i(clk_i), .flush_i(!go), .valid_i(result_valid_q), .data_i(results), .valid_o(unused_valid), .data_o(data));
    generate
        if (ROM_DRAIN_ELEMENTS > ELEMENTS) begin : gen_wide_link // fewer lanes than elements
            assign delta_count_o = {{DELTA_COUNT_BITS-COUNT_BITS{1'b0}}, delta_count_q};
            assign delta_data_o[40*ELEMENTS-1:0] = data;
            assign delta_data_o[40*ROM_DRAIN_ELEMENTS-1:40*ELEMENTS] = 0;
        end else begin : gen_link
            assign delta_count_o = delta_count_q;
            assign delta_data_o = data;
        end
    endgenerate
endmodule
