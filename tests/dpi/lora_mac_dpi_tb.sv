// lora_mac_dpi_tb.sv -- the LoRA MAC unit's RTL beside its C reference, compared on every clock edge.
//
//   inputs.mem (etchsim vectors) --> [ rtl/lora_mac.v ] --outputs--> [ rtl/dpi/lora_mac_watch.sv: C reference through DPI ]
//
// Parameters are those of legend.txt. Prints "PASS n edges compared".
//   +flip=N    the first result seen in cycle N or later is handed on with its lowest bit wrong: must end in a difference
//   +break=N   in cycle N the reference is told of a word that nobody sent: at the latest at the request's end it is one too many, and must be told as such
module lora_mac_dpi_tb #(
    parameter int CYCLES = 1,
    parameter int INPUT_BITS = 1,
    parameter int LORA_LANES = 64,
    parameter int LORA_LATENCY_CYCLES = 6,
    parameter int SRAM_WIDTH_BITS = 64,
    parameter int SRAM_WAYS = 16,
    parameter int SRAM_PORTS = 1,
    parameter int LINK_ELEMENTS = 16,
    parameter int ROM_DRAIN_ELEMENTS = 16,
    parameter int SLOTS_RANK_MAX = 16,
    parameter int INPUTS_MAX = 4096
);
    localparam int ROW_WORDS = (6 * LORA_LANES + SRAM_WIDTH_BITS - 1) / SRAM_WIDTH_BITS;
    localparam int PORT_WORDS = ROW_WORDS < SRAM_WAYS * SRAM_PORTS ? ROW_WORDS : SRAM_WAYS * SRAM_PORTS;

    logic [INPUT_BITS-1:0] stimulus [0:CYCLES-1];
    logic [INPUT_BITS-1:0] inputs;
    logic                  clk_i;
    int                    cycle, flip_from, break_at;

    // -- pins --

    logic                                  rst_i, abort_i, request_ready_i;
    logic [3:0]                            x_valid_i, delta_ready_i;
    logic [4*8*LINK_ELEMENTS-1:0]          x_data_i;
    logic [4*8-1:0]                        job_rank_i;
    logic [4*3-1:0]                        job_pairs_i;
    logic [4*20-1:0]                       job_inputs_i;
    logic [4*11-1:0]                       job_beat_elements_i;
    logic [4*3*20-1:0]                     job_outputs_i;
    logic [4*3*16-1:0]                     job_base_exponent_i;
    logic [4*32-1:0]                       job_a_address_i, job_b_address_i;
    logic [4*16-1:0]                       job_a_delay_i, job_a_pause_i, job_b_pause_i;
    logic [$clog2(PORT_WORDS+1)-1:0]       word_count_i, word_count_broken;
    logic [PORT_WORDS*SRAM_WIDTH_BITS-1:0] word_data_i;

    logic [3:0]                            x_ready_o, delta_open_o, delta_valid_o;
    logic                                  request_valid_o, delta_last_o, delta_abort_o, busy_o, aborted_o;
    logic [31:0]                           request_address_o, request_words_o;
    logic [15:0]                           request_first_rows_o, request_block_rows_o, request_pause_o;
    logic [$clog2(ROM_DRAIN_ELEMENTS+1)-1:0] delta_count_o;
    logic [40*ROM_DRAIN_ELEMENTS-1:0]      delta_data, delta_data_o;

    assign {delta_ready_i, word_data_i, word_count_i, request_ready_i, job_b_pause_i, job_a_pause_i, job_a_delay_i, job_b_address_i, job_a_address_i,
            job_base_exponent_i, job_outputs_i, job_beat_elements_i, job_inputs_i, job_pairs_i, job_rank_i, x_data_i, x_valid_i, abort_i,
            rst_i} = inputs;
    assign word_count_broken = cycle == break_at ? word_count_i + 1'b1 : word_count_i;

    bit flip, flipped;
    assign flip = flip_from != 0 && cycle >= flip_from && !flipped && |delta_valid_o && !delta_abort_o;
    assign delta_data_o = {delta_data[40*ROM_DRAIN_ELEMENTS-1:1], delta_data[0] ^ flip};

    // -- the two --

    lora_mac #(
        .LORA_LANES(LORA_LANES), .LORA_LATENCY_CYCLES(LORA_LATENCY_CYCLES), .SRAM_WIDTH_BITS(SRAM_WIDTH_BITS), .SRAM_WAYS(SRAM_WAYS),
        .SRAM_PORTS(SRAM_PORTS), .LINK_ELEMENTS(LINK_ELEMENTS), .ROM_DRAIN_ELEMENTS(ROM_DRAIN_ELEMENTS), .SLOTS_RANK_MAX(SLOTS_RANK_MAX),
        .INPUTS_MAX(INPUTS_MAX)
    ) rtl (
        .delta_data_o(delta_data), .*
    );

    lora_mac_watch #(
        .LORA_LANES(LORA_LANES), .LORA_LATENCY_CYCLES(LORA_LATENCY_CYCLES), .SRAM_WIDTH_BITS(SRAM_WIDTH_BITS), .SRAM_WAYS(SRAM_WAYS),
        .SRAM_PORTS(SRAM_PORTS), .LINK_ELEMENTS(LINK_ELEMENTS), .ROM_DRAIN_ELEMENTS(ROM_DRAIN_ELEMENTS), .SLOTS_RANK_MAX(SLOTS_RANK_MAX),
        .INPUTS_MAX(INPUTS_MAX)
    ) watch (
        .word_count_i(word_count_broken), .*
    );

    // -- the clock --

    initial begin
        clk_i = 0;
        forever #5 clk_i = !clk_i;
    end

    initial begin
        flip_from = 0;
        break_at = -1;
        void'($value$plusargs("flip=%d", flip_from));
        void'($value$plusargs("break=%d", break_at));
        $readmemh("inputs.mem", stimulus);
        cycle = 0;
        inputs = stimulus[0];
    end

    always @(posedge clk_i) begin
        flipped <= flipped | flip;
        cycle <= cycle + 1;
        if (cycle + 1 < CYCLES) inputs <= stimulus[cycle+1];
        else begin
            #1 $display("PASS %0d edges compared", watch.compared);
            $finish;
        end
    end
endmodule
