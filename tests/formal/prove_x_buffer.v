// prove_x_buffer.v -- lora_x_buffer: every element of x is in its lane of its block, however beats and blocks lie; exactly n elements' beats are taken.
//
// One element, any one, is followed from its beat to the block in which it is read.
module prove_x_buffer #(
    parameter LORA_LANES = 2,
    parameter LINK_ELEMENTS = 3,
    parameter INPUTS_MAX = 8
) (
    input                         clk_i,
    input                         rst_any_i,
    input                         start_i,
    input                  [19:0] inputs_i,
    input                  [10:0] beat_elements_i,
    input                   [1:0] group_i,
    input                   [3:0] valid_i,
    input [4*8*LINK_ELEMENTS-1:0] data_i,
    input                         next_i
);
    localparam WORD_BLOCKS = (LINK_ELEMENTS + LORA_LANES - 1) / LORA_LANES;
    localparam WORD_ELEMENTS = WORD_BLOCKS * LORA_LANES;
    localparam WORDS = (INPUTS_MAX + WORD_ELEMENTS - 1) / WORD_ELEMENTS;
    localparam INDEX_BITS = $clog2(WORDS + 1);
    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    wire                    active_o, last_o;
    wire [8*LORA_LANES-1:0] block_o;
    lora_x_buffer #(.LORA_LANES(LORA_LANES), .LINK_ELEMENTS(LINK_ELEMENTS), .INPUTS_MAX(INPUTS_MAX)) dut (
        .clk_i(clk_i), .rst_i(rst_i), .start_i(start_i), .inputs_i(inputs_i), .beat_elements_i(beat_elements_i), .group_i(group_i),
        .valid_i(valid_i), .data_i(data_i), .active_o(active_o), .last_o(last_o), .next_i(next_i), .block_o(block_o));
    (* hierconn *) wire [19:0] \dut.left_q ;
    (* hierconn *) wire [$clog2(LINK_ELEMENTS+1)-1:0] \dut.step_q ;
    (* hierconn *) wire [$clog2(2*WORD_ELEMENTS)-1:0] \dut.fill_q ;
    (* hierconn *) wire [INDEX_BITS-1:0] \dut.word_q ;
    (* hierconn *) wire [INDEX_BITS-1:0] \dut.read_q ;
    (* hierconn *) wire [(WORD_BLOCKS>2?1:0):0] \dut.gen_blocks.part_q ; // with several blocks in a word
    (* hierconn *) wire [8*WORD_ELEMENTS-1:0] \dut.staging_q ;
    (* hierconn *) wire [8*WORD_ELEMENTS-1:0] \dut.memory_q[0] ;
    (* hierconn *) wire [8*WORD_ELEMENTS-1:0] \dut.memory_q[1] ;
    (* hierconn *) wire [8*WORD_ELEMENTS-1:0] \dut.memory_q[2] ;
    (* hierconn *) wire [8*WORD_ELEMENTS-1:0] \dut.memory_q[3] ;

    (* anyconst *) wire [7:0] element; // the one that is followed
    reg        job_q;
    reg [7:0]  n_q, step_q, taken_q, block_q; // elements taken, blocks read
    reg [7:0]  kept_q;
    wire       take = job_q & taken_q < n_q & valid_i[group_i];
    wire       comes = take && taken_q <= element && element < taken_q + step_q;
    wire [8*LINK_ELEMENTS-1:0] beat = data_i[8*LINK_ELEMENTS*group_i +: 8*LINK_ELEMENTS];
    wire [7:0] at = element - taken_q;
    wire [7:0] end_of_block = (block_q + 8'd1) * LORA_LANES;
    always @(posedge clk_i) begin
        job_q <= !rst_i & (job_q | start_i);
        if (start_i) begin
            n_q <= inputs_i;
            step_q <= beat_elements_i;
            taken_q <= 8'd0;
            block_q <= 8'd0;
        end else begin
            if (take) taken_q <= taken_q + step_q;
            if (next_i) block_q <= block_q + 8'd1;
        end
        if (comes) kept_q <= beat[8*at +: 8];
    end

    always @* begin
        assume (element < INPUTS_MAX);
        // "n, 1 .. INPUTS_MAX"; "elements of x in a beat, 1 .. E"
        assume (inputs_i >= 20'd1 && inputs_i <= INPUTS_MAX && beat_elements_i >= 11'd1 && beat_elements_i <= LINK_ELEMENTS);
        if (!rst_i) begin
            // lora_control: the next job begins when x of this one has been taken.
            if (job_q && taken_q < n_q) assume (!start_i);
            // "The elements of x of a block must be taken no later than the cycle before the last word of the block's first row is at the pins."
            if (next_i) assume (job_q && block_q * LORA_LANES < n_q && taken_q >= (end_of_block < n_q ? end_of_block : n_q));
        end
    end

    wire [7:0] w = element / WORD_ELEMENTS, lane_of_word = element % WORD_ELEMENTS;
    wire [8*WORD_ELEMENTS-1:0] word = w == 0 ? \dut.memory_q[0] : w == 1 ? \dut.memory_q[1] : w == 2 ? \dut.memory_q[2] : \dut.memory_q[3] ;
    wire [7:0] lane = element % LORA_LANES;
    wire [15:0] there = \dut.word_q * WORD_ELEMENTS + \dut.fill_q ;
    always @* if (!rst_i) begin
        // 1. Beats are taken until there are n elements; last_o is with the last one.
        assert (active_o == (job_q & taken_q < n_q));
        assert (last_o == (take & taken_q + step_q >= n_q));
        // 2. In its block, in its lane, is the element.
        if (next_i && element < n_q && element / LORA_LANES == block_q) assert (block_o[8*lane +: 8] == kept_q);
        // Invariants.
        if (!job_q) assert (\dut.left_q == 20'd0);
        if (job_q) begin
            assert (n_q >= 8'd1 && n_q <= INPUTS_MAX && step_q >= 8'd1 && step_q <= LINK_ELEMENTS && \dut.step_q == step_q);
            assert (\dut.left_q == (taken_q < n_q ? n_q - taken_q : 8'd0));
            assert (taken_q < n_q + step_q && there == taken_q && \dut.fill_q < WORD_ELEMENTS);
            assert (block_q * LORA_LANES < n_q + LORA_LANES);
            assert (\dut.read_q == block_q / WORD_BLOCKS);
            if (WORD_BLOCKS > 1) assert (\dut.gen_blocks.part_q == block_q % WORD_BLOCKS);
            if (element < taken_q && w < \dut.word_q ) assert (word[8*lane_of_word +: 8] == kept_q);
            if (element < taken_q && w == \dut.word_q ) assert (\dut.staging_q [8*lane_of_word +: 8] == kept_q);
            if (element >= taken_q && w == \dut.word_q ) assert (\dut.staging_q [8*lane_of_word +: 8] == 8'd0);
        end
        cover (next_i && block_q == 8'd1 && n_q == INPUTS_MAX && step_q == 8'd1 && element / LORA_LANES == 1);
        cover (next_i && block_q == 8'd2 && taken_q > n_q || LORA_LANES * 3 > INPUTS_MAX || LINK_ELEMENTS < 3);
        cover (last_o && step_q == LINK_ELEMENTS && block_q == 8'd1);
    end
endmodule
