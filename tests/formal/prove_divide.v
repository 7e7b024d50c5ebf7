// prove_divide.v -- ceil_divide is ceil(value / DIVISOR) for every value: the only q with q DIVISOR >= value > (q - 1) DIVISOR.
module prove_divide #(
    parameter VALUE_BITS = 20,
    parameter DIVISOR = 24
) (
    input [VALUE_BITS-1:0] value_i
);
    wire [VALUE_BITS-1:0] quotient_o;
    ceil_divide #(.VALUE_BITS(VALUE_BITS), .DIVISOR(DIVISOR)) dut (.value_i(value_i), .quotient_o(quotient_o));
    wire [VALUE_BITS+11:0] up = quotient_o * DIVISOR;
    always @* begin
        // lora_request: vectors of INPUTS_MAX = 2^18 elements at most.
        assume (VALUE_BITS < 20 || value_i <= 20'h40000);
        // 1. q DIVISOR reaches value, (q - 1) DIVISOR does not.
        assert (up >= value_i && up < value_i + DIVISOR);
        cover (quotient_o == 3 && up != value_i);
    end
endmodule
