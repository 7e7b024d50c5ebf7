#!/usr/bin/env bash
# Proves properties of the RTL: Yosys, yosys-smtbmc with cvc4, k-induction; docs/formal.md says what is proved and what is assumed.
#
#   scripts/formal.sh [NAME ...]       default: every proof of the table below; --list prints their names
#
# A proof's base case, its induction step, and its cover statements (a property that cannot be reached proves nothing) must all hold.
# Traces of what fails are in build/formal/NAME/*.vcd. ETCHSIM_RTL names another folder of Verilog files. Exit 1: a proof failed, 2: a tool is missing.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rtl=${ETCHSIM_RTL:-rtl}

# name, steps of the induction, steps to the covers (-: too deep for minutes), parameters; the harness is tests/formal/prove_NAME.v, up to a dash
proofs='
link 2 10
link-1 2 10 DEPTH=1
link-3 2 10 DEPTH=3
pick 2 10
control 3 -
control-9 3 - LORA_LATENCY_CYCLES=9
sequence 2 -
request 4 10
divide 3 12
divide-64 3 12 DIVISOR=64
row 3 12
port 2 -
x_buffer 2 8
lane 2 6
lanes 2 6
accumulators 2 -
rescaler 4 6
'

if [ "${1:-}" = --list ]; then
    awk 'NF {print $1}' <<<"$proofs"
    exit 0
fi
for tool in yosys yosys-smtbmc cvc4; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing: run scripts/setup.sh formal" >&2
        exit 2
    }
done
for name in "$@"; do
    grep -q "^$name " <<<"$proofs" || {
        echo "formal.sh: no proof '$name': expected one of" $(awk 'NF {print $1}' <<<"$proofs") >&2
        exit 2
    }
done

status() { sed -n 's/.*Status: //p' | tail -n 1; }
failed=0
printf '%-14s %-10s %-20s %-8s %7s\n' proof 'base case' induction covers seconds
while read -r name steps covers parameters; do
    [ -n "$name" ] || continue
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    folder=build/formal/$name
    top=prove_${name%%-*}
    mkdir -p "$folder"
    rm -f "$folder"/*.vcd
    started=$SECONDS
    chosen=
    for parameter in $parameters; do
        chosen+="chparam -set ${parameter%%=*} ${parameter#*=} $top; "
    done
    if ! yosys -q -l "$folder/yosys.log" -p "read_verilog -formal -sv tests/formal/$top.v; $chosen hierarchy -check -top $top -libdir $rtl; proc; opt_clean
        memory -nordff; flatten; setundef -undriven -anyseq; opt -keepdc -fast; dffunmap; opt_clean; check -assert
        write_smt2 -wires $folder/model.smt2" >/dev/null 2>&1; then
        echo "$name: yosys failed, see $folder/yosys.log"
        failed=1
        continue
    fi
    prove() { yosys-smtbmc --noprogress -s cvc4 "$@" "$folder/model.smt2" 2>&1 | tee "$folder/last.log" | status; }
    base=$(prove -t "$steps" --dump-vcd "$folder/base.vcd")
    step=$(prove -i -t "$steps" --dump-vcd "$folder/induction.vcd")
    reached=-
    [ "$covers" = - ] || reached=$(prove -c -t "$covers" --dump-vcd "$folder/cover%.vcd")
    [ "$base" = PASSED ] && [ "$step" = PASSED ] && [[ $reached =~ ^(-|PASSED)$ ]] || failed=1
    printf '%-14s %-10s %-20s %-8s %7d\n' "$name" "${base:-ERROR}" "${step:-ERROR} ($steps steps)" "${reached:-ERROR}" $((SECONDS - started))
done <<<"$proofs"
[ $failed -eq 0 ] || echo 'a proof failed: traces are in build/formal/NAME/*.vcd'
exit $failed
