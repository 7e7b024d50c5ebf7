// link.v -- the receiver's side of a registered link of DEPTH entries; the sender's output register is the wire.
//
//   sender's register: valid_i, data_i --+-----------------+--> valid_o, data_o --> receiver
//                                        +--> entries -----+
//   ready_o <-- DEPTH - entries - valid_i                  <--- ready_i (taken)
//
// Latency     a push in n, in which ready_o was high, is valid_i in n + 1, and valid_o in the same cycle if nothing is before it.
// Throughput  with DEPTH = 1 one entry every two cycles, else one a cycle.
// Stall rule  ready_o depends on registers only: room that is freed by taking in n is seen from n + 1 on.
module link #(
    parameter DATA_BITS = 32,
    parameter DEPTH = 1
) (
    input                  clk_i,
    input                  rst_i,
    output                 ready_o,
    input                  valid_i, // high for one cycle a push
    input  [DATA_BITS-1:0] data_i,
    input                  ready_i,
    output                 valid_o,
    output [DATA_BITS-1:0] data_o
);
    localparam INDEX_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam COUNT_BITS = $clog2(DEPTH + 1);
    localparam [31:0] ROOM = DEPTH;
    localparam [31:0] LAST = DEPTH - 1;

    reg  [DATA_BITS-1:0]  entries_q [0:DEPTH-1];
    reg  [INDEX_BITS-1:0] first_q, free_q; // the oldest entry, and where the next one goes
    reg  [COUNT_BITS-1:0] count_q;

    wire empty = count_q == {COUNT_BITS{1'b0}};
    wire take = valid_o & ready_i;
    wire store = valid_i & !(empty & ready_i); // it is not taken in the cycle in which it comes
    wire free = take & !empty;
    wire [COUNT_BITS:0] there = {1'b0, count_q} + {{COUNT_BITS{1'b0}}, valid_i};

    assign ready_o = there < ROOM[COUNT_BITS:0];
    assign valid_o = valid_i | !empty;
    assign data_o = empty ? data_i : entries_q[first_q];

    always @(posedge clk_i) begin
        if (rst_i) begin
            first_q <= {INDEX_BITS{1'b0}};
            free_q <= {INDEX_BITS{1'b0}};
            count_q <= {COUNT_BITS{1'b0}};
        end else begin
            if (store) begin
                free_q <= free_q == LAST[INDEX_BITS-1:0] ? {INDEX_BITS{1'b0}} : free_q + 1'b1;
            end
            if (free) begin
                first_q <= first_q == LAST[INDEX_BITS-1:0] ? {INDEX_BITS{1'b0}} : first_q + 1'b1;
            end
            if (store != free) begin
                count_q <= store ? count_q + 1'b1 : count_q - 1'b1;
            end
        end
        if (store) begin
            entries_q[free_q] <= data_i;
        end
    end
endmodule
