// prove_port.v -- bank_read_port asks for exactly the words of a request, in order, none twice and none across a row, with the pauses of docs/lora_mac.md.
//
// The stream is counted here in rows, blocks and words of a row. link.v is proved apart (prove_link); here it is in the unit, with its entries.
module prove_port #(
    parameter ROW_WORDS = 3,
    parameter PORT_WORDS = 2,
    parameter LINK_DEPTH = 1,
    parameter COUNT_BITS = $clog2(PORT_WORDS + 1)
) (
    input                  clk_i,
    input                  rst_any_i,
    input                  request_valid_i,
    input           [31:0] request_address_i,
    input           [31:0] request_words_i,
    input           [15:0] request_first_rows_i,
    input           [15:0] request_block_rows_i,
    input           [15:0] request_pause_i,
    input           [27:0] request_rows_i,
    input [COUNT_BITS-1:0] grant_i,
    input [COUNT_BITS-1:0] returned_i
);
    localparam [31:0] ROW = ROW_WORDS;
    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    wire                  request_ready_o, busy_o;
    wire [COUNT_BITS-1:0] want_o;
    wire [31:0]           address_o, outstanding_o;
    bank_read_port #(.ROW_WORDS(ROW_WORDS), .PORT_WORDS(PORT_WORDS), .LINK_DEPTH(LINK_DEPTH)) dut (
        .clk_i(clk_i), .rst_i(rst_i), .request_ready_o(request_ready_o), .request_valid_i(request_valid_i), .request_address_i(request_address_i),
        .request_words_i(request_words_i), .request_first_rows_i(request_first_rows_i), .request_block_rows_i(request_block_rows_i),
        .request_pause_i(request_pause_i), .want_o(want_o), .address_o(address_o), .grant_i(grant_i), .returned_i(returned_i), .busy_o(busy_o),
        .outstanding_o(outstanding_o));
    (* hierconn *) wire [31:0]  \dut.words_left_q ;
    (* hierconn *) wire [31:0]  \dut.address_q ;
    (* hierconn *) wire [15:0]  \dut.rows_left_q ;
    (* hierconn *) wire [15:0]  \dut.pause_left_q ;
    (* hierconn *) wire [15:0]  \dut.block_rows_q ;
    (* hierconn *) wire [15:0]  \dut.pause_q ;
    (* hierconn *) wire [$clog2(ROW_WORDS+1)-1:0] \dut.row_left_q ;
    (* hierconn *) wire         \dut.active_q ;
    (* hierconn *) wire         \dut.link_u.count_q ;
    (* hierconn *) wire         \dut.link_u.first_q ;
    (* hierconn *) wire         \dut.link_u.free_q ;
    (* hierconn *) wire [111:0] \dut.link_u.entries_q[0] ;

    // A request waits in the link while another one is served.
    reg         waits_q;
    reg [31:0]  next_address_q;
    reg [27:0]  next_rows_q;
    reg [15:0]  next_first_q, next_block_q, next_pause_q;
    reg         served_q; // a request is served, and was in the cycle before
    wire        begins = !served_q & (waits_q | request_valid_i);
    wire        served = served_q | begins;
    wire [31:0] first_address = waits_q ? next_address_q : request_address_i;

    // The request that is served: what is left of it.
    reg [31:0]  address_q;              // of the next word
    reg [27:0]  rows_q;                 // rows left, the present one included
    reg [15:0]  block_rows_q;           // of the block
    reg [15:0]  further_q, pause_q;
    reg [7:0]   row_words_q;            // words granted of the present row
    reg [15:0]  since_q;                // cycles since a block's last word; at least the pause: it is over
    reg [31:0]  out_q;                  // words granted and not yet returned
    wire [31:0] address = begins ? first_address : address_q;
    wire [27:0] rows = begins ? (waits_q ? next_rows_q : request_rows_i) : rows_q;
    wire [15:0] block_rows = begins ? (waits_q ? next_first_q : request_first_rows_i) : block_rows_q;
    wire [15:0] further = begins ? (waits_q ? next_block_q : request_block_rows_i) : further_q;
    wire [15:0] pause = begins ? (waits_q ? next_pause_q : request_pause_i) : pause_q;
    wire [7:0]  row_words = begins ? 8'd0 : row_words_q;
    wire        pausing = !begins & since_q != pause_q;
    wire        row_ends = grant_i != 0 && row_words + grant_i == ROW_WORDS;
    wire        block_ends = row_ends && block_rows == 16'd1;
    wire [27:0] rows_d = rows - row_ends;
    wire [31:0] out_d = out_q + grant_i - returned_i;
    wire        ends = served && rows_d == 28'd0 && out_d == 32'd0;

    always @(posedge clk_i) begin
        served_q <= !rst_i & served & !ends;
        out_q <= rst_i ? 32'd0 : out_d;
        address_q <= address + grant_i;
        rows_q <= rows_d;
        block_rows_q <= block_ends ? further : block_rows - row_ends;
        further_q <= further;
        pause_q <= pause;
        row_words_q <= row_ends ? 8'd0 : row_words + grant_i;
        since_q <= block_ends ? 16'd0 : pausing ? since_q + 16'd1 : pause;
        waits_q <= !rst_i & ((waits_q & !begins) | (request_valid_i & (served_q | waits_q)));
        if (request_valid_i) begin
            next_address_q <= request_address_i;
            next_rows_q <= request_rows_i;
            next_first_q <= request_first_rows_i;
            next_block_q <= request_block_rows_i;
            next_pause_q <= request_pause_i;
        end
    end

    reg was_ready_q;
    always @(posedge clk_i) was_ready_q <= !rst_i & request_ready_o;
    wire [7:0] row_left = ROW_WORDS - row_words;
    always @* if (!rst_i) begin
        // "request_valid_o high in n + 1 is a push in n, in a cycle n in which request_ready_i was high."
        if (!was_ready_q) assume (!request_valid_i);
        // "words = rows * ROW_WORDS"; blocks and requests are not empty.
        assume (request_words_i == request_rows_i * ROW);
        assume (request_rows_i != 28'd0 && request_first_rows_i != 16'd0 && request_block_rows_i != 16'd0);
        // The arbiter grants no more than is wanted; words come back after they were granted.
        assume (grant_i <= want_o && returned_i <= out_q && returned_i <= PORT_WORDS);
        // "The time from a word's grant to its arrival is constant": few words are on their way.
        assume (out_q <= 32'hffff);
    end
    always @* if (!rst_i) begin
        // 1. In each cycle as many words as the port has and the row still has, unless it pauses or has no words left to ask for: so each is asked for.
        assert (want_o == (!served || rows == 28'd0 || pausing ? 0 : row_left < PORT_WORDS ? row_left : PORT_WORDS));
        // 2. They are the next ones: none is skipped, none granted twice.
        if (want_o != 0) assert (address_o == address);
        // 3. It is busy while words are wanted or on their way, and counts these.
        assert (busy_o == served && outstanding_o == out_q);
        // 4. One request waits at most.
        assert (!(request_valid_i && waits_q));
        // Invariants.
        assert (\dut.active_q == served_q);
        assert (\dut.link_u.count_q == waits_q && !\dut.link_u.first_q && !\dut.link_u.free_q );
        assert (!(was_ready_q && waits_q));
        if (!served_q) assert (out_q == 32'd0);
        if (waits_q) assert (\dut.link_u.entries_q[0] == {next_address_q, next_rows_q * ROW, next_first_q, next_block_q, next_pause_q}
                             && next_rows_q != 28'd0 && next_first_q != 16'd0 && next_block_q != 16'd0);
        if (served_q) begin
            assert (row_words_q < ROW_WORDS && further_q != 16'd0 && block_rows_q != 16'd0 && since_q <= pause_q);
            assert (rows_q != 28'd0 || out_q != 32'd0);
            assert (\dut.words_left_q == rows_q * ROW - row_words_q && (rows_q != 28'd0 || row_words_q == 8'd0));
            assert (\dut.address_q == address_q && \dut.row_left_q == ROW_WORDS - row_words_q && \dut.rows_left_q == block_rows_q);
            assert (\dut.block_rows_q == further_q && \dut.pause_q == pause_q && \dut.pause_left_q == pause_q - since_q);
        end
    end
    reg [27:0] total_q;
    always @(posedge clk_i) if (begins) total_q <= rows;
    always @* if (!rst_i) begin
        cover (ends && !begins && total_q == 28'd3 && pause_q == 16'd2 && further_q == 16'd1);
        cover (begins && waits_q);
        cover (want_o != 0 && want_o == grant_i && row_words != 8'd0 && ROW_WORDS > PORT_WORDS || block_ends && ROW_WORDS == PORT_WORDS);
    end
endmodule
