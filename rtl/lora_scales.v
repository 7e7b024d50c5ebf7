// lora_scales.v -- sets of 16-bit entries, one a lane, that come as three rows of six, six and four bits: scales and exponents of A's preamble, scales of a block of B.
//
//   row_i --> row of entries --> low | middle | high of set set_i --+--> all of set 0 (B's scales)
//                                                                   +--> one entry after the other (A's scales, then the exponents)
//
// Latency     take_i in n, write_i in n + 1: it is there in n + 2, when the block before has been held. next_i in n: entry_o has the next entry in n + 1.
// Throughput  a row, and an entry, a cycle.
// Stall rule  none.
module lora_scales #(
    parameter LORA_LANES = 64,
    parameter SETS = 1,
    parameter SET_BITS = 1
) (
    input                     clk_i,
    input                     take_i, // row_i is a row of entries; and in the next cycle:
    input  [6*LORA_LANES-1:0] row_i,
    input                     write_i,
    input               [1:0] third_i,
    input      [SET_BITS-1:0] set_i,
    input                     rewind_i,
    input                     next_i,
    output             [15:0] entry_o,
    output [6*LORA_LANES-1:0] low_o, // of set 0, a field a lane
    output [6*LORA_LANES-1:0] middle_o,
    output [6*LORA_LANES-1:0] high_o // four bits of each field are used
);
    localparam LANE_BITS = LORA_LANES > 1 ? $clog2(LORA_LANES) : 1;
    localparam [31:0] LAST_LANE = LORA_LANES - 1;

    reg [6*LORA_LANES-1:0] row_q;
    reg [6*LORA_LANES-1:0] low_q    [0:SETS-1];
    reg [6*LORA_LANES-1:0] middle_q [0:SETS-1];
    reg [6*LORA_LANES-1:0] high_q   [0:SETS-1];

    always @(posedge clk_i) begin
        if (take_i) begin
            row_q <= row_i;
        end
        if (write_i && third_i == 2'd0) begin
            low_q[set_i] <= row_q;
        end
        if (write_i && third_i == 2'd1) begin
            middle_q[set_i] <= row_q;
        end
        if (write_i && third_i == 2'd2) begin
            high_q[set_i] <= row_q;
        end
    end
    assign low_o = low_q[0];
    assign middle_o = middle_q[0];
    assign high_o = high_q[0];

    // One entry after the other.
    reg  [SET_BITS-1:0]  read_set_q;
    reg  [LANE_BITS-1:0] read_lane_q;
    reg  [15:0]          entry_q;
    wire                 set_ends = read_lane_q == LAST_LANE[LANE_BITS-1:0];

    always @(posedge clk_i) begin
        if (rewind_i) begin
            read_set_q <= {SET_BITS{1'b0}};
            read_lane_q <= {LANE_BITS{1'b0}};
        end else if (next_i) begin
            read_set_q <= set_ends ? read_set_q + 1'b1 : read_set_q;
            read_lane_q <= set_ends ? {LANE_BITS{1'b0}} : read_lane_q + 1'b1;
        end
        if (next_i) begin
            entry_q <= {high_q[read_set_q][6*read_lane_q +: 4], middle_q[read_set_q][6*read_lane_q +: 6],
                        low_q[read_set_q][6*read_lane_q +: 6]};
        end
    end
    assign entry_o = entry_q;
endmodule
