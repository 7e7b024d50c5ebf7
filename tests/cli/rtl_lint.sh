# Do Verilator, Icarus and Yosys take the RTL without a warning, for narrow and wide units, every rank, rows in parts and beats wider than the unit?
. tests/cli/check.bash

if ! command -v verilator >/dev/null || ! command -v iverilog >/dev/null; then
    skip 'no verilator, or no iverilog (scripts/setup.sh rtl)'
fi
silent() { # silent WHAT COMMAND...
    local what=$1 words
    shift
    words=$("$@" 2>&1) || wrong "$what: exit code $?: $words"
    [ -z "$words" ] || wrong "$what: expected silence, found: $words"
}
while read -r parameters; do
    silent "verilator, $parameters" verilator --lint-only -Wall -y rtl $(printf -- '-G%s ' $parameters) rtl/lora_mac.v
    silent "iverilog, $parameters" iverilog -g2005 -Wall -y rtl $(printf -- '-Plora_mac.%s ' $parameters) -s lora_mac -o "$folder/lora_mac.vvp" rtl/lora_mac.v
    command -v yosys >/dev/null && [[ $parameters != *LANES=1024* ]] || continue # it would take a minute
    chosen=$(printf -- '-set %s ' $parameters | tr = ' ')
    silent "yosys, $parameters" yosys -q -p "read_verilog -DSYNTHESIS rtl/*.v; chparam $chosen lora_mac; hierarchy -check -top lora_mac; proc; check -assert"
done <<'END'
LORA_LANES=64
LORA_LANES=8 SRAM_WIDTH_BITS=20 SRAM_WAYS=2 LINK_ELEMENTS=16 ROM_DRAIN_ELEMENTS=16 SLOTS_RANK_MAX=1 INPUTS_MAX=1
LORA_LANES=13 SRAM_WIDTH_BITS=40 LINK_ELEMENTS=7 ROM_DRAIN_ELEMENTS=5 SLOTS_RANK_MAX=128 LORA_LATENCY_CYCLES=14
LORA_LANES=24 SRAM_WIDTH_BITS=20 SRAM_WAYS=3 SRAM_PORTS=2 LINK_ELEMENTS=32 ROM_DRAIN_ELEMENTS=1 SLOTS_RANK_MAX=9
LORA_LANES=1024 SRAM_WIDTH_BITS=512 LINK_ELEMENTS=64 ROM_DRAIN_ELEMENTS=128 SLOTS_RANK_MAX=128 INPUTS_MAX=28672
END
silent 'verilator, bank_read_port' verilator --lint-only -Wall -y rtl rtl/bank_read_port.v
silent 'iverilog, bank_read_port' iverilog -g2005 -Wall -y rtl -s bank_read_port -o "$folder/port.vvp" rtl/bank_read_port.v
finish
