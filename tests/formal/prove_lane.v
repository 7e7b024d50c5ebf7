// prove_lane.v -- mac_lane: the product is a sum of shifted terms, and the accumulator never overflows: it is the sum of all its products in more bits.
//
// The multiplier is compared with shift-and-add, which shares nothing with it. The sum is followed for RANK_MAX products, the most that phase B adds.
module prove_lane #(
    parameter RANK_MAX = 128
) (
    input              clk_i,
    input              load_x_i,
    input signed [7:0] x_i,
    input              multiply_i,
    input signed [5:0] weight_i,
    input              use_x_i,
    input signed [7:0] broadcast_i,
    input              accumulate_i,
    input              first_i
);
    wire signed [13:0] product_o;
    wire signed [19:0] accumulator_o;
    mac_lane dut (
        .clk_i(clk_i), .load_x_i(load_x_i), .x_i(x_i), .multiply_i(multiply_i), .weight_i(weight_i), .use_x_i(use_x_i), .broadcast_i(broadcast_i),
        .accumulate_i(accumulate_i), .first_i(first_i), .product_o(product_o), .accumulator_o(accumulator_o));
    (* hierconn *) wire [7:0] \dut.x_q ;

    // weight = -32 w5 + 16 w4 + .. + w0, in 20 bits.
    reg                loaded_q = 1'b0, multiplied_q = 1'b0;
    reg signed [7:0]   x_q;
    wire signed [19:0] factor = use_x_i ? x_q : broadcast_i;
    wire signed [19:0] shift_and_add = (weight_i[0] ? factor : 20'sd0) + (weight_i[1] ? factor <<< 1 : 20'sd0) + (weight_i[2] ? factor <<< 2 : 20'sd0)
                                     + (weight_i[3] ? factor <<< 3 : 20'sd0) + (weight_i[4] ? factor <<< 4 : 20'sd0) - (weight_i[5] ? factor <<< 5 : 20'sd0);
    reg signed [19:0]  product_q;
    reg                of_h_q; // the product is of a value of h
    reg                summed_q = 1'b0;
    reg [7:0]          terms_q;
    reg signed [31:0]  sum_q;

    always @(posedge clk_i) begin
        if (load_x_i) begin
            loaded_q <= 1'b1;
            x_q <= x_i;
        end
        if (multiply_i) begin
            multiplied_q <= 1'b1;
            product_q <= shift_and_add;
            of_h_q <= !use_x_i;
        end
        if (accumulate_i) begin
            summed_q <= 1'b1;
            terms_q <= first_i ? 8'd1 : terms_q + 8'd1;
            sum_q <= (first_i ? 32'sd0 : sum_q) + product_q;
        end
    end

    always @* begin
        if (multiply_i && use_x_i) assume (loaded_q);
        // requantiser (prove_requantiser): h is in -127 .. 127.
        if (multiply_i && !use_x_i) assume (broadcast_i != -8'sd128);
        // lora_sequence (prove_sequence): a sum of B has at most "r, 1 .. SLOTS_RANK_MAX" terms, all of h.
        if (accumulate_i) assume (multiplied_q && of_h_q && (first_i || (summed_q && terms_q < RANK_MAX)));
    end
    wire signed [31:0] most = {12'd0, terms_q, 12'd0} - {19'd0, terms_q, 5'd0}; // 127 * 32 = 2^12 - 2^5 a term
    always @* begin
        // 1. The product, for all 2^14 pairs of factors; it fits 14 bits.
        if (multiplied_q) assert (product_o == product_q);
        // 2. The accumulator is the sum in 32 bits: nothing is lost at 20.
        if (summed_q) assert (accumulator_o == sum_q);
        // Invariants.
        if (loaded_q) assert (\dut.x_q == x_q);
        if (multiplied_q) assert (product_q >= -20'sd4096 && product_q <= 20'sd4096);
        if (multiplied_q && of_h_q) assert (product_q >= -20'sd4064 && product_q <= 20'sd4064);
        if (summed_q) assert (terms_q >= 8'd1 && terms_q <= RANK_MAX && sum_q <= most && sum_q >= -most);
        cover (summed_q && terms_q == 8'd3);
        cover (multiplied_q && product_q == 20'sd4096);
    end
endmodule
