// observed.v -- are the outputs of two LoRA MAC units the same? Data count only beside their valid, results only up to their number.
module observed #(
    parameter ROM_DRAIN_ELEMENTS = 16,
    parameter DELTA_COUNT_BITS = $clog2(ROM_DRAIN_ELEMENTS + 1)
) (
    input  [3:0]                       x_ready_gold, x_ready_gate,
    input                              request_valid_gold, request_valid_gate,
    input  [31:0]                      request_address_gold, request_address_gate,
    input  [31:0]                      request_words_gold, request_words_gate,
    input  [15:0]                      request_first_rows_gold, request_first_rows_gate,
    input  [15:0]                      request_block_rows_gold, request_block_rows_gate,
    input  [15:0]                      request_pause_gold, request_pause_gate,
    input  [3:0]                       delta_open_gold, delta_open_gate,
    input  [3:0]                       delta_valid_gold, delta_valid_gate,
    input  [DELTA_COUNT_BITS-1:0]      delta_count_gold, delta_count_gate,
    input                              delta_last_gold, delta_last_gate,
    input                              delta_abort_gold, delta_abort_gate,
    input  [40*ROM_DRAIN_ELEMENTS-1:0] delta_data_gold, delta_data_gate,
    input                              busy_gold, busy_gate,
    input                              aborted_gold, aborted_gate,
    output                             same_o
);
    wire always_same = {x_ready_gold, request_valid_gold, delta_open_gold, delta_valid_gold, busy_gold, aborted_gold}
                       == {x_ready_gate, request_valid_gate, delta_open_gate, delta_valid_gate, busy_gate, aborted_gate};
    wire request_same = {request_address_gold, request_words_gold, request_first_rows_gold, request_block_rows_gold, request_pause_gold}
                        == {request_address_gate, request_words_gate, request_first_rows_gate, request_block_rows_gate, request_pause_gate};
    wire delta_same = {delta_count_gold, delta_last_gold, delta_abort_gold} == {delta_count_gate, delta_last_gate, delta_abort_gate};
    wire [ROM_DRAIN_ELEMENTS-1:0] element_same;
    genvar e;
    generate
        for (e = 0; e < ROM_DRAIN_ELEMENTS; e = e + 1) begin : gen_element
            assign element_same[e] = e >= delta_count_gold || delta_data_gold[40*e +: 40] == delta_data_gate[40*e +: 40];
        end
    endgenerate
    assign same_o = always_same && (!request_valid_gold || request_same) && (delta_valid_gold == 4'd0 || (delta_same && &element_same));
endmodule
