// requantiser.v -- u -> h: int8 with one shift for a pair; and the shift of the pair's results.
//
//   largest |u| of the pair --> s = max(0, bits - 7) --v
//   read_k_o --> u_i ------------------------------> 2 u >> s --> (+ 1) >> 1, clamp --> h memory --> h_o = h[k_i]
//                          base_exponent - exponent_i - s -------------------------> shifts_o
//
// Latency     start_i in n: h[k] is there in n + 4 + k.
// Throughput  an h a cycle, pair by pair. Phase B uses them in that order and no sooner: its first three rows are scales.
// Stall rule  none.
// shifts_o, eight bits a pair: {the result is 0, to the left, by how much}. The products that are shifted have 36 bits, so that a right shift by 36 or more gives 0,
// and a left shift by 39 saturates whatever is not 0.
module requantiser #(
    parameter ROWS_MAX = 48,
    parameter K_BITS = 6
) (
    input               clk_i,
    input               rst_i,
    input               flush_i,
    input               start_i,
    input         [7:0] rank_i,
    input         [1:0] pair_count_i,
    input    [3*16-1:0] base_exponent_i,
    input    [3*47-1:0] largest_i,
    output              read_o, // u_i is u[read_k_o] in the next cycle
    output [K_BITS-1:0] read_k_o,
    input        [47:0] u_i,
    output              exponent_next_o, // exponent_i is the next pair's in the next cycle
    input        [15:0] exponent_i,
    input  [K_BITS-1:0] k_i,
    output        [7:0] h_o,
    output    [3*8-1:0] shifts_o
);
    wire go = !rst_i & !flush_i;

    // Read u; s from the largest.
    reg               run_q;
    reg  [K_BITS-1:0] k_q;
    reg  [7:0]        j_q;
    reg  [1:0]        pair_q;
    wire              pair_ends = j_q == rank_i - 8'd1;
    wire [1:0]        next_pair = pair_q + 2'd1;
    wire              ends = pair_ends & next_pair == pair_count_i;
    wire [46:0]       largest = largest_i[47*pair_q +: 47];
    reg  [5:0]        s_d;
    assign read_o = run_q;
    assign read_k_o = k_q;
    assign exponent_next_o = run_q & k_q < {{K_BITS-2{1'b0}}, pair_count_i};

    integer b;
    always @* begin
        s_d = 6'd0;
        if (run_q) begin
            for (b = 7; b < 47; b = b + 1) begin
                if (largest[b]) begin
                    s_d = b[5:0] - 6'd6;
                end
            end
        end
    end

    always @(posedge clk_i) begin
        run_q <= go & (start_i | (run_q & !ends));
        if (start_i) begin
            k_q <= {K_BITS{1'b0}};
            j_q <= 8'd0;
            pair_q <= 2'd0;
        end else if (run_q) begin
            k_q <= k_q + 1'b1;
            j_q <= pair_ends ? 8'd0 : j_q + 8'd1;
            pair_q <= pair_ends ? next_pair : pair_q;
        end
    end

    // Shift.
    reg                shift_valid_q, shift_first_q, shift_exponent_q;
    reg  [K_BITS-1:0]  shift_k_q;
    reg  [1:0]         shift_pair_q;
    reg  [5:0]         shift_s_q;
    reg  [3*16-1:0]    exponent_q;
    /* verilator lint_off UNUSED */ // what is above the lowest ten bits is their sign
    wire signed [48:0] shifted = $signed({u_i, 1'b0}) >>> shift_s_q;
    /* verilator lint_on UNUSED */

    // Round, clamp.
    reg                round_valid_q, round_first_q;
    reg  [K_BITS-1:0]  round_k_q;
    reg  [1:0]         round_pair_q;
    reg  [5:0]         round_s_q;
    reg  signed [9:0]  round_u_q;
    wire signed [9:0]  rounded = (round_u_q + 10'sd1) >>> 1;
    wire signed [7:0]  h_d = rounded > 10'sd127 ? 8'sd127 : rounded < -10'sd127 ? -8'sd127 : rounded[7:0];
    reg  signed [7:0]  h_q [0:ROWS_MAX-1];
    assign h_o = h_q[k_i];

    // The shift of the pair's results.
    reg  [3*8-1:0]     shifts_q;
    wire [15:0]        base_exponent = base_exponent_i[16*round_pair_q +: 16];
    wire [15:0]        exponent = exponent_q[16*round_pair_q +: 16];
    wire signed [17:0] shift = $signed({{2{base_exponent[15]}}, base_exponent}) - $signed({{2{exponent[15]}}, exponent}) - $signed({12'd0, round_s_q});
    wire signed [17:0] shift_left = -shift;
    wire [5:0]         amount = !shift[17] ? shift[5:0] : shift_left > 18'sd39 ? 6'd39 : shift_left[5:0];

    always @(posedge clk_i) begin
        shift_valid_q <= go & run_q;
        round_valid_q <= go & shift_valid_q;
        if (run_q) begin
            shift_first_q <= j_q == 8'd0;
            shift_exponent_q <= exponent_next_o;
            shift_k_q <= k_q;
            shift_pair_q <= pair_q;
            shift_s_q <= s_d;
        end
        if (shift_valid_q) begin
            round_first_q <= shift_first_q;
            round_k_q <= shift_k_q;
            round_pair_q <= shift_pair_q;
            round_s_q <= shift_s_q;
            round_u_q <= shifted[9:0];
        end
        if (shift_valid_q && shift_exponent_q) begin
            exponent_q[16*shift_k_q[1:0] +: 16] <= exponent_i;
        end
        if (round_valid_q) begin
            h_q[round_k_q] <= h_d;
        end
        if (round_valid_q && round_first_q) begin
            shifts_q[8*round_pair_q +: 8] <= {shift > 18'sd35, shift[17], amount};
        end
    end
    assign shifts_o = shifts_q;
endmodule
