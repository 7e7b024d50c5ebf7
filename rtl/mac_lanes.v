// mac_lanes.v -- the lanes, and the sum over all of them in two steps.
//
//   row_i --> lane 0 .. LORA_LANES-1 --+--> products --> sums of groups of lanes --> sum_o     (A)
//                                      +--> accumulators --> held_o                            (B)
//
// Latency     from multiply_i: sum_o 3 cycles, held_o 3, with the enables of each stage in its cycle.
// Throughput  a row a cycle.
// Stall rule  none.
// Sums are written as chains, which synthesis makes trees of carry-save adders.
module mac_lanes #(
    parameter LORA_LANES = 64,
    parameter SUM_BITS = 20 // 14 + ceil(log2 LORA_LANES)
) (
    input                          clk_i,
    input                          load_x_i,
    input       [8*LORA_LANES-1:0] x_i,
    input                          multiply_i,
    input       [6*LORA_LANES-1:0] row_i,
    input                          use_x_i,
    input                    [7:0] broadcast_i,
    input                          add_i,         // products to partial sums
    input                          add_partial_i, // partial sums to the sum
    input                          accumulate_i,
    input                          first_i,
    input                          hold_i,
    output signed   [SUM_BITS-1:0] sum_o,
    output     [20*LORA_LANES-1:0] held_o
);
    localparam GROUP_LANES = 1 << ($clog2(LORA_LANES) + 1) / 2; // about the root: two steps of like depth
    localparam GROUPS = (LORA_LANES + GROUP_LANES - 1) / GROUP_LANES;
    localparam PARTIAL_BITS = 14 + $clog2(GROUP_LANES);

    reg [20*LORA_LANES-1:0] held_q;
    genvar l, g;
    generate
        for (l = 0; l < LORA_LANES; l = l + 1) begin : gen_lane
            wire signed [13:0] product;
            wire signed [19:0] accumulator;
            /* verilator lint_off UNUSED */ // the copies of the sign: mac_lane.v
            wire signed [31:0] sum; // of the group's lanes up to this one
            /* verilator lint_on UNUSED */
            always @(posedge clk_i) begin
                if (hold_i) begin
                    held_q[20*l +: 20] <= accumulator;
                end
            end
            mac_lane lane_u (
                .clk_i        (clk_i),
                .load_x_i     (load_x_i),
                .x_i          (x_i[8*l +: 8]),
                .multiply_i   (multiply_i),
                .weight_i     (row_i[6*l +: 6]),
                .use_x_i      (use_x_i),
                .broadcast_i  (broadcast_i),
                .accumulate_i (accumulate_i),
                .first_i      (first_i),
                .product_o    (product),
                .accumulator_o(accumulator)
            );
            /* verilator lint_off WIDTH */ // signed operands are extended by their sign
            if (l % GROUP_LANES == 0) begin : gen_first
                assign sum = product;
            end else begin : gen_further
                assign sum = gen_lane[l-1].sum + product;
            end
            /* verilator lint_on WIDTH */
        end
    endgenerate
    assign held_o = held_q;

    reg signed [SUM_BITS-1:0] sum_q;
    generate
        for (g = 0; g < GROUPS; g = g + 1) begin : gen_group
            localparam LAST = (g + 1) * GROUP_LANES < LORA_LANES ? (g + 1) * GROUP_LANES - 1 : LORA_LANES - 1;
            reg  signed [PARTIAL_BITS-1:0] partial_q;
            wire signed [SUM_BITS-1:0]     sum; // of the groups up to this one
            always @(posedge clk_i) begin
                if (add_i) begin
                    partial_q <= gen_lane[LAST].sum[PARTIAL_BITS-1:0];
                end
            end
            /* verilator lint_off WIDTH */ // signed operands are extended by their sign
            if (g == 0) begin : gen_first
                assign sum = partial_q;
            end else begin : gen_further
                assign sum = gen_group[g-1].sum + partial_q;
            end
            /* verilator lint_on WIDTH */
        end
    endgenerate
    always @(posedge clk_i) begin
        if (add_partial_i) begin
            sum_q <= gen_group[GROUPS-1].sum;
        end
    end
    assign sum_o = sum_q;
endmodule
