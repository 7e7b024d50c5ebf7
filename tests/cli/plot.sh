# Pictures: drawn from what run and serve leave, whole or not there, with their data and script beside them.
. tests/cli/check.bash
command -v gnuplot >/dev/null || skip 'no gnuplot here (scripts/setup.sh plot installs it)'

is_png() { # is_png FILE: of the size that style.gp sets, and not a blank sheet
    local size
    [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || wrong "$1: no PNG"
    size=$(od -An -tu1 -j16 -N8 "$1" | awk '{print $3 * 256 + $4, $7 * 256 + $8}')
    [ "$size" = '1280 720' ] || wrong "$1: expected 1280 720 pixels, found $size"
    [ "$(stat -c %s "$1")" -gt 15000 ] || wrong "$1: a blank sheet?"
}
drawn() { # drawn DIR NAME...: all four files of each, and nothing else
    local dir=$1 name
    shift
    for name in "$@"; do
        is_png "$dir/plots/$name.png"
        has "$(cat "$dir/plots/$name.svg")" '</svg>'
        has "$out" "$dir/plots/$name.png"
    done
    [ "$(find "$dir/plots" -type f | wc -l)" -eq $((4 * $#)) ] || wrong "$dir/plots: unexpected files: $(ls "$dir/plots")"
}
value() { sed -n "s/^\t\"$2\":\t\(.*[^,]\),\{0,1\}$/\1/p" "$1" | head -n 1; }

# A run: the bars end where the JSON says that the tokens end.
one=$folder/run
run 0 run --adapter clinical --adapter none --tokens 12 --ignore-stop --out "$one"
run 0 plot "$one"
drawn "$one" token-time utilisation area energy
area=$(awk '!/^#/ {sum += $2} END {printf "%.6g", sum}' "$one/plots/area.dat")
[ "$area" = "$(grep -A3 $'^\t\t"area_mm2"' "$one/run.json" | sed -n 's/.*"nominal":\t\([0-9.e+-]*\),*/\1/p' | awk '{printf "%.6g", $1}')" ] ||
    wrong "area: the bars add up to $area mm2, not to the die"
ends=$(awk '!/^#/ {end[$3] = $2} END {printf "%.3f %.3f", end[0], end[1]}' "$one/plots/token-time.dat")
us=$(awk -v first="$(value "$one/run.json" time_to_first_token_us)" -v later="$(value "$one/run.json" cycles_per_token)" \
    'BEGIN {printf "%.3f %.3f", first, later / 1000}')
[ "$ends" = "$us" ] || wrong "token-time: the bars end at $ends us, the tokens at $us us"
has "$(cat "$one/plots/token-time.gp")" "trace $(value "$one/run.json" trace_hash | tr -d '"')"

# The script alone draws the same picture again, byte for byte.
cp "$one/plots/token-time.png" "$folder/before.png"
(cd "$one/plots" && gnuplot token-time.gp) || wrong 'the script does not run by itself'
cmp -s "$folder/before.png" "$one/plots/token-time.png" || wrong 'the script draws another picture'

# A served workload: medians of the caption are the report's.
served=$folder/served
run 0 serve n-plus-base --out "$served"
run 0 plot "$served"
drawn "$served" latencies first-token-by-tenant
p50=$(grep -A2 '"time_to_first_token"' "$served/serve.json" | sed -n 's/.*"p50_us":\t\([0-9.]*\).*/\1/p' | head -n 1)
has "$out" "first token $(awk -v x="$p50" 'BEGIN {printf "%.4g", x}') and"

# A sweep: the lines that its file asks for, the front, what more of each resource buys; the table has the database's figures.
swept=$folder/swept
run 0 sweep quick --out "$swept" --sensitivity
run 0 plot "$swept"
drawn "$swept" speed-lanes first-token-links pareto sensitivity
[ "$(grep -c '^[0-9]' "$swept/plots/speed-lanes.dat")" -eq 8 ] || wrong 'speed-lanes: expected two lines of four points'
best=$(awk -F, 'NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i} NR > 1 && $column["tokens_per_second"] > best {best = $column["tokens_per_second"]} END {printf "%.6g", best}' "$swept/sweep.csv")
[ "$(awk '/^[0-9]/ && $2 > best {best = $2} END {printf "%.6g", best}' "$swept/plots/speed-lanes.dat")" = "$best" ] || wrong "speed-lanes: the best point is not the sweep's, $best"
run 0 report "$swept"
has "$(cat "$swept/report.html")" '<h2 id="front">Pareto front</h2>'
has "$(cat "$swept/report.html")" 'rom_sweep'
has "$(cat "$swept/command.txt")" "etchsim sweep quick --out $swept --sensitivity"
mkdir "$folder/broken"
echo nothing >"$folder/broken/sweep.sqlite"
run 2 plot "$folder/broken"
has "$err" 'broken/sweep.sqlite'

# Bad input: told, exit code 2, nothing half-written.
mkdir "$folder/empty"
run 2 plot "$folder/empty"
has "$err" 'nothing to draw'
run 2 plot "$folder/nowhere"
mkdir "$folder/bad"
echo '{"schema": "etchsim-run-1"}' >"$folder/bad/run.json"
run 2 plot "$folder/bad"
has "$err" "sequences"
echo '{"schema": "other"}' >"$folder/bad/run.json"
run 2 plot "$folder/bad"
has "$err" 'expected the schema etchsim-run-1, found other'
echo '{"schema": ' >"$folder/bad/run.json"
run 2 plot "$folder/bad"
has "$err" "bad/run.json:1: byte 11"
cp "$served/serve.json" "$folder/bad/"
rm "$folder/bad/run.json"
for line in 'latency,tenant' $'latency,tenant,us,count\nfirst_token,,x,1' $'latency,tenant,us,count\nfirst_token,1'; do
    echo "$line" >"$folder/bad/latencies.csv"
    run 2 plot "$folder/bad"
    has "$err" 'latencies.csv:'
done
[ ! -e "$folder/bad/plots" ] || [ -z "$(ls "$folder/bad/plots")" ] || wrong "files left: $(ls "$folder/bad/plots")"

# Without gnuplot, and when it fails: said, and no picture stays.
err=$(PATH=$folder/empty "$ETCHSIM" plot "$one" 2>&1)
has "$err" 'gnuplot: cannot be run'
printf '#!/bin/sh\nprintf half >token-time.png\nexit 1\n' >"$folder/empty/gnuplot"
chmod +x "$folder/empty/gnuplot"
PATH=$folder/empty:$PATH
run 2 plot "$one"
has "$err" 'gnuplot failed'
[ ! -e "$one/plots/token-time.png" ] || wrong 'half a picture is left'
finish
