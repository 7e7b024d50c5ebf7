// prove_control.v -- lora_control: in which cycle each request is pushed, the burst of results opened, the job over; aborts and resets.
//
// The document's times are counted here by two stop watches, since the pick and since the last word of A; the unit counts down instead.
// Its neighbours are assumed to do what is proved of them: lora_pick picks only while idle_o (prove_pick), rows end in their phase (prove_sequence).
module prove_control #(
    parameter LORA_LATENCY_CYCLES = 6
) (
    input        clk_i,
    input        rst_any_i,
    input        abort_i,
    input        pick_i,
    input [15:0] a_delay_i,
    input  [1:0] new_group_i,
    input        x_active_i,
    input        request_ready_i,
    input  [3:0] delta_ready_i,
    input        phase_last_i,
    input        results_done_i
);
    reg started_q = 1'b0;
    always @(posedge clk_i) started_q <= 1'b1;
    wire rst_i = !started_q | rst_any_i;

    // lora_job: the group is there from the cycle after the pick on.
    reg [1:0] group_q;
    always @(posedge clk_i) if (pick_i) group_q <= new_group_i;

    wire       idle_o, flush_o, drop_o, push_b_o, end_abort_o, opened_o, request_valid_o, busy_o, aborted_o;
    wire [3:0] delta_open_o;
    lora_control #(.LORA_LATENCY_CYCLES(LORA_LATENCY_CYCLES)) dut (
        .clk_i(clk_i), .rst_i(rst_i), .abort_i(abort_i), .pick_i(pick_i), .a_delay_i(a_delay_i), .group_i(group_q), .x_active_i(x_active_i),
        .request_ready_i(request_ready_i), .delta_ready_i(delta_ready_i), .phase_last_i(phase_last_i), .results_done_i(results_done_i),
        .idle_o(idle_o), .flush_o(flush_o), .drop_o(drop_o), .push_b_o(push_b_o), .end_abort_o(end_abort_o), .opened_o(opened_o),
        .request_valid_o(request_valid_o), .delta_open_o(delta_open_o), .busy_o(busy_o), .aborted_o(aborted_o));
    (* hierconn *) wire [2:0]  \dut.phase_q ;
    (* hierconn *) wire [15:0] \dut.count_q ;
    (* hierconn *) wire        \dut.awaiting_q ;
    localparam [2:0] IDLE = 3'd0, ASK_A = 3'd1, ROWS_A = 3'd2, BETWEEN = 3'd3, ROWS_B = 3'd4, ABORT = 3'd5;

    // What has happened to the present job.
    reg        job_q, aborting_q, pushed_a_q, ended_a_q, pushed_b_q, ended_b_q;
    reg [15:0] delay_q;      // a_delay
    reg [15:0] since_pick_q; // cycles, held at delay_q
    reg [15:0] since_last_q; // cycles since the last word of A, held at the latency
    localparam [15:0] LATENCY = LORA_LATENCY_CYCLES;

    // "The request is pushed in cycle n + a_delay, or in the first later one with request_ready_i."
    wire due_a = (pick_i & a_delay_i == 16'd0) | (job_q & !pushed_a_q & since_pick_q == delay_q);
    wire abort = job_q & !aborting_q & abort_i;
    wire push_a = due_a & request_ready_i & !aborting_q & !abort;
    // "In c + lora.latency_cycles, or the first later cycle with delta_ready_i[g] and request_ready_i, the burst of results is opened and B is requested."
    wire due_b = job_q & ended_a_q & !pushed_b_q & since_last_q == LATENCY;
    wire push_b = due_b & request_ready_i & delta_ready_i[group_q] & !aborting_q & !abort;
    // A request is out from its push to its last word.
    wire out_q = (pushed_a_q & !ended_a_q) | (pushed_b_q & !ended_b_q);
    // "When nothing is outstanding, in cycle u > t, the end is registered."
    wire abort_ends = aborting_q & !out_q & !x_active_i;
    wire job_ends = (job_q & !aborting_q & !abort & pushed_b_q & results_done_i) | abort_ends;

    always @(posedge clk_i) begin
        if (rst_i) begin
            {job_q, aborting_q, pushed_a_q, ended_a_q, pushed_b_q, ended_b_q} <= 6'd0;
        end else if (pick_i) begin
            {job_q, aborting_q, ended_a_q, pushed_b_q, ended_b_q} <= 5'b10000;
            pushed_a_q <= push_a;
            delay_q <= a_delay_i;
            since_pick_q <= a_delay_i != 16'd0;
        end else begin
            job_q <= job_q & !job_ends;
            aborting_q <= (aborting_q | abort) & !abort_ends;
            pushed_a_q <= pushed_a_q | push_a;
            pushed_b_q <= pushed_b_q | push_b;
            ended_a_q <= ended_a_q | (pushed_a_q & phase_last_i);
            ended_b_q <= ended_b_q | (pushed_b_q & phase_last_i);
            if (since_pick_q != delay_q) since_pick_q <= since_pick_q + 16'd1;
            since_last_q <= !ended_a_q ? 16'd1 : since_last_q == LATENCY ? LATENCY : since_last_q + 16'd1;
        end
    end

    // What the outputs are to be, being registers.
    reg       request_q, aborted_q;
    reg [3:0] open_q;
    always @(posedge clk_i) begin
        request_q <= !rst_i & (push_a | push_b);
        open_q <= rst_i || !push_b ? 4'd0 : 4'd1 << group_q;
        aborted_q <= !rst_i & abort_ends;
    end

    reg       open_before_q;
    reg [3:0] ready_before_q;
    always @(posedge clk_i) begin
        ready_before_q <= rst_i ? 4'd0 : delta_ready_i;
        open_before_q <= !rst_i & push_b;
    end

    always @* if (!rst_i) begin
        // lora_pick: it picks while the unit is idle.
        if (!idle_o) assume (!pick_i);
        // "Requests are answered in order, with all their words": the last row ends while a request is out; it was seen, so that is two cycles after its push at the soonest.
        if (!out_q || request_valid_o) assume (!phase_last_i);
        // lora_outputs: the last beat comes after the last row of B.
        if (!ended_b_q) assume (!results_done_i);
        // lora_x_buffer: x is taken from the cycle after the pick on; then nothing is left until the next pick.
        if (idle_o) assume (!x_active_i);
    end

    always @* if (started_q) begin
        // 1. Requests, openings and the ends of aborts are seen a cycle after the document's cycles, and at no other time.
        assert (request_valid_o == request_q);
        assert (delta_open_o == open_q);
        assert (aborted_o == aborted_q);
        // 2. busy_o: there is a job. The unit may pick again from the cycle on in which the last beat, or aborted_o, is seen.
        assert (busy_o == job_q);
        assert (idle_o == !job_q);
    end
    always @* if (!rst_i) begin
        assert (push_b_o == push_b);
        assert (end_abort_o == abort_ends);
        // 3. One request is out at a time; one opening a job, with room.
        if (push_a || push_b) assert (!out_q);
        if (push_b) assert (!pushed_b_q && delta_ready_i[group_q]);
        if (open_before_q) assert ((delta_open_o & ~ready_before_q) == 4'd0);
        // 4. flush_o is the abort's cycle, drop_o stays until its end; opened_o says whether the burst has begun.
        assert (flush_o == abort);
        assert (drop_o == (abort | aborting_q));
        if (job_q) assert (opened_o == pushed_b_q);
        // 5. After an abort nothing is pushed.
        if (aborting_q) assert (!push_a && !push_b);
        // Invariants.
        assert (\dut.awaiting_q == (job_q & out_q));
        assert (\dut.phase_q == (!job_q ? IDLE : aborting_q ? ABORT : pushed_b_q ? ROWS_B : ended_a_q ? BETWEEN : pushed_a_q ? ROWS_A : ASK_A));
        if (\dut.phase_q == ASK_A) assert (\dut.count_q == delay_q - since_pick_q);
        if (\dut.phase_q == BETWEEN) assert (\dut.count_q == LATENCY - since_last_q);
        assert (since_last_q <= LATENCY || !ended_a_q);
        if (job_q) begin
            assert (since_pick_q <= delay_q);
            if (pushed_a_q && !aborting_q) assert (since_pick_q == delay_q);
            if (!pushed_a_q) assert (!ended_a_q);
            if (!ended_a_q) assert (!pushed_b_q);
            if (!pushed_b_q) assert (!ended_b_q);
            if (ended_a_q) assert (since_last_q != 16'd0);
            if (request_valid_o) assert (out_q || aborting_q);
        end else begin
            assert (!aborting_q && !out_q);
        end
    end
    always @* if (!rst_i) begin
        cover (job_ends && !aborting_q && delay_q == 16'd3);
        cover (abort_ends && opened_o && delay_q == 16'd0);
        cover (abort && \dut.phase_q == ASK_A);
        cover (pick_i && abort_i);
        cover (delta_open_o == 4'b0100 && since_last_q == LATENCY);
    end
endmodule
