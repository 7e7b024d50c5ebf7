# `etchsim adapter`: what it shows, writes, and says to bad input.
. tests/cli/check.bash

shipped=configs/adapters
heldout=configs/models/sample/heldout

# bad PART ACTION ARGUMENT...: this must fail, and say PART, and leave no file in $folder/none.
bad() {
    local part=$1
    shift
    run 2 adapter "$@"
    has "$err" "$part"
    has "$err" 'etchsim adapter'
    [ -z "$(ls -d "$folder"/none* 2>/dev/null)" ] || wrong "etchsim adapter $*: left something behind"
}
value() { # value KEY: of the last output
    awk -v key="$1" '$1 == key {print $2; exit}' <<<"$out"
}
at_most() { # at_most WHAT FOUND LIMIT
    awk "BEGIN {exit !($2 <= $3)}" || wrong "$1: expected at most $3, found $2"
}

# --- help ---

run 0 adapter --help
for action in inspect pack convert average stack; do
    has "$out" "  $action "
    run 0 adapter "$action" --help
    has "$out" "etchsim adapter $action: "
    has "$out" 'examples:'
    run 0 adapter --help
done
bad "there is no 'avrage'; did you mean 'average'?" avrage

# --- inspect ---

run 0 adapter inspect clinical
hash=$(value content_hash)
[ "$(value packed_bytes)" = 191808 ] || wrong "packed bytes of clinical: $(value packed_bytes)"
for size in 4:133440 6:191808 8:250176 bf16:466944; do
    run 0 adapter inspect clinical --format "${size%:*}"
    [ "$(value packed_bytes)" = "${size#*:}" ] || wrong "expected ${size#*:} bytes at ${size%:*}, found $(value packed_bytes)"
    [ "$(value content_hash)" = "$hash" ] || wrong 'the content hash depends on --format'
done
bad "--format: expected one of 4|6|8|bf16, found '5'" inspect clinical --format 5
bad "there is no adapter 'clincal'; did you mean 'clinical'?" inspect clincal
bad 'nowhere.gguf: expected a folder with adapter_config.json' inspect nowhere.gguf
bad 'expected the folder it is in' inspect $shipped/clinical/adapter_model.safetensors
bad 'expected "adapter" (a model is no adapter), found "model"' inspect configs/models/sample/sample.gguf
bad 'nowhere/config.json' inspect clinical --model nowhere/config.json
cat >"$folder/config.json" <<'CONFIG'
{"model_type": "llama", "num_hidden_layers": 6, "hidden_size": 128, "intermediate_size": 384, "num_attention_heads": 4,
 "num_key_value_heads": 2, "vocab_size": 1024}
CONFIG
run 0 adapter inspect clinical --model "$folder/config.json"
[ "$(value content_hash)" = "$hash" ] || wrong "config.json gives another hash: $(value content_hash)"
sed -i 's/"num_hidden_layers": 6/"num_hidden_layers": 5/' "$folder/config.json"
bad 'expected layers below 5, the base model' inspect clinical --model "$folder/config.json"
sed -i 's/"num_hidden_layers": 5/"num_hidden_layers": 7/' "$folder/config.json"
bad 'layers.6.self_attn.q_proj.lora_A.weight: expected by adapter_config.json, found no such tensor' inspect clinical --model "$folder/config.json"
sed -i 's/"num_hidden_layers": 7/"num_hidden_layers": 6/; s/384/400/' "$folder/config.json"
bad 'expected shape [400, 16] for this base model and rank, found [384, 16]' inspect clinical --model "$folder/config.json"

# --- pack ---

for adapter in clinical contract support; do
    run 0 adapter pack $adapter --text $heldout/$adapter.txt --tokens 64
    at_most "packing $adapter" "$(value packing_kl)" 0.02
    at_most "$adapter on the chip" "$(value chip_kl)" 0.02
done
run 0 adapter pack clinical --format 4 -o "$folder/clinical4.gguf"
has "$out" '4 (for comparison: the chip has 6 bits)'
[ "$(value packed_bytes)" = 133440 ] || wrong "packed bytes at 4 bits: $(value packed_bytes)"
error=$(value product_error)
run 0 adapter pack "$folder/clinical4.gguf" # 4-bit values are on the 6-bit grid, but for a scale's last bit
at_most 'a second packing' "$(value product_error)" 0.0001
at_most 'the second' "$(value product_error)" "$error"
run 0 run --adapter "$folder/clinical4.gguf" --tokens 8 --json
has "$out" '"clinical4"'
run 0 adapter pack clinical -o "$folder/again/clinical"
run 0 adapter inspect "$folder/again/clinical"
[ "$(value content_hash)" = "$hash" ] || wrong 'what pack wrote packs to something else'
bad 'nowhere.txt' pack clinical --text nowhere.txt
bad '--text: expected a --model with weights' pack clinical --text $heldout/general.txt --model "$folder/config.json"
: >"$folder/empty.txt"
run 0 adapter pack clinical --text "$folder/empty.txt" --tokens 1 # the begin-of-text token is a position

# --- convert ---

