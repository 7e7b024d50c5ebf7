# Adapters with pairs on the embedding and the head, from file to token: the golden ones, made by PEFT and by llama.cpp's converter.
. tests/cli/check.bash

golden=tests/golden/architectures
model=(--model "$golden/llama.gguf")
ask=(run "${model[@]}" --prompt-tokens 5 --tokens 6 --seed 3)
number() { # number KEY: of the last JSON
    sed -n "s/^\t\"$1\":\t\([^,]*\),*$/\1/p" <<<"$out" | head -n 1
}
equal() { # equal WHAT EXPECTED FOUND
    [ "$2" = "$3" ] || wrong "$1: expected $2, found $3"
}

# --- files ---

run 0 adapter inspect "$golden/llama-ends" "${model[@]}"
inspected=$out
grep -qE '^token_embd +3 +- ' <<<"$out" || wrong "no line of the embedding: $out"
grep -qE '^output +5 +- ' <<<"$out" || wrong "no line of the head: $out"
run 0 adapter inspect "$golden/llama-ends.gguf" "${model[@]}"
equal 'hash from GGUF' "$(grep content_hash <<<"$inspected")" "$(grep content_hash <<<"$out")"
run 0 adapter convert "$golden/llama-ends" -o "$folder/one.gguf" "${model[@]}"
run 0 adapter convert "$folder/one.gguf" -o "$folder/two" "${model[@]}"
run 0 adapter convert "$folder/two" -o "$folder/two.gguf" "${model[@]}"
cmp -s <(tail -c 4096 "$folder/one.gguf") <(tail -c 4096 "$folder/two.gguf") || wrong 'PEFT to GGUF and back changes tensors'
run 0 adapter inspect "$folder/two" "${model[@]}"
equal 'hash after two conversions' "$(grep content_hash <<<"$inspected")" "$(grep content_hash <<<"$out")"
run 0 adapter pack "$golden/llama-ends" "${model[@]}" -o "$folder/packed.gguf"
has "$out" 'token_embd             3'
run 0 adapter inspect "$folder/packed.gguf" "${model[@]}"
grep -qE '^output +5 +- ' <<<"$out" || wrong "no line of the head in what was packed: $out"
run 0 adapter stack -a "$golden/llama-ends" -a "$golden/llama-adapter" "${model[@]}" -o "$folder/both.gguf"
has "$out" 'stack                      0.000000      5'
run 0 adapter average -a "$golden/llama-ends" -a "$golden/llama-adapter" "${model[@]}" -o "$folder/mean" --method stack

# --- a chip with and without units at the ends ---

run 2 "${ask[@]}" --adapter "$golden/llama-ends"
has "$err" 'adapter llama-ends has a pair for the head, where the chip has no LoRA MAC unit: expected lora.ends to be head or both'
run 2 "${ask[@]}" --adapter "$golden/llama-ends" --set lora.ends=head
has "$err" 'has a pair for the embedding, where the chip has no LoRA MAC unit: expected lora.ends to be embedding or both'
run 2 "${ask[@]}" --adapter "$golden/llama-ends" --set lora.ends=all
has "$err" 'none|embedding|head|both'
run 2 vectors "${model[@]}" --adapter "$golden/llama-ends" --out "$folder/none"
has "$err" 'where the chip has no LoRA MAC unit: expected lora.ends to be head or both'
run 0 "${ask[@]}" --adapter "$golden/llama-adapter" --json
cycles=$(number cycles) tokens=$(number token_ids)
run 0 "${ask[@]}" --adapter "$golden/llama-adapter" --set lora.ends=both --json
equal 'cycles of an adapter without such pairs' "$cycles" "$(number cycles)"
equal 'its tokens' "$tokens" "$(number token_ids)"

# --- engines, files and the RTL agree ---

for more in '' '--set slots.loading=streaming' '--set slots.layout=paged' '--set chip.organisation=shared --set sram.depth_words=20000'; do
    here=("${ask[@]}" --adapter "$golden/llama-ends" --set lora.ends=both $more)
    run 0 "${here[@]}" --json
    hash=$(number trace_hash) cycles=$(number cycles) tokens=$(number token_ids)
    run 0 "${here[@]}" --json --engine step
    equal "trace of step $more" "$hash" "$(number trace_hash)"
    run 0 "${here[@]}" --json --timing-only
    equal "cycles without values $more" "$cycles" "$(number cycles)"
done
run 0 "${ask[@]}" --adapter "$folder/two.gguf" --set lora.ends=both --json
equal 'tokens from GGUF' "$tokens" "$(number token_ids)"
if command -v verilator >/dev/null && command -v g++ >/dev/null; then
    export ETCHSIM_CACHE=${ETCHSIM_CACHE:-$PWD/build/cache}
    here=("${ask[@]}" --adapter "$golden/llama-ends" --set lora.ends=both --json)
    run 0 "${here[@]}"
    hash=$(number trace_hash)
    for unit in rtl lockstep; do
        run 0 "${here[@]}" --lora-mac $unit
        equal "trace with --lora-mac $unit" "$hash" "$(number trace_hash)"
    done
    run 0 "${here[@]}" --lora-mac lockstep --out "$folder/waves" --trace fst
    cp -r rtl "$folder/rtl"
    sed -i "s/10'sd127 ? 8'sd127/10'sd63 ? 8'sd63/" "$folder/rtl/requantiser.v"
    ETCHSIM_RTL=$folder/rtl run 1 "${here[@]}" --lora-mac lockstep --out "$folder/broken"
    has "$err" 'LoRA MAC unit of the embedding, cycle '
    has "$err" 'link delta_embed, field delta_data_o'
    [ -s "$folder/waves/lora_mac_rtl_embedding.fst" ] && [ -s "$folder/waves/lora_mac_rtl_head.fst" ] || wrong 'no waveforms of the ends'
fi

# --- tenants keep apart; slices of the ends break, weights there flip ---

cp -r "$golden/llama-ends" "$folder/ends"
cp "$golden/llama-adapter.gguf" "$folder/plain.gguf"
cat >"$folder/tenants.yaml" <<YAML
# Tenants with and without pairs at the ends
chip: sample
model: $PWD/$golden/llama.gguf
set: {lora.ends: both, slots.count: 2, sram.ecc: parity, slots.loading: streaming}
values: true
seed: 1
requests: 24
adapters: {files: [./ends, ./plain.gguf, ./both.gguf]}
incidents:
  - {at_us: 0, corrupt: ./ends, layer: head}
  - {at_us: 0, truncate: ./both.gguf, layer: embedding}
  - {at_us: 20, flip: ./ends, layer: embedding}
  - {at_us: 30, flip: ./both.gguf, layer: head}
arrivals: {poisson: {requests_per_s: 200000}}
popularity: uniform
prompt_tokens: {uniform: [2, 8]}
output_tokens: {uniform: [2, 8]}
YAML
run 0 serve "$folder/tenants.yaml" --verify
has "$err" 'tokens equal those of the model without a clock'
first=$out
run 0 serve "$folder/tenants.yaml" --engine step
equal 'step and skip' "$first" "$out"
sed -i 's|corrupt: ./ends, layer: head|corrupt: ./plain.gguf, layer: head|' "$folder/tenants.yaml"
run 2 serve "$folder/tenants.yaml"
has "$err" 'expected a layer of the model, or an end for which it has a pair'
sed -i 's/layer: head}/layer: tail}/' "$folder/tenants.yaml"
run 2 serve "$folder/tenants.yaml"
has "$err" 'tenants.yaml:10: layer'

finish
