// invariants.v -- what the registers of the unit have in every cycle after a reset: proved by induction before it is used (equivalence.py).
module invariants #(
    parameter LORA_LANES = 64,
    parameter LORA_LATENCY_CYCLES = 6,
    parameter SRAM_WIDTH_BITS = 64,
    parameter SRAM_WAYS = 16,
    parameter SRAM_PORTS = 1,
    parameter LINK_ELEMENTS = 16,
    parameter ROM_DRAIN_ELEMENTS = 16,
    parameter SLOTS_RANK_MAX = 16,
    parameter INPUTS_MAX = 4096,
    parameter LANE_COUNT_BITS = $clog2(LORA_LANES + 1)
) (
    // Behind each pin stands the register, by the name that Yosys leaves it in the flattened netlist (other names in turn: |).
    input  [2:0]  phase, // control_u.phase_q
    input         busy, // busy_o
    input  [7:0]  rank, // job_u.rank_o
    input  [1:0]  pair_count, // job_u.pair_count_o
    input  [3:0]  waiting, // pick_u.waiting_q
    input  [5:0]  lower, // pick_u.lower_q
    input         row_valid, // sequence_u.row_valid_o
    input  [LANE_COUNT_BITS-1:0] row_count, // sequence_u.row_count_o
    input         product_a, // lanes_u.add_i
    input         product_b, // lanes_u.accumulate_i
    input  [LANE_COUNT_BITS-1:0] product_count, // stages_u.count_q
    input         partial_block, // lanes_u.hold_i
    input  [LANE_COUNT_BITS-1:0] partial_count, // outputs_u.count_i
    input  [LANE_COUNT_BITS-1:0] left, // outputs_u.left_q
    output        holds_o
);
    // A job has a rank and pairs.
    wire job = phase == 3'd0 || (rank >= 1 && rank <= SLOTS_RANK_MAX && pair_count != 0);

    // Of three links that wait there is an oldest one.
    wire cycle_012 = &{waiting[0], waiting[1], waiting[2]} & (lower[0] == lower[3]) & (lower[1] != lower[0]);
    wire cycle_013 = &{waiting[0], waiting[1], waiting[3]} & (lower[0] == lower[4]) & (lower[2] != lower[0]);
    wire cycle_023 = &{waiting[0], waiting[2], waiting[3]} & (lower[1] == lower[5]) & (lower[2] != lower[1]);
    wire cycle_123 = &{waiting[1], waiting[2], waiting[3]} & (lower[3] == lower[5]) & (lower[4] != lower[3]);
    wire ordered = !(cycle_012 | cycle_013 | cycle_023 | cycle_123);

    // A block has at most as many outputs as there are lanes.
    wire counts = (!row_valid || row_count <= LORA_LANES) && (!(product_a || product_b) || product_count <= LORA_LANES) &&
                  (!partial_block || partial_count <= LORA_LANES) && left <= LORA_LANES;

    assign holds_o = busy == (phase != 3'd0) && phase <= 3'd5 && job && ordered && counts;
endmodule
