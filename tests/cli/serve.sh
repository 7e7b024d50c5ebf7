# etchsim serve: every scenario that is shipped runs and adds up; options, forms of output, replay, bad input.
source tests/cli/check.bash
number() { sed -n "s/^\t*\"$1\":\t\([0-9.]*\),\{0,1\}$/\1/p" <<<"$out" | head -1; }
equal() { [ "$2" = "$3" ] || wrong "$1: expected $2, found $3"; }
above() { awk "BEGIN {exit !($2 > $3)}" || wrong "$1: expected $2 above $3"; }

# --- every scenario ---

declare -A ttft last hits loads link
for file in configs/workloads/*.yaml; do
    name=$(basename "$file" .yaml)
    equal "$name begins with what it shows" '# ' "$(head -c 2 "$file")"
    run 0 serve "$name" --json
    equal "$name: schema" '"etchsim-serve-1"' "$(sed -n 's/^\t"schema":\t\(.*\),$/\1/p' <<<"$out")"
    equal "$name: requests" "$(number requests_in)" $(($(number requests_done) + $(number requests_dropped)))
    equal "$name: tokens of all tenants" "$(awk '/^\t"tenants"/ {on = 1} /^\t"slots"/ {on = 0} on && $1 == "\"tokens\":" {s += $2} END {print s}' <<<"$out")" \
        "$(number tokens)"
    equal "$name: cycles of slots that are not all" 0 "$(awk -v all="$(number cycles)" '/^\t"slots"/ {on = 1} /^\t"swaps"/ {on = 0} !on {next}
        /"free_cycles"/ {s = 0} /"(free|loading|used|unused)_cycles"/ {s += $2} /"unused_cycles"/ && s != all {bad++} END {print bad + 0}' <<<"$out")"
    swaps=$(sed -n '/^\t"swaps"/,/^\t}/p' <<<"$out")
    equal "$name: the parts of a swap" "$(sed -n 's/.*"load_cycles":\t\([0-9]*\),/\1/p' <<<"$swaps")" \
        "$(awk '/"(queue|fixed|tensor|link|sram_write|contention)_cycles"/ {s += $2} END {print s}' <<<"$swaps")"
    ttft[$name]=$(number p50_us) last[$name]=$(number p99_us) hits[$name]=$(number hits) loads[$name]=$(number loads)
    link[$name]=$(sed -n 's/.*"link_utilisation":\t\([0-9.e+-]*\).*/\1/p' <<<"$out")
done

# --- what the scenarios show ---

equal 'resident: one load for each tenant' 15 "${loads[agency15-resident]}"
above 'four slots load more than fifteen' "${loads[agency15]}" "${loads[agency15-resident]}"
above 'the first token is later with four slots' "${ttft[agency15]}" "${ttft[agency15-resident]}"
above 'the skew makes hits' "${hits[agency15]}" "${hits[uniform]}"
above 'the hot tenant makes hits' "${hits[hot-tenant]}" "${hits[uniform]}"
equal 'ping-pong never hits' 0 "${hits[ping-pong]}"
equal 'ping-pong loads every time' 40 "${loads[ping-pong]}"
above 'churn: slots bind, not the link' 0.5 "${link[churn]}"
above 'a slower link delays the first token' "${last[cold-start-pcie3]}" "${last[cold-start-pcie4]}"
above 'so does PCIe 4 beside 5' "${last[cold-start-pcie4]}" "${last[cold-start-pcie5]}"
above 'Ethernet more so' "${last[cold-start-ethernet100]}" "${last[cold-start-pcie3]}"
above 'pages hold more adapters than slots' "${hits[mixed-ranks-paged]}" "${hits[mixed-ranks-fixed]}"
above 'and the slowest first token is earlier' "${last[mixed-ranks-fixed]}" "${last[mixed-ranks-paged]}"
above 'a shared pool lets long contexts in' "${last[long-context]}" "${last[long-context-shared]}"
run 2 serve long-context-shared --set sram.depth_words=600
has "$err" 'pages for its adapter and'
run 2 serve mixed-ranks-paged --set slots.pages=1700
has "$err" '1700 pages of 96 words'
run 2 serve mixed-ranks-paged --set sram.page_words=100000
run 0 serve n-plus-base --verify --set slots.layout=paged --set sram.split=shared --set sram.page_words=50 --set sram.depth_words=2500 --requests 20
run 2 serve long-context --set kv.sequences=4
run 2 serve long-context --set slots.count=3
run 2 serve agency15-resident --set sram.depth_words=6144

