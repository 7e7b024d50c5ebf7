# What `etchsim run --out DIR` leaves: every file whole and in agreement with the others, or not there.
. tests/cli/check.bash

rom=$folder/model.rom
run 0 bake configs/models/sample/sample.gguf -o "$rom" --quiet
value() { sed -n "s/^\t\"$2\":\t\(.*[^,]\),\{0,1\}$/\1/p" "$1"; }
names() { (cd "$1" && ls -A) | xargs; }
equal() { [ "$2" = "$3" ] || wrong "$1: expected '$2', found '$3'"; }

arguments=(--model "$rom" --adapter clinical --adapter support --tokens 9 --ignore-stop --set lora.lanes=24 --trace events --trace perfetto)
one=$folder/a/new/one
run 0 run "${arguments[@]}" --out "$one" --json
cmp -s "$folder/out" "$one/run.json" || wrong 'run.json is not what --json prints'
equal files 'chip.yaml chip_params.vh command.txt run.json run.txt trace.events.gz trace.perfetto.json.gz utilisation.csv versions.txt' "$(names "$one")"
hash=$(value "$one/run.json" trace_hash)

# The report is the same with and without files, and for people it is run.txt.
run 0 run "${arguments[@]::${#arguments[@]}-4}"
equal run.txt "$(cat "$one/run.txt")" "$(sed -n '/^chip /,$p' <<<"$out")"
run 0 version
equal versions.txt "$out" "$(cat "$one/versions.txt")"
has "$(cat "$one/chip_params.vh")" 'localparam [31:0] LORA_LANES = 24;'
equal parameters "$(grep -c '^  ' "$one/chip.yaml")" "$(grep -c '^localparam ' "$one/chip_params.vh")"
has "$(cat "$one/run.json")" '"model_hash"'

# The resolved chip alone gives the run again.
run 0 run --chip "$one/chip.yaml" --model "$rom" --adapter clinical --adapter support --tokens 9 --ignore-stop --json
equal 'trace hash of the chip read back' "$hash" "$(value "$folder/out" trace_hash)"
two=$folder/two
run 0 run --chip "$one/chip.yaml" --out "$two" --model "$rom" --tokens 1
equal 'files without traces' 'chip.yaml chip_params.vh command.txt run.json run.txt utilisation.csv versions.txt' "$(names "$two")"
cmp -s <(tail -n +2 "$one/chip.yaml") <(tail -n +2 "$two/chip.yaml") || wrong 'the chip read back is another one'

# The event trace: legend, events, a last line that counts them; the same bytes from both engines.
events=$folder/events
zcat "$one/trace.events.gz" >"$events" || wrong 'trace.events.gz cannot be unpacked'
equal 'first line' '# etchsim events 1' "$(head -n 1 "$events")"
equal 'last line' "# end cycle $(value "$one/run.json" cycles) events $(value "$one/run.json" trace_events)" "$(tail -n 1 "$events")"
equal 'event lines' "$(value "$one/run.json" trace_events)" "$(grep -c '^[LUTSR]' "$events")"
equal 'lines that are not in the grammar' '' "$(grep -Ev '^(# (etchsim events 1|clock_mhz [0-9]+|(unit|link) [0-9]+ [a-z0-9_.]+|end cycle [0-9]+ events [0-9]+)|@[0-9]+|L [0-9]+ [0-9]+ [0-9]+ -?[0-9]+ -?[0-9]+|U [0-9]+ [0-9]+ [0-9]+ [1-4] 0|[TSR] [0-9]+ -?[0-9]+ -?[0-9]+)$' "$events" | head -n 3)"
equal 'tokens in the trace' 18 "$(grep -c '^T' "$events")"
sort -c -t@ -k2n <(grep '^@' "$events") || wrong 'cycles out of order'
run 0 run "${arguments[@]}" --engine step --out "$two"
cmp -s <(zcat "$two/trace.events.gz") "$events" || wrong 'step and skip leave different event traces'
cmp -s "$one/run.json" "$two/run.json" || wrong 'step and skip leave different results'
zcat "$one/trace.perfetto.json.gz" >"$folder/perfetto" || wrong 'trace.perfetto.json.gz cannot be unpacked'
equal 'first line of the timeline' '{"displayTimeUnit":"ns","traceEvents":[' "$(head -n 1 "$folder/perfetto")"
equal 'last line of the timeline' ']}' "$(tail -n 1 "$folder/perfetto")"
equal 'other lines of the timeline' '' "$(sed '1d;$d' "$folder/perfetto" | grep -Ev '^\{"ph":"[MX]",.*\}\}(,|)$' | head -n 3)"
equal 'tokens in the timeline' 18 "$(grep -c '"name":"token"' "$folder/perfetto")"
for trace in events perfetto; do
    run 0 run --model "$rom" --tokens 1 --out "$folder/$trace.d" --trace $trace
    has "$(names "$folder/$trace.d")" "trace.$trace"
done

# --- where nothing can be written ---

: >"$folder/file"
for bad in "$folder/file" "$folder/file/below" /dev/full /proc/nowhere; do
    run 2 run --model "$rom" --tokens 1 --json --out "$bad"
    has "$err" "etchsim run: $bad"
    [ -z "$out" ] || wrong "results, though $bad cannot be written: $out"
done
run 2 run --model "$rom" --tokens 1 --json --out "$folder/$(printf 'x%.0s' {1..600})"
has "$err" "expected a folder's path of 1 to 511 bytes"
mkdir -p "$folder/way/run.json.part"
run 2 run --model "$rom" --tokens 1 --json --out "$folder/way"
has "$err" 'run.json.part: cannot write'
equal 'files beside what is in the way' run.json.part "$(names "$folder/way")"
mkdir -p "$folder/place/run.json"
run 2 run --model "$rom" --tokens 1 --json --out "$folder/place"
has "$err" 'run.json: cannot write'
equal 'files beside what is in the place' run.json "$(names "$folder/place")"

# A disk that is full after so many KiB: what is there is whole, and what was there before stays as it was.
for kib in 1 8 24; do
    rm -rf "$folder/full"
    (
        trap '' XFSZ
        ulimit -f $kib
        exec "$ETCHSIM" run "${arguments[@]}" --timing-only --out "$folder/full" >/dev/null 2>"$folder/err.full"
    )
    equal "exit code with $kib KiB" 2 $?
    has "$(cat "$folder/err.full")" 'cannot write'
    equal "halves with $kib KiB" '' "$(find "$folder/full" -name '*.part' -o -size 0)"
    for gz in "$folder"/full/*.gz; do
        [ ! -e "$gz" ] || gzip -t "$gz" || wrong "$gz is cut off"
    done
done
cp -r "$one" "$folder/before"
(
    trap '' XFSZ
    ulimit -f 1
    exec "$ETCHSIM" run "${arguments[@]}" --temperature 1 --out "$one" >/dev/null 2>&1
)
equal 'exit code on a disk that is full' 2 $?
diff -r "$one" "$folder/before" >/dev/null || wrong 'a failed run changed the files of an earlier one'
finish
