// ceil_divide.v -- ceil(value / DIVISOR) by a constant: wires where DIVISOR is a power of two, else a multiplication by its reciprocal.
//
// Combinational. v = value + DIVISOR - 1 has V = VALUE_BITS + 1 bits as DIVISOR <= 2^VALUE_BITS. With s = V + ceil(log2 DIVISOR) and
// m = ceil(2^s / DIVISOR), floor(v m / 2^s) = floor(v / DIVISOR), since m DIVISOR - 2^s < DIVISOR <= 2^(s - V). s is at most 31.
module ceil_divide #(
    parameter VALUE_BITS = 20,
    parameter DIVISOR = 64
) (
    input  [VALUE_BITS-1:0] value_i,
    output [VALUE_BITS-1:0] quotient_o
);
    localparam SHIFT = VALUE_BITS + 1 + $clog2(DIVISOR);
    localparam PRODUCT_BITS = SHIFT + VALUE_BITS;
    localparam RECIPROCAL_BITS = VALUE_BITS + 2;
    localparam [31:0] ROUND_UP = DIVISOR - 1;
    localparam [31:0] RECIPROCAL = ((32'd1 << SHIFT) + ROUND_UP) / DIVISOR;

    wire [VALUE_BITS:0] rounded = {1'b0, value_i} + ROUND_UP[VALUE_BITS:0];
    /* verilator lint_off UNUSED */ // the bits below the point
    wire [PRODUCT_BITS-1:0] product = {{PRODUCT_BITS-VALUE_BITS-1{1'b0}}, rounded} * {{PRODUCT_BITS-RECIPROCAL_BITS{1'b0}}, RECIPROCAL[RECIPROCAL_BITS-1:0]};
    /* verilator lint_on UNUSED */
    assign quotient_o = product[SHIFT +: VALUE_BITS];
endmodule
