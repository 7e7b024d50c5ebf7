// prove_lanes.v -- mac_lanes, narrow: each lane has its x and its weight, the sum over all lanes is that of the products in 32 bits (no step overflows), results are held.
//
// The lane itself is proved apart (prove_lane).
module prove_lanes #(
    parameter LORA_LANES = 5 // two groups of partial sums, of which one is not full
) (
    input                    clk_i,
    input                    load_x_i,
    input [8*LORA_LANES-1:0] x_i,
    input                    multiply_i,
    input [6*LORA_LANES-1:0] row_i,
    input                    use_x_i,
    input              [7:0] broadcast_i,
    input                    add_i,
    input                    add_partial_i,
    input                    accumulate_i,
    input                    first_i,
    input                    hold_i
);
    localparam SUM_BITS = 14 + $clog2(LORA_LANES);
    wire [SUM_BITS-1:0]      sum_o;
    wire [20*LORA_LANES-1:0] held_o;
    mac_lanes #(.LORA_LANES(LORA_LANES), .SUM_BITS(SUM_BITS)) dut (
        .clk_i(clk_i), .load_x_i(load_x_i), .x_i(x_i), .multiply_i(multiply_i), .row_i(row_i), .use_x_i(use_x_i), .broadcast_i(broadcast_i), .add_i(add_i),
        .add_partial_i(add_partial_i), .accumulate_i(accumulate_i), .first_i(first_i), .hold_i(hold_i), .sum_o(sum_o), .held_o(held_o));

    // Lane by lane, from inside the unit.
    wire [32*(LORA_LANES+1)-1:0] sums; // of the products of lanes 0 .. l - 1, in 32 bits
    wire [20*LORA_LANES-1:0]     accumulators;
    assign sums[31:0] = 32'd0;
    (* hierconn *) wire [13:0] \dut.gen_lane[0].product ;
    (* hierconn *) wire [13:0] \dut.gen_lane[1].product ;
    (* hierconn *) wire [13:0] \dut.gen_lane[2].product ;
    (* hierconn *) wire [13:0] \dut.gen_lane[3].product ;
    (* hierconn *) wire [13:0] \dut.gen_lane[4].product ;
    (* hierconn *) wire [19:0] \dut.gen_lane[0].accumulator ;
    (* hierconn *) wire [19:0] \dut.gen_lane[1].accumulator ;
    (* hierconn *) wire [19:0] \dut.gen_lane[2].accumulator ;
    (* hierconn *) wire [19:0] \dut.gen_lane[3].accumulator ;
    (* hierconn *) wire [19:0] \dut.gen_lane[4].accumulator ;
    (* hierconn *) wire [7:0]  \dut.gen_lane[0].lane_u.x_i ;
    (* hierconn *) wire [5:0]  \dut.gen_lane[0].lane_u.weight_i ;
    (* hierconn *) wire [7:0]  \dut.gen_lane[1].lane_u.x_i ;
    (* hierconn *) wire [5:0]  \dut.gen_lane[1].lane_u.weight_i ;
    (* hierconn *) wire [7:0]  \dut.gen_lane[2].lane_u.x_i ;
    (* hierconn *) wire [5:0]  \dut.gen_lane[2].lane_u.weight_i ;
    (* hierconn *) wire [7:0]  \dut.gen_lane[3].lane_u.x_i ;
    (* hierconn *) wire [5:0]  \dut.gen_lane[3].lane_u.weight_i ;
    (* hierconn *) wire [7:0]  \dut.gen_lane[4].lane_u.x_i ;
    (* hierconn *) wire [5:0]  \dut.gen_lane[4].lane_u.weight_i ;
    (* hierconn *) wire [15:0] \dut.gen_group[0].partial_q ;
    (* hierconn *) wire [15:0] \dut.gen_group[1].partial_q ;
    wire [14*5-1:0] products = {\dut.gen_lane[4].product , \dut.gen_lane[3].product , \dut.gen_lane[2].product , \dut.gen_lane[1].product , \dut.gen_lane[0].product };
    assign accumulators = {\dut.gen_lane[4].accumulator , \dut.gen_lane[3].accumulator , \dut.gen_lane[2].accumulator , \dut.gen_lane[1].accumulator ,
                           \dut.gen_lane[0].accumulator };
    genvar l;
    generate
        for (l = 0; l < LORA_LANES; l = l + 1) begin : gen_lane
            assign sums[32*(l+1) +: 32] = sums[32*l +: 32] + {{18{products[14*l+13]}}, products[14*l +: 14]};
        end
    endgenerate
    wire [31:0] dot = sums[32*LORA_LANES +: 32];

    reg [31:0]              dot_q, dot_q2;
    reg                     added_q = 1'b0, sum_there_q = 1'b0, held_there_q = 1'b0;
    reg [20*LORA_LANES-1:0] held_q;
    always @(posedge clk_i) begin
        if (add_i) begin
            added_q <= 1'b1;
            dot_q <= dot;
        end
        if (add_partial_i) begin
            sum_there_q <= 1'b1;
            dot_q2 <= dot_q;
        end
        if (hold_i) begin
            held_there_q <= 1'b1;
            held_q <= accumulators;
        end
    end
    always @* if (add_partial_i) assume (added_q);

    wire [8*LORA_LANES-1:0] lanes_x = {\dut.gen_lane[4].lane_u.x_i ,
                                       \dut.gen_lane[3].lane_u.x_i ,
                                       \dut.gen_lane[2].lane_u.x_i ,
                                       \dut.gen_lane[1].lane_u.x_i ,
                                       \dut.gen_lane[0].lane_u.x_i };
    wire [6*LORA_LANES-1:0] lanes_weight = {\dut.gen_lane[4].lane_u.weight_i ,
                                            \dut.gen_lane[3].lane_u.weight_i ,
                                            \dut.gen_lane[2].lane_u.weight_i ,
                                            \dut.gen_lane[1].lane_u.weight_i ,
                                            \dut.gen_lane[0].lane_u.weight_i };
    wire [31:0] partials = {{16{\dut.gen_group[0].partial_q [15]}}, \dut.gen_group[0].partial_q } + {{16{\dut.gen_group[1].partial_q [15]}}, \dut.gen_group[1].partial_q };
    wire [31:0] sum_wide = {{32-SUM_BITS{sum_o[SUM_BITS-1]}}, sum_o};
    always @* begin
        // 1. Lane l has element l of x and field l of the row.
        assert (lanes_x == x_i && lanes_weight == row_i);
        // 2. The sum over the lanes, a cycle after the partial sums, two after the products: for every value of those, so no step overflows.
        if (sum_there_q) assert (sum_wide == dot_q2);
        // 3. What is held is what the lanes had accumulated.
        if (held_there_q) assert (held_o == held_q);
        // Invariants.
        if (added_q) assert (partials == dot_q);
        cover (sum_there_q && sum_wide == 32'hffffb001);
        cover (held_there_q && held_o[79:60] == 20'd7);
    end
endmodule
