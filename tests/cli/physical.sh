# Area, energy and cost on the command line: run, bake and physics; bad input.
. tests/cli/check.bash
value() { sed -n "/^\t*\"$1\":/,/}/s/^\t*\"$2\":\t\([-0-9.e+]*\),\{0,1\}$/\1/p" <<<"$out" | head -1; }
number() { sed -n "s/^\t*\"$1\":\t\([0-9.e+]*\),\{0,1\}$/\1/p" <<<"$out" | head -1; }
ordered() { awk "BEGIN {exit !(0 < $2 && $2 < $3 && $3 < $4)}" || wrong "$1: expected a bracket, found $2, $3, $4"; }

run 0 run --tokens 8 --set server.cards=10 --json
for key in area_mm2 die_transistors static_w die_w card_w server_w server_mj_per_token energy_mj_per_token cost_usd_per_million_tokens; do
    ordered "$key, likely" "$(value $key likely_low)" "$(value $key nominal)" "$(value $key likely_high)"
    ordered "$key" "$(value $key low)" "$(value $key nominal)" "$(value $key high)"
done
has "$out" '"server_cards":	10'
tokens=$(number total_tokens_per_second) server=$(number server_tokens_per_second)
awk "BEGIN {exit !($server > 9.999999 * $tokens && $server < 10.000001 * $tokens)}" || wrong "ten cards: $server tokens/s, one $tokens"
has "$(sed -n '/moved_most_by/,/server_cards/p' <<<"$out")" '"constant":	"sram.access_pj_per_bit"'
area=$(value area_mm2 nominal)
run 0 run --tokens 8 --json
[ "$(value server_w nominal)" = 0 ] || wrong 'a card alone has a server' 
run 0 run --tokens 8 --set attention.lanes=1024 --json
awk "BEGIN {exit !($(value area_mm2 nominal) > $area)}" || wrong 'more lanes take no area'
run 0 run --tokens 8
has "$out" 'area, energy, cost (constants n6)'
has "$out" 'card (W) moved most by: '
lacks "$out" 'server'

# --- presets: each runs with its model by its name alone ---

for chip in hc1-server llama-3.2-1b llama-3.2-3b qwen2.5-0.5b qwen2.5-1.5b gemma-3-270m phi-4-mini smollm2-135m smollm2-360m smollm2-1.7b hc1 hc2 roma; do
    run 0 run --chip $chip --timing-only --prompt-tokens 16 --tokens 4
    has "$out" "chip $chip   model "
    run 0 list chips
    has "$out" "  $chip "
done
run 0 run --chip hc1-server --timing-only --prompt-tokens 16 --tokens 4
has "$out" 'model llama-3.1-8b'
has "$out" 'server full of such cards'
has "$out" 'a server of 10 cards, on average as busy as this: '
run 0 list --chip gemma-3-270m
has "$out" 'derived: by the rule of --chip auto'
run 2 run --chip hc1 --tokens 4
has "$err" 'model llama-3.1-8b is a shape without weights'
run 0 compare --chip hc1-server --users 20 --json
has "$out" '"cards":	10'
has "$out" '"energy_with_server":	true'
run 0 compare --chip llama-3.2-1b --users 1
has "$out" 'llama-3.2-1b, 1536 tokens of context; 1 card of llama-3.2-1b'

run 0 physics
has "$out" 'bitcell_um2'
has "$out" 'source: '
sed 's/nominal: 0.65,/nominal: 0.6,/' configs/physics/n6.yaml >"$folder/mine.yaml"
run 0 run --tokens 8 --physics "$folder/mine.yaml"
has "$out" 'constants mine'
run 2 run --physics n7x
has "$err" "there is no set of constants 'n7x'"
sed '/  phy_mm2/d' configs/physics/n6.yaml >"$folder/mine.yaml"
run 2 run --physics "$folder/mine.yaml"
has "$err" 'phy_mm2: expected in host, and missing'
[ -z "$out" ] || wrong "bad constants, yet it ran: $out"
run 2 physics "$folder/none.yaml"
has "$err" 'cannot read this file of constants'
run 0 bake configs/models/sample/sample.gguf -o "$folder/image.rom"
has "$out" 'rom_area_mm2'

# --- beside other machines ---

run 0 compare --chip sample --model llama-3.2-1b --set sram.depth_words=65536 --users 1,4 --context 64
has "$out" 'sambanova-sn40l'
has "$out" 'analytic'
first=$out
run 0 compare --chip sample --model llama-3.2-1b --set sram.depth_words=65536 --users 1,4 --context 64
[ "$first" = "$out" ] || wrong 'compare differs from run to run'
run 0 compare --chip sample --model sample --context 64 --users 1 --json
has "$out" '"schema":	"etchsim-compare-1"'
has "$out" '"user_tokens_per_second"'
run 0 compare --chip sample --model sample --context 64 --users 1 --sources
has "$out" 'memory_efficiency'
has "$out" 'gpt-fast'
for users in '' 0 1,,2 1,x 1,2, -1; do
    run 2 compare --chip sample --model sample --context 64 "--users=$users"
    has "$err" 'expected up to 16 numbers'
done
cat >"$folder/rows.yaml" <<'END'
rows:
  - {quantity: perceptron, published: 864, unit: cycles, source: x, kind: validation, within: 0, measure: {mlp: {layers: [784, 32, 10], latency_cycles: 2}}}
END
run 0 validate "$folder/rows.yaml" --sources
has "$out" '1 of 1 figures hold: 1 of 1 validations, 0 of 0 calibrations'
sed -i 's/864/865/' "$folder/rows.yaml"
run 1 validate "$folder/rows.yaml"
has "$out" '0 of 1 figures'
has "$err" '1 figure is not as the row says'
sed -i 's/within: 0,/within: 0, miss: a test,/' "$folder/rows.yaml"
run 0 validate "$folder/rows.yaml"
has "$out" 'miss  validation'
has "$out" 'why: a test'
has "$out" '1 known miss'
run 0 validate "$folder/rows.yaml" --json
has "$out" '"schema":	"etchsim-validate-1"'
has "$out" '"miss":	"a test"'
has "$out" '"known_misses":	1'
sed -i 's/865/864/' "$folder/rows.yaml"
run 1 validate "$folder/rows.yaml"
has "$out" 'no longer true: a test'
sed -i 's/within: 0, miss: a test,/within: 0,/; s/864/865/' "$folder/rows.yaml"
sed -i 's/within: 0, //' "$folder/rows.yaml"
run 2 validate "$folder/rows.yaml"
has "$err" 'within: expected in a row, and missing'
run 2 compare --chip smaple
has "$err" "did you mean 'sample'?"
finish
