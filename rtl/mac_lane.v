// mac_lane.v -- a lane: an 8 x 6 bit multiplier, and the accumulator of an output of B.
//
//   weight_i ---------------------------> * --> product_o --> + --> accumulator_o
//   x, held for a block, or broadcast_i --^                   ^----------'
//
// Latency     product_o a cycle after multiply_i, accumulator_o a cycle after accumulate_i.
// Throughput  a weight a cycle.
// Stall rule  none: registers hold what they have without their enable.
// The product of any two pin values fits 14 bits (-128 * -32 = 4096), the sum of 128 products with |h| <= 127 fits 20.
module mac_lane (
    input                clk_i,
    input                load_x_i,
    input  signed  [7:0] x_i,
    input                multiply_i,
    input  signed  [5:0] weight_i,
    input                use_x_i, // as the other factor; else broadcast_i
    input  signed  [7:0] broadcast_i,
    input                accumulate_i,
    input                first_i, // of a sum
    output signed [13:0] product_o,
    output signed [19:0] accumulator_o
);
    reg signed [7:0]  x_q;
    reg signed [13:0] product_q;
    reg signed [19:0] accumulator_q;

    // In 32 bits simulators need not mask; synthesis drops the copies of the sign.
    /* verilator lint_off UNUSED */ // those
    /* verilator lint_off WIDTH */  // signed operands are extended by their sign
    wire signed [31:0] factor = use_x_i ? x_q : broadcast_i;
    wire signed [31:0] product_d = factor * weight_i;
    /* verilator lint_on UNUSED */

    always @(posedge clk_i) begin
        if (load_x_i) begin
            x_q <= x_i;
        end
    end
    always @(posedge clk_i) begin
        if (multiply_i) begin
            product_q <= product_d[13:0];
        end
    end
    always @(posedge clk_i) begin
        if (accumulate_i) begin
            accumulator_q <= (first_i ? 20'sd0 : accumulator_q) + product_q;
        end
    end
    /* verilator lint_on WIDTH */
    assign product_o = product_q;
    assign accumulator_o = accumulator_q;
endmodule
