// prove_rescaler.v -- rescaler: a result is accumulator * scale, shifted by d with rounding or saturation, for every accumulator, scale and d of docs/numbers.md.
//
// d comes as requantiser.v encodes it (prove_requantiser) and with the guard that lora_outputs computes. The definition is written in 80 bits, where nothing is lost.
module prove_rescaler (
    input               clk_i,
    input        [19:0] accumulator_i,
    input        [15:0] scale_i,
    input         [1:0] unused_i, // bits of the row that are not the scale's
    input signed [17:0] d_i
);
    wire        left = d_i < 18'sd0;
    wire [17:0] far = left ? -d_i : d_i;
    wire [5:0]  amount = left && far > 18'd39 ? 6'd39 : far[5:0];
    reg         left_q, zero_q;
    reg [5:0]   amount_q;
    reg [35:0]  guard_q;
    wire [39:0] results_o;
    rescaler #(.ELEMENTS(1)) dut (
        .clk_i(clk_i), .multiply_i(1'b1), .accumulators_i(accumulator_i), .scale_low_i(scale_i[5:0]), .scale_middle_i(scale_i[11:6]),
        .scale_high_i({unused_i, scale_i[15:12]}), .shift_i(1'b1), .zero_i(zero_q), .left_i(left_q), .amount_i(amount_q), .guard_i(guard_q), .round_i(1'b1),
        .results_o(results_o));
    (* hierconn *) wire [35:0] \dut.gen_element[0].product_q ;

    reg [2:0] there_q = 3'b000;
    reg signed [17:0] d_q, d_q2, d_q3;
    wire signed [19:0] accumulator = accumulator_i;
    wire signed [16:0] scale = {1'b0, scale_i};
    reg signed [35:0]  product_q, product_q2, product_q3; // |accumulator| <= 2^19, scale < 2^16: less than 2^35
    always @(posedge clk_i) begin
        there_q <= {there_q[1:0], 1'b1};
        left_q <= left;
        zero_q <= d_i > 18'sd35;
        amount_q <= amount;
        guard_q <= {36{1'b1}} << (6'd39 - amount);
        product_q <= accumulator * scale;
        d_q <= d_i;
        d_q2 <= d_q;
        d_q3 <= d_q2;
        product_q2 <= \dut.gen_element[0].product_q ; // see 1
        product_q3 <= product_q2;
    end

    // "v shifted right by d with rounding (d > 62: 0), or left with saturation (d < 0), clamped to +-(2^39 - 1)"
    localparam signed [79:0] MOST = 80'sh7f_ffff_ffff;
    wire signed [79:0] v = product_q3;
    wire [17:0]        right = d_q3 > 18'sd62 ? 18'd63 : d_q3;
    wire [17:0]        up = -d_q3;
    wire signed [79:0] half = right == 18'd0 ? 80'sd0 : 80'sd1 << (right - 18'd1);
    wire signed [79:0] moved = d_q3 > 18'sd62 ? 80'sd0 : d_q3 >= 18'sd0 ? (v + half) >>> right : v <<< (up > 18'd42 ? 18'd42 : up);
    wire signed [79:0] expected = moved > MOST ? MOST : moved < -MOST ? -MOST : moved;
    always @* begin
        // 1. The product.
        if (there_q[0]) assert (\dut.gen_element[0].product_q == product_q);
        // 2. The result, three cycles after its accumulator.
        if (there_q[2]) assert (results_o == expected[39:0]);
        cover (there_q[2] && expected == -MOST && d_q3 == -18'sd20);
        cover (there_q[2] && d_q3 == 18'sd3 && expected == 80'sd7 && v[2:0] == 3'd4);
    end
endmodule
