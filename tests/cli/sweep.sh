# etchsim sweep: a preset, resuming, shards, ranks under Open MPI, bad input.
source tests/cli/check.bash
equal() { [ "$2" = "$3" ] || wrong "$1: expected $2, found $3"; }

run 0 sweep quick --out "$folder/one" --jobs 1
has "$out" '48 points: 48 ok, 0 excluded by constraints, 0 with an error, 0 crashed'
has "$out" 'best tokens_per_second:'
has "$err" 'sweep quick: 48 points; 45 to go at'
first=$out
for file in sweep.sqlite sweep.csv sweep.yaml versions.txt; do
    [ -s "$folder/one/$file" ] || wrong "no $file"
done
equal 'rows of the CSV' 49 "$(wc -l <"$folder/one/sweep.csv")"
equal 'the file itself' "$(cat configs/sweeps/quick.yaml)" "$(cat "$folder/one/sweep.yaml")"

# --- without a trace: the same but for its hash and its events ---

run 0 sweep quick --trace none --out "$folder/untraced"
rows() { # FOLDER: sweep.csv without the trace's columns
    awk -F, -v OFS=, 'NR == 1 {for (i = 1; i <= NF; i++) trace[i] = $i ~ /^trace_/} {for (i = 1; i <= NF; i++) if (trace[i]) $i = ""} 1' "$1/sweep.csv"
}
cmp -s <(rows "$folder/one") <(rows "$folder/untraced") || wrong '--trace none gives other rows'
cmp -s "$folder/one/sweep.csv" "$folder/untraced/sweep.csv" && wrong '--trace none keeps a trace'

# --- again: nothing to do, the same words ---

