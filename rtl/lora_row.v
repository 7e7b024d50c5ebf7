// lora_row.v -- the row register: gathers a lane row from the words that come.
//
//   data_i --> shift by the words that are there --> row register, a write enable a word --> row_o
//
// Latency     a row whose last word is at the pins in c (complete_o) is in row_o in c + 1, and may be overwritten from c + 2 on.
// Throughput  PORT_WORDS words a cycle, of one row.
// Stall rule  none: words are always taken.
module lora_row #(
    parameter LORA_LANES = 64,
    parameter SRAM_WIDTH_BITS = 64,
    parameter ROW_WORDS = 6,
    parameter PORT_WORDS = 6,
    parameter WORD_COUNT_BITS = $clog2(PORT_WORDS + 1) // derived
) (
    input                                   clk_i,
    input                                   rst_i,
    input  [WORD_COUNT_BITS-1:0]            count_i,
    input  [PORT_WORDS*SRAM_WIDTH_BITS-1:0] data_i,
    output                                  complete_o,
    output [6*LORA_LANES-1:0]               row_o
);
    localparam ROW_BITS = ROW_WORDS * SRAM_WIDTH_BITS; // the row's fields, and zeros above
    localparam FIELDS_BITS = 6 * LORA_LANES;
    localparam INDEX_BITS = $clog2(ROW_WORDS + 1);
    localparam [31:0] ALL = ROW_WORDS;

    reg  [INDEX_BITS-1:0] there_q; // words of the row
    wire [INDEX_BITS-1:0] count = {{INDEX_BITS-WORD_COUNT_BITS{1'b0}}, count_i};
    wire [INDEX_BITS-1:0] there = there_q + count;
    wire write = count_i != {WORD_COUNT_BITS{1'b0}};
    assign complete_o = write & there == ALL[INDEX_BITS-1:0];
    wire [INDEX_BITS-1:0] there_d = complete_o ? {INDEX_BITS{1'b0}} : there;

    always @(posedge clk_i) begin
        there_q <= rst_i ? {INDEX_BITS{1'b0}} : there_d;
    end

    // Words behind those that come are written as well: they come later, and again.
    /* verilator lint_off UNUSED */ // the bits above the fields
    reg  [ROW_BITS-1:0] placed;
    /* verilator lint_on UNUSED */
    wire [ROW_BITS-1:0] first_place;
    generate
        if (PORT_WORDS < ROW_WORDS) begin : gen_narrow
            assign first_place = {{ROW_BITS-PORT_WORDS*SRAM_WIDTH_BITS{1'b0}}, data_i};
        end else begin : gen_wide
            assign first_place = data_i;
        end
    endgenerate
    always @* begin
        placed = first_place;
        if (there_q != {INDEX_BITS{1'b0}}) begin // most rows come at once: simulation need not shift them
            placed = first_place << SRAM_WIDTH_BITS * there_q;
        end
    end

    reg [FIELDS_BITS-1:0] row_q;
    genvar w;
    generate
        for (w = 0; w < ROW_WORDS; w = w + 1) begin : gen_word
            localparam FIRST = w * SRAM_WIDTH_BITS;
            localparam BITS = FIRST + SRAM_WIDTH_BITS <= FIELDS_BITS ? SRAM_WIDTH_BITS : FIELDS_BITS - FIRST;
            always @(posedge clk_i) begin
                if (write && there_q <= w) begin
                    row_q[FIRST +: BITS] <= placed[FIRST +: BITS];
                end
            end
        end
    endgenerate
    assign row_o = row_q;
endmodule
