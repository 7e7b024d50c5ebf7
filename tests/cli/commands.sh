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
has "$err" 'expected chips, models, adapters, workloads, sweeps or physics'
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
finish