run 0 serve double-buffer --json
buffered=$(number cycles)
above 'the second slot hides the swaps' 10000 "$(number adapter_wait_cycles)"
run 0 serve double-buffer --json --set slots.prefetch=0
above 'which cost without prefetch' "$(number cycles)" "$((buffered * 110 / 100))"

# --- incidents ---

json() { sed -n "s/^\t\t\"$1\":\t\([0-9.]*\),\{0,1\}$/\1/p" <<<"$out" | tail -1; }
for how in drain restart; do
    run 0 serve hot-reload --verify --json --set slots.reload=$how
    has "$err" '1803 tokens equal those of the model without a clock'
    equal "$how: reloads" 2 "$(json reloads)"
done
equal 'restart renews the slot twice' 2 "$(json slots_renewed)"
above 'and restarts its requests' "$(json requests_restarted)" 3
first=$out
run 0 serve hot-reload --json --set slots.reload=restart --engine step
equal 'step and skip with restarts' "$first" "$out"
run 0 serve faults --verify --json
has "$err" ' tokens equal those of the model without a clock'
has "$err" ' requests were given flipped bits that nothing noticed'
equal 'retries' 2 "$(json loads_retried)"
equal 'a load that stays broken' 1 "$(json loads_failed)"
equal 'drops its request' 59 "$(number requests_done)"
equal 'parity finds one flipped bit' 1 "$(json slots_renewed)"
run 0 serve faults --verify --json --set sram.ecc=secded
has "$err" ' tokens equal'
equal 'secded lets nothing through' 0 "$(json tokens_silent)"
above 'and corrects' "$(json reads_corrected)" 0
run 0 serve faults --json --set sram.ecc=none
equal 'without ECC nothing is noticed' 0 "$(json tokens_detected)"
above 'but counted' "$(json tokens_silent)" 0
run 0 serve prompt-knee --csv
late() { awk -F, -v n="$2" '$4 == n {print $18}' <<<"$1"; }
streamed=$out
run 0 serve prompt-knee --csv --set slots.pinned=1 --set slots.count=2
above 'a prompt of one token waits for the last slice' "$(late "$streamed" 1)" 10
equal 'from four tokens on only for the first: 2,681 cycles' '2.681 2.681' \
    "$(for n in 4 96; do awk "BEGIN {printf \"%.3f \", $(late "$streamed" $n) - $(late "$out" $n)}"; done | sed 's/ $//')"
sed 's/at_us: 900, reload/at_us: 900, unload/' configs/workloads/hot-reload.yaml >"$folder/incident.yaml"
run 2 serve "$folder/incident.yaml"
has "$err" 'to: not expected with unload'
sed 's/to: support/to: contract/' configs/workloads/hot-reload.yaml >"$folder/incident.yaml"
run 2 serve "$folder/incident.yaml"
has "$err" "an adapter that no tenant has, and 'lawyers' has it"
sed 's/layer: 3/layer: 6/' configs/workloads/faults.yaml >"$folder/incident.yaml"
run 2 serve "$folder/incident.yaml"
has "$err" 'expected a layer of the model'
flip() { sed "s/at_us: 900, flip: support, layer: 2/at_us: 700, $1/" configs/workloads/faults.yaml >"$folder/incident.yaml"; }
flip 'flip: support, layer: 2, part: kv, bits: 2'
run 0 serve "$folder/incident.yaml" --verify --json --set sram.ecc=secded
has "$err" ' tokens equal'
equal 'a KV cache with flipped bits' 1 "$(json kv_bit_flips)"
equal 'is computed anew' 3 "$(json requests_restarted)" # two by the renewed slot
equal 'and no slot for it' 1 "$(json slots_renewed)"
flip 'flip: support, layer: 2, part: rows'
run 2 serve "$folder/incident.yaml"
has "$err" 'incident.yaml:15: part: expected one of weights|scales|kv, found rows'
flip 'flip: support, layer: head, part: kv'
run 2 serve "$folder/incident.yaml"
has "$err" 'expected a layer of the model, for the KV rows in it'
flip 'flip: none, layer: 2, part: scales'
run 2 serve "$folder/incident.yaml"
has "$err" 'incident.yaml:15: flip: expected an adapter, found none'
flip 'unload: support, part: kv'
run 2 serve "$folder/incident.yaml"
has "$err" 'part: not expected with unload'

# --- the cards of a server, area and energy ---

