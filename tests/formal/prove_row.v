// prove_row.v -- lora_row: a row is complete exactly when ROW_WORDS words have come, and it holds these words, in order, and no other.
//
// One word of the row, any one, is followed from the pins to the row register.
module prove_row #(
    parameter LORA_LANES = 8,
    parameter SRAM_WIDTH_BITS = 16,
    parameter SRAM_PORT_WORDS = 2,
    // Derived.
    parameter ROW_WORDS = (6 * LORA_LANES + SRAM_WIDTH_BITS - 1) / SRAM_WIDTH_BITS,
    parameter PORT_WORDS = ROW_WORDS < SRAM_PORT_WORDS ? ROW_WORDS : SRAM_PORT_WORDS,
    parameter COUNT_BITS = $clog2(PORT_WORDS + 1)
) (
    input                                  clk_i,
    input                                  rst_any_i,
    input                 [COUNT_BITS-1:0] count_i,
    input [PORT_WORDS*SRAM_WIDTH_BITS-1:0] data_i
);
    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    wire                    complete_o;
    wire [6*LORA_LANES-1:0] row_o;
    lora_row #(
        .LORA_LANES(LORA_LANES), .SRAM_WIDTH_BITS(SRAM_WIDTH_BITS), .ROW_WORDS(ROW_WORDS), .PORT_WORDS(PORT_WORDS)
    ) dut (.clk_i(clk_i), .rst_i(rst_i), .count_i(count_i), .data_i(data_i), .complete_o(complete_o), .row_o(row_o));
    (* hierconn *) wire [$clog2(ROW_WORDS+1)-1:0] \dut.there_q ;

    (* anyconst *) wire [15:0] word; // the one that is followed
    always @* assume (word < ROW_WORDS);

    reg [15:0]                there_q; // words of the present row
    reg                       kept_q;  // the followed word has come, as
    reg [SRAM_WIDTH_BITS-1:0] data_q;
    reg                       complete_q;
    wire                      comes = there_q <= word && word < there_q + count_i;
    wire [15:0]               at = word - there_q; // where at the pins
    always @(posedge clk_i) begin
        there_q <= rst_i || there_q + count_i == ROW_WORDS ? 16'd0 : there_q + count_i;
        kept_q <= !rst_i && (comes || (there_q != 16'd0 && kept_q));
        if (comes) data_q <= data_i[SRAM_WIDTH_BITS*at +: SRAM_WIDTH_BITS];
        complete_q <= !rst_i && count_i != 0 && there_q + count_i == ROW_WORDS;
    end

    // "words that come in this cycle, 0 .. PORT_WORDS, all of one row"
    always @* assume (count_i <= PORT_WORDS && there_q + count_i <= ROW_WORDS);

    // The row register with the zeros above the fields, which are not kept.
    wire [ROW_WORDS*SRAM_WIDTH_BITS-1:0] row = row_o;
    wire [SRAM_WIDTH_BITS-1:0] fields = {SRAM_WIDTH_BITS{1'b1}} >> (SRAM_WIDTH_BITS * (word + 16'd1) <= 6 * LORA_LANES ? 0 : SRAM_WIDTH_BITS * ROW_WORDS - 6 * LORA_LANES);
    wire [SRAM_WIDTH_BITS-1:0] word_there = row[SRAM_WIDTH_BITS*word +: SRAM_WIDTH_BITS];

    always @* if (!rst_i) begin
        // 1. Complete in the cycle in which the last of ROW_WORDS words comes.
        assert (complete_o == (count_i != 0 && there_q + count_i == ROW_WORDS));
        // 2. One cycle later the row register has every word of this row.
        if (complete_q) assert (kept_q && ((word_there ^ data_q) & fields) == 0);
        // Invariants.
        assert (there_q < ROW_WORDS && \dut.there_q == there_q);
        assert (kept_q == (there_q > word || complete_q));
        if (complete_q) assert (there_q == 16'd0);
        if (kept_q) assert (((word_there ^ data_q) & fields) == 0);
        cover (complete_q && count_i == 1 && word == ROW_WORDS - 1);
        cover (complete_o && (complete_q || PORT_WORDS < ROW_WORDS));
        cover (complete_o && count_i == 1);
    end
endmodule
