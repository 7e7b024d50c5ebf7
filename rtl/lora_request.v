// lora_request.v -- the fields of the two requests.
//
//   pick:          A's, from the burst's pins ----------------------------------\
//   pick + 1..3:   words of B, pair by pair --> b_words --- push of B: B's ------+--> request_*_o
//
// Latency     A's fields are there in the cycle after the pick, B's in the one after its push; they stay until the next ones come.
// Throughput  three cycles after a pick B's size is known: the rows of A take longer.
// Both sizes, (extra rows + blocks * rows of a block) * words of a row, go through one multiplier.
module lora_request #(
    parameter LORA_LANES = 64,
    parameter ROW_WORDS = 6
) (
    input             clk_i,
    input             pick_i,
    input       [7:0] new_rank_i,
    input       [1:0] new_pair_count_i,
    input      [19:0] new_inputs_i,
    input      [31:0] new_a_address_i,
    input      [15:0] new_a_pause_i,
    output      [9:0] new_rows_o, // of A in a block
    input             push_b_i,
    input       [7:0] rank_i,
    input       [1:0] pair_count_i,
    input [3*20-1:0]  outputs_i,
    input      [31:0] b_address_i,
    input      [15:0] b_pause_i,
    output     [31:0] request_address_o,
    output     [31:0] request_words_o,
    output     [15:0] request_first_rows_o,
    output     [15:0] request_block_rows_o,
    output     [15:0] request_pause_o
);
    localparam [31:0] WORDS = ROW_WORDS;
    localparam [1:0] DONE = 2'd3;

    // Rows of A: of a block, and of the preamble.
    wire [9:0] rank_wide = {2'b00, new_rank_i};
    assign new_rows_o = (new_pair_count_i[0] ? rank_wide : 10'd0) + (new_pair_count_i[1] ? rank_wide << 1 : 10'd0);
    wire [10:0] entries = {1'b0, new_rows_o} + {9'd0, new_pair_count_i};
    wire [10:0] sets;
    ceil_divide #(.VALUE_BITS(11), .DIVISOR(LORA_LANES)) sets_u (.value_i(entries), .quotient_o(sets));
    wire [12:0] preamble_rows = {2'b00, sets} + {1'b0, sets, 1'b0};

    // A size: of A in the cycle of the pick, then of B's pairs. It is unknown when nobody looks, and simulation need not compute it.
    reg  [1:0]  pair_q; // whose rows are counted
    reg  [31:0] b_words_q;
    wire [1:0]  pair_d = pick_i ? 2'd0 : pair_q == DONE ? DONE : pair_q + 2'd1;
    wire [8:0]  b_block_rows = {1'b0, rank_i} + 9'd3;
    reg  [19:0] elements;
    reg  [9:0]  block_rows;
    reg  [12:0] extra_rows;
    wire [19:0] blocks;
    reg  [31:0] words;
    ceil_divide #(.VALUE_BITS(20), .DIVISOR(LORA_LANES)) blocks_u (.value_i(elements), .quotient_o(blocks));

    always @* begin
        elements = {20{1'bx}};
        block_rows = {10{1'bx}};
        extra_rows = {13{1'bx}};
        if (pick_i) begin
            elements = new_inputs_i;
            block_rows = new_rows_o;
            extra_rows = preamble_rows;
        end else if (pair_q != DONE) begin
            elements = outputs_i[20*pair_q +: 20];
            block_rows = {1'b0, b_block_rows};
            extra_rows = 13'd0;
        end
    end
    always @* begin
        words = {32{1'bx}};
        if (pick_i || pair_q != DONE) begin
            words = ({12'd0, blocks} * {22'd0, block_rows} + {19'd0, extra_rows}) * WORDS;
        end
    end

    always @(posedge clk_i) begin
        pair_q <= pair_d;
        if (pick_i) begin
            b_words_q <= 32'd0;
        end else if (pair_q < pair_count_i) begin
            b_words_q <= b_words_q + words;
        end
    end

    reg [31:0] address_q, words_q;
    reg [15:0] first_rows_q, block_rows_q, pause_q;

    always @(posedge clk_i) begin
        if (pick_i) begin
            address_q <= new_a_address_i;
            words_q <= words;
            first_rows_q <= {3'd0, preamble_rows} + {6'd0, new_rows_o};
            block_rows_q <= {6'd0, new_rows_o};
            pause_q <= new_a_pause_i;
        end else if (push_b_i) begin
            address_q <= b_address_i;
            words_q <= b_words_q;
            first_rows_q <= {7'd0, b_block_rows};
            block_rows_q <= {7'd0, b_block_rows};
            pause_q <= b_pause_i;
        end
    end
    assign request_address_o = address_q;
    assign request_words_o = words_q;
    assign request_first_rows_o = first_rows_q;
    assign request_block_rows_o = block_rows_q;
    assign request_pause_o = pause_q;
endmodule
