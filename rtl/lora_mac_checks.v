// lora_mac_checks.v -- what the unit's environment owes it (docs/lora_mac.md), asserted in simulation. A failure is printed with its name and cycle, and stops.
//
// It listens only. Not there in synthesis and in proofs.
`ifndef SYNTHESIS
`ifndef FORMAL
module lora_mac_checks #(
    parameter LORA_LANES = 64,
    parameter LINK_ELEMENTS = 16,
    parameter ROM_DRAIN_ELEMENTS = 16,
    parameter SLOTS_RANK_MAX = 16,
    parameter INPUTS_MAX = 4096,
    parameter ROW_WORDS = 6,
    parameter PORT_WORDS = 6,
    parameter WORD_COUNT_BITS = 3,
    parameter LANE_COUNT_BITS = 7
) (
    input                       clk_i,
    input                       rst_i,
    input                 [3:0] x_valid_i,
    input                 [3:0] x_ready_i,
    input                       pick_i, // a job, with:
    input                 [7:0] rank_i,
    input                 [1:0] pair_count_i,
    input                [19:0] inputs_i,
    input                [10:0] beat_elements_i,
    input            [3*20-1:0] outputs_i, // from the next cycle on
    input                       x_next_i,  // a row that ends at the pins is the first one of a block of A
    input                       request_valid_i,
    input                [31:0] request_words_i,
    input [WORD_COUNT_BITS-1:0] word_count_i,
    input                 [3:0] delta_ready_i,
    input                 [3:0] delta_open_i,
    input                       hold_i, // a block of results is held, with:
    input [LANE_COUNT_BITS-1:0] count_i
);
    integer cycle;
    integer words_left; // of requests that were seen before this cycle
    integer row_words;  // there of the present row
    integer x_taken, x_inputs, x_beat, x_needed;
    integer beats_left; // of the block that is held

    reg       picked_q;
    reg [1:0] pair_count_q;
    reg       ready_known_q;
    reg [3:0] delta_ready_q;

    task check;
        input          holds;
        input [24*8:1] name;
        begin
            if (!holds) begin
                $display("lora_mac_checks: %0s, cycle %0d", name, cycle);
                $stop;
            end
        end
    endtask

    /* verilator lint_off WIDTH */    // integers
    /* verilator lint_off BLKSEQ */   // one process, in its order
    initial begin
        cycle = 0;
        words_left = 0;
        row_words = 0;
        x_taken = 0;
        x_inputs = 0;
        x_beat = 0;
        x_needed = 0;
        beats_left = 0;
        picked_q = 0;
        ready_known_q = 0;
    end

    always @(posedge clk_i) begin
        if (rst_i) begin
            words_left = 0;
            row_words = 0;
            x_taken = 0;
            x_needed = 0;
            beats_left = 0;
        end else begin
            // Words: only those that were asked for, of one row.
            if (word_count_i != 0) begin
                check(word_count_i <= PORT_WORDS, "at most PORT_WORDS");
                check(word_count_i <= words_left, "words were asked for");
                check(row_words + word_count_i <= ROW_WORDS, "words of one row");
                words_left = words_left - word_count_i;
                row_words = row_words + word_count_i;
                if (row_words >= ROW_WORDS) begin
                    row_words = 0;
                end
            end
            if (request_valid_i) begin
                words_left = words_left + request_words_i;
            end

            // x: without gaps, and a block's elements taken before this cycle, in which its first row ends.
            if (x_next_i) begin
                x_needed = x_needed + LORA_LANES < x_inputs ? x_needed + LORA_LANES : x_inputs;
                check(x_taken >= x_needed, "x before the block");
            end
            if (x_ready_i != 0) begin
                check((x_ready_i & ~x_valid_i) == 0, "x without gaps");
                x_taken = x_taken + x_beat;
                if (x_taken > x_inputs) begin
                    x_taken = x_inputs;
                end
            end

            // A job's fields.
            if (pick_i) begin
                check(rank_i >= 1 && rank_i <= SLOTS_RANK_MAX, "rank");
                check(pair_count_i >= 1, "pairs");
                check(inputs_i >= 1 && inputs_i <= INPUTS_MAX, "inputs");
                check(beat_elements_i >= 1 && beat_elements_i <= LINK_ELEMENTS, "elements of a beat");
                x_taken = 0;
                x_needed = 0;
                x_inputs = inputs_i;
                x_beat = beat_elements_i;
            end
            if (picked_q) begin
                check(outputs_i[19:0] != 0 && (pair_count_q < 2 || outputs_i[39:20] != 0) && (pair_count_q < 3 || outputs_i[59:40] != 0), "outputs");
            end

            // Results: room stays until it is used, and a block has left before the next one.
            if (ready_known_q) begin
                check((delta_ready_q & ~delta_ready_i & ~delta_open_i) == 0, "room for results");
            end
            if (beats_left > 0) begin
                beats_left = beats_left - 1;
            end
            if (hold_i) begin
                check(beats_left == 0, "pause after a block of B");
                beats_left = (count_i + ROM_DRAIN_ELEMENTS - 1) / ROM_DRAIN_ELEMENTS;
            end
        end
        picked_q <= pick_i & !rst_i;
        pair_count_q <= pair_count_i;
        ready_known_q <= !rst_i;
        delta_ready_q <= delta_ready_i;
        cycle = cycle + 1;
    end
    /* verilator lint_on BLKSEQ */
    /* verilator lint_on WIDTH */
endmodule
`endif
`endif
