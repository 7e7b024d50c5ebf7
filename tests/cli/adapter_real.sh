# A published adapter, as PEFT and as GGUF: the same on the chip, and the same after conversion.
. tests/cli/check.bash

data=${ETCHSIM_SHARED_DATA:-../shared/data}/lora
[ -r "$data/medai-smollm135m-r16.gguf" ] || skip 'the shared test data are not here'
cat >"$folder/config.json" <<'CONFIG'
{"model_type": "llama", "num_hidden_layers": 30, "hidden_size": 576, "intermediate_size": 1536, "num_attention_heads": 9,
 "num_key_value_heads": 3, "vocab_size": 49152}
CONFIG
model="--model $folder/config.json"

# shellcheck disable=SC2086
run 0 adapter inspect "$data/medai-smollm135m" $model
peft=$out
has "$peft" 'rank_max         16'
has "$peft" 'packed_bytes     739200'
# shellcheck disable=SC2086
run 0 adapter inspect "$data/medai-smollm135m-r16.gguf" $model
[ "${out#*content_hash}" = "${peft#*content_hash}" ] || wrong 'the two files differ'
# shellcheck disable=SC2086
run 0 adapter pack "$data/medai-smollm135m" $model
error=$(awk '$1 == "product_error" {print $2}' <<<"$out")
awk "BEGIN {exit !($error < 0.05)}" || wrong "packing to 6 bits costs $error"
# shellcheck disable=SC2086
run 0 adapter convert "$data/medai-smollm135m-r16.gguf" -o "$folder/peft" $model
cmp "$folder/peft/adapter_model.safetensors" "$data/medai-smollm135m/adapter_model.safetensors" || wrong 'conversion to PEFT changes the file'
# shellcheck disable=SC2086
run 0 adapter convert "$data/medai-smollm135m" -o "$folder/real.gguf" $model
cmp <(tail -c 3686400 "$folder/real.gguf") <(tail -c 3686400 "$data/medai-smollm135m-r16.gguf") || wrong 'conversion to GGUF changes the tensors'
finish
