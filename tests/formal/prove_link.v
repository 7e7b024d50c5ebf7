// prove_link.v -- link: never overfull; nothing is lost, doubled or reordered; what is offered stays until it is taken.
//
// One entry, any one, is followed: how many are before it, and its data.
module prove_link #(
    parameter DATA_BITS = 8,
    parameter DEPTH = 2
) (
    input                 clk_i,
    input                 rst_any_i,
    input                 valid_i,
    input [DATA_BITS-1:0] data_i,
    input                 ready_i,
    input                 follow_i // the entry that comes in this cycle, if none is followed yet
);
    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    wire                 ready_o, valid_o;
    wire [DATA_BITS-1:0] data_o;
    link #(.DATA_BITS(DATA_BITS), .DEPTH(DEPTH)) dut (
        .clk_i(clk_i), .rst_i(rst_i), .ready_o(ready_o), .valid_i(valid_i), .data_i(data_i), .ready_i(ready_i), .valid_o(valid_o), .data_o(data_o));
    localparam INDEX_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    (* hierconn *) wire [$clog2(DEPTH+1)-1:0] \dut.count_q ;
    (* hierconn *) wire [INDEX_BITS-1:0] \dut.first_q ;
    (* hierconn *) wire [INDEX_BITS-1:0] \dut.free_q ;
    (* hierconn *) wire [DATA_BITS-1:0] \dut.entries_q[0] ;
    (* hierconn *) wire [DATA_BITS-1:0] \dut.entries_q[1] ;
    (* hierconn *) wire [DATA_BITS-1:0] \dut.entries_q[2] ;
    (* hierconn *) wire [DATA_BITS-1:0] \dut.entries_q[3] ;

    reg [3:0]           there_q;  // entries that have come and were not taken
    reg                 followed_q, gone_q; // it has come; it was taken
    reg [3:0]           before_q; // entries there that came before it
    reg [DATA_BITS-1:0] kept_q;
    reg                 was_ready_q, held_q;
    reg [DATA_BITS-1:0] offered_q;
    wire                take = valid_o & ready_i;
    wire                follow = follow_i & valid_i & !followed_q;
    wire [3:0]          before = follow ? there_q : before_q;
    wire                here = (follow | followed_q) & !gone_q; // the followed entry is there
    always @(posedge clk_i) begin
        there_q <= rst_i ? 4'd0 : there_q + {3'd0, valid_i} - {3'd0, take};
        followed_q <= !rst_i & (followed_q | follow);
        gone_q <= !rst_i & (gone_q | (here & take & before == 4'd0));
        before_q <= before - {3'd0, take};
        if (follow) kept_q <= data_i;
        was_ready_q <= !rst_i & ready_o;
        held_q <= !rst_i & valid_o & !ready_i;
        offered_q <= data_o;
    end
    wire [3:0] raw = {1'b0, \dut.first_q } + before_q;
    wire [3:0] at = raw >= DEPTH ? raw - DEPTH : raw;
    wire [3:0] end_raw = {1'b0, \dut.first_q } + there_q;
    wire [DATA_BITS-1:0] stored = at == 0 ? \dut.entries_q[0] : at == 1 ? \dut.entries_q[1] : at == 2 ? \dut.entries_q[2] : \dut.entries_q[3] ;

    always @* if (!rst_i) begin
        // "request_valid_o high in n + 1 is a push in n, in a cycle n in which request_ready_i was high."
        if (!was_ready_q) assume (!valid_i);
    end
    always @* if (!rst_i) begin
        // 1. There are never more than DEPTH entries, and room is what DEPTH leaves; it does not depend on ready_i in this cycle.
        assert (there_q + valid_i <= DEPTH);
        assert (ready_o == (there_q + valid_i < DEPTH));
        // 2. What is there is offered.
        assert (valid_o == (there_q != 4'd0 || valid_i));
        // 3. The followed entry comes out when those before it have: not sooner, not later, with its data.
        if (here) assert (before < there_q + valid_i);
        if (here && before == 4'd0) assert (valid_o && data_o == (follow ? data_i : kept_q));
        // 4. What is offered and not taken stays.
        if (held_q) assert (valid_o && data_o == offered_q);
        // Invariants.
        assert (\dut.count_q == there_q && \dut.first_q < DEPTH && \dut.free_q < DEPTH);
        assert (\dut.free_q == (end_raw >= DEPTH ? end_raw - DEPTH : end_raw));
        if (was_ready_q) assert (there_q < DEPTH);
        if (followed_q && !gone_q) assert (stored == kept_q && before_q < there_q);
        if (held_q) assert (there_q != 4'd0);
        if (held_q) assert (offered_q == (\dut.first_q == 0 ? \dut.entries_q[0] : \dut.first_q == 1 ? \dut.entries_q[1] : \dut.first_q == 2 ? \dut.entries_q[2] : \dut.entries_q[3] ));
        cover (there_q == DEPTH && followed_q && before_q == DEPTH - 1);
        cover (take && there_q == 4'd0);
        cover (gone_q && valid_i && take && there_q == DEPTH - 1 || DEPTH == 1 && take && there_q == 4'd1);
    end
endmodule
