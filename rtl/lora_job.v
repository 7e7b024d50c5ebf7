// lora_job.v -- the job of the burst that is picked: selected from the four links' pins, and kept in registers.
//
//   job_*_i[4] --> select by group_i --> new_*_o (in the cycle of the pick) --> registers --> *_o (from the next cycle on)
//
// Linears without a pair are squeezed out: outputs and exponents of pair 0, 1, 2.
module lora_job (
    input                   clk_i,
    input                   rst_i,
    input                   pick_i,
    input      [1:0]        group_i,
    input      [4*8-1:0]    job_rank_i,
    input      [4*3-1:0]    job_pairs_i,
    input      [4*20-1:0]   job_inputs_i,
    input      [4*11-1:0]   job_beat_elements_i,
    input      [4*3*20-1:0] job_outputs_i,
    input      [4*3*16-1:0] job_base_exponent_i,
    input      [4*32-1:0]   job_a_address_i,
    input      [4*32-1:0]   job_b_address_i,
    input      [4*16-1:0]   job_a_delay_i,
    input      [4*16-1:0]   job_a_pause_i,
    input      [4*16-1:0]   job_b_pause_i,

    output     [7:0]        new_rank_o,
    output     [1:0]        new_pair_count_o,
    output     [19:0]       new_inputs_o,
    output     [10:0]       new_beat_elements_o,
    output     [31:0]       new_a_address_o,
    output     [15:0]       new_a_delay_o,
    output     [15:0]       new_a_pause_o,

    output     [1:0]        group_o,
    output     [7:0]        rank_o,
    output     [1:0]        pair_count_o,
    output     [3*20-1:0]   outputs_o,
    output     [3*16-1:0]   base_exponent_o,
    output     [31:0]       b_address_o,
    output     [15:0]       b_pause_o
);
    // Unknown without a pick, when nobody looks, and simulation need not select.
    reg [7:0]      new_rank;
    reg [2:0]      pairs;
    reg [19:0]     new_inputs;
    reg [10:0]     new_beat_elements;
    reg [31:0]     new_a_address;
    reg [15:0]     new_a_delay, new_a_pause;
    reg [3*20-1:0] outputs;
    reg [3*16-1:0] base_exponent;

    always @* begin
        new_rank = {8{1'bx}};
        pairs = {3{1'bx}};
        new_inputs = {20{1'bx}};
        new_beat_elements = {11{1'bx}};
        new_a_address = {32{1'bx}};
        new_a_delay = {16{1'bx}};
        new_a_pause = {16{1'bx}};
        outputs = {60{1'bx}};
        base_exponent = {48{1'bx}};
        if (pick_i) begin
            new_rank = job_rank_i[8*group_i +: 8];
            pairs = job_pairs_i[3*group_i +: 3];
            new_inputs = job_inputs_i[20*group_i +: 20];
            new_beat_elements = job_beat_elements_i[11*group_i +: 11];
            new_a_address = job_a_address_i[32*group_i +: 32];
            new_a_delay = job_a_delay_i[16*group_i +: 16];
            new_a_pause = job_a_pause_i[16*group_i +: 16];
            outputs = job_outputs_i[60*group_i +: 60];
            base_exponent = job_base_exponent_i[48*group_i +: 48];
        end
    end
    assign new_rank_o = new_rank;
    assign new_pair_count_o = {1'b0, pairs[0]} + {1'b0, pairs[1]} + {1'b0, pairs[2]};
    assign new_inputs_o = new_inputs;
    assign new_beat_elements_o = new_beat_elements;
    assign new_a_address_o = new_a_address;
    assign new_a_delay_o = new_a_delay;
    assign new_a_pause_o = new_a_pause;

    wire [1:0] linear_0 = pairs[0] ? 2'd0 : pairs[1] ? 2'd1 : 2'd2; // of pair 0
    wire [1:0] linear_1 = pairs[0] & pairs[1] ? 2'd1 : 2'd2;

    reg [1:0]      group_q;
    reg [7:0]      rank_q;
    reg [1:0]      pair_count_q;
    reg [3*20-1:0] outputs_q;
    reg [3*16-1:0] base_exponent_q;
    reg [31:0]     b_address_q;
    reg [15:0]     b_pause_q;

    always @(posedge clk_i) begin
        if (rst_i) begin
            group_q <= 2'd0;
        end else if (pick_i) begin
            group_q <= group_i;
        end
        if (pick_i) begin
            rank_q <= new_rank;
            pair_count_q <= new_pair_count_o;
            outputs_q <= {outputs[59:40], outputs[20*linear_1 +: 20], outputs[20*linear_0 +: 20]};
            base_exponent_q <= {base_exponent[47:32], base_exponent[16*linear_1 +: 16], base_exponent[16*linear_0 +: 16]};
            b_address_q <= job_b_address_i[32*group_i +: 32];
            b_pause_q <= job_b_pause_i[16*group_i +: 16];
        end
    end
    assign group_o = group_q;
    assign rank_o = rank_q;
    assign pair_count_o = pair_count_q;
    assign outputs_o = outputs_q;
    assign base_exponent_o = base_exponent_q;
    assign b_address_o = b_address_q;
    assign b_pause_o = b_pause_q;
endmodule
