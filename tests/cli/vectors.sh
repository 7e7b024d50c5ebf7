# etchsim vectors: the same files from the same seed, RTL that passes under Icarus, and a bench that sees one wrong bit and one wrong line.
. tests/cli/check.bash

rtl=${ETCHSIM_RTL:-rtl}
one=$folder/one
names() { (cd "$1" && ls -A) | xargs; }
equal() { [ "$2" = "$3" ] || wrong "$1: expected '$2', found '$3'"; }

# --- what it says and refuses ---

run 0 vectors --help
has "$out" 'iverilog'
for option in --out --chip --set --cycles --seed --no-stalls --adapter --model --layer; do
    has "$out" "$option"
done
run 2 vectors
has "$err" 'expected --out DIR'
run 2 vectors --out "$one" --cycles 0
has "$err" '--cycles: expected 1 to 1000000, found 0'
run 2 vectors --out "$one" --chip sampel
has "$err" "did you mean 'sample'?"
run 2 vectors --out "$one" --set lora.lanes=7
has "$err" 'lora.lanes'
run 2 vectors --out "$one" --model sample
has "$err" '--model: expected --adapter as well'
run 2 vectors --out "$one" --layer 0
has "$err" '--layer: expected --adapter as well'
run 2 vectors --out "$one" --adapter clinical --layer 6
has "$err" '--layer 6: expected 0 to 5'
run 2 vectors --out "$one" --adapter clinical --set slots.rank_max=4
has "$err" 'expected at most slots.rank_max = 4'
run 2 vectors --out "$one" --adapter no-such-adapter
[ ! -e "$one" ] || wrong 'bad input left a folder behind'
: >"$folder/file"
run 2 vectors --out "$folder/file"
has "$err" 'expected a folder, found something else'

# --- files ---

run 0 vectors --out "$one" --cycles 3000
has "$out" '3000 cycles of 1958 input and 774 output bits'
equal files 'README.txt chip.yaml inputs.mem legend.txt lora_mac_vectors_tb.v mask.mem outputs.mem' "$(names "$one")"
run 0 vectors --out "$folder/two" --cycles 3000 --seed 1
diff -r "$one" "$folder/two" >/dev/null || wrong 'the same seed gave other files'
run 0 vectors --out "$folder/two" --cycles 3000 --chip "$one/chip.yaml"
cmp -s "$one/inputs.mem" "$folder/two/inputs.mem" || wrong 'chip.yaml gave other vectors'
run 0 vectors --out "$folder/two" --cycles 3000 --seed 2
cmp -s "$one/inputs.mem" "$folder/two/inputs.mem" && wrong 'another seed gave the same vectors'
cp -r "$one" "$folder/before"
(
    trap '' XFSZ
    ulimit -f 64
    exec "$ETCHSIM" vectors --out "$one" --seed 3 >/dev/null 2>"$folder/err.full"
)
equal 'exit code on a disk that is full' 2 $?
has "$(cat "$folder/err.full")" 'cannot write'
diff -r "$one" "$folder/before" >/dev/null || wrong 'a full disk changed the files of an earlier call'

# --- under Icarus ---

if ! command -v iverilog >/dev/null || ! command -v vvp >/dev/null; then
    [ "$failures" -eq 0 ] || finish
    skip 'no iverilog (scripts/setup.sh rtl)'
fi
rtl=$(cd "$rtl" && pwd)

# play CODE FOLDER RTL: $words is what the bench says.
play() {
    local expected=$1 code
    (cd "$2" && iverilog -g2005 -y "$3" -o lora_mac.vvp lora_mac_vectors_tb.v) >"$folder/words" 2>&1 || wrong "iverilog: $(cat "$folder/words")"
    words=$(cd "$2" && vvp -N lora_mac.vvp 2>&1)
    code=$?
    [ "$code" -eq "$expected" ] || wrong "vvp: expected exit code $expected, found $code: $words"
}

play 0 "$one" "$rtl"
equal 'words of the bench' 'PASS 3000 cycles' "$words"
small=(--set lora.lanes=8 --set sram.width_bits=20 --set link.elements=5 --set rom.drain_elements=3 --set slots.rank_max=4)
while read -r arguments; do
    # shellcheck disable=SC2086 # several words
    run 0 vectors --out "$folder/two" --cycles 4000 $arguments
    play 0 "$folder/two" "$rtl"
    equal "$arguments: words of the bench" 'PASS 4000 cycles' "$words"
done <<END
--seed 5 ${small[*]}
--seed 6 --no-stalls ${small[*]}
--chip sample-lean
--adapter clinical --layer 3 --set lora.lanes=32
END

# One wrong bit: the lowest one of a result, in the first line in which results matter.
low=$(sed -n 's/^outputs.mem *delta_data_o *[0-9]* *[0-9]* *\([0-9]*\)$/\1/p' "$one/legend.txt")
line=$(awk -v digit=$((low / 4)) -v bit=$((low % 4)) '
    int((index("0123456789abcdef", substr($1, length($1) - digit, 1)) - 1) / 2 ^ bit) % 2 == 1 {print NR; exit}' "$one/mask.mem")
cp -r "$one" "$folder/wrong"
awk -v line="$line" -v digit=$((low / 4)) -v bit=$((low % 4)) '
    NR == line {
        place = length($1) - digit
        value = index("0123456789abcdef", substr($1, place, 1)) - 1
        value += int(value / 2 ^ bit) % 2 == 1 ? -2 ^ bit : 2 ^ bit
        $1 = substr($1, 1, place - 1) substr("0123456789abcdef", value + 1, 1) substr($1, place + 1)
    }
    {print}' "$one/outputs.mem" >"$folder/wrong/outputs.mem"
equal 'lines that were changed' 1 "$(diff "$one/outputs.mem" "$folder/wrong/outputs.mem" | grep -c '^>')"
play 1 "$folder/wrong" "$rtl"
has "$words" "FAIL cycle $((line - 1)): delta_data_o[0]: expected "
lacks "$words" PASS

# Lines missing.
head -n 2999 "$one/mask.mem" >"$folder/wrong/mask.mem"
play 1 "$folder/wrong" "$rtl"
has "$words" 'FAIL: expected 3000 lines'

# One wrong line of RTL.
for port in abort_i request_ready_i word_data_i; do
    rm -rf "$folder/rtl"
    cp -r "$rtl" "$folder/rtl"
    sed "0,/($port)/s//($port \& 1'b0)/" "$rtl/lora_mac.v" >"$folder/rtl/lora_mac.v"
    equal "lines changed for $port" 1 "$(diff "$rtl/lora_mac.v" "$folder/rtl/lora_mac.v" | grep -c '^>')"
    play 1 "$one" "$folder/rtl"
    has "$words" "cycle " # of the first difference, or of an assertion in the RTL
    lacks "$words" PASS
done
finish
