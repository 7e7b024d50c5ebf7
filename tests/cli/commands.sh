# The frame of the command line: help, unknown words, exit codes, output that can't be written.
. tests/cli/check.bash

run 0 --help
has "$out" 'examples:'
for command in $(sed -n 's/^COMMAND(\([a-z]*\),.*/\1/p' sim/commands.def); do
    has "$out" "  $command "
    run 0 "$command" --help
    has "$out" "etchsim $command"
    run 0 help "$command"
    has "$out" "etchsim $command"
    run 0 --help
done
run 2
has "$err" 'commands:'
run 2 bkae
has "$err" "there is no command 'bkae'; did you mean 'bake'?"
run 2 help nothing
has "$err" "there is no command 'nothing'"
run 0 help parameters
has "$out" 'lora.lanes'
run 0 version
has "$out" 'etchsim 0.'
has "$out" 'libyaml '
run 2 version --verbose
has "$err" "there is no option '--verbose'"
run 0 list
has "$out" 'sample-wide'
has "$out" 'The sample chip made wide'
run 0 list chips
lacks "$out" 'models:'
run 2 list chip
has "$err" 'expected one of chips, models'
run 2 bake
has "$err" 'expected MODEL.gguf'
run 2 bake nowhere.gguf
has "$err" 'expected -o IMAGE'
run 2 bake "$folder/nowhere.gguf" -o "$folder/image.rom"
has "$err" 'nowhere.gguf'
[ ! -e "$folder/image.rom" ] || wrong 'bake left an image behind'
run 2 adapter
run 2 adapter inspekt
has "$err" "did you mean 'inspect'?"
run 2 adapter inspect no-such-adapter
has "$err" "there is no adapter 'no-such-adapter'"

model=configs/models/sample/sample.gguf
if [ -e $model ]; then
    run 0 bake $model -o "$folder/one.rom"
    has "$out" 'bits_per_weight'
    [ -z "$err" ] || wrong "progress, though nobody watches: $err"
    run 0 bake $model -o "$folder/two.rom" --quiet --threads 1
    [ -z "$out" ] || wrong "--quiet prints: $out"
    cmp "$folder/one.rom" "$folder/two.rom" || wrong 'the image depends on the number of threads'
    # The sample's weights are on the ROM's grid, those of four bits are not.
    text=configs/models/sample/heldout/general.txt
    kl() { awk -v name="$1_kl" '$1 == name { print int(1e6 * $2 + 0.5) }' <<<"$out"; }
    run 0 bake $model -o "$folder/two.rom" --quiet --text $text --tokens 48
    has "$out" 'over 48 tokens'
    [ "$(kl weights)" = 0 ] && [ "$(kl arithmetic)" = "$(kl chip)" ] && [ "$(kl chip)" -lt 20000 ] || wrong "costs of an exact model: $out"
    run 0 bake $model -o "$folder/two.rom" --quiet --bits linears=4 --text $text --tokens 48
    [ "$(kl weights)" -gt 2000 ] && [ "$(kl chip)" -gt 2000 ] && [ "$(kl arithmetic)" -lt 20000 ] || wrong "costs of four bits: $out"
    run 2 bake $model -o "$folder/two.rom" --text "$folder/nowhere.txt"
    has "$err" 'nowhere.txt'
    run 2 bake llama-3.1-8b --synthetic-weights 1 -o "$folder/two.rom" --text $text
    has "$err" 'found --synthetic-weights'
    for adapter in configs/adapters/*/; do
        run 0 adapter inspect "$(basename "$adapter")"
        has "$out" 'content_hash'
        run 0 adapter inspect "$adapter" --model "$folder/one.rom"
        has "$out" 'packed_bytes'
    done
    run 2 adapter inspect "$folder" --model $model
    run 2 adapter inspect clinical --model sampel
    has "$err" "there is no model 'sampel'; did you mean 'sample'?"
fi

if [ -e /dev/full ]; then
    "$ETCHSIM" help parameters >/dev/full 2>"$folder/err" && wrong 'a full disk looks like success'
    has "$(cat "$folder/err")" 'cannot write the results'
fi
ETCHSIM_CONFIGS=$folder run 0 list chips
[ -z "$out" ] || wrong "ETCHSIM_CONFIGS is not heeded: $out"

# What a chip's file says of its parameters.
run 0 list --chip hc1
has "$out" 'clock.mhz'
has "$out" 'fitted: to the published 16,960 tokens/s'
run 2 list --chip hc2x
has "$err" "there is no chip 'hc2x'"

finish
