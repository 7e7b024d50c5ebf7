#!/usr/bin/env python3
"""rtl_coverage.py -- which lines and bits of the LoRA MAC unit's RTL do the benches of make test exercise?

   rtl_coverage.py [--least PERCENT] [--again] LOCKSTEP FOLDER [SET...]        --again: only the table, of the last run's counts

Runs LOCKSTEP SET for each set with counting libraries (verilate.sh, ETCHSIM_RTL_COVERAGE) and adds up: a line, or a bit of a signal, counts as exercised when it
is in any set and any instance. A bit is when it changed twice or more often in one run: registers begin at random, and a first change may be no more than that. What is not, and why that is as it should be, is in coverage_exceptions.tsv beside this script; exceptions are
not taken out of the figures. Writes FOLDER/uncovered.txt and a table to stdout.
Exit code 1: less than PERCENT (95) of the lines or of the bits are exercised, or something without an exception is not.
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SETS = ["lanes8-wide-word"]  # others have outputs that are constant for want of lanes, or take an hour to count
SIMULATION_ONLY = {"lora_mac_checks.v"}  # no part of the unit: it watches the environment, and its failing branches are for environments that are wrong


def run(options, name):
    folder = options.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    if options.again:
        return list(folder.glob("*.dat"))
    for old in folder.glob("*.dat"):
        old.unlink()
    done = subprocess.run([options.lockstep, name], env=dict(os.environ, ETCHSIM_RTL_COVERAGE=str(folder)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"rtl_coverage: {name}: {done.stdout}{done.stderr}")
    return list(folder.glob("*.dat"))


def points(file):
    """(kind, file, line, signal, count) of each point."""
    for line in file.read_text(errors="replace").splitlines():
        match = re.match(r"C '(.*)' (\d+)$", line)
        if match:
            fields = dict(field.split("\x02", 1) for field in match.group(1).split("\x01") if "\x02" in field)
            kind = "toggle" if "toggle" in fields.get("page", "") else "line"
            yield kind, pathlib.Path(fields["f"]).name, int(fields["l"]), fields.get("o", ""), fields.get("n", ""), int(match.group(2))


def exceptions():
    lines = (HERE / "coverage_exceptions.tsv").read_text().splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--least", type=float, default=95)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("lockstep", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("sets", nargs="*", default=SETS)
    options = parser.parse_args()
    counts = collections.Counter()
    for name in options.sets:
        for file in run(options, name):
            for kind, source, line, signal, column, count in points(file):
                if source not in SIMULATION_ONLY:
                    counts[kind, source, line, signal, column] += count > (kind == "toggle")
    total, hit, missing = collections.Counter(), collections.Counter(), []
    for key, count in counts.items():
        total[key[:2]] += 1
        hit[key[:2]] += count > 0
        if count == 0:
            missing.append(key)
    known, used = exceptions(), set()
    unexplained = []
    with (options.folder / "uncovered.txt").open("w") as out:
        for kind, source, line, signal, column in sorted(missing):
            why = next((i for i, (k, s, pattern, _) in enumerate(known) if k == kind and re.fullmatch(s, source) and re.fullmatch(pattern, signal)), None)
            used.add(why)
            text = f"{kind} {source}:{line}:{column} {signal}"
            print(text, known[why][3] if why is not None else "?", sep="\t", file=out)
            if why is None:
                unexplained.append(text)
    print(f"{'module':<24}{'lines':>8}{'exercised':>11}{'bits':>8}{'exercised':>11}")
    row = "{:<24}{:>8}{:>9.1f} %{:>8}{:>9.1f} %".format
    percent = lambda keys: 100 * sum(hit[k] for k in keys) / max(1, sum(total[k] for k in keys))
    for source in sorted({source for _, source in total}):
        print(row(source, total["line", source], percent([("line", source)]) if total["line", source] else 100, total["toggle", source], percent([("toggle", source)])))
    all_of = {kind: [k for k in total if k[0] == kind] for kind in ("line", "toggle")}
    shares = {kind: percent(keys) for kind, keys in all_of.items()}
    print(row("all", sum(total[k] for k in all_of["line"]), shares["line"], sum(total[k] for k in all_of["toggle"]), shares["toggle"]))
    for i, (kind, source, pattern, why) in enumerate(known):
        if i in used:
            print(f"not exercised: {source} {pattern}: {why}")
        elif options.sets == SETS:
            print(f"rtl_coverage: coverage_exceptions.tsv: stale: {kind} {source} {pattern}")
    for text in unexplained[:20]:
        print(f"not exercised, and no reason known: {text}")
    print(f"lines {shares['line']:.1f} %, bits {shares['toggle']:.1f} %")
    sys.exit(0 if min(shares.values()) >= options.least and not unexplained else 1)


main()
