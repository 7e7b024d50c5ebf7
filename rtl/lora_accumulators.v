// lora_accumulators.v -- phase A's sums: an accumulator for each row of A; with the last block they become u = accumulator * scale, in the same memory.
//
//   valid_i           + 1                     + 2                     + 3
//   read memory[k] -> + sum_i -> acc -------> * scale_i -> u -------> largest |u| of the pair, memory[k] = u
//                     memory[k] = acc (not in the last block)
//
// Latency     done_o four cycles after the last row's valid_i: then u_o is memory[read_k_i] a cycle after read_i.
// Throughput  a row a cycle; a row may come again in the next cycle.
// Stall rule  none.
// largest_o is the OR of all |u| of a pair: it has as many bits as the largest.
module lora_accumulators #(
    parameter ROWS_MAX = 48,
    parameter K_BITS = 6,
    parameter SUM_BITS = 20
) (
    input                       clk_i,
    input                       rst_i,
    input                       flush_i,
    input                       start_i, // of a job
    input                       valid_i, // in a cycle before sum_i is there: a row of A with
    input                       first_i, // it is of the first block
    input                       last_i,  // of the last one
    input                       end_i,   // the very last row
    input          [K_BITS-1:0] k_i,
    input                 [1:0] pair_i,
    input signed [SUM_BITS-1:0] sum_i,
    output                      entry_next_o, // the row's scale is wanted in the next cycle
    input                [15:0] scale_i,
    output                      done_o,
    output           [3*47-1:0] largest_o,
    input                       read_i,
    input          [K_BITS-1:0] read_k_i,
    output               [47:0] u_o
);
    wire go = !rst_i & !flush_i;

    // valid_i + 1: accumulate
    reg               sum_valid_q, sum_first_q, sum_last_q, sum_end_q;
    reg [K_BITS-1:0]  sum_k_q;
    reg [1:0]         sum_pair_q;
    reg [47:0]        read_q;
    wire [31:0]       sum_before = sum_first_q ? 32'd0 : read_q[31:0];
    wire [31:0]       acc_d = sum_before + {{32-SUM_BITS{sum_i[SUM_BITS-1]}}, sum_i};
    assign entry_next_o = sum_valid_q & sum_last_q;

    // valid_i + 2: scale
    reg               acc_valid_q, acc_end_q;
    reg [K_BITS-1:0]  acc_k_q;
    reg [1:0]         acc_pair_q;
    reg signed [31:0] acc_q;
    wire signed [47:0] u_d = acc_q * $signed({1'b0, scale_i});

    // valid_i + 3: largest
    reg               u_valid_q, u_end_q, done_q;
    reg [K_BITS-1:0]  u_k_q;
    reg [1:0]         u_pair_q;
    reg signed [47:0] u_q;
    wire [46:0]       magnitude = u_q[47] ? -u_q[46:0] : u_q[46:0]; // |u| < 2^47
    reg [3*47-1:0]    largest_q;

    // Rows of the last block write u, those of others the accumulator; the last block's are later by more than the two stages between.
    reg  [47:0]       memory_q [0:ROWS_MAX-1];
    wire              write_acc = sum_valid_q & !sum_last_q;
    wire              write = write_acc | u_valid_q;
    wire [K_BITS-1:0] write_k = write_acc ? sum_k_q : u_k_q;
    wire [47:0]       write_data = write_acc ? {16'd0, acc_d} : u_q;
    wire [K_BITS-1:0] address = read_i ? read_k_i : k_i;

    always @(posedge clk_i) begin
        sum_valid_q <= go & valid_i;
        acc_valid_q <= go & sum_valid_q & sum_last_q;
        u_valid_q <= go & acc_valid_q;
        done_q <= go & u_valid_q & u_end_q;
        if (valid_i) begin
            sum_first_q <= first_i;
            sum_last_q <= last_i;
            sum_end_q <= end_i;
            sum_k_q <= k_i;
            sum_pair_q <= pair_i;
        end
        if (valid_i || read_i) begin
            read_q <= write && write_k == address ? write_data : memory_q[address];
        end
        if (sum_valid_q) begin
            acc_end_q <= sum_end_q;
            acc_k_q <= sum_k_q;
            acc_pair_q <= sum_pair_q;
            acc_q <= acc_d;
        end
        if (acc_valid_q) begin
            u_end_q <= acc_end_q;
            u_k_q <= acc_k_q;
            u_pair_q <= acc_pair_q;
            u_q <= u_d;
        end
        if (start_i) begin
            largest_q <= {3*47{1'b0}};
        end else if (u_valid_q) begin
            largest_q[47*u_pair_q +: 47] <= largest_q[47*u_pair_q +: 47] | magnitude;
        end
        if (write) begin
            memory_q[write_k] <= write_data;
        end
    end
    assign done_o = done_q;
    assign largest_o = largest_q;
    assign u_o = read_q;
endmodule