run 0 adapter convert clinical -o "$folder/clinical.gguf"
[ "$(value changed_values)" = 0 ] || wrong "convert changes $(value changed_values) values"
run 0 adapter inspect "$folder/clinical.gguf"
[ "$(value content_hash)" = "$hash" ] || wrong 'the GGUF file packs to something else'
run 0 adapter convert "$folder/clinical.gguf" -o "$folder/back"
cmp "$folder/back/adapter_model.safetensors" $shipped/clinical/adapter_model.safetensors || wrong 'there and back changes the tensors'
has "$(cat "$folder/back/adapter_config.json")" '"etchsim-sample"'
cp "$folder/clinical.gguf" "$folder/first.gguf"
run 0 adapter convert "$folder/back" -o "$folder/clinical.gguf"
cmp "$folder/clinical.gguf" "$folder/first.gguf" || wrong 'the second GGUF file differs from the first'
run 0 run --adapter clinical --tokens 12 --json
expected=$out
run 0 run --adapter "$folder/clinical.gguf" --tokens 12 --json
[ "$out" = "$expected" ] || wrong 'the chip runs the GGUF file otherwise'
run 0 adapter convert clinical -o "$folder/half" --type bf16
[ "$(value changed_values)" -gt 0 ] || wrong 'bf16 changes nothing'
run 0 adapter inspect "$folder/half"
[ "$(value file_type)" = BF16 ] || wrong "file_type of a bf16 file: $(value file_type)"
bad 'expected -o FILE.gguf or -o FOLDER' convert clinical
bad '--type: expected one of f32|f16|bf16' convert clinical -o "$folder/none" --type q8_0
bad 'cannot write' convert clinical -o "$folder/nowhere/none.gguf"
bad 'first.gguf' convert clinical -o "$folder/first.gguf/none"

# --- average and stack ---

run 0 adapter average -a clinical -w 3 -a contract -w 1 -o "$folder/mean"
has "$out" '0.75'
svd=$(value svd) factors=$(value factors) stack=$(value stack)
at_most 'svd against factors' "$svd" "$factors"
at_most 'stacking' "$stack" 0.000001
run 0 adapter inspect "$folder/mean"
[ "$(value rank_max)" = 16 ] || wrong "rank of a mean: $(value rank_max)"
for rank in 4 24; do
    run 0 adapter average -a clinical -w 3 -a contract -w 1 --rank $rank -o "$folder/mean$rank.gguf"
    if [ $rank = 4 ]; then at_most 'rank 16 against 4' "$svd" "$(value svd)"; else at_most 'rank 24 against 16' "$(value svd)" "$svd"; fi
done
for method in factors stack; do
    run 0 adapter average -a clinical -a support --method $method -o "$folder/$method.gguf"
    has "$out" "written          $folder/$method.gguf"
done
run 0 adapter inspect "$folder/stack.gguf"
[ "$(value rank_max)" = 32 ] || wrong "rank of a stack: $(value rank_max)"
run 0 adapter average -a clinical -a clinical -o "$folder/same.gguf"
at_most 'the mean of one and the same' "$(value factors)" 0.000001
at_most 'the mean of one and the same' "$(value svd)" 0.000001
run 0 adapter stack -a clinical -w 1 -a clinical -w -1 -a support -w 1 -o "$folder/support.gguf"
run 0 run --adapter "$folder/support.gguf" --tokens 4 --json --set slots.rank_max=48 --set slots.count=1
run 0 adapter stack -a clinical -a contract -o "$folder/both"
[ "$(value changed_values)" = 0 ] || wrong 'stacking changes values'

eight='-a clinical -a clinical -a clinical -a clinical -a clinical -a clinical -a clinical -a clinical'
# shellcheck disable=SC2086
run 0 adapter stack $eight -o "$folder/eight.gguf"
# shellcheck disable=SC2086
bad 'blk.0.attn_q: expected stacked ranks of at most 128, found 144' stack $eight -a support -o "$folder/none.gguf"
# shellcheck disable=SC2086
bad 'expected stacked ranks of at most 128, found 144' average $eight -a support --method stack -o "$folder/none.gguf"
# shellcheck disable=SC2086
run 0 adapter average $eight -a support -o "$folder/nine.gguf"
has "$out" 'stack                    not possible: blk.0.attn_q: expected stacked ranks'
run 0 adapter average -a clinical -a "$folder/stack.gguf" -o "$folder/unlike.gguf"
has "$out" 'factors                  not possible: blk.0.attn_q: expected the same rank'
bad 'expected the same rank in all adapters' average -a clinical -a "$folder/stack.gguf" --method factors -o "$folder/none.gguf"
bad 'expected --adapter at least twice, found 1' average -a clinical -o "$folder/none"
bad 'expected --adapter at least twice, found 0' stack -o "$folder/none"
bad 'expected -o FILE.gguf or -o FOLDER' average -a clinical -a support
bad 'expected a --weight for each of the 2 adapters, or none, found 1' average -a clinical -a support -w 1 -o "$folder/none"
for weight in x '' 0 -1 nan inf 1e10 '1 '; do
    bad "--weight $weight: expected a number above 0 and at most 1e9" average -a clinical -w "$weight" -a support -w 1 -o "$folder/none"
done
bad '--weight 0: expected a number of -1e9 to 1e9 other than 0' stack -a clinical -w 0 -a support -w 1 -o "$folder/none"
bad '--rank: expected 1 to 128, found 129' average -a clinical -a support --rank 129 -o "$folder/none"
finish
