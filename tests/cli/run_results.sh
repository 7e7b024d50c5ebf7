# What `etchsim run` prints: text and JSON, the same from both engines, on every preset chip, with adapters, sequences and sampling.
. tests/cli/check.bash

# Baked once, so that no run has to do it again.
rom=$folder/model.rom
run 0 bake configs/models/sample/sample.gguf -o "$rom" --quiet

# json NAME ARGUMENT...: a run's JSON goes to $folder/NAME.json.
json() {
    local name=$1
    shift
    run 0 run --model "$rom" --json "$@"
    mv "$folder/out" "$folder/$name.json"
}
# value NAME KEY: a key of the outermost object of NAME.json.
value() { sed -n "s/^\t\"$2\":\t\(.*[^,]\),\{0,1\}$/\1/p" "$folder/$1.json"; }
equal() { [ "$2" = "$3" ] || wrong "$1: expected '$2', found '$3'"; }
differ() { [ "$2" != "$3" ] || wrong "$1: expected something else than '$2'"; }
same() { # same NAME NAME [PATTERN]: both JSON files agree, but for the lines that contain the pattern
    cmp -s <(grep -Ev "${3:-^$}" "$folder/$1.json") <(grep -Ev "${3:-^$}" "$folder/$2.json") || wrong "$1.json and $2.json differ"
}
# All values of a key, wherever it stands, in order.
values() { sed -n "s/^\t*\"$2\":\t\(.*[^,]\),\{0,1\}$/\1/p" "$folder/$1.json"; }

# --- for people: results on stdout, wall clock on stderr ---

run 0 run --tokens 6 --ignore-stop
equal 'the text begins with the prompt' 'The old' "${out:0:7}"
for part in 'chip sample ' 'model sample ' ' tokens, generated 6 in ' 'cycles/token' 'tokens/s' 'first after' 'cycles per token, by place' \
    'ROM Wq Wk Wv' 'units: # busy' 'lora_mac' 'exactly the' 'SRAM' 'KV' 'ROM' 'trace'; do
    has "$out" "$part"
done
lacks "$out" 'simulated in'
has "$err" 'M chip cycles/s'
[ "$(wc -l <<<"$err")" -eq 1 ] || wrong "expected one line on stderr, found: $err"
[ "$(wc -l <<<"$out")" -le 40 ] || wrong 'the summary does not fit a screen'
first=$out
run 0 run --tokens 6 --ignore-stop
equal 'the same run again' "$first" "$out"
run 0 run --model "$rom" --tokens 6 --ignore-stop
equal 'GGUF or ROM image' "$first" "$out"
run 0 run -c sample -m "$rom" -p 'One evening' -n 1 -t 0 -s 3 -e step
has "$out" 'cycles of the first token, by place'
has "$out" 'One evening'
run 0 run --model "$rom" --timing-only --tokens 3
equal 'timing only: no text' 'chip sample ' "${out:0:12}"
run 0 run --model "$rom" --prompt '' --tokens 2
has "$out" 'prompt 1 tokens'
# A model of this shape without weights, and an adapter without values, take the same cycles.
cat >"$folder/shape.yaml" <<'EOS'
source: configs/models/sample
n_layers: 6
d_model: 128
n_heads: 4
n_kv_heads: 2
head_dim: 32
d_ff: 384
n_vocab: 1024
context_tokens: 512
tied_head: true
rms_epsilon: 1e-5
rope_base: 10000
EOS
cycles_of() { sed -n 's/.* in \([0-9]* cycles\) = .*/\1/p' <<<"$out"; }
run 0 run --model "$folder/shape.yaml" --timing-only --prompt-tokens 3 --tokens 20 --adapter synthetic:16
has "$out" 'model shape '
has "$out" 'synthetic:16'
cycles=$(cycles_of)
run 0 run --model "$rom" --timing-only --prompt-tokens 3 --tokens 20 --adapter clinical
equal 'cycles of a shape with a synthetic adapter' "$(cycles_of)" "$cycles"
# Drawn weights: the same for the same seed, on any number of threads, in memory or from a file.
run 0 run --model "$folder/shape.yaml" --synthetic-weights 7 --prompt-tokens 3 --tokens 12 --threads 1
drawn=$out
has "$out" 'model shape '
has "$err" 'tokens/s'
run 0 run --model "$folder/shape.yaml" --synthetic-weights 7 --prompt-tokens 3 --tokens 12 --threads 3
equal 'drawn weights on three threads' "$out" "$drawn"
run 0 bake "$folder/shape.yaml" --synthetic-weights 7 -o "$folder/shape.rom" --quiet
run 0 run --model "$folder/shape.rom" --prompt-tokens 3 --tokens 12
equal 'drawn weights from an image' "$out" "$drawn"
run 0 run --model "$folder/shape.yaml" --synthetic-weights 8 --prompt-tokens 3 --tokens 12
[ "$out" != "$drawn" ] || wrong 'another seed gives the same tokens'
run 0 run --synthetic-weights 7 --tokens 5 --prompt 'The old'
run 0 run --timing-only --prompt 'The old' --tokens 20 --adapter clinical
equal 'cycles of a GGUF file that is not baked' "$(cycles_of)" "$cycles"
if [ -e /dev/full ]; then
    "$ETCHSIM" run --model "$rom" --tokens 2 >/dev/full 2>"$folder/err" && wrong 'a full disk looks like success'
    has "$(cat "$folder/err")" 'cannot write the results'
