// lora_x_buffer.v -- x of the present job: taken beat by beat, read block by block.
//
//   data_i --> shift to its place --+--> staging: the word that is being filled --+--> block_o
//                                   +--> memory: words that are full -------------+
//
// A word is as many whole blocks of LORA_LANES elements as hold a beat. A beat has the same number of elements all through a job, up to LINK_ELEMENTS.
// Latency     elements that are taken in t can be read in t + 1.
// Throughput  a beat and a block a cycle.
// Stall rule  none: there is room for all INPUTS_MAX elements. Blocks are read in order.
module lora_x_buffer #(
    parameter LORA_LANES = 64,
    parameter LINK_ELEMENTS = 16,
    parameter INPUTS_MAX = 4096
) (
    input                        clk_i,
    input                        rst_i,
    input                        start_i, // a new x, with the following:
    input                 [19:0] inputs_i,
    /* verilator lint_off UNUSED */ // it is at most LINK_ELEMENTS
    input                 [10:0] beat_elements_i,
    /* verilator lint_on UNUSED */
    input                  [1:0] group_i, // of the four links' beats
    input                  [3:0] valid_i,
    input [4*8*LINK_ELEMENTS-1:0] data_i,
    output                       active_o, // beats are still to be taken
    output                       last_o,   // the last one is taken in this cycle
    input                        next_i,   // block_o is read in this cycle
    output    [8*LORA_LANES-1:0] block_o
);
    localparam WORD_BLOCKS = (LINK_ELEMENTS + LORA_LANES - 1) / LORA_LANES;
    localparam WORD_ELEMENTS = WORD_BLOCKS * LORA_LANES;
    localparam WORD_BITS = 8 * WORD_ELEMENTS;
    localparam BEAT_BITS = 8 * LINK_ELEMENTS;
    localparam WORDS = (INPUTS_MAX + WORD_ELEMENTS - 1) / WORD_ELEMENTS;
    localparam INDEX_BITS = $clog2(WORDS + 1);
    localparam ADDRESS_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam FILL_BITS = $clog2(2 * WORD_ELEMENTS);
    localparam STEP_BITS = $clog2(LINK_ELEMENTS + 1);
    localparam [31:0] FULL = WORD_ELEMENTS;

    reg  [19:0]           left_q; // elements still to be taken
    reg  [STEP_BITS-1:0]  step_q; // elements in a beat
    reg  [FILL_BITS-1:0]  fill_q; // elements in the staging word
    reg  [INDEX_BITS-1:0] word_q; // which word that is
    reg  [WORD_BITS-1:0]  staging_q;
    reg  [WORD_BITS-1:0]  memory_q [0:WORDS-1];

    wire                 take = active_o & valid_i[group_i];
    wire [19:0]          step_wide = {{20-STEP_BITS{1'b0}}, step_q};
    wire [FILL_BITS-1:0] filled = fill_q + {{FILL_BITS-STEP_BITS{1'b0}}, step_q};
    wire                 full = filled >= FULL[FILL_BITS-1:0];
    assign active_o = left_q != 20'd0;
    assign last_o = take & left_q <= step_wide;

    // The beat's elements, the others zero, put behind what is there: they may go beyond this word into the next one.
    reg [BEAT_BITS-1:0]           beat, shown;
    reg [WORD_BITS+BEAT_BITS-1:0] merged;
    integer e;
    always @* begin
        shown = {BEAT_BITS{1'bx}};
        beat = {BEAT_BITS{1'b0}};
        merged = {{WORD_BITS{1'bx}}, shown};
        if (take) begin
            shown = data_i[BEAT_BITS*group_i +: BEAT_BITS];
            for (e = 0; e < LINK_ELEMENTS; e = e + 1) begin
                if (e < step_q) begin
                    beat[8*e +: 8] = shown[8*e +: 8];
                end
            end
            merged = {{WORD_BITS{1'b0}}, beat} << 8 * fill_q;
            merged[WORD_BITS-1:0] = merged[WORD_BITS-1:0] | staging_q;
        end
    end

    always @(posedge clk_i) begin
        if (rst_i) begin
            left_q <= 20'd0;
        end else if (start_i) begin
            left_q <= inputs_i;
        end else if (take) begin
            left_q <= last_o ? 20'd0 : left_q - step_wide;
        end
        if (start_i) begin
            step_q <= beat_elements_i[STEP_BITS-1:0];
            fill_q <= {FILL_BITS{1'b0}};
            word_q <= {INDEX_BITS{1'b0}};
        end else if (take) begin
            fill_q <= full ? filled - FULL[FILL_BITS-1:0] : filled;
            word_q <= full ? word_q + 1'b1 : word_q;
        end
        if (start_i) begin
            staging_q <= 0;
        end else if (take && full) begin
            memory_q[word_q[ADDRESS_BITS-1:0]] <= merged[WORD_BITS-1:0];
            staging_q <= {{WORD_BITS-BEAT_BITS{1'b0}}, merged[WORD_BITS +: BEAT_BITS]};
        end else if (take) begin
            staging_q <= merged[WORD_BITS-1:0];
        end
    end

    // Reading: a word, and of it a block.
    reg  [INDEX_BITS-1:0] read_q;
    wire [WORD_BITS-1:0]  word = !next_i ? {WORD_BITS{1'bx}} : read_q == word_q ? staging_q : memory_q[read_q[ADDRESS_BITS-1:0]];
    wire                  word_ends;

    always @(posedge clk_i) begin
        if (start_i) begin
            read_q <= {INDEX_BITS{1'b0}};
        end else if (next_i && word_ends) begin
            read_q <= read_q + 1'b1;
        end
    end
    generate
        if (WORD_BLOCKS == 1) begin : gen_one_block
            assign word_ends = 1'b1;
            assign block_o = word;
        end else begin : gen_blocks
            localparam PART_BITS = $clog2(WORD_BLOCKS);
            localparam [31:0] LAST_PART = WORD_BLOCKS - 1;
            reg [PART_BITS-1:0] part_q;
            assign word_ends = part_q == LAST_PART[PART_BITS-1:0];
            assign block_o = word[8*LORA_LANES*part_q +: 8*LORA_LANES];
            always @(posedge clk_i) begin
                if (start_i) begin
                    part_q <= {PART_BITS{1'b0}};
                end else if (next_i) begin
                    part_q <= word_ends ? {PART_BITS{1'b0}} : part_q + 1'b1;
                end
            end
        end
    endgenerate
endmodule
