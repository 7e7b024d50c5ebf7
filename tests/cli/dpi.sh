# libetchsim_lora_dpi.so: the LoRA MAC unit's RTL beside its C reference in a SystemVerilog bench, every pin compared on every clock edge.
. tests/cli/check.bash

library=$(dirname "$ETCHSIM")/libetchsim_lora_dpi.so
rtl=${ETCHSIM_RTL:-rtl}
[ -e "$library" ] || wrong "$library: no such file (make dpi)"
[ "$(nm -D --defined-only "$library" | awk '$2 == "T" {print $3}' | xargs)" = 'lora_mac_dpi_clock lora_mac_dpi_close lora_mac_dpi_open' ] ||
    wrong 'the library shows other functions than its own'
if ! command -v verilator >/dev/null || ! command -v g++ >/dev/null; then
    [ "$failures" -eq 0 ] || finish
    skip 'no verilator, or no g++ (scripts/setup.sh rtl)'
fi

words=$(verilator --lint-only -Wall -y rtl/dpi rtl/dpi/lora_mac_watch.sv 2>&1) || wrong "rtl/dpi: $words"

cycles=30000
run 0 vectors --out "$folder/vectors" --cycles $cycles --set lora.lanes=16 --set sram.width_bits=20 --set sram.ways=4 --set sram.banks=16 \
    --set link.elements=4 --set rom.drain_elements=5 --set slots.rank_max=4 --set sram.depth_words=20000
parameters=$(sed -n 's/^parameter \(.*\) \([0-9]*\)$/-G\1=\2/p; s/^cycles /-GCYCLES=/p; s/^input_bits /-GINPUT_BITS=/p' "$folder/vectors/legend.txt")

# make hands its own flags and jobs down; they are not for Verilator's make.
unset MAKEFLAGS MAKELEVEL MFLAGS
# build TOP RTL FILE...
build() {
    local top=$1 rtl=$2
    shift 2
    verilator --binary --timing -Wno-fatal -y "$rtl" -y rtl/dpi --top-module "$top" --Mdir "$folder/$top" -MAKEFLAGS "OBJCACHE=$(command -v ccache)" \
        "$@" "$library" >"$folder/words" 2>&1 || wrong "verilator: $(grep -A 5 -m 1 '%' "$folder/words" || tail -n 20 "$folder/words")"
}
# bench CODE TOP ARGUMENT...: $words is what it says. Verilator's $fatal ends with SIGABRT.
bench() {
    local expected=$1 top=$2 code
    shift 2
    words=$(cd "$folder/vectors" && ulimit -c 0 && exec "$folder/$top/V$top" "$@" 2>&1)
    code=$?
    [ "$code" -eq "$expected" ] || wrong "$top $*: expected exit code $expected, found $code: $words"
}

# --- side by side ---

# shellcheck disable=SC2086 # several words
build lora_mac_dpi_tb "$rtl" $parameters tests/dpi/lora_mac_dpi_tb.sv
bench 0 lora_mac_dpi_tb
has "$words" "PASS $((cycles - 1)) edges compared" # the first edge is the reset
bench 134 lora_mac_dpi_tb +flip=5000
has "$words" 'delta_data_o[0]: expected '
has "$words" 'the unit differs from the reference'
lacks "$words" PASS
bench 134 lora_mac_dpi_tb +break=5000
has "$words" 'the inputs break docs/lora_mac.md: cycle '
lacks "$words" PASS

# --- bound into a unit that is wrong, in a bench that does not look ---

cp -r "$rtl" "$folder/rtl"
sed "0,/(abort_i)/s//(1'b0)/" "$rtl/lora_mac.v" >"$folder/rtl/lora_mac.v"
tr 1-9a-f 0 <"$folder/vectors/mask.mem" >"$folder/vectors/nothing.mem"
mv "$folder/vectors/nothing.mem" "$folder/vectors/mask.mem"
build lora_mac_vectors_tb "$folder/rtl" "$folder/vectors/lora_mac_vectors_tb.v" rtl/dpi/lora_mac_bind.sv
bench 134 lora_mac_vectors_tb
has "$words" 'aborted_o: expected 1, got 0'
has "$words" 'the unit differs from the reference'
finish
