# Proofs of the RTL that take seconds (all of them: make formal), and whether a proof fails when the RTL is wrong.
. tests/cli/check.bash

for tool in yosys yosys-smtbmc cvc4; do
    command -v $tool >/dev/null || skip "no $tool (scripts/setup.sh formal)"
done
unset ETCHSIM_RTL
prove() { # prove CODE NAME...
    local expected=$1 code
    shift
    scripts/formal.sh "$@" >"$folder/out" 2>&1
    code=$?
    out=$(cat "$folder/out")
    [ "$code" -eq "$expected" ] || wrong "formal.sh $*: expected exit code $expected, found $code: $out"
}
prove 0 link pick control row lanes
prove 2 nothing
has "$out" "no proof 'nothing': expected one of"
cp -r rtl "$folder/rtl"
sed -i 's/there < ROOM/there <= ROOM/' "$folder/rtl/link.v"
cmp -s rtl/link.v "$folder/rtl/link.v" && wrong "link.v has no 'there < ROOM' any more"
ETCHSIM_RTL=$folder/rtl prove 1 link
has "$out" FAILED
finish
