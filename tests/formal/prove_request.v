// prove_request.v -- lora_request: the fields of both requests are those of docs/lora_mac.md, for every shape of a job.
//
// A size is a product; what is multiplied is compared, then the product with one of the same factors.
module prove_request #(
    parameter LORA_LANES = 64,
    parameter ROW_WORDS = 6,
    parameter SLOTS_RANK_MAX = 128,
    parameter VECTOR_MAX = 262144
) (
    input            clk_i,
    input            pick_i,
    input      [7:0] new_rank_i,
    input      [1:0] new_pair_count_i,
    input     [19:0] new_inputs_i,
    input     [31:0] new_a_address_i,
    input     [15:0] new_a_pause_i,
    input            push_b_i,
    input [3*20-1:0] new_outputs_i,
    input     [31:0] new_b_address_i,
    input     [15:0] new_b_pause_i
);
    // The job, as lora_job keeps it.
    reg [7:0]      rank_q;
    reg [1:0]      pair_count_q;
    reg [3*20-1:0] outputs_q;
    reg [31:0]     b_address_q;
    reg [15:0]     b_pause_q;
    always @(posedge clk_i) if (pick_i) begin
        rank_q <= new_rank_i;
        pair_count_q <= new_pair_count_i;
        outputs_q <= new_outputs_i;
        b_address_q <= new_b_address_i;
        b_pause_q <= new_b_pause_i;
    end

    wire [9:0]  new_rows_o;
    wire [31:0] request_address_o, request_words_o;
    wire [15:0] request_first_rows_o, request_block_rows_o, request_pause_o;
    lora_request #(.LORA_LANES(LORA_LANES), .ROW_WORDS(ROW_WORDS)) dut (
        .clk_i(clk_i), .pick_i(pick_i), .new_rank_i(new_rank_i), .new_pair_count_i(new_pair_count_i), .new_inputs_i(new_inputs_i),
        .new_a_address_i(new_a_address_i), .new_a_pause_i(new_a_pause_i), .new_rows_o(new_rows_o), .push_b_i(push_b_i), .rank_i(rank_q),
        .pair_count_i(pair_count_q), .outputs_i(outputs_q), .b_address_i(b_address_q), .b_pause_i(b_pause_q),
        .request_address_o(request_address_o), .request_words_o(request_words_o), .request_first_rows_o(request_first_rows_o),
        .request_block_rows_o(request_block_rows_o), .request_pause_o(request_pause_o));

    (* hierconn *) wire [1:0]  \dut.pair_q ;
    (* hierconn *) wire [31:0] \dut.b_words_q ;
    (* hierconn *) wire [19:0] \dut.elements ;
    (* hierconn *) wire [9:0]  \dut.block_rows ;
    (* hierconn *) wire [12:0] \dut.extra_rows ;
    (* hierconn *) wire [31:0] \dut.words ;

    // The one size that is computed in this cycle. ceil_divide is proved apart (prove_divide).
    localparam [31:0] WORDS = ROW_WORDS;
    wire [19:0] blocks;
    ceil_divide #(.VALUE_BITS(20), .DIVISOR(LORA_LANES)) blocks_u (.value_i(\dut.elements ), .quotient_o(blocks));
    wire [31:0] words = ({12'd0, blocks} * {22'd0, \dut.block_rows } + {19'd0, \dut.extra_rows }) * WORDS;

    // "r is the largest rank among them; P pairs make R = r P rows of A"; "preamble of 3 ceil((R + P) / L) rows"; then R rows for each block of inputs.
    wire [31:0] r = new_rank_i, P = new_pair_count_i;
    wire [31:0] R = new_pair_count_i == 2'd1 ? r : new_pair_count_i == 2'd2 ? r + r : r + r + r;
    wire [10:0] sets;
    ceil_divide #(.VALUE_BITS(11), .DIVISOR(LORA_LANES)) sets_u (.value_i(R[10:0] + P[10:0]), .quotient_o(sets));
    wire [31:0] preamble = 32'd3 * {21'd0, sets};
    // "For each pair p, for each block of L outputs of it: three rows .., then r rows."
    wire [31:0] b_rows = {24'd0, rank_q} + 32'd3;

    reg        picked_q = 1'b0;
    reg [2:0]  age_q = 3'd0; // cycles since the pick
    reg        pushed_q = 1'b0;
    reg [31:0] a_address_q, a_words_q, b_words_q; // words of B: of the pairs so far
    reg [15:0] a_first_q, a_block_q, a_pause_q;
    always @(posedge clk_i) begin
        picked_q <= pick_i | picked_q;
        age_q <= pick_i ? 3'd1 : age_q == 3'd7 ? 3'd7 : age_q + 3'd1;
        pushed_q <= !pick_i & (push_b_i | pushed_q);
        if (pick_i) begin
            a_address_q <= new_a_address_i;
            a_words_q <= \dut.words ;
            a_first_q <= preamble + R;
            a_block_q <= R;
            a_pause_q <= new_a_pause_i;
            b_words_q <= 32'd0;
        end else if (age_q <= 3'd3 && age_q <= {1'b0, pair_count_q}) begin
            b_words_q <= b_words_q + \dut.words ;
        end
    end

    always @* begin
        // "r, 1 .. SLOTS_RANK_MAX", "not 0" pairs, "n, 1 .. INPUTS_MAX".
        assume (new_rank_i >= 8'd1 && new_rank_i <= SLOTS_RANK_MAX && new_pair_count_i != 2'd0);
        assume (new_inputs_i >= 20'd1 && new_inputs_i <= VECTOR_MAX);
        assume (new_outputs_i[19:0] <= VECTOR_MAX && new_outputs_i[39:20] <= VECTOR_MAX && new_outputs_i[59:40] <= VECTOR_MAX);
        // lora_control (prove_control): B is pushed four cycles after the pick at the soonest: A has rows, and the latency is 6.
        if (push_b_i) assume (picked_q && !pick_i && age_q >= 3'd4 && !pushed_q);
    end
    always @* begin
        // 1. The rows of A in a block, in the cycle of the pick.
        if (pick_i) assert (new_rows_o == R);
        // 2. What is computed: then "blocks * rows of a block + the preamble", in words; for A in the cycle of the pick, for pair p of B p + 1 cycles later.
        if (pick_i || (picked_q && age_q <= 3'd3)) assert (\dut.words == words);
        if (pick_i) assert (\dut.elements == new_inputs_i && \dut.block_rows == R && \dut.extra_rows == preamble);
        if (!pick_i && picked_q && age_q <= 3'd3) begin
            assert (\dut.elements == (age_q == 3'd1 ? outputs_q[19:0] : age_q == 3'd2 ? outputs_q[39:20] : outputs_q[59:40]));
            assert (\dut.block_rows == b_rows && \dut.extra_rows == 13'd0);
        end
        // 3. From the cycle after the pick on: A's request. From the one after B's push on: B's.
        if (picked_q && !pushed_q) begin
            assert (request_address_o == a_address_q && request_words_o == a_words_q && request_pause_o == a_pause_q);
            assert (request_first_rows_o == a_first_q && request_block_rows_o == a_block_q);
        end
        if (picked_q && pushed_q) begin
            assert (request_address_o == b_address_q && request_words_o == b_words_q && request_pause_o == b_pause_q);
            assert (request_first_rows_o == b_rows && request_block_rows_o == b_rows);
        end
        // Invariants.
        if (picked_q) begin
            assert (rank_q >= 8'd1 && rank_q <= SLOTS_RANK_MAX && pair_count_q != 2'd0);
            assert (outputs_q[19:0] <= VECTOR_MAX && outputs_q[39:20] <= VECTOR_MAX && outputs_q[59:40] <= VECTOR_MAX);
            assert (age_q != 3'd0 && \dut.pair_q == (age_q >= 3'd4 ? 2'd3 : age_q[1:0] - 2'd1));
            assert (\dut.b_words_q == b_words_q);
            if (pushed_q) assert (age_q > 3'd4);
        end
        cover (pushed_q && pair_count_q == 2'd3 && request_words_o > 32'd30 * WORDS);
    end
endmodule
