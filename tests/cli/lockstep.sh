# The LoRA MAC unit's RTL inside token generation: the same run whoever computes, and a clear end when the RTL is wrong.
. tests/cli/check.bash

if ! command -v verilator >/dev/null || ! command -v g++ >/dev/null; then
    skip 'no verilator, or no g++ (scripts/setup.sh rtl)'
fi
export ETCHSIM_CACHE=${ETCHSIM_CACHE:-$PWD/build/cache}
unset ETCHSIM_RTL
rom=$folder/model.rom
run 0 bake configs/models/sample/sample.gguf -o "$rom" --quiet
ask=(run --model "$rom" --adapter support --tokens 3)

run 0 "${ask[@]}" --json
expected=$out
for unit in rtl lockstep; do
    run 0 "${ask[@]}" --lora-mac $unit --json
    [ "$out" = "$expected" ] || wrong "--lora-mac $unit: another result than the C unit's"
done

# --- waveforms: the cycles asked for, and nothing of a run that could not start ---

run 0 "${ask[@]}" --lora-mac lockstep --out "$folder/waves" --trace fst --trace-window 11000:12000 --trace-layer 1 --trace-trigger sram
for name in lora_mac.fst lora_mac_rtl_layer1.fst lora_mac_trigger.fst; do
    [ -s "$folder/waves/$name" ] || wrong "no $name"
done
if command -v fst2vcd >/dev/null; then
    vcd=$(fst2vcd "$folder/waves/lora_mac.fst")
    for part in 'module layer1' 'module model' 'module rtl' 'word_data_i [383:0]' 'delta_data_o [639:0]'; do
        has "$vcd" "$part"
    done
    times=$(sed -n 's/^#//p' <<<"$vcd")
    [ "$(head -n 1 <<<"$times")" -ge 11000 ] && [ "$(tail -n 1 <<<"$times")" -le 12000 ] || wrong "cycles outside the window: $times"
fi
run 2 "${ask[@]}" --lora-mac rtl --timing-only
has "$err" 'there are no values for --lora-mac rtl'
run 2 "${ask[@]}" --trace fst
has "$err" 'expected --out DIR as well'
for window in 5 9:3 1:x -1:5 1:2:3; do
    run 2 "${ask[@]}" --out "$folder/none" --trace fst "--trace-window=$window"
    has "$err" 'expected FROM:TO, two cycles in rising order'
done
run 2 "${ask[@]}" --out "$folder/none" --trace fst --trace-layer 6
has "$err" 'layer 6: expected a layer of the model, 0 to 5'
[ ! -e "$folder/none/lora_mac.fst" ] || wrong 'a waveform of a run that did not start'

# --- RTL that is wrong: each kind of link names itself ---

broken() { # broken FILE OLD NEW LINK: RTL in which FILE has NEW for OLD
    local rtl=$folder/rtl
    rm -rf "$rtl"
    cp -r rtl "$rtl"
    sed -i "s/$2/$3/" "$rtl/$1"
    cmp -s "rtl/$1" "$rtl/$1" && wrong "$1 has no '$2' any more"
    ETCHSIM_RTL=$rtl run 1 "${ask[@]}" --lora-mac lockstep --out "$folder/broken"
    has "$err" 'LoRA MAC unit of layer 0, cycle '
    has "$err" "link $4, field "
    has "$err" ': expected '
    has "$err" ', got '
    [ -s "$folder/broken/lora_mac_mismatch.fst" ] || wrong 'no waveform of the cycles before the mismatch'
    rm -rf "$folder/broken"
}
broken requantiser.v "10'sd127 ? 8'sd127" "10'sd63 ? 8'sd63" delta_qkv
broken lora_control.v 'LORA_LATENCY_CYCLES - 1' 'LORA_LATENCY_CYCLES' lora_read
finish
