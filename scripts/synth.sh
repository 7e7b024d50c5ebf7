#!/usr/bin/env bash
# Synthesises the LoRA MAC unit: Yosys and abc, onto the cells of a free 180 nm library. A table to stdout, the same figures to build/synth/lora_mac.yaml.
#
#   scripts/synth.sh [LANES ...]       default: 16 64 256
#
# All other parameters are those of configs/chips/sample.yaml, but for the words of a row, of which as many come at once as it has, and INPUTS_MAX (384, the
# sample model's). Cells and depth carry over to other processes, area and delay do not. docs/lora_mac.md says what each figure is.
# ETCHSIM_LIBERTY names another cell library. Exit 1: synthesis failed, 2: a tool is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

library=${ETCHSIM_LIBERTY:-/usr/share/qflow/tech/osu018/osu018_stdcells.lib}
command -v yosys >/dev/null || { echo 'yosys is missing: run scripts/setup.sh synth' >&2 && exit 2; }
[ -e "$library" ] || { echo "$library is missing: run scripts/setup.sh synth" >&2 && exit 2; }
[ $# -gt 0 ] || set -- 16 64 256
folder=build/synth
mkdir -p $folder
printf 'set_driving_cell INVX2\nset_load 10.0 [all_outputs]\n' >$folder/constraints

of_chip() { awk -v group="$1:" -v key="$2:" '/^[a-z]/ {in_group = $1 == group} in_group && $1 == key {print $2; exit}' configs/chips/sample.yaml; }
parameters="LORA_LATENCY_CYCLES=$(of_chip lora latency_cycles) SRAM_WIDTH_BITS=$(of_chip sram width_bits) LINK_ELEMENTS=$(of_chip link elements)
    ROM_DRAIN_ELEMENTS=$(of_chip rom drain_elements) SLOTS_RANK_MAX=$(of_chip slots rank_max) INPUTS_MAX=384 SRAM_WAYS=64"

# All of it in one module, since paths cross the modules. The script is abc's for cell libraries without its search for equivalent nodes, which takes most of the time.
echo 'strash; &get -n; &nf; &put; buffer; upsize; dnsize; stime -p' >$folder/abc.script
synthesise() { # synthesise LANES
    local log=$folder/lora_mac_$1 chosen
    chosen=$(printf -- '-set %s ' LORA_LANES="$1" $parameters | tr = ' ')
    yosys -q -l "$log.log" -p "
        read_verilog -DSYNTHESIS rtl/*.v
        chparam $chosen lora_mac
        hierarchy -check -top lora_mac
        proc
        flatten
        opt_clean
        tee -q -o $log.memories stat
        synth -top lora_mac -run coarse:fine
        memory_map
        opt -undriven -fine
        techmap
        opt -fast
        dfflibmap -liberty $library
        abc -liberty $library -constr $folder/constraints -script $folder/abc.script
        opt_clean -purge
        tee -q -o $log.cells stat -liberty $library" >"$log.words" 2>&1 || {
        tail -n 20 "$log.words" >&2
        exit 1
    }
}

# What the logs say, as a row of the table and as an entry of the file.
number() { sed -nE "$2" "$1" | tail -n 1; }
report() { # report LANES
    local log=$folder/lora_mac_$1 cells flops bits area depth delay
    cells=$(number "$log.cells" 's/.*Number of cells: +([0-9]+).*/\1/p')
    flops=$(awk '$1 ~ /^DFF/ {n += $2} END {print n + 0}' "$log.cells")
    area=$(number "$log.cells" 's/.*Chip area for module.*: ([0-9]+).*/\1/p')
    bits=$(number "$log.memories" 's/.*Number of memory bits: +([0-9]+).*/\1/p')
    depth=$(number "$log.log" 's/^ABC: Path +([0-9]+) -- .*/\1/p')
    delay=$(number "$log.log" 's/^ABC: WireLoad.* Delay = +([0-9]+).*/\1/p')
    for value in "$cells" "$flops" "$area" "$bits" "$depth" "$delay"; do
        [[ $value =~ ^[0-9]+$ ]] || { echo "synth.sh: $log.*: a figure is missing" >&2 && exit 1; }
    done
    printf '%6d %9d %10.0f %8d %12d %7d %9d %11.3f\n' "$1" "$cells" $((cells / $1)) "$flops" "$bits" "$depth" "$delay" "$(awk "BEGIN {print $area / 1e6}")"
    printf '  - {lanes: %d, cells: %d, flops: %d, memory_bits: %d, depth_cells: %d, delay_ps: %d, area_um2: %d}\n' "$1" "$cells" "$flops" "$bits" "$depth" "$delay" "$area" >&3
}

exec 3>$folder/lora_mac.yaml.new
{
    echo "# The LoRA MAC unit, synthesised by scripts/synth.sh with $(yosys -V | cut -d' ' -f1,2). flops has the memories' bits; area and delay are those of the library."
    echo "library: $(basename "$library")"
    echo "parameters: {$(echo $parameters | sed 's/=/: /g; s/ \([A-Z]\)/, \1/g')}"
    echo 'lora_mac:'
} >&3
printf '%6s %9s %10s %8s %12s %7s %9s %11s\n' lanes cells cells/lane flops 'memory bits' depth 'delay ps' 'area mm2'
for lanes in "$@"; do
    synthesise "$lanes"
    report "$lanes"
done
mv $folder/lora_mac.yaml.new $folder/lora_mac.yaml
