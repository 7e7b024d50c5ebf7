// prove_accumulators.v -- lora_accumulators: every u is (sum over all blocks of x) * scale exactly, and no accumulator overflows, for every shape that is allowed.
//
// One row of A, any one, is followed through all blocks; its sum has 64 bits here and 32 in the unit. There are INPUTS_MAX inputs at most, in blocks of LORA_LANES;
// a lane adds -128 * -32 at most (prove_lane). Rows come in order, in any cycles.
module prove_accumulators #(
    parameter LORA_LANES = 8,
    parameter INPUTS_MAX = 262144,
    parameter ROWS_MAX = 3
) (
    input               clk_i,
    input               rst_any_i,
    input               flush_i,
    input               start_i,
    input               valid_i,
    input         [1:0] pair_i,
    input signed [31:0] sum_any_i,
    input        [15:0] scale_i,
    input               read_i,
    input         [1:0] read_k_i,
    input         [1:0] rows_i,      // of the job that starts
    input               last_block_i // the block that begins is the last one
);
    localparam K_BITS = $clog2(ROWS_MAX);
    localparam SUM_BITS = 14 + $clog2(LORA_LANES);
    localparam [31:0] BLOCKS_MAX = (INPUTS_MAX + LORA_LANES - 1) / LORA_LANES;
    localparam signed [31:0] SUM_MOST = 4096 * LORA_LANES;
    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    // Rows, as lora_sequence has them (prove_sequence).
    reg         run_q, sent_q, last_q;
    reg  [1:0]  rows_q, k_q;
    reg  [31:0] block_q;
    wire        row = valid_i & run_q & !sent_q;
    wire        block_ends = k_q + 2'd1 == rows_q;
    wire        first = block_q == 32'd0;

    wire             entry_next_o, done_o;
    wire [3*47-1:0]  largest_o;
    wire [47:0]      u_o;
    lora_accumulators #(.ROWS_MAX(ROWS_MAX), .K_BITS(K_BITS), .SUM_BITS(SUM_BITS)) dut (
        .clk_i(clk_i), .rst_i(rst_i), .flush_i(flush_i), .start_i(start_i), .valid_i(valid_i), .first_i(first), .last_i(last_q), .end_i(last_q & block_ends),
        .k_i(k_q), .pair_i(pair_i), .sum_i(sum_any_i[SUM_BITS-1:0]), .entry_next_o(entry_next_o), .scale_i(scale_i), .done_o(done_o), .largest_o(largest_o),
        .read_i(read_i), .read_k_i(read_k_i), .u_o(u_o));
    (* hierconn *) wire [47:0] \dut.memory_q[0] ;
    (* hierconn *) wire [47:0] \dut.memory_q[1] ;
    (* hierconn *) wire [47:0] \dut.memory_q[2] ;
    (* hierconn *) wire [47:0] \dut.read_q ;
    (* hierconn *) wire [31:0] \dut.acc_q ;
    (* hierconn *) wire [47:0] \dut.u_q ;
    (* hierconn *) wire        \dut.sum_valid_q ;
    (* hierconn *) wire        \dut.sum_first_q ;
    (* hierconn *) wire        \dut.sum_last_q ;
    (* hierconn *) wire        \dut.sum_end_q ;
    (* hierconn *) wire        \dut.acc_valid_q ;
    (* hierconn *) wire        \dut.acc_end_q ;
    (* hierconn *) wire        \dut.u_valid_q ;
    (* hierconn *) wire        \dut.u_end_q ;
    (* hierconn *) wire [1:0]  \dut.sum_k_q ;
    (* hierconn *) wire [1:0]  \dut.acc_k_q ;
    (* hierconn *) wire [1:0]  \dut.u_k_q ;
    (* hierconn *) wire [1:0]  \dut.sum_pair_q ;
    (* hierconn *) wire [1:0]  \dut.acc_pair_q ;
    (* hierconn *) wire [1:0]  \dut.u_pair_q ;

    // The row that is followed, and the cycles since it came: its sum comes in the next one, then its scale.
    (* anyconst *) wire [1:0] f;
    (* anyconst *) wire [1:0] f_pair;
    reg                came_q, came_first_q, came_last_q; // one cycle ago
    reg                scale_q;                           // two cycles ago, in the last block
    reg                u_there_q;                         // its u is known
    reg  [31:0]        blocks_q;                          // that were added
    reg signed [63:0]  sum_q;
    reg signed [47:0]  u_q;
    reg                ended_q, ended_q2, ended_q3, done_q; // the very last row
    reg                reading_q;
    wire signed [47:0] product = $signed(\dut.acc_q ) * $signed({1'b0, scale_i}); // acc_q is sum_q: see 1
    wire signed [63:0] most = {32'd0, blocks_q} * SUM_MOST;
    wire               go = !rst_i & !flush_i;
    always @(posedge clk_i) begin
        run_q <= go & (start_i | (run_q & !done_o));
        if (start_i) begin
            rows_q <= rows_i;
            k_q <= 2'd0;
            block_q <= 32'd0;
            last_q <= last_block_i;
            sent_q <= 1'b0;
        end else if (row) begin
            k_q <= block_ends ? 2'd0 : k_q + 2'd1;
            block_q <= block_q + block_ends;
            if (block_ends) last_q <= last_q | last_block_i;
            sent_q <= last_q & block_ends;
        end
        came_q <= go & row & k_q == f;
        came_first_q <= first;
        came_last_q <= last_q;
        scale_q <= go & came_q & came_last_q;
        u_there_q <= !start_i & go & (u_there_q | scale_q);
        if (start_i) blocks_q <= 32'd0;
        else if (came_q) blocks_q <= blocks_q + 32'd1;
        if (came_q) sum_q <= (came_first_q ? 64'sd0 : sum_q) + sum_any_i;
        if (scale_q) u_q <= product;
        ended_q <= go & row & last_q & block_ends;
        ended_q2 <= go & ended_q;
        ended_q3 <= go & ended_q2;
        done_q <= go & ended_q3;
        reading_q <= go & read_i & read_k_i == f;
    end
    reg read_any_q; // all u are there, until the next job
    always @(posedge clk_i) read_any_q <= go & !start_i & (done_o | read_any_q);

    always @* begin
        assume (rows_i >= 2'd1 && rows_i <= ROWS_MAX);
        if (!run_q || sent_q) assume (!valid_i);
        if (run_q && valid_i && k_q == f) assume (pair_i == f_pair);
        assume (pair_i != 2'd3 && f_pair != 2'd3);
        assume (sum_any_i <= SUM_MOST && sum_any_i >= -SUM_MOST);
        // lora_control: a job starts when none is there; x ends.
        if (run_q) assume (!start_i);
        if (start_i) assume (f < rows_i);
        if (BLOCKS_MAX == 32'd1 ? start_i : row && block_ends && block_q + 32'd2 == BLOCKS_MAX) assume (last_block_i);
        // requantiser: reads begin with done_o.
        if (!(done_o || read_any_q) || start_i) assume (!read_i);
        assume (read_k_i < ROWS_MAX);
    end

    wire [47:0] memory = f == 2'd0 ? \dut.memory_q[0] : f == 2'd1 ? \dut.memory_q[1] : \dut.memory_q[2] ;
    wire [46:0] magnitude = u_q < 48'sd0 ? -u_q : u_q;
    reg                u_added_q; // to the largest
    always @(posedge clk_i) u_added_q <= !start_i & go & u_there_q;
    always @* if (!rst_i) begin
        // 1. No overflow at 32 bits: what the unit has of the sum is the sum. It is at most 2^30, so u is less than 2^30 2^16 = 2^46, and 48 bits are enough.
        if (scale_q) assert ($signed(\dut.acc_q ) == sum_q && sum_q <= 64'sd1073741824 && sum_q >= -64'sd1073741824);
        // 2. The scale is asked for in the cycle before it is used; the end is told four cycles after the last row.
        if (came_q) assert (entry_next_o == came_last_q);
        assert (done_o == done_q);
        // 3. What is read is u.
        if (reading_q) assert (u_o == u_q);
        // 4. All bits of |u| are in the largest of its pair.
        if (u_added_q) assert ((magnitude & ~largest_o[47*f_pair +: 47]) == 47'd0);
        // Invariants.
        assert (\dut.sum_valid_q || !came_q);
        if (\dut.sum_valid_q ) assert (came_q == (\dut.sum_k_q == f) && \dut.sum_end_q == ended_q && run_q);
        else assert (!ended_q);
        if (came_q) assert (\dut.sum_first_q == came_first_q && \dut.sum_last_q == came_last_q && \dut.sum_pair_q == f_pair);
        if (\dut.sum_valid_q && !\dut.sum_last_q ) assert (!\dut.acc_valid_q && !\dut.u_valid_q && !sent_q);
        if (\dut.sum_valid_q && !\dut.sum_last_q ) assert (!last_q || k_q == 2'd0);
        if (\dut.sum_valid_q && \dut.sum_last_q ) assert (last_q);
        if (\dut.acc_valid_q || \dut.u_valid_q ) assert (last_q && run_q);
        if (\dut.acc_valid_q ) assert (scale_q == (\dut.acc_k_q == f) && \dut.acc_end_q == ended_q2);
        else assert (!scale_q && !ended_q2);
        if (scale_q) assert (\dut.acc_pair_q == f_pair);
        if (\dut.u_valid_q ) assert (\dut.u_end_q == ended_q3 && (\dut.u_k_q == f) == (u_there_q & !u_added_q));
        else assert (!ended_q3);
        if (u_there_q && !u_added_q) assert (\dut.u_valid_q && \dut.u_k_q == f && \dut.u_q == u_q && \dut.u_pair_q == f_pair && run_q);
        if (u_added_q) assert (u_there_q && memory == u_q);
        if (reading_q) assert (u_added_q && \dut.read_q == u_q);
        if (run_q) begin
            assert (rows_q >= 2'd1 && rows_q <= ROWS_MAX && f < rows_q && k_q < rows_q);
            assert (sent_q || block_q < BLOCKS_MAX);
            assert (sent_q || block_q + 32'd1 < BLOCKS_MAX || last_q);
            assert (!sent_q || (last_q && k_q == 2'd0));
            assert (blocks_q + came_q == (sent_q ? block_q : block_q + (k_q > f)));
            assert (blocks_q <= BLOCKS_MAX && block_q <= BLOCKS_MAX);
            if (blocks_q != 32'd0) assert (sum_q <= most && sum_q >= -most);
            if (blocks_q != 32'd0 && !scale_q && !u_there_q) assert (memory[31:0] == sum_q[31:0]);
            if (came_q && !came_first_q) assert (blocks_q != 32'd0 && \dut.read_q [31:0] == sum_q[31:0]);
            if (came_q) assert (came_first_q == (blocks_q == 32'd0));
            if (came_q) assert (!scale_q && !u_there_q);
            if (scale_q) assert (!u_there_q && blocks_q != 32'd0);
        end
        if (!run_q) assert (!\dut.sum_valid_q && !\dut.acc_valid_q && !\dut.u_valid_q && !ended_q && !ended_q2 && !ended_q3 && !done_q);
        if (run_q) assert ((last_q && (sent_q || k_q > f)) == ((came_q && came_last_q) || scale_q || u_there_q));
        if (ended_q || ended_q2 || ended_q3 || done_q) assert (run_q && sent_q);
        assert (ended_q + ended_q2 + ended_q3 + done_q <= 3'd1);
        if (run_q && sent_q && \dut.sum_valid_q ) assert (ended_q);
        if (ended_q2) assert (\dut.acc_valid_q );
        if (ended_q3) assert (!\dut.acc_valid_q );
        if (done_q) assert (!\dut.acc_valid_q && !\dut.u_valid_q );
        if (ended_q2) assert (scale_q || u_there_q);
        if (ended_q3) assert (u_there_q);
        if (done_q || read_any_q) assert (u_added_q);
        if (read_any_q) assert (!run_q);
        cover (reading_q && u_q == -48'sd35 && blocks_q == 32'd2);
        cover (done_o && rows_q == 2'd1 && blocks_q == 32'd3);
    end
endmodule
