#!/usr/bin/env bash
# Reproduces the sample model and its adapters from nothing: corpus, tokenizer, base, float baseline, adapters, scores.
# Overwrites configs/models/sample and configs/adapters. Needs Python 3.11 or later; about an hour on two cores.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/train
venv=$work/venv
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

mkdir -p "$work"
if ! [ -e "$venv/ready" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r "$here/requirements.txt"
    touch "$venv/ready"
fi

# stage NAME SCRIPT [OPTION...]: runs one stage and keeps its log.
stage() {
    local name=$1 script=$2
    shift 2
    nice -n 5 "$venv/bin/python" "$here/$script" "$@" 2>&1 | tee "$work/$name.log"
}

# Waits for the background stages given by process id; fails if one failed.
all_of() {
    local pid
    for pid in "$@"; do wait "$pid"; done
}

stage corpus corpus.py
stage tokenizer tokenizer.py

stage base train_base.py & base=$!
stage baseline train_base.py --float & baseline=$!
all_of $base $baseline

pids=()
for domain in clinical contract support; do
    stage "$domain" train_adapter.py --only $domain & pids+=($!)
done
all_of "${pids[@]}"

stage scores scores.py
(cd "$work" && cat corpus.log tokenizer.log base.log baseline.log clinical.log contract.log support.log scores.log) \
    > "$root/configs/models/sample/train.log"
