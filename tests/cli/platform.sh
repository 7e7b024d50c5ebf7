# The example platform: tokens and swap times are those of `etchsim run`, however its time is kept; a slow memory delays swaps. And the example in C alone.
source tests/cli/check.bash
build=$(dirname "$ETCHSIM")
[ -x "$build/platform" ] || skip 'SystemC is not installed'
equal() { [ "$2" = "$3" ] || wrong "$1: expected '$2', found '$3'"; }

equal 'a bench in C' 'ten at 9000 ps' "$("$build/shim_counter")"
lines=$(wc -l <sim/examples/shim_counter.c)
[ "$lines" -le 50 ] || wrong "shim_counter.c has $lines lines: it is to be short"

run 0 run --adapter clinical --adapter contract --set slots.count=1 --prompt 'On Monday' --tokens 24 --ignore-stop --json
load=$(awk '/"adapter_load":/ && $2 + 0 > 0 {print $2 + 0; exit}' "$folder/out")
clinical=$(awk -F'"' '/"text":/ {print $4; exit}' "$folder/out")
"$build/platform" 2>/dev/null >"$folder/platform" || wrong 'the platform failed'
equal 'the swaps of a run' "$load $load $load" "$(awk '{print $3}' "$folder/platform" | xargs)"
equal 'the tokens of a run' "$clinical" "$(awk -F'|' 'NR == 1 {print $2}' "$folder/platform")"
for time in at 'quantum-ns 1000' 'quantum-ns 10000'; do
    # shellcheck disable=SC2086 # words
    "$build/platform" $time 2>/dev/null >"$folder/other" || wrong "platform $time failed"
    equal "platform $time" "$(cat "$folder/platform")" "$(cat "$folder/other")"
done
"$build/platform" memory-ns 500 2>/dev/null >"$folder/slow"
slow=$(awk 'NR == 1 {print $3}' "$folder/slow")
[ "$slow" -gt $((2 * load)) ] || wrong "a slow memory: expected a swap of more than $((2 * load)) cycles, found $slow"
"$build/platform" bogus 2>/dev/null >/dev/null
equal 'exit code of a wrong argument' 2 $?

# What is generated from the list of registers is what is there.
equal docs/registers.md "$("$build/registers" md)" "$(cat docs/registers.md)"
finish
