#!/usr/bin/env python3
"""mutate.py -- do the benches notice a fault in the LoRA MAC unit's RTL? Puts in one at a time, and looks.

   rtl/*.v --> a netlist with all mutants (mutation/netlist.py) --> one verilated library --> lockstep SET once for each mutant
   mutants that nobody noticed --> can they be told from the unmutated netlist at all? (mutation/equivalence.py)

   mutate.py [--mutants N] [--seed N] [--jobs N] [--least PERCENT] [--no-proofs] LOCKSTEP FOLDER [SET...]

What was found out is kept in FOLDER, and not found out again for the same netlist and the same bench: an interrupted run goes on. Mutants are spread over the sets of parameters (lockstep --parameters) and over all modules. Writes FOLDER/mutation.tsv, and a table to stdout.
Exit code 1: less than PERCENT of the mutants that are not proved equivalent, or explained in mutation/explained.tsv, were noticed.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "mutation"))
import equivalence  # noqa: E402
import netlist  # noqa: E402

SETS = ["lanes8", "lanes8-wide-word"]
RUN_SECONDS = 300  # a run of the bench that takes longer has failed


def parameters_of(lockstep):
    """{set: {parameter: value}}"""
    lines = subprocess.run([lockstep, "--parameters"], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: {k: int(v) for k, v in (word.split("=") for word in words)} for name, *words in map(str.split, lines)}


class Set:
    """The mutants of one set of parameters, and their bench."""

    def __init__(self, name, parameters, options):
        self.name, self.parameters, self.options = name, parameters, options
        self.folder = options.folder / "mutation" / name
        (self.folder / "run").mkdir(parents=True, exist_ok=True)
        self.rtl = pathlib.Path(os.environ.get("ETCHSIM_RTL", netlist.ROOT / "rtl"))

    def prepare(self, count):
        netlist.elaborate(self.rtl, self.parameters, self.folder)
        self.mutants = netlist.choose(self.rtl, self.folder, count, self.options.seed)
        netlist.write(self.rtl, self.folder, self.parameters, self.mutants)
        self.key = hashlib.sha256(b"".join(path.read_bytes() for path in (
            self.folder / "rtl" / "lora_mac_mutants.v", self.options.lockstep, pathlib.Path(equivalence.__file__)))).hexdigest()
        words = self.kept(0, "bench", self.bench)
        if words:
            sys.exit(f"mutate: {self.name}: the bench fails without a mutation: {words}")

    def kept(self, number, what, find_out):
        """The answer of an earlier run for the same netlist and bench, else find_out's."""
        file = self.folder / f"{what}{number}.json"
        if file.exists():
            known = json.loads(file.read_text())
            if known["key"] == self.key:
                return known["answer"]
        answer = find_out(number)
        file.write_text(json.dumps({"key": self.key, "answer": answer}) + "\n")
        return answer

    def bench(self, number):
        """What the bench had to say against it; None: nothing."""
        place = self.folder / "run" / str(number)
        place.mkdir(exist_ok=True)
        (place / "mutant").write_text(f"{number}\n")
        cache = os.environ.get("ETCHSIM_CACHE", str(self.options.folder / "cache"))
        environment = dict(os.environ, ETCHSIM_RTL=str(self.folder / "rtl"), ETCHSIM_CACHE=str(pathlib.Path(cache).resolve()))
        try:
            done = subprocess.run([self.options.lockstep, self.name], cwd=place, env=environment, capture_output=True, text=True,
                                  timeout=RUN_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"not over in {RUN_SECONDS} s"
        if done.returncode == 2 or "could not be built" in done.stdout:
            sys.exit(f"mutate: {self.name}: {done.stdout}{done.stderr}")
        if done.returncode == 0:
            return None
        words = (done.stdout.splitlines() or done.stderr.splitlines() or ["?"])[0]
        return re.sub(r"^lockstep: [^,]*, ", "", words) + (f" (signal {-done.returncode})" if done.returncode < 0 else "")

    def run(self, pool):
        for mutant, words in zip(self.mutants, pool.map(lambda number: self.kept(number, "bench", self.bench), [m.number for m in self.mutants])):
            mutant.result, mutant.how = ("caught", words) if words else ("not caught", "")

    def prove(self, pool):
        left = [m for m in self.mutants if m.result == "not caught"]
        if not left:
            return
        cut = equivalence.Cut(self.folder, self.parameters)
        cut.prove_invariants()
        for mutant, (equivalent, how) in zip(left, pool.map(lambda number: self.kept(number, "proof", cut.prove), [m.number for m in left])):
            mutant.result, mutant.how = ("equivalent", how) if equivalent else ("not caught", how)


def explanations():
    """{(set, where): why nobody can notice it}, of mutants that only a person can judge."""
    file = netlist.ROOT / "scripts" / "mutation" / "explained.tsv"
    lines = [line.split("\t") for line in file.read_text().splitlines() if line and not line.startswith("#")] if file.exists() else []
    return {(name, where): why for name, where, why in lines}


def explain(sets, seed):
    known = explanations()
    used = set()
    for s in sets:
        for mutant in s.mutants:
            key = s.name, mutant.where()
            if key in known:
                used.add(key)
                if mutant.result != "not caught":
                    print(f"mutate: explained.tsv: {' '.join(key)}: stale, it is {mutant.result}")
                mutant.result, mutant.how = ("explained", known[key]) if mutant.result == "not caught" else (mutant.result, mutant.how)
    return seed == 1 and [k for k in known if k[0] in [s.name for s in sets] and k not in used]


def report(sets, folder):
    """The table; returns caught and not caught."""
    with (folder / "mutation.tsv").open("w") as out:
        print("set", "mutant", "module", "line", "where", "result", "how", sep="\t", file=out)
        for s in sets:
            for m in s.mutants:
                print(s.name, m.number, m.module, m.line_number, m.where(), m.result, m.how, sep="\t", file=out)
    results = ["caught", "equivalent", "explained", "not caught"]
    count = collections.Counter((m.module, m.result) for s in sets for m in s.mutants)
    total = collections.Counter(m.result for s in sets for m in s.mutants)
    print(f"{'module':<20}{'mutants':>8}" + "".join(f"{r:>12}" for r in results))
    for module in sorted({module for module, _ in count}):
        print(f"{module:<20}{sum(count[module, r] for r in results):>8}" + "".join(f"{count[module, r]:>12}" for r in results))
    print(f"{'total':<20}{sum(total.values()):>8}" + "".join(f"{total[r]:>12}" for r in results))
    for s in sets:
        for m in s.mutants:
            if m.result in ("explained", "not caught"):
                print(f"{m.result}: {s.name} {m.number}: {m.module}.v:{m.line_number} {m.where()}: {m.how}")
    return total["caught"], total["not caught"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutants", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--least", type=float, default=95)
    parser.add_argument("--no-proofs", action="store_true")
    parser.add_argument("lockstep", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("sets", nargs="*", default=SETS)
    options = parser.parse_args()
    start = time.time()
    parameters = parameters_of(options.lockstep)
    sets = [Set(name, parameters[name], options) for name in options.sets]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for s in sets:
            s.prepare(options.mutants // len(sets))
            s.run(pool)
            print(f"mutate: {s.name}: {len(s.mutants)} mutants, {sum(m.result == 'caught' for m in s.mutants)} caught, "
                  f"after {time.time() - start:.0f} s", file=sys.stderr)
        for s in sets if not options.no_proofs else []:
            s.prove(pool)
    explain(sets, options.seed)
    caught, missed = report(sets, options.folder)
    percent = 100 * caught / (caught + missed)
    print(f"caught {caught} of {caught + missed} that are not shown equivalent: {percent:.1f} %")
    print(f"mutate: {time.time() - start:.0f} s", file=sys.stderr)
    sys.exit(0 if percent >= options.least else 1)


main()
