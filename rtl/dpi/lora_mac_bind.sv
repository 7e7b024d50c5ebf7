// lora_mac_bind.sv -- puts a lora_mac_watch into every module lora_mac of a simulation: give this file to the simulator beside your own ones.
bind lora_mac lora_mac_watch #(
    .LORA_LANES         (LORA_LANES),
    .LORA_LATENCY_CYCLES(LORA_LATENCY_CYCLES),
    .SRAM_WIDTH_BITS    (SRAM_WIDTH_BITS),
    .SRAM_WAYS          (SRAM_WAYS),
    .SRAM_PORTS         (SRAM_PORTS),
    .LINK_ELEMENTS      (LINK_ELEMENTS),
    .ROM_DRAIN_ELEMENTS (ROM_DRAIN_ELEMENTS),
    .SLOTS_RANK_MAX     (SLOTS_RANK_MAX),
    .INPUTS_MAX         (INPUTS_MAX)
) lora_mac_watch_u (
    .*
);
