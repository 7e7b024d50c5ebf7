// delay_line.v -- data some cycles later.
//
//   valid_i, data_i --> register 1 --> .. --> register STAGES --> valid_o, data_o        (STAGES = 0: wires)
//
// Latency     STAGES cycles.
// Throughput  one a cycle.
// Stall rule  none. flush_i empties it.
module delay_line #(
    parameter STAGES = 1,
    parameter DATA_BITS = 8
) (
    input                  clk_i,
    input                  flush_i,
    input                  valid_i,
    input  [DATA_BITS-1:0] data_i,
    output                 valid_o,
    output [DATA_BITS-1:0] data_o
);
    genvar s;
    generate
        for (s = 0; s <= STAGES; s = s + 1) begin : gen_stage
            wire                 valid;
            wire [DATA_BITS-1:0] data;
            if (s == 0) begin : gen_in
                assign valid = valid_i;
                assign data = data_i;
            end else begin : gen_register
                reg                 valid_q;
                reg [DATA_BITS-1:0] data_q;
                always @(posedge clk_i) begin
                    valid_q <= gen_stage[s-1].valid & !flush_i;
                    if (gen_stage[s-1].valid) begin
                        data_q <= gen_stage[s-1].data;
                    end
                end
                assign valid = valid_q;
                assign data = data_q;
            end
        end
    endgenerate
    assign valid_o = gen_stage[STAGES].valid;
    assign data_o = gen_stage[STAGES].data;

    generate
        if (STAGES == 0) begin : gen_unused
            /* verilator lint_off UNUSED */ // wires need neither
            wire unused = clk_i & flush_i;
            /* verilator lint_on UNUSED */
        end
    endgenerate
endmodule
