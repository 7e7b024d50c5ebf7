// prove_pick.v -- lora_pick picks the burst that has been at the front of its link for the longest; ties go to the lowest link.
//
// The time at which each burst came to the front is kept here as a number; the unit keeps only who is older than whom.
module prove_pick (
    input       clk_i,
    input       rst_any_i,
    input [3:0] valid_i,
    input [3:0] taken_i,
    input       idle_i
);
    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    wire       pick_o;
    wire [1:0] group_o;
    lora_pick dut (.clk_i(clk_i), .rst_i(rst_i), .valid_i(valid_i), .taken_i(taken_i), .idle_i(idle_i), .pick_o(pick_o), .group_o(group_o));
    (* hierconn *) wire [3:0] \dut.waiting_q ;
    (* hierconn *) wire [5:0] \dut.lower_q ;

    // Since when a burst has been at the front: there_q = it was there in the cycle before, and not taken.
    reg [63:0] now_q;
    reg [3:0]  there_q;
    reg [63:0] since_q [0:3];
    wire [63:0] since [0:3];
    genvar g;
    generate
        for (g = 0; g < 4; g = g + 1) begin : gen_since
            assign since[g] = there_q[g] ? since_q[g] : now_q;
            always @(posedge clk_i) since_q[g] <= since[g];
        end
    endgenerate
    always @(posedge clk_i) begin
        now_q <= rst_i ? 64'd0 : now_q + 64'd1;
        there_q <= rst_i ? 4'd0 : valid_i & ~taken_i;
    end

    // docs/lora_mac.md: "A burst of x has no gaps: once its first beat is valid, each further one is valid as soon as it can be taken."
    always @* if (!rst_i) assume ((there_q & ~valid_i) == 4'd0);
    always @* assume (now_q != ~64'd0);

    integer i, j, n;
    always @* if (!rst_i) begin
        // 1. It picks when the unit is idle and a burst is there.
        assert (pick_o == (idle_i && valid_i != 4'd0));
        // 2. What it picks is there; no other is older, and none as old has a lower number.
        if (pick_o) begin
            assert (valid_i[group_o]);
            for (j = 0; j < 4; j = j + 1) begin
                if (valid_i[j] && j != group_o) begin
                    assert (since[group_o] < since[j] || (since[group_o] == since[j] && group_o < j));
                end
            end
        end
        // Invariants.
        assert (\dut.waiting_q == there_q);
        n = 0;
        for (i = 0; i < 4; i = i + 1) begin
            if (there_q[i]) assert (since_q[i] < now_q);
            for (j = i + 1; j < 4; j = j + 1) begin
                if (there_q[i] && there_q[j]) assert (\dut.lower_q [n] == (since_q[i] <= since_q[j]));
                n = n + 1;
            end
        end
        cover (pick_o && group_o == 2'd3 && valid_i == 4'b1111 && since[1] < since[0]);
        cover (pick_o && group_o == 2'd1 && there_q == 4'b1110 && since[1] == since[2]);
        cover (pick_o && group_o == 2'd2 && valid_i == 4'b0111 && taken_i[1]);
    end
endmodule