run 0 serve n-plus-base --verify --requests 12 --set server.cards=5
has "$err" 'tokens equal those of the model without a clock'
has "$out" 'requests 12 in = 12 done'
has "$out" '5 cards, requests dealt to them in turn'
has "$out" 'a server of 5 cards, on average as busy as this: '
first=$out
run 0 serve n-plus-base --requests 12 --set server.cards=5 --engine step
equal 'cards: step and skip' "$first" "$out"
run 0 serve n-plus-base --requests 12 --set server.cards=5 --set server.dealing=tenant --json
equal 'cards in the JSON' 5 "$(grep -c $'^\t\t\t"cycles"' <<<"$out")"
equal 'four tenants leave one at rest' 1 "$(grep -c $'^\t\t\t"cycles":\t0,' <<<"$out")"
has "$out" '"energy_mj_per_request"'
has "$out" '"server_w"'
run 0 serve n-plus-base --requests 12 --set server.cards=5 --set server.dealing=tenant --csv
equal 'a tenant has one card' 4 "$(tail -n +2 <<<"$out" | awk -F, '{print $2, $20}' | sort -u | wc -l)"
run 0 serve ping-pong --requests 4
has "$out" 'energy of the die for a request: '
has "$out" 'card (W) moved most by: '
lacks "$out" 'server'
run 2 serve hot-reload --set server.cards=2
has "$err" 'incidents: expected a card alone, found server.cards 2'
run 2 serve ping-pong --set server.cards=2 --out "$folder/cards" --trace events
has "$err" '--trace: expected a card alone'
run 2 serve ping-pong --set server.cards=65
run 2 serve ping-pong --physics none-such
has "$err" "there is no set of constants 'none-such'"

# --- values, replay, engines ---

run 0 serve n-plus-base --verify --requests 12
has "$err" 'tokens equal those of the model without a clock'
has "$out" 'requests 12 in = 12 done'
first=$out
run 0 serve n-plus-base --requests 12
equal 'the same again' "$first" "$out"
run 0 serve n-plus-base --requests 12 --engine step
equal 'step and skip' "$first" "$out"
run 0 serve configs/workloads/n-plus-base.yaml --requests 12
equal 'a preset and its file' "$first" "$out"
run 0 serve n-plus-base --requests 12 --seed 2
[ "$first" != "$out" ] || wrong 'another seed changes nothing'
run 0 serve ping-pong --csv --requests 5
equal 'lines of the CSV' 6 "$(wc -l <<<"$out")"
equal 'fields in each line' 20 "$(awk -F, '{print NF}' <<<"$out" | sort -u)"
run 0 serve ping-pong --out "$folder/served"
for file in serve.txt serve.json requests.csv latencies.csv chip.yaml versions.txt; do
    [ -s "$folder/served/$file" ] || wrong "--out leaves no $file"
done
equal 'stdout and serve.txt' "$out" "$(cat "$folder/served/serve.txt")"

run 0 serve ping-pong --requests 3 --out "$folder/traced" --trace events --trace perfetto
gzip -t "$folder/traced/trace.events.gz" "$folder/traced/trace.perfetto.json.gz" || wrong 'the traces are not whole'
equal 'loads in the event trace' 3 "$(zcat "$folder/traced/trace.events.gz" | grep -c '^S 0 1 ')"
run 2 serve ping-pong --trace events
has "$err" '--out DIR'
run 2 serve ping-pong --trace fst --out "$folder/traced"

# --- traces of requests ---

cp tests/fuzz/corpus/request_trace/azure "$folder/azure"
sed -i '1s/^0//' "$folder/azure" # the fuzzer's byte
sed -e 's/^requests:.*/requests: all/' -e 's/^  poisson.*/  trace: {file: azure, format: azure, speed: 1000}/' \
    -e 's/^prompt_tokens.*/prompt_tokens: trace/' -e 's/^output_tokens.*/output_tokens: trace/' configs/workloads/agency15.yaml >"$folder/real.yaml"
run 2 serve "$folder/real.yaml"
has "$err" 'clip: true shortens them'
echo 'clip: true' >>"$folder/real.yaml"
run 0 serve "$folder/real.yaml"
has "$out" '2 were shortened'
echo 'x' >>"$folder/azure"
run 2 serve "$folder/real.yaml"
has "$err" "$folder/azure:3: GeneratedTokens: expected"

# --- bad input ---

run 2 serve
run 2 serve agency
has "$err" "did you mean 'agency15'"
run 2 serve "$folder/none.yaml"
run 2 serve agency15 --json --csv
run 2 serve agency15 --verify
has "$err" 'values: true'
run 2 serve agency15 --set slots.cuont=3
run 2 serve ping-pong --requests 41
has "$err" 'expected at most the 40'
run 2 serve hot-tenant --set slots.pinned=1
has "$err" 'not both'
run 0 serve --help
has "$out" 'etchsim serve agency15'
finish
