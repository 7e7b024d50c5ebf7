// lora_pick.v -- which of the four links' bursts is next: the one that has been at the front of its link for the longest; the lowest link among those that came together.
//
//   valid_i[4] --> waiting --> age matrix: for each two, who came first --> group_o
//
// Latency     none: a burst that comes in this cycle can be picked in it.
// Throughput  a pick a cycle.
// Stall rule  it picks when idle_i.
module lora_pick (
    input        clk_i,
    input        rst_i,
    input  [3:0] valid_i, // a burst is at the front of link g
    input  [3:0] taken_i, // its last beat is taken in this cycle: what is there in the next one is another burst
    input        idle_i,
    output       pick_o,
    output [1:0] group_o
);
    reg  [3:0] waiting_q; // it was there before this cycle
    wire [3:0] waiting_d = valid_i & ~taken_i;

    // The pairs of links (0,1) (0,2) (0,3) (1,2) (1,3) (2,3): the lower one's burst is the older one.
    reg  [5:0] lower_q;
    wire [5:0] lower_waits = {waiting_q[2], {2{waiting_q[1]}}, {3{waiting_q[0]}}};
    wire [5:0] upper_waits = {waiting_q[3], waiting_q[3:2], waiting_q[3:1]};
    wire [5:0] lower_d = (lower_waits & upper_waits & lower_q) | (lower_waits & ~upper_waits) | ~(lower_waits | upper_waits);

    // A burst is behind those in its pairs that are there and older.
    wire first_1 = valid_i[1] & !(valid_i[0] & lower_d[0] | valid_i[2] & !lower_d[3] | valid_i[3] & !lower_d[4]);
    wire first_2 = valid_i[2] & !(valid_i[0] & lower_d[1] | valid_i[1] & lower_d[3] | valid_i[3] & !lower_d[5]);
    wire first_3 = valid_i[3] & !(valid_i[0] & lower_d[2] | valid_i[1] & lower_d[4] | valid_i[2] & lower_d[5]);
    assign pick_o = idle_i & valid_i != 4'b0000;
    assign group_o = {first_3 | first_2, first_3 | first_1};

    always @(posedge clk_i) begin
        waiting_q <= rst_i ? 4'b0000 : waiting_d;
        lower_q <= lower_d;
    end
endmodule
