// lora_control.v -- the phases of a job.
//
//   IDLE --pick--> ASK_A --push--> ROWS_A --last row--> BETWEEN --push, open--> ROWS_B --last beat--> IDLE
//      \---------- push at once -----^  any --abort--> ABORT --nothing outstanding--> IDLE
//
// Latency     push of A: a_delay_i after the pick. Push of B, opening: LORA_LATENCY_CYCLES after the last row.
// Throughput  a job at a time; the next pick is possible in the cycle in which the last beat of results, or aborted_o, is seen.
// Stall rule  a push waits for request_ready_i, B's for delta_ready_i of the group as well.
module lora_control #(
    parameter LORA_LATENCY_CYCLES = 6
) (
    input            clk_i,
    input            rst_i,
    input            abort_i,
    input            pick_i,
    input     [15:0] a_delay_i, // of the burst that is picked
    input      [1:0] group_i,
    input            x_active_i, // beats of x are still to be taken
    input            request_ready_i,
    input      [3:0] delta_ready_i,
    input            phase_last_i,   // a phase's last row ends in this cycle
    input            results_done_i, // the last beat of results goes into the output registers
    output           idle_o,
    output           flush_o, // the job is aborted in this cycle
    output           drop_o,  // rows are counted only
    output           push_b_o,
    output           end_abort_o,
    output           opened_o,
    output           request_valid_o,
    output     [3:0] delta_open_o,
    output           busy_o,
    output           aborted_o
);
    localparam [2:0] IDLE = 3'd0, ASK_A = 3'd1, ROWS_A = 3'd2, BETWEEN = 3'd3, ROWS_B = 3'd4, ABORT = 3'd5;
    localparam [31:0] WAIT_BETWEEN = LORA_LATENCY_CYCLES - 1;

    reg [2:0]  phase_q, phase_d;
    reg [15:0] count_q, count_d; // cycles to wait
    reg        awaiting_q, awaiting_d; // rows of a request are to come
    reg        opened_q, opened_d;
    reg        push_a, push_b;

    wire ready_a = request_ready_i;
    wire ready_b = request_ready_i & delta_ready_i[group_i];

    assign idle_o = phase_q == IDLE;
    assign flush_o = abort_i & busy_o & phase_q != ABORT;
    assign drop_o = flush_o | phase_q == ABORT;
    assign end_abort_o = phase_q == ABORT & !awaiting_q & !x_active_i;
    assign push_b_o = push_b;
    assign opened_o = opened_q;

    always @* begin
        phase_d = phase_q;
        count_d = count_q == 16'd0 ? 16'd0 : count_q - 16'd1;
        push_a = 1'b0;
        push_b = 1'b0;
        case (phase_q)
            IDLE: begin
                if (pick_i) begin
                    push_a = a_delay_i == 16'd0 & ready_a;
                    phase_d = push_a ? ROWS_A : ASK_A;
                    count_d = a_delay_i == 16'd0 ? 16'd0 : a_delay_i - 16'd1;
                end
            end
            ASK_A: begin
                if (count_q == 16'd0 && ready_a) begin
                    push_a = 1'b1;
                    phase_d = ROWS_A;
                end
            end
            ROWS_A: begin
                if (phase_last_i) begin
                    phase_d = BETWEEN;
                    count_d = WAIT_BETWEEN[15:0];
                end
            end
            BETWEEN: begin
                if (count_q == 16'd0 && ready_b) begin
                    push_b = 1'b1;
                    phase_d = ROWS_B;
                end
            end
            ROWS_B: begin
                if (results_done_i) begin
                    phase_d = IDLE;
                end
            end
            default: begin // ABORT
                if (end_abort_o) begin
                    phase_d = IDLE;
                end
            end
        endcase
        if (flush_o) begin
            phase_d = ABORT;
            push_a = 1'b0;
            push_b = 1'b0;
        end
    end

    always @* begin
        awaiting_d = (awaiting_q & !phase_last_i) | push_a | push_b;
        opened_d = (opened_q & !pick_i) | push_b;
    end

    reg       request_valid_q, busy_q, aborted_q;
    reg [3:0] delta_open_q;

    always @(posedge clk_i) begin
        if (rst_i) begin
            phase_q <= IDLE;
            awaiting_q <= 1'b0;
            opened_q <= 1'b0;
            request_valid_q <= 1'b0;
            delta_open_q <= 4'b0000;
            busy_q <= 1'b0;
            aborted_q <= 1'b0;
        end else begin
            phase_q <= phase_d;
            awaiting_q <= awaiting_d;
            opened_q <= opened_d;
            request_valid_q <= push_a | push_b;
            delta_open_q <= {3'b000, push_b} << group_i;
            busy_q <= phase_d != IDLE;
            aborted_q <= end_abort_o;
        end
        count_q <= count_d;
    end
    assign request_valid_o = request_valid_q;
    assign delta_open_o = delta_open_q;
    assign busy_o = busy_q;
    assign aborted_o = aborted_q;
endmodule
