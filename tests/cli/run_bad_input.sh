# What `etchsim run` says to bad input: exit code 2, one line that says what was expected, nothing on stdout.
. tests/cli/check.bash

rom=$folder/model.rom
run 0 bake configs/models/sample/sample.gguf -o "$rom" --quiet

# bad PART ARGUMENT...: this must fail, and say PART.
bad() {
    local part=$1
    shift
    run 2 run "$@"
    has "$err" "$part"
    has "$err" 'etchsim run: '
    [ -z "$out" ] || wrong "etchsim run $*: expected nothing on stdout, found '$out'"
}

# --- names and files ---

bad "there is no chip 'sampel'; did you mean 'sample'?" --chip sampel
bad "there is no chip 'sample-wid'; did you mean 'sample-wide'?" --chip sample-wid
bad "there is no model 'sampel'; did you mean 'sample'?" --model sampel
bad "there is no adapter 'clincal'; did you mean 'clinical'?" --adapter clincal
bad "there is no chip 'zzzzzzzzz' (etchsim list shows what there is" --chip zzzzzzzzz
bad "there is no chip ''" --chip ''
bad "there is no model ''" --model ''
bad "adapter: expected a preset's name or a folder" --adapter ''
bad 'nowhere/chip.yaml: cannot read' --chip nowhere/chip.yaml
bad 'nowhere/model.gguf: cannot be opened' --model nowhere/model.gguf
bad 'nowhere/model.rom: cannot be opened' --model nowhere/model.rom
bad './nowhere: expected a folder' --adapter ./nowhere
bad 'expected a regular file' --model /dev/null
bad 'expected a regular file' --model .
bad './Makefile: byte 0: expected "ETCHROM"' --model ./Makefile
bad 'clinical is given twice' --adapter clinical --adapter clinical
bad 'clinical is given twice' --adapter clinical --adapter configs/adapters/clinical/
bad 'adapter_config.json' --adapter configs/models/sample

bad 'llama-3.2-1b is a shape without weights: expected a run without values' --model llama-3.2-1b
bad 'llama-3.2-1b has no vocabulary: expected --prompt-tokens N' --model llama-3.2-1b --prompt Once --timing-only --set kv.sequences=1 \
    --set kv.context_tokens=1 --set slots.count=1 --set slots.rank_max=1 --set sram.depth_words=65536
bad '--synthetic-weights: expected without --timing-only' --synthetic-weights 1 --timing-only
bad '--prompt-tokens: expected without --prompt' --prompt-tokens 3 --prompt Once --timing-only
bad 'synthetic:4: an adapter without values: expected --timing-only with it' --adapter synthetic:4
bad 'synthetic:0: expected synthetic:RANK with a rank of 1 to 128' --adapter synthetic:0 --timing-only
echo 'n_layers: 0' >"$folder/shape.yaml"
bad 'shape.yaml:1: n_layers: expected an integer from 1 to 1024' --model "$folder/shape.yaml" --timing-only

# --- numbers and words ---

for number in hot '' ' ' -1 -0.1 100.1 1e9 nan inf 1,5 '1 ' 0.5x; do
    bad "--temperature $number: expected a number from 0 to 100" --temperature "$number"
done
for number in all '' -0.1 1.1 nan; do
    bad "--top-p $number: expected a number from 0 to 1" --top-p "$number"
done
for option in tokens sequences seed; do
    for number in '' x -1 1.5 99999999999999999999 0x; do
        bad "--$option: expected " --$option "$number"
    done
done
bad '--tokens: expected 1 to 1000000, found 0' --tokens 0
bad '--tokens: expected 1 to 1000000, found 1000001' --tokens 1000001
bad '--sequences: expected 1 to 65535, found 0' --sequences 0
bad '--sequences: expected 1 to 65535, found 65536' --sequences 65536
bad "--engine: expected one of step|skip|systemc, found 'fast'" --engine fast
bad "--engine: expected one of step|skip|systemc, found ''" --engine ''
bad "--lora-mac: expected one of " --lora-mac abacus
bad '--trace events: expected --out DIR as well' --trace events
bad '--trace perfetto: expected --out DIR as well' --trace perfetto
bad '--trace none: expected no --out' --trace none --out "$folder/none"
bad '--trace none: expected no other --trace' --trace none --trace events --out "$folder/none"
bad '--trace evnets: expected events, perfetto, fst or none' --trace evnets --out "$folder/none"
bad '--trace : expected events, perfetto, fst or none' --trace '' --out "$folder/none"
bad '--out: expected a folder, found an empty name' --out '' --json
bad "there is no option '--adaptor'; did you mean '--adapter'?" --adaptor clinical
bad "there is no option '-x'" -x
bad 'expected no further argument' clinical
bad '--tokens: expected N after it' --tokens
bad '--seed: expected once, given twice' --seed 1 --seed 2
bad '--json: expected no value' --json=yes

# --- the prompt ---

for text in $'\377\376' $'\200' $'abc\303' $'\355\240\200' $'\300\257' $'\364\220\200\200'; do
    bad 'expected UTF-8, found' --model "$rom" --prompt "$text"
