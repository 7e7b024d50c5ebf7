# Does scripts/verilate.sh make whole libraries or none, once, and say what is wrong where it can't?
. tests/cli/check.bash

if ! command -v verilator >/dev/null || ! command -v g++ >/dev/null; then
    skip 'no verilator, or no g++ (scripts/setup.sh rtl)'
fi
export ETCHSIM_CACHE=$folder/cache
unset ETCHSIM_RTL
# Verilator's runtime is the same every time: from an earlier run, if there was one.
mkdir "$ETCHSIM_CACHE"
cp -r build/cache/verilator-* "$ETCHSIM_CACHE/" 2>/dev/null

parameters=(LORA_LANES=8 LORA_LATENCY_CYCLES=6 SRAM_WIDTH_BITS=48 SRAM_WAYS=1 SRAM_PORTS=1 LINK_ELEMENTS=4 ROM_DRAIN_ELEMENTS=4 SLOTS_RANK_MAX=4
    INPUTS_MAX=16)
verilate() { # verilate CODE ARGUMENT...
    local expected=$1 code
    shift
    scripts/verilate.sh "$@" >"$folder/out" 2>"$folder/err"
    code=$?
    out=$(cat "$folder/out") err=$(cat "$folder/err")
    [ "$code" -eq "$expected" ] || wrong "verilate.sh $*: expected exit code $expected, found $code: $err"
}
libraries() { find "$ETCHSIM_CACHE" -name '*.so' | wc -l; }
no_halves() { # no_halves WHEN
    local left
    left=$(find "$ETCHSIM_CACHE" -maxdepth 1 -name 'tmp.*')
    [ -z "$left" ] || wrong "$1: left behind: $left"
}

# --- what is wrong ---

mkdir "$folder/bin" "$folder/broken"
for tool in bash env dirname cat make sha256sum g++; do
    ln -s "$(command -v $tool)" "$folder/bin/$tool"
done
PATH=$folder/bin verilate 2 "${parameters[@]}"
has "$err" 'verilator is missing'
has "$err" 'run scripts/setup.sh rtl'
verilate 2 LORA_LANES=many
has "$err" "'LORA_LANES=many': expected NAME=NUMBER"
ETCHSIM_RTL=$folder/nowhere verilate 2 "${parameters[@]}"
has "$err" "$folder/nowhere/lora_mac.v: no such file"
ETCHSIM_CACHE=/dev/null/cache verilate 2 "${parameters[@]}"
has "$err" '/dev/null/cache: cannot make this folder'
printf 'module lora_mac (input wire clk_i);\n  assign nothing = clk_i\nendmodule\n' >"$folder/broken/lora_mac.v"
ETCHSIM_RTL=$folder/broken verilate 2 "${parameters[@]}"
has "$err" "$folder/broken/lora_mac.v:3"
no_halves 'RTL that does not compile'
[ "$(libraries)" -eq 0 ] || wrong 'a library of RTL that does not compile'

# --- interrupted; two at once; once more ---

set -m
scripts/verilate.sh "${parameters[@]}" >"$folder/interrupted" 2>&1 &
sleep 0.5
kill -TERM -- -$! && wait $!
set +m
no_halves 'interrupted'
scripts/verilate.sh "${parameters[@]}" >"$folder/other" 2>/dev/null &
verilate 0 "${parameters[@]}"
wait $! || wrong 'the second of two at once failed'
[ "$out" = "$(cat "$folder/other")" ] || wrong "two at once: '$out' and '$(cat "$folder/other")'"
[ -s "$out" ] || wrong "no library at '$out'"
[ "$(libraries)" -eq 1 ] || wrong 'two at once left two libraries'
no_halves 'two at once'
has "$err" "building the LoRA MAC unit's RTL for 8 lanes"
first=$out
verilate 0 "${parameters[@]}"
[ "$out" = "$first" ] || wrong "built again: '$out', before '$first'"
[ -z "$err" ] || wrong "expected silence when the library is there: $err"

# Another source is another library.
cp -r rtl "$folder/edited"
echo '// edited' >>"$folder/edited/lora_mac.v"
ETCHSIM_RTL=$folder/edited verilate 0 "${parameters[@]}"
[ "$out" != "$first" ] || wrong 'edited RTL was not built'
finish
