// lora_sequence.v -- what each row is: the order of rows in the regions A and B, in counters.
//
//   A: sets of entries, three rows each; then for each block of inputs, each pair p, each j < rank: row k = p rank + j
//   B: for each pair p, each block of its outputs: three rows of entries; then each j < rank: row k = p rank + j
//
// block_begins_o, last_o, k_o are about the row that ends at the pins in this cycle (row_i); row_*_o about the one that is in the row register.
// Latency     one cycle from the pins to row_*_o.
// Throughput  a row a cycle.
// Stall rule  none. Rows that come with drop_i are counted, but are not row_valid_o.
module lora_sequence #(
    parameter LORA_LANES = 64,
    parameter SLOTS_RANK_MAX = 16,
    // Derived.
    parameter ROWS_MAX = 3 * SLOTS_RANK_MAX,
    parameter SETS = (ROWS_MAX + 3 + LORA_LANES - 1) / LORA_LANES,
    parameter K_BITS = $clog2(ROWS_MAX),
    parameter SET_BITS = SETS > 1 ? $clog2(SETS) : 1,
    parameter COUNT_BITS = $clog2(LORA_LANES + 1)
) (
    input                   clk_i,
    input                   rst_i,
    input                   start_a_i,
    input             [9:0] new_rows_i, // of a block of A
    input             [1:0] new_pair_count_i,
    input            [19:0] new_inputs_i,
    input                   start_b_i,
    input             [7:0] rank_i,
    input             [1:0] pair_count_i,
    input        [3*20-1:0] outputs_i,
    input                   row_i,
    input                   drop_i,
    output                  block_begins_o, // the first row of a block of A
    output                  last_o,         // of the region
    output     [K_BITS-1:0] k_o,

    output                  row_valid_o,
    output                  row_b_o,
    output                  row_entry_o,
    output            [1:0] row_third_o, // of a set of entries
    output   [SET_BITS-1:0] row_set_o,
    output     [K_BITS-1:0] row_k_o,
    output            [1:0] row_pair_o,
    output                  row_first_o, // A: of the first block; B: j = 0
    output                  row_last_o,  // A: of the last block; B: j = rank - 1
    output                  row_end_o,   // the last row of the region
    output [COUNT_BITS-1:0] row_count_o  // outputs in the block
);
    localparam [31:0] LANES = LORA_LANES;

    reg                b_q, b_d, entry_q, entry_d, first_block_q, first_block_d;
    reg [1:0]          third_q, third_d, pair_q, pair_d;
    reg [SET_BITS-1:0] set_q, set_d;
    reg [10:0]         entries_left_q, entries_left_d;
    reg [19:0]         left_q, left_d; // inputs or outputs, this block's included
    reg [7:0]          j_q, j_d;
    reg [K_BITS-1:0]   k_q, k_d, pair_k_q, pair_k_d; // pair_k: of the pair's first row

    wire       set_ends = third_q == 2'd2;
    wire       pair_rows_end = j_q == rank_i - 8'd1;
    wire [1:0] next_pair = pair_q + 2'd1;
    wire       pairs_end = next_pair == pair_count_i;
    wire       blocks_end = left_q <= LANES[19:0];

    assign block_begins_o = !b_q & !entry_q & k_q == {K_BITS{1'b0}};
    assign last_o = !entry_q & pair_rows_end & pairs_end & blocks_end;
    assign k_o = k_q;

    // The next row. The last one's successor does not matter.
    always @* begin
        b_d = b_q;
        entry_d = entry_q;
        first_block_d = first_block_q;
        third_d = third_q;
        set_d = set_q;
        entries_left_d = entries_left_q;
        pair_d = pair_q;
        left_d = left_q;
        j_d = j_q;
        k_d = k_q;
        pair_k_d = pair_k_q;
        if (start_a_i || start_b_i) begin
            b_d = start_b_i;
            entry_d = 1'b1;
            first_block_d = 1'b1;
            third_d = 2'd0;
            set_d = {SET_BITS{1'b0}};
            entries_left_d = {1'b0, new_rows_i} + {9'd0, new_pair_count_i};
            pair_d = 2'd0;
            left_d = start_a_i ? new_inputs_i : outputs_i[19:0];
            j_d = 8'd0;
            k_d = {K_BITS{1'b0}};
            pair_k_d = {K_BITS{1'b0}};
        end else if (row_i && entry_q) begin
            third_d = set_ends ? 2'd0 : third_q + 2'd1;
            if (set_ends) begin
                entry_d = !b_q && entries_left_q > LANES[10:0];
                entries_left_d = entries_left_q - LANES[10:0];
                set_d = b_q ? set_q : set_q + 1'b1;
            end
        end else if (row_i) begin
            j_d = pair_rows_end ? 8'd0 : j_q + 8'd1;
            k_d = k_q + 1'b1;
            if (pair_rows_end && b_q) begin
                entry_d = 1'b1;
                if (blocks_end) begin
                    pair_d = next_pair;
                    left_d = outputs_i[20*(next_pair[1] ? 2 : 1) +: 20];
                    pair_k_d = k_d;
                end else begin
                    left_d = left_q - LANES[19:0];
                    k_d = pair_k_q;
                end
            end else if (pair_rows_end) begin
                pair_d = pairs_end ? 2'd0 : next_pair;
                if (pairs_end) begin
                    first_block_d = 1'b0;
                    left_d = left_q - LANES[19:0];
                    k_d = {K_BITS{1'b0}};
                end
            end
        end
    end

    always @(posedge clk_i) begin
        b_q <= b_d;
        entry_q <= entry_d;
        first_block_q <= first_block_d;
        third_q <= third_d;
        set_q <= set_d;
        entries_left_q <= entries_left_d;
        pair_q <= pair_d;
        left_q <= left_d;
        j_q <= j_d;
        k_q <= k_d;
        pair_k_q <= pair_k_d;
    end

    // The row in the row register.
    reg                  row_valid_q, row_b_q, row_entry_q, row_first_q, row_last_q, row_end_q;
    reg [1:0]            row_third_q, row_pair_q;
    reg [SET_BITS-1:0]   row_set_q;
    reg [K_BITS-1:0]     row_k_q;
    reg [COUNT_BITS-1:0] row_count_q;

    always @(posedge clk_i) begin
        row_valid_q <= row_i & !drop_i & !rst_i;
        if (row_i) begin
            row_b_q <= b_q;
            row_entry_q <= entry_q;
            row_third_q <= third_q;
            row_set_q <= set_q;
            row_k_q <= k_q;
            row_pair_q <= pair_q;
            row_first_q <= b_q ? j_q == 8'd0 : first_block_q;
            row_last_q <= b_q ? pair_rows_end : blocks_end;
            row_end_q <= last_o;
            row_count_q <= blocks_end ? left_q[COUNT_BITS-1:0] : LANES[COUNT_BITS-1:0];
        end
    end
    assign row_valid_o = row_valid_q;
    assign row_b_o = row_b_q;
    assign row_entry_o = row_entry_q;
    assign row_third_o = row_third_q;
    assign row_set_o = row_set_q;
    assign row_k_o = row_k_q;
    assign row_pair_o = row_pair_q;
    assign row_first_o = row_first_q;
    assign row_last_o = row_last_q;
    assign row_end_o = row_end_q;
    assign row_count_o = row_count_q;
endmodule
