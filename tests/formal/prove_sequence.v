// prove_sequence.v -- lora_sequence: what each row of the regions A and B is, in the order of docs/lora_mac.md, for every shape of a job.
//
// The order is written here as the document writes it, in nested counters: of sets and thirds; of blocks, pairs and rows. With POSITION the number of rows so far
// is also compared with the document's sizes, "3 ceil((R + P) / L)", "for each block .. R rows", "three rows .. then r rows": for small shapes, as it takes products.
module prove_sequence #(
    parameter LORA_LANES = 64,
    parameter SLOTS_RANK_MAX = 128,
    parameter VECTOR_MAX = 262144, // inputs, outputs
    parameter POSITION = 0
) (
    input            clk_i,
    input            rst_any_i,
    input            start_a_i,
    input      [7:0] new_rank_i,
    input      [1:0] new_pair_count_i,
    input     [19:0] new_inputs_i,
    input [3*20-1:0] new_outputs_i,
    input            start_b_i,
    input            row_i,
    input            drop_i
);
    localparam ROWS_MAX = 3 * SLOTS_RANK_MAX;
    localparam SETS = (ROWS_MAX + 3 + LORA_LANES - 1) / LORA_LANES;
    localparam K_BITS = $clog2(ROWS_MAX);
    localparam SET_BITS = SETS > 1 ? $clog2(SETS) : 1;
    localparam COUNT_BITS = $clog2(LORA_LANES + 1);
    localparam [23:0] L = LORA_LANES;

    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    // The job, as lora_job keeps it.
    reg [7:0]      rank_q;
    reg [1:0]      pair_count_q;
    reg [19:0]     inputs_q;
    reg [3*20-1:0] outputs_q;
    reg            job_q;
    always @(posedge clk_i) job_q <= !rst_i & (job_q | start_a_i);
    always @(posedge clk_i) if (start_a_i) begin
        rank_q <= new_rank_i;
        pair_count_q <= new_pair_count_i;
        inputs_q <= new_inputs_i;
        outputs_q <= new_outputs_i;
    end
    function [9:0] times(input [1:0] pairs, input [7:0] rank); // rows of A in a block
        times = pairs == 2'd3 ? {2'b00, rank} + {1'b0, rank, 1'b0} : pairs == 2'd2 ? {1'b0, rank, 1'b0} : pairs == 2'd1 ? {2'b00, rank} : 10'd0;
    endfunction
    wire [9:0] new_rows = times(new_pair_count_i, new_rank_i);

    wire                  block_begins_o, last_o, row_valid_o, row_b_o, row_entry_o, row_first_o, row_last_o, row_end_o;
    wire [K_BITS-1:0]     k_o, row_k_o;
    wire [1:0]            row_third_o, row_pair_o;
    wire [SET_BITS-1:0]   row_set_o;
    wire [COUNT_BITS-1:0] row_count_o;
    lora_sequence #(.LORA_LANES(LORA_LANES), .SLOTS_RANK_MAX(SLOTS_RANK_MAX)) dut (
        .clk_i(clk_i), .rst_i(rst_i), .start_a_i(start_a_i), .new_rows_i(new_rows), .new_pair_count_i(new_pair_count_i), .new_inputs_i(new_inputs_i),
        .start_b_i(start_b_i), .rank_i(rank_q), .pair_count_i(pair_count_q), .outputs_i(outputs_q), .row_i(row_i), .drop_i(drop_i),
        .block_begins_o(block_begins_o), .last_o(last_o), .k_o(k_o), .row_valid_o(row_valid_o), .row_b_o(row_b_o),
        .row_entry_o(row_entry_o), .row_third_o(row_third_o), .row_set_o(row_set_o), .row_k_o(row_k_o), .row_pair_o(row_pair_o),
        .row_first_o(row_first_o), .row_last_o(row_last_o), .row_end_o(row_end_o), .row_count_o(row_count_o));
    (* hierconn *) wire [10:0]         \dut.entries_left_q ;
    (* hierconn *) wire [19:0]         \dut.left_q ;
    (* hierconn *) wire [7:0]          \dut.j_q ;
    (* hierconn *) wire [1:0]          \dut.third_q ;
    (* hierconn *) wire [1:0]          \dut.pair_q ;
    (* hierconn *) wire [SET_BITS-1:0] \dut.set_q ;
    (* hierconn *) wire [K_BITS-1:0]   \dut.pair_k_q ;
    (* hierconn *) wire                \dut.b_q ;
    (* hierconn *) wire                \dut.entry_q ;
    (* hierconn *) wire                \dut.first_block_q ;

    // Where the next row is: in region A or B (or in none), an entry or a weight; the loops' counters.
    reg        a_q, b_q, entry_q;
    reg [1:0]  third_q, pair_q;
    reg [23:0] set_q, block_q;
    reg [7:0]  j_q;
    wire [9:0]  rows = times(pair_count_q, rank_q);
    wire [23:0] entries = {14'd0, rows} + {22'd0, pair_count_q};
    wire [23:0] vector = {4'd0, a_q ? inputs_q : outputs_q[20*pair_q +: 20]};
    wire        sets_end = (set_q + 24'd1) * L >= entries;
    wire        blocks_end = (block_q + 24'd1) * L >= vector;
    wire        j_ends = j_q + 8'd1 == rank_q;
    wire        pairs_end = pair_q + 2'd1 == pair_count_q;
    wire [9:0]  k = times(pair_q, rank_q) + {2'b00, j_q}; // "row k = p r + j"
    wire        last = !entry_q & j_ends & blocks_end & pairs_end;

    always @(posedge clk_i) begin
        if (rst_i) begin
            {a_q, b_q} <= 2'b00;
        end else if (start_a_i || start_b_i) begin
            a_q <= start_a_i;
            b_q <= start_b_i;
            entry_q <= 1'b1;
            third_q <= 2'd0;
            set_q <= 24'd0;
            block_q <= 24'd0;
            pair_q <= 2'd0;
            j_q <= 8'd0;
        end else if (row_i && last) begin
            {a_q, b_q} <= 2'b00;
        end else if (row_i && entry_q) begin // "three rows": thirds of a set
            third_q <= third_q == 2'd2 ? 2'd0 : third_q + 2'd1;
            if (third_q == 2'd2) begin
                set_q <= set_q + 24'd1;
                entry_q <= a_q & !sets_end;
            end
        end else if (row_i) begin
            j_q <= j_ends ? 8'd0 : j_q + 8'd1;
            if (j_ends && a_q) begin // A: "for each block of L inputs: R rows", those of pair 0, 1, 2
                pair_q <= pairs_end ? 2'd0 : pair_q + 2'd1;
                block_q <= pairs_end ? block_q + 24'd1 : block_q;
            end
            if (j_ends && b_q) begin // B: "for each pair p, for each block of L outputs of it"
                entry_q <= 1'b1;
                set_q <= 24'd0;
                pair_q <= blocks_end ? pair_q + 2'd1 : pair_q;
                block_q <= blocks_end ? 24'd0 : block_q + 24'd1;
            end
        end
    end

    // The row that was at the pins in the cycle before.
    reg        was_q, was_b_q, was_entry_q, was_first_q, was_last_q, was_end_q;
    reg [1:0]  was_third_q, was_pair_q;
    reg [23:0] was_set_q, was_count_q;
    reg [9:0]  was_k_q;
    always @(posedge clk_i) begin
        was_q <= !rst_i & row_i & !drop_i;
        if (row_i) begin
            was_b_q <= b_q;
            was_entry_q <= entry_q;
            was_first_q <= b_q ? j_q == 8'd0 : block_q == 24'd0;
            was_last_q <= b_q ? j_ends : blocks_end;
            was_end_q <= last;
            was_third_q <= third_q;
            was_pair_q <= pair_q;
            was_set_q <= b_q ? 24'd0 : set_q;
            was_count_q <= blocks_end ? vector - block_q * L : L;
            was_k_q <= k;
        end
    end

    always @* if (!rst_i) begin
        // "r, 1 .. SLOTS_RANK_MAX"; "not 0" pairs; "n, 1 .. INPUTS_MAX"; outputs of a linear that is there.
        assume (new_rank_i >= 8'd1 && new_rank_i <= SLOTS_RANK_MAX && new_pair_count_i != 2'd0);
        assume (new_inputs_i >= 20'd1 && new_inputs_i <= VECTOR_MAX);
        assume (new_outputs_i[19:0] >= 20'd1 && new_outputs_i[19:0] <= VECTOR_MAX);
        assume (new_outputs_i[39:20] >= 20'd1 && new_outputs_i[39:20] <= VECTOR_MAX);
        assume (new_outputs_i[59:40] >= 20'd1 && new_outputs_i[59:40] <= VECTOR_MAX);
        // lora_control (prove_control): a region begins when no request is out; B's after A's. Rows come while one is.
        assume (!(start_a_i && start_b_i) && (job_q || !start_b_i));
        if (a_q || b_q) assume (!start_a_i && !start_b_i);
        else assume (!row_i);
    end

    wire [23:0] done = block_q * L;
    wire [23:0] entries_done = set_q * L;
    always @* if (!rst_i) begin
        // 1. What lora_mac does when a row ends at the pins.
        if (a_q || b_q) begin
            assert (last_o == last);
            assert (block_begins_o == (a_q & !entry_q & k == 10'd0));
            if (!entry_q) assert (k_o == k);
        end
        // 2. What is said of the row in the row register.
        assert (row_valid_o == was_q);
        if (row_valid_o) begin
            assert (row_b_o == was_b_q && row_entry_o == was_entry_q);
            if (row_entry_o) assert (row_third_o == was_third_q && row_set_o == was_set_q);
            else begin
                assert (row_k_o == was_k_q && row_pair_o == was_pair_q && row_first_o == was_first_q && row_last_o == was_last_q && row_end_o == was_end_q);
                if (row_b_o) assert (row_count_o == was_count_q && row_count_o != 0);
            end
        end
        // Invariants.
        assert (!(a_q && b_q));
        if (job_q) begin
            assert (rank_q >= 8'd1 && rank_q <= SLOTS_RANK_MAX && pair_count_q != 2'd0 && inputs_q >= 20'd1 && inputs_q <= VECTOR_MAX);
            assert (outputs_q[19:0] >= 20'd1 && outputs_q[39:20] >= 20'd1 && outputs_q[59:40] >= 20'd1);
            assert (outputs_q[19:0] <= VECTOR_MAX && outputs_q[39:20] <= VECTOR_MAX && outputs_q[59:40] <= VECTOR_MAX);
        end
        if (a_q || b_q) begin
            assert (job_q);
            assert (\dut.b_q == b_q && \dut.entry_q == entry_q && \dut.j_q == j_q && \dut.third_q == third_q && \dut.pair_q == pair_q);
            assert (third_q <= 2'd2 && pair_q < pair_count_q && j_q < rank_q);
            assert (k_o == k);
            assert (done < vector && \dut.left_q == vector - done);
            if (b_q) assert (\dut.pair_k_q == times(pair_q, rank_q) && \dut.set_q == 0);
            if (b_q && entry_q) assert (set_q == 24'd0);
            if (a_q) assert (\dut.first_block_q == (block_q == 24'd0));
            if (entry_q) assert (j_q == 8'd0 && (b_q || (pair_q == 2'd0 && block_q == 24'd0)));
            else assert (third_q == 2'd0);
            if (a_q && entry_q) assert (entries_done < entries && \dut.entries_left_q == entries - entries_done && \dut.set_q == set_q);
        end
        cover (was_q && was_end_q && was_b_q && was_pair_q == 2'd1 && was_count_q == 24'd1);
        cover (was_q && was_end_q && !was_b_q && !was_first_q && was_k_q == 10'd2);
        cover (was_q && was_entry_q && (was_set_q == 24'd1 || LORA_LANES > 8));
    end

    generate
        if (POSITION) begin : gen_position
            reg [11:0]  q; // rows of the region so far
            always @(posedge clk_i) q <= start_a_i || start_b_i ? 12'd0 : row_i ? q + 12'd1 : q;
            wire [11:0] r = rank_q, P = pair_count_q, R = rows, n = inputs_q;
            wire [11:0] s_all = (R + P + L[11:0] - 12'd1) / L[11:0];
            wire [11:0] b_0 = (outputs_q[11:0] + L[11:0] - 12'd1) / L[11:0], b_1 = (outputs_q[31:20] + L[11:0] - 12'd1) / L[11:0];
            wire [11:0] b_2 = (outputs_q[51:40] + L[11:0] - 12'd1) / L[11:0];
            wire [11:0] blocks_before = pair_q == 2'd0 ? 12'd0 : pair_q == 2'd1 ? b_0 : b_0 + b_1;
            wire [11:0] a_rows = 12'd3 * s_all + (n + L[11:0] - 12'd1) / L[11:0] * R;
            wire [11:0] b_rows = (b_0 + (P > 12'd1 ? b_1 : 12'd0) + (P > 12'd2 ? b_2 : 12'd0)) * (12'd3 + r);
            always @* if (!rst_i) begin
                // 3. The position of a row follows from what it is, and the region's last row is the request's last.
                if (a_q && entry_q) assert (q == 12'd3 * set_q[11:0] + third_q);
                if (a_q && !entry_q) assert (q == 12'd3 * s_all + block_q[11:0] * R + k);
                if (b_q) assert (q == (blocks_before + block_q[11:0]) * (12'd3 + r) + (entry_q ? third_q : 12'd3 + j_q));
                if (a_q) assert (last == (q + 12'd1 == a_rows));
                if (b_q) assert (last == (q + 12'd1 == b_rows));
            end
        end
    endgenerate
endmodule
