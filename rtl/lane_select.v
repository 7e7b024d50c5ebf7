// lane_select.v -- the lanes that go into a beat: lane beat_i * ELEMENTS and the following.
//
// Combinational. Elements without a lane, in the last beat, are 0; all are unknown while enable_i is low, when nobody looks and simulation need not select.
module lane_select #(
    parameter LORA_LANES = 64,
    parameter LANE_BITS = 20,
    parameter ELEMENTS = 16,
    parameter BEAT_BITS = 2
) (
    input                             enable_i,
    input             [BEAT_BITS-1:0] beat_i,
    input  [LANE_BITS*LORA_LANES-1:0] lanes_i,
    output [LANE_BITS*ELEMENTS-1:0]   elements_o
);
    localparam BITS = LANE_BITS * ELEMENTS;
    localparam PADDED_BITS = (LORA_LANES + ELEMENTS - 1) / ELEMENTS * BITS;

    wire [PADDED_BITS-1:0] padded;
    generate
        if (PADDED_BITS > LANE_BITS * LORA_LANES) begin : gen_padding
            assign padded = {{PADDED_BITS-LANE_BITS*LORA_LANES{1'b0}}, lanes_i};
        end else begin : gen_whole
            assign padded = lanes_i;
        end
    endgenerate

    reg [BITS-1:0] elements;
    always @* begin
        elements = {BITS{1'bx}};
        if (enable_i) begin
            elements = padded[BITS*beat_i +: BITS];
        end
    end
    assign elements_o = elements;
endmodule
