# Area, energy and cost on the command line: run, bake and physics; bad input.
. tests/cli/check.bash
value() { sed -n "/^\t*\"$1\":/,/}/s/^\t*\"$2\":\t\([-0-9.e+]*\),\{0,1\}$/\1/p" <<<"$out" | head -1; }
ordered() { awk "BEGIN {exit !(0 < $2 && $2 < $3 && $3 < $4)}" || wrong "$1: expected a bracket, found $2, $3, $4"; }

run 0 run --tokens 8 --json
for key in area_mm2 die_transistors static_w die_w card_w server_w energy_mj_per_token cost_usd_per_million_tokens; do
    ordered "$key" "$(value $key low)" "$(value $key nominal)" "$(value $key high)"
done
area=$(value area_mm2 nominal)
run 0 run --tokens 8 --set attention.lanes=1024 --json
awk "BEGIN {exit !($(value area_mm2 nominal) > $area)}" || wrong 'more lanes take no area'
run 0 run --tokens 8
has "$out" 'area, energy, cost (constants n6)'

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
has "$out" '1 of 1 figures are within their tolerance'
sed -i 's/864/865/' "$folder/rows.yaml"
run 1 validate "$folder/rows.yaml"
has "$out" '0 of 1 figures'
has "$err" '1 figure is outside the tolerance'
sed -i 's/within: 0, //' "$folder/rows.yaml"
run 2 validate "$folder/rows.yaml"
has "$err" 'within: expected in a row, and missing'
run 2 compare --chip smaple
has "$err" "did you mean 'sample'?"
finish
