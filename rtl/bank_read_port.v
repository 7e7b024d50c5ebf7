// bank_read_port.v -- the SRAM's side of the LoRA MAC unit's requests: which words it wants in each cycle.
//
//   request_* --> link --> stream: words left of the row, rows of the block, rows, pause --> want_o, address_o --> arbiter of the banks
//                             ^                                                          <-- grant_i, in the same cycle
//                             +-- returned_i: words that come back
//
// Latency     a request that is seen in n wants words from n on. When a block's last word is granted in g, the next block is wanted from g + 1 + pause on.
// Throughput  up to PORT_WORDS words a cycle, of one row; one request at a time: the next one is served when all words have come back.
// Stall rule  words that are not granted are wanted again.
// It counts words; data go from the banks to the unit, word_count_i being returned_i.
module bank_read_port #(
    parameter ROW_WORDS = 6,
    parameter PORT_WORDS = 6,
    parameter LINK_DEPTH = 1,
    parameter WORD_COUNT_BITS = $clog2(PORT_WORDS + 1) // derived
) (
    input                        clk_i,
    input                        rst_i,
    output                       request_ready_o,
    input                        request_valid_i,
    input                 [31:0] request_address_i,
    input                 [31:0] request_words_i,
    input                 [15:0] request_first_rows_i,
    input                 [15:0] request_block_rows_i,
    input                 [15:0] request_pause_i,
    output [WORD_COUNT_BITS-1:0] want_o,
    output                [31:0] address_o, // of the first of them
    input  [WORD_COUNT_BITS-1:0] grant_i,   // the first so many of them
    input  [WORD_COUNT_BITS-1:0] returned_i,
    output                       busy_o, // words are wanted, or on their way
    output                [31:0] outstanding_o // words granted and not yet returned
);
    localparam ROW_BITS = $clog2(ROW_WORDS + 1);
    localparam [31:0] ROW = ROW_WORDS;
    /* verilator lint_off UNUSED */ // where a row comes at once
    localparam [31:0] PORT = PORT_WORDS;
    /* verilator lint_on UNUSED */

    wire        valid;
    wire [31:0] address, words;
    wire [15:0] first_rows, block_rows, pause;
    reg         active_q;
    wire        take = valid & !active_q;

    link #(
        .DATA_BITS(112),
        .DEPTH    (LINK_DEPTH)
    ) link_u (
        .clk_i  (clk_i),
        .rst_i  (rst_i),
        .ready_o(request_ready_o),
        .valid_i(request_valid_i),
        .data_i ({request_address_i, request_words_i, request_first_rows_i, request_block_rows_i, request_pause_i}),
        .ready_i(!active_q),
        .valid_o(valid),
        .data_o ({address, words, first_rows, block_rows, pause})
    );

    // The stream in this cycle: a request that is taken, or what is left of it.
    reg  [31:0]         address_q, words_left_q, outstanding_q;
    reg  [ROW_BITS-1:0] row_left_q;
    reg  [15:0]         rows_left_q, pause_left_q; // rows of the block, the present one included
    reg  [15:0]         block_rows_q, pause_q;
    wire [31:0]         words_left = active_q ? words_left_q : take ? words : 32'd0;
    wire [ROW_BITS-1:0] row_left = active_q ? row_left_q : ROW[ROW_BITS-1:0];
    wire [15:0]         rows_left = active_q ? rows_left_q : first_rows;
    wire [15:0]         next_block_rows = active_q ? block_rows_q : block_rows;
    wire [15:0]         next_pause = active_q ? pause_q : pause;
    wire                pausing = active_q & pause_left_q != 16'd0;

    assign address_o = active_q ? address_q : address;
    wire [WORD_COUNT_BITS-1:0] most; // of what is left of the row
    generate
        if (PORT_WORDS < ROW_WORDS) begin : gen_narrow
            assign most = row_left > PORT[ROW_BITS-1:0] ? PORT[WORD_COUNT_BITS-1:0] : row_left[WORD_COUNT_BITS-1:0];
        end else begin : gen_wide
            assign most = row_left;
        end
    endgenerate
    assign want_o = pausing | words_left == 32'd0 ? {WORD_COUNT_BITS{1'b0}} : most;

    wire [31:0]         granted = {{32-WORD_COUNT_BITS{1'b0}}, grant_i};
    wire [31:0]         returned = {{32-WORD_COUNT_BITS{1'b0}}, returned_i};
    wire                row_ends = grant_i != {WORD_COUNT_BITS{1'b0}} & granted[ROW_BITS-1:0] == row_left;
    wire                block_ends = row_ends & rows_left == 16'd1;
    wire [31:0]         words_left_d = words_left - granted;
    wire [31:0]         outstanding_d = outstanding_q + granted - returned;

    always @(posedge clk_i) begin
        if (rst_i) begin
            active_q <= 1'b0;
            outstanding_q <= 32'd0;
        end else begin
            active_q <= (active_q | take) & (words_left_d != 32'd0 | outstanding_d != 32'd0);
            outstanding_q <= outstanding_d;
        end
        if (active_q || take) begin
            address_q <= address_o + granted;
            words_left_q <= words_left_d;
            row_left_q <= row_ends ? ROW[ROW_BITS-1:0] : row_left - granted[ROW_BITS-1:0];
            rows_left_q <= block_ends ? next_block_rows : row_ends ? rows_left - 16'd1 : rows_left;
            pause_left_q <= block_ends ? next_pause : pausing ? pause_left_q - 16'd1 : 16'd0;
        end
        if (take) begin
            block_rows_q <= block_rows;
            pause_q <= pause;
        end
    end
    assign busy_o = active_q | take;
    assign outstanding_o = outstanding_q;
endmodule