fi

# --- JSON: the contract, and sums that must hold ---

json base --tokens 12 --ignore-stop
has "$err" 'M chip cycles/s'
awk -f - "$folder/base.json" <<'EOS' || wrong 'the JSON is not well-formed'
{ # strings away, then brackets must match
    gsub(/\\./, ""); gsub(/"[^"]*"/, "")
    for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        if (c == "{" || c == "[") stack = stack c
        else if (c == "}" || c == "]") {
            if (substr(stack, length(stack)) != (c == "}" ? "{" : "[")) bad = 1
            stack = substr(stack, 1, length(stack) - 1)
        } else if (c == "\"") bad = 1
    }
}
END { exit bad || stack != "" }
EOS
for key in schema chip model adapter clock_mhz prompt_tokens tokens token_ids text cycles cycles_per_token tokens_per_second \
    time_to_first_token_us units sram rom_bits trace_hash; do
    [ -n "$(value base $key)" ] || wrong "the JSON has no '$key'"
done
for key in busy_cycles stall_cycles utilisation capacity_bytes slots_bytes kv_bytes kv_used_bytes first_token_cycles later_tokens_cycles; do
    [ -n "$(values base $key)" ] || wrong "the JSON has no '$key' anywhere"
done
equal schema '"etchsim-run-1"' "$(value base schema)"
equal chip '"sample"' "$(value base chip)"
equal adapter '"none"' "$(value base adapter)"
[ "$(value base prompt_tokens)" -ge 2 ] || wrong "prompt_tokens: found $(value base prompt_tokens)"
equal tokens 12 "$(value base tokens)"
[[ $(value base trace_hash) =~ ^\"[0-9a-f]{16}\"$ ]] || wrong "trace_hash: found $(value base trace_hash)"
[[ $(value base token_ids) =~ ^\[[0-9]+(,\ [0-9]+)*\]$ ]] || wrong "token_ids: found $(value base token_ids)"
# Each cycle of the request is booked once: up to the one in which the last token arrived, which is the run's last.
sum=$(awk '/^\t"(first_token|later_tokens)_cycles"/ {on = 1; next} /^\t}/ {on = 0} on {sum += $2} END {print sum + 1}' "$folder/base.json")
equal 'sum of all places' "$(value base cycles)" "$sum"
# Each unit is in one state in each cycle.
bad=$(awk -v cycles="$(value base cycles)" '/^\t"units"/ {on = 1} /^\t}/ {on = 0} !on {next} {sub(/,$/, "")}
    /"busy_cycles"/ {sum = 0; n++}
    /"busy_cycles"|"idle_cycles"|"output"|"lora"|"sram"|"slice"/ && $2 + 0 == $2 {sum += $2}
    /"utilisation"/ && sum != cycles {bad++}
    END {print n ? bad + 0 : "there are none"}' "$folder/base.json")
equal 'units whose states do not add up to all cycles' 0 "$bad"

# --- the engines ---

for arguments in '' '--adapter clinical --adapter support' '--sequences 5 --temperature 0.7'; do
    # shellcheck disable=SC2086 # words
    json step --engine step --tokens 10 $arguments
    # shellcheck disable=SC2086
    json skip --engine skip --tokens 10 $arguments
    same step skip
done

# --- chips: other cycles, the same text ---

for file in configs/chips/*.yaml; do
    chip=$(basename "$file" .yaml)
    json "chip-$chip" --chip "$chip" --tokens 12 --ignore-stop
    equal "text on $chip" "$(value base text)" "$(value "chip-$chip" text)"
    json "file-$chip" --chip "$file" --tokens 12 --ignore-stop
    same "chip-$chip" "file-$chip"
    json step --chip "$chip" --tokens 12 --ignore-stop --engine step
    same "chip-$chip" step
done
[ "$(value chip-sample-wide cycles)" -lt "$(value base cycles)" ] || wrong 'the wide chip is not faster'
[ "$(value chip-sample-lean cycles)" -gt "$(value base cycles)" ] || wrong 'the lean chip is not slower'

json half --tokens 12 --ignore-stop --set clock.mhz=500
equal 'cycles at half the clock' "$(value base cycles)" "$(value half cycles)"
equal clock_mhz 500 "$(value half clock_mhz)"
equal 'speed at half the clock' 2.000000 "$(awk "BEGIN {printf \"%.6f\", $(value base tokens_per_second) / $(value half tokens_per_second)}")"
json narrow --tokens 12 --set attention.lanes=8 --set rom.rows_per_cycle=2 --ignore-stop
differ cycles "$(value base cycles)" "$(value narrow cycles)"
equal 'text of a changed chip' "$(value base text)" "$(value narrow text)"

# --- without values: the same cycles everywhere ---

for arguments in '--tokens 40' '--tokens 20 --adapter contract --sequences 3' '--tokens 20 --chip sample-lean --temperature 1'; do
    # shellcheck disable=SC2086
    json values --ignore-stop $arguments
    # shellcheck disable=SC2086
    json timing --timing-only $arguments
    same values timing '"(text|token_ids|trace_hash|timing_only)":'
    equal 'token ids without values' '[]' "$(value timing token_ids)"
done
equal 'tokens with --ignore-stop' 20 "$(value values tokens)"

# --- without a trace: tokens leap, and nothing else is different ---

leaps() { # [argument..]
    local arguments=(--json --timing-only --prompt-tokens 40 --tokens 30 "$@")
    run 0 run "${arguments[@]}"
    cp "$folder/out" "$folder/traced.json"
    run 0 run --trace none "${arguments[@]}"
    cp "$folder/out" "$folder/untraced.json"
    same traced untraced '"trace_(hash|events)":'
    equal "trace_hash of $*" null "$(value untraced trace_hash)"
}
for file in configs/chips/*.yaml; do
    leaps --model "$rom" --chip "$(basename "$file" .yaml)" --adapter none --adapter clinical
done
for file in configs/models/*.yaml; do
    model=$(basename "$file" .yaml)
    leaps --model "$model" --chip auto --sequences 2
    leaps --model "$model" --chip auto --adapter none --adapter synthetic:4
done

# --- adapters ---

adapters='--adapter clinical --adapter contract --adapter support'
# shellcheck disable=SC2086
json adapters --tokens 16 $adapters
equal 'adapters of the sequences' '"clinical" "contract" "support"' "$(values adapters adapter | tail -n +2 | xargs -d '\n')"
equal loads 3 "$(values adapters loads)"
texts=$(values adapters text | tail -n +2)
for adapter in clinical contract support; do
    json alone --tokens 16 --adapter $adapter
    equal adapter "\"$adapter\"" "$(value alone adapter)"
    grep -qxF -- "$(value alone text)" <<<"$texts" || wrong "$adapter writes something else when others are in flight"
    has "$(cat "$folder/alone.json")" '"chip_parameters"'
done
# shellcheck disable=SC2086
json one-slot --tokens 16 $adapters --sequences 2 --set slots.count=1
equal 'texts with one slot' "$(values adapters text | tail -n +2 | sort -u)" "$(values one-slot text | tail -n +2 | sort -u)"
[ "$(values one-slot evictions)" -gt 0 ] || wrong 'three adapters in one slot, and none was evicted'
# shellcheck disable=SC2086
run 0 run --model "$rom" --tokens 4 $adapters
for adapter in clinical contract support; do
    has "$out" "[$adapter] The old"
done
json none --tokens 12 --ignore-stop --adapter none
same base none
json beside --tokens 12 --ignore-stop --adapter none --adapter clinical
equal 'the base model and an adapter' '"none" "clinical"' "$(values beside adapter | tail -n +2 | xargs -d '\n')"
equal 'the base model beside an adapter' "$(value base text)" "$(value beside text)"
equal loads 1 "$(values beside loads)"
json path --tokens 16 --adapter configs/adapters/clinical/
equal 'an adapter by its path' '"clinical"' "$(value path adapter)"

# --- sequences ---

json eight --tokens 12 --sequences 8 --ignore-stop
equal 'greedy sequences' 8 "$(values eight text | tail -n +2 | grep -cxF -- "$(value base text)")"
[ "$(value eight cycles)" -lt $((2 * $(value base cycles))) ] || wrong 'eight sequences are not in flight together'
json queue --tokens 12 --sequences 5 --set kv.sequences=2 --ignore-stop
equal 'sequences that wait for a KV cache' 5 "$(values queue text | tail -n +2 | grep -cxF -- "$(value base text)")"

# --- sampling ---

json first --tokens 16 --temperature 1 --seed 5
json again --tokens 16 --temperature 1 --seed 5
same first again
json other --tokens 16 --temperature 1 --seed 6
differ token_ids "$(value first token_ids)" "$(value other token_ids)"
json sequences --tokens 16 --temperature 1 --seed 5 --sequences 3
equal 'the first of several sampled sequences' "$(value first token_ids)" "$(value sequences token_ids)"
equal 'sequences that differ' 3 "$(values sequences token_ids | tail -n +2 | sort -u | wc -l)"
json greedy --tokens 12 --temperature 1 --top-p 0 --ignore-stop
equal 'top-p 0 is greedy' "$(value base token_ids)" "$(value greedy token_ids)"
json cool --tokens 12 --temperature 0.0004 --ignore-stop
equal 'a temperature near 0 is greedy' "$(value base token_ids)" "$(value cool token_ids)"

json bytes --prompt $'Caf\303\251 "\360\237\230\200"\n\t\001' --tokens 4
has "$(value bytes text)$(cat "$folder/bytes.json")" '"Café \"😀\"\n\t\u0001"'
finish