run 0 sweep quick --out "$folder/one"
equal 'the same again' "$first" "$out"
lacks "$err" 'to go'
for preset in configs/sweeps/*.yaml; do
    run 0 sweep "$(basename "$preset" .yaml)" --out "$folder/dry" --dry-run
done
run 0 sweep quick --out "$folder/dry" --dry-run
has "$err" '45 to go'
[ ! -e "$folder/dry" ] || wrong '--dry-run leaves a folder'

# --- every sweep that is shipped is read, and its first points run ---

for file in configs/sweeps/*.yaml; do
    equal "$file begins with what it asks" '# ' "$(head -c 2 "$file")"
    run 0 sweep "$(basename "$file" .yaml)" --dry-run
    has "$err" 'to go at'
done

# --- shards ---

for i in 0 1 2; do
    run 0 sweep quick --shard $i/3 --out "$folder/shard-$i"
done
run 0 sweep quick --merge "$folder/shard-0" --merge "$folder/shard-1" --merge "$folder/shard-2" --out "$folder/merged"
lacks "$err" 'to go'
cmp -s "$folder/one/sweep.csv" "$folder/merged/sweep.csv" || wrong 'shards give other rows'

# --- bad input ---

run 2 sweep
run 2 sweep quik
has "$err" "did you mean 'quick'"
run 2 sweep quick --shard 3/3
run 2 sweep quick --merge "$folder/none" --out "$folder/merged"
has "$err" 'expected a folder with the results of a sweep'
sed 's/run.tokens: 16/run.tokens: 17/' configs/sweeps/quick.yaml >"$folder/other.yaml"
run 2 sweep "$folder/other.yaml" --out "$folder/one"
has "$err" 'another sweep'
cp -r "$folder/one" "$folder/anew"
run 0 sweep "$folder/other.yaml" --out "$folder/anew" --restart
has "$err" '45 to go'
run 0 sweep --help
has "$out" '--merge'
run 0 help metrics
has "$out" 'tokens_per_second'
run 0 list sweeps
has "$out" 'quick'

# --- in sentences ---

run 0 sweep quick --out "$folder/one" --sensitivity --at 30
has "$out" 'lora.lanes                           32 -> 35      lora_lanes             +'
run 0 explain "$folder/one"
has "$out" "a token's time: ROM sweep at 28, LoRA lanes at 20"
has "$out" 'lora.lanes from 32 to 35 buys'
has "$out" 'Pareto front of tokens_per_second (higher), area_mm2 (lower)'
run 0 explain "$folder/one" --point 30
has "$out" 'It is bound by: LoRA lanes,'
has "$out" 'More of these would not shorten it: KV capacity, adapter capacity, SRAM bank ports, host link.'
run 2 explain "$folder/one" --point 48
run 2 explain "$folder/none"
run 0 run --tokens 4 --adapter clinical --out "$folder/run"
run 0 explain "$folder/run"
has "$out" 'It is bound by: host link'
run 2 explain "$folder/run" --point 3

# --- ranks ---

# Open MPI keeps memory until the end, which a leak checker would report.
mpi=(env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ASAN_OPTIONS=detect_leaks=0)
if ! command -v mpirun >/dev/null || [ ! -e "$(dirname "$ETCHSIM")/libetchsim_mpi.so" ]; then
    echo 'no mpirun: ranks not tested'
    finish
fi
ranks() { # ranks N FOLDER [MPIRUN ARGUMENT...]
    local n=$1 to=$2
    shift 2
    "${mpi[@]}" mpirun --oversubscribe -n "$n" "$@" "$ETCHSIM" sweep quick --out "$to" >"$folder/out" 2>"$folder/err"
}
ranks 3 "$folder/ranks" || wrong "three ranks: $(cat "$folder/err")"
has "$(cat "$folder/err")" 'with 3 processes'
cmp -s "$folder/one/sweep.csv" "$folder/ranks/sweep.csv" || wrong 'ranks give other rows'
equal 'summary of three ranks' "${first//"$folder/one"/"$folder/ranks"}" "$(cat "$folder/out")"

# --- a rank is killed: Open MPI ends the job, or goes on without it; either way each point is there once ---

cat >"$folder/slow.yaml" <<'END'
chip: sample
model: sample
set: {run.tokens: 60, run.sequences: 4}
parameters: {norm.lanes: {from: 16, to: 75, step: 1}}
END
run 0 sweep "$folder/slow.yaml" --out "$folder/slow"
ranks_killed() { # ranks_killed FOLDER [MPIRUN ARGUMENT...]
    local to=$1 process waited=0
    shift
    "${mpi[@]}" timeout 60 mpirun --oversubscribe -n 3 "$@" "$ETCHSIM" sweep "$folder/slow.yaml" --rank-timeout 2 --out "$to" \
        >"$folder/out" 2>&1 &
    while [ $((waited += 1)) -lt 100 ] && ! grep -q 'to go' "$folder/out"; do sleep 0.05; done
    for process in $(pgrep -f "sweep $folder/slow.yaml --rank-timeout 2 --out $to"); do # rank 1 itself: not its worker, which dies with it
        if { tr '\0' '\n' <"/proc/$process/environ"; } 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=1 2>/dev/null &&
            [ "$(cat "/proc/$(ps -o ppid= "$process" | tr -d ' ')/comm")" != "$(basename "$ETCHSIM")" ]; then
            kill -9 "$process"
        fi
    done
    wait $!
}
ranks_killed "$folder/killed" && wrong 'a job with a killed rank ended well'
run 0 sweep "$folder/slow.yaml" --out "$folder/killed"
cmp -s "$folder/slow/sweep.csv" "$folder/killed/sweep.csv" || wrong 'other rows after a killed rank'
ranks_killed "$folder/recovered" --enable-recovery || wrong "recovery: $(cat "$folder/out")"
cmp -s "$folder/slow/sweep.csv" "$folder/recovered/sweep.csv" || wrong 'other rows after a recovery'

mkdir "$folder/plain" # without its plugin the program says so
cp "$ETCHSIM" "$folder/plain/etchsim"
plain=$ETCHSIM
ETCHSIM_CONFIGS=$PWD/configs ETCHSIM=$folder/plain/etchsim
export ETCHSIM_CONFIGS
ranks 2 "$folder/without" && wrong 'two ranks without the plugin'
has "$(cat "$folder/err")" 'was built without MPI'
ETCHSIM=$plain
finish