done
bad 'do not fit the KV cache' --model "$rom" --prompt "$(printf 'word %.0s' {1..2000})"
# A prompt that is empty but for the begin-of-text token: the last token of the answer needs no place in the KV cache.
bad 'a prompt of 1 tokens and 17 more do not fit the KV cache' --model "$rom" --prompt '' --tokens 17 --set kv.context_tokens=16
has "$err" 'at most 17 together (kv.context_tokens + 1)'
run 0 run --model "$rom" --prompt '' --tokens 16 --set kv.context_tokens=16 --timing-only
has "$out" 'generated 16 '

# --- the chip ---

bad 'expected at most slots.rank_max = 4' --model "$rom" --set slots.rank_max=4 --adapter clinical
bad "a layer's SRAM has 4 banks x 64 words x 32 bits = 1.0 KiB, but 3 slots of rank 2 take" --model "$rom" --set sram.depth_words=64 \
    --set sram.banks=4 --set sram.ways=4 --set sram.width_bits=32 --set slots.count=3 --set slots.rank_max=2
bad 'expected both to fit' --model "$rom" --set kv.sequences=65536
bad 'expected both to fit' --model "$rom" --set slots.count=4096
bad 'slots.pinned: expected fewer than slots.count (4), found 4' --model "$rom" --set slots.pinned=4
bad 'expected section.name=value' --set lora.lanes
bad 'expected section.name=value' --set ''
bad 'expected section.name=value' --set =3
bad "there is no parameter 'lora.lane'; did you mean 'lora.lanes'?" --set lora.lane=3
bad "there is no parameter 'tea.pots'; etchsim help parameters lists them" --set tea.pots=3
bad '--set lora.lanes: expected an integer from 8 to 1024 (MAC/cycle)' --set lora.lanes=
bad '--set lora.lanes: out of range: expected 8 to 1024 (MAC/cycle), found 7' --set lora.lanes=7
bad '--set lora.lanes: out of range' --set lora.lanes=-64
bad 'without leading zeros' --set lora.lanes=064
bad "expected one of round_robin|fixed, found 'fixd'; did you mean 'fixed'?" --set sram.arbiter=fixd
bad 'sram.ways: expected a divisor of sram.banks (16), found 3; the nearest are 2 and 4' --set sram.banks=16 --set sram.ways=3
bad 'rom.rows_per_cycle: expected at most rom.tile_rows (8), found 16' --set rom.tile_rows=8 --set rom.rows_per_cycle=16
bad 'chip.organisation: shared: expected slots.loading: whole' --set chip.organisation=shared --set slots.loading=streaming
bad 'shared has no layer of its own' --set chip.organisation=shared --set sram.banks=96 --lora-mac rtl
printf 'base: sample\nlora:\n  lanes: 8\n  lane: 9\n' >"$folder/chip.yaml"
bad "$folder/chip.yaml:4: lora.lane: there is no such parameter; did you mean 'lanes'?" --chip "$folder/chip.yaml"
printf 'lora:\n  lanes: 8\n' >"$folder/chip.yaml"
bad "$folder/chip.yaml: " --chip "$folder/chip.yaml"
printf 'base: [sample\n' >"$folder/chip.yaml"
bad "$folder/chip.yaml:1: base: expected" --chip "$folder/chip.yaml"
head -c 2000000 /dev/zero >"$folder/chip.yaml"
bad "$folder/chip.yaml: " --chip "$folder/chip.yaml"

# --- broken files: cut off or changed anywhere ---

gguf=configs/models/sample/sample.gguf
for bytes in 0 3 4 23 24 100 5000 30000 200000 -1; do
    head -c $bytes $gguf >"$folder/cut.gguf"
    bad "$folder/cut.gguf: " --model "$folder/cut.gguf"
done
for bytes in 0 7 16 175 176 1000 200000 -1; do
    head -c $bytes "$rom" >"$folder/cut.rom"
    bad "$folder/cut.rom: " --model "$folder/cut.rom"
done
for at in 0 9 40 150 1000 300000; do
    cp "$rom" "$folder/changed.rom"
    printf '\125' | dd of="$folder/changed.rom" bs=1 seek=$at conv=notrunc status=none
    cmp -s "$rom" "$folder/changed.rom" || bad "$folder/changed.rom: " --model "$folder/changed.rom"
done
cat "$rom" "$rom" >"$folder/changed.rom"
bad "$folder/changed.rom: " --model "$folder/changed.rom"
for bytes in 0 7 8 100 3000 -1; do
    rm -rf "$folder/cut" && cp -r configs/adapters/clinical "$folder/cut"
    head -c $bytes configs/adapters/clinical/adapter_model.safetensors >"$folder/cut/adapter_model.safetensors"
    bad "$folder/cut/adapter_model.safetensors: " --model "$rom" --adapter "$folder/cut"
done
for bytes in 0 20 -3; do
    rm -rf "$folder/cut" && cp -r configs/adapters/clinical "$folder/cut"
    head -c $bytes configs/adapters/clinical/adapter_config.json >"$folder/cut/adapter_config.json"
    bad "$folder/cut/adapter_config.json:" --model "$rom" --adapter "$folder/cut"
done
[ ! -e "$folder/none" ] || wrong 'a refused run left its folder'
run 2 run --set kv.bits=4 --tokens 1
has "$err" 'kv.bits: expected 8 with values'
run 0 run --set kv.bits=4 --tokens 1 --timing-only
finish
