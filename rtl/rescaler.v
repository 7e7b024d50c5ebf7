// rescaler.v -- a beat's outputs: accumulator * scale, shifted, rounded, saturated.
//
//   accumulators_i * scales --> product --> shift right, or left --> + 1, >> 1, clamp to +-(2^39 - 1) --> results_o
//                  multiply_i              shift_i                  round_i
//
// Latency     a cycle for each of the three enables.
// Throughput  a beat a cycle.
// Stall rule  none: registers hold what they have without their enable.
// The shift leaves a bit below the point, to round with.
module rescaler #(
    parameter ELEMENTS = 16
) (
    input                    clk_i,
    input                    multiply_i,
    input  [20*ELEMENTS-1:0] accumulators_i,
    input   [6*ELEMENTS-1:0] scale_low_i,
    input   [6*ELEMENTS-1:0] scale_middle_i,
    /* verilator lint_off UNUSED */ // the upper two bits of each field
    input   [6*ELEMENTS-1:0] scale_high_i,
    /* verilator lint_on UNUSED */
    input                    shift_i, // with the following, of the pair:
    input                    zero_i,
    input                    left_i,
    input              [5:0] amount_i, // right: at most 35; left: at most 39
    input             [35:0] guard_i,  // left: the bits of a product that would be shifted beyond bit 38, and must be as its sign
    input                    round_i,
    output [40*ELEMENTS-1:0] results_o
);
    localparam signed [39:0] LEAST = 40'sh80_0000_0001;

    function signed [40:0] shifted;
        input signed [35:0] product;
        input               zero;
        input               left;
        input         [5:0] amount;
        input        [35:0] guard;
        reg signed   [40:0] wide;
        begin
            wide = {{4{product[35]}}, product, 1'b0};
            if (zero) begin
                shifted = 41'sd0;
            end else if (!left) begin
                shifted = wide >>> amount;
            end else if (((product ^ {36{product[35]}}) & guard) != 36'd0) begin
                shifted = {product[35], {39{!product[35]}}, 1'b0};
            end else begin
                shifted = wide <<< amount;
            end
        end
    endfunction

    // The largest that comes from the shift is even, so that rounding cannot overflow; the least is one too low.
    function signed [39:0] rounded;
        input signed [40:0] twice;
        reg signed   [39:0] once;
        begin
            once = twice[40:1] + {39'd0, twice[0]};
            rounded = once == {1'b1, 39'd0} ? LEAST : once;
        end
    endfunction

    reg [40*ELEMENTS-1:0] results_q;
    genvar e;
    generate
        for (e = 0; e < ELEMENTS; e = e + 1) begin : gen_element
            reg  signed [35:0] product_q;
            reg  signed [40:0] shifted_q;
            wire signed [19:0] accumulator = accumulators_i[20*e +: 20];
            wire signed [16:0] scale = {1'b0, scale_high_i[6*e +: 4], scale_middle_i[6*e +: 6], scale_low_i[6*e +: 6]};

            always @(posedge clk_i) begin
                if (multiply_i) begin
                    /* verilator lint_off WIDTH */ // signed operands are extended by their sign
                    product_q <= accumulator * scale;
                    /* verilator lint_on WIDTH */
                end
                if (shift_i) begin
                    shifted_q <= shifted(product_q, zero_i, left_i, amount_i, guard_i);
                end
                if (round_i) begin
                    results_q[40*e +: 40] <= rounded(shifted_q);
                end
            end
        end
    endgenerate
    assign results_o = results_q;
endmodule
