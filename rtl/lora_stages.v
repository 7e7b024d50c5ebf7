// lora_stages.v -- what lora_sequence knows of the row in the row register, for the two stages behind it.
//
//   row_* (multiply) --> product_* (add; B: accumulate; entries: to the scales) --> partial_* (add; B: hold)
//
// Latency     one and two cycles.
// Throughput  a row a cycle.
// Stall rule  none.
module lora_stages #(
    parameter K_BITS = 6,
    parameter SET_BITS = 1,
    parameter COUNT_BITS = 7
) (
    input                   clk_i,
    input                   rst_i,
    input                   flush_i,
    input                   valid_i,
    input                   b_i,
    input                   entry_i,
    input             [1:0] third_i,
    input    [SET_BITS-1:0] set_i,
    input      [K_BITS-1:0] k_i,
    input             [1:0] pair_i,
    input                   first_i,
    input                   last_i,
    input                   end_i,
    input  [COUNT_BITS-1:0] count_i,

    output                  product_entry_o,
    output                  product_a_o, // a row of A's weights
    output                  product_b_o, // a row of B's
    output                  product_first_o,
    output            [1:0] product_third_o,
    output   [SET_BITS-1:0] product_set_o,
    output                  partial_a_o,
    output                  partial_block_o, // a block of B is complete
    output                  partial_first_o,
    output                  partial_last_o,
    output                  partial_end_o,
    output     [K_BITS-1:0] partial_k_o,
    output            [1:0] partial_pair_o,
    output [COUNT_BITS-1:0] partial_count_o
);
    reg                  entry_q, a_q, b_q, first_q, last_q, end_q;
    reg [1:0]            third_q, pair_q;
    reg [SET_BITS-1:0]   set_q;
    reg [K_BITS-1:0]     k_q;
    reg [COUNT_BITS-1:0] count_q;
    reg                  a_q2, block_q2, first_q2, last_q2, end_q2;
    reg [1:0]            pair_q2;
    reg [K_BITS-1:0]     k_q2;
    reg [COUNT_BITS-1:0] count_q2;

    wire go = !rst_i & !flush_i;

    always @(posedge clk_i) begin
        entry_q <= go & valid_i & entry_i;
        a_q <= go & valid_i & !entry_i & !b_i;
        b_q <= go & valid_i & !entry_i & b_i;
        a_q2 <= go & a_q;
        block_q2 <= go & b_q & last_q;
        if (valid_i) begin
            first_q <= first_i;
            last_q <= last_i;
            end_q <= end_i;
            third_q <= third_i;
            set_q <= set_i;
            k_q <= k_i;
            pair_q <= pair_i;
            count_q <= count_i;
        end
        if (a_q || b_q) begin
            first_q2 <= first_q;
            last_q2 <= last_q;
            end_q2 <= end_q;
            k_q2 <= k_q;
            pair_q2 <= pair_q;
            count_q2 <= count_q;
        end
    end
    assign product_entry_o = entry_q;
    assign product_a_o = a_q;
    assign product_b_o = b_q;
    assign product_first_o = first_q;
    assign product_third_o = third_q;
    assign product_set_o = set_q;
    assign partial_a_o = a_q2;
    assign partial_block_o = block_q2;
    assign partial_first_o = first_q2;
    assign partial_last_o = last_q2;
    assign partial_end_o = end_q2;
    assign partial_k_o = k_q2;
    assign partial_pair_o = pair_q2;
    assign partial_count_o = count_q2;
endmodule
