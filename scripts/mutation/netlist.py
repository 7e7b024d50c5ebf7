"""netlist.py -- from rtl/*.v to one netlist with many mutants, of which an input selects one.

   rtl/*.v --Yosys--> cells (words, not gates) --mutate -list--> candidates --a share for each module--> chosen
           cells + chosen --mutate -ctrl--> lora_mac_mutants.v, and lora_mac.v around it with the ports of rtl/lora_mac.v
"""
import pathlib
import random
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CANDIDATES = 4000    # of which the mutants are chosen
LEAST_OF_MODULE = 3  # mutants, where a module has that many candidates


def yosys(script, log, where=None):
    """Runs a Yosys script, in the folder `where`; its words are in `log`."""
    path = log.with_suffix(".ys")
    path.write_text(script)
    done = subprocess.run(["yosys", "-q", "-l", log, path], capture_output=True, text=True, check=False, cwd=where)
    if done.returncode != 0:
        raise SystemExit(f"mutate: yosys failed in {log}: {done.stderr.strip() or done.stdout.strip()}")


def elaborate(rtl, parameters, folder):
    """Word-level cells of the whole unit, without what synthesis would drop: a mutant there could not be seen."""
    chosen = " ".join(f"-set {name} {value}" for name, value in parameters.items())
    yosys(f"""
        read_verilog -DSYNTHESIS {' '.join(f.name for f in sorted(rtl.glob('*.v')))}
        chparam {chosen} lora_mac
        hierarchy -check -top lora_mac
        proc
        flatten
        opt_expr -mux_undef
        opt -nosdff
        memory -nomap
        opt -nosdff -full -mux_undef -undriven
        wreduce
        opt_share
        opt -nosdff -full
        opt_clean -purge
        check -assert
        write_ilang {folder}/plain.il
        """, folder / "elaborate.log", rtl)


def instances(rtl):
    """{instance: module} of all modules, and the lines of the sources in which an instance stands: {(file, line)}."""
    modules, lines = {}, set()
    for file in rtl.glob("*.v"):
        for number, text in enumerate(file.read_text().splitlines(), 1):
            of = re.match(r"\s*(\w+) (?:#\(.*\) )?(\w+_u) \($", text) or re.match(r"\s*(\)) (\w+_u) \($", text)
            if of:
                lines.add((file.name, number))
        text = file.read_text()
        for module, instance in re.findall(r"^\s*(\w+) (?:#\((?:[^;]*?)\) )?(\w+_u) \(", text, re.M):
            modules[instance] = module
    return modules, lines


class Mutant:
    """A line of mutate -list, and what became of it."""

    def __init__(self, line, modules, instance_lines):
        options = re.findall(r"-(\w+) (\S+)", line)
        self.line = line
        self.what = dict(options)
        self.number = 0
        self.sources = [value for name, value in options if name == "src"]
        cell = self.what["cell"].replace("\\", " ")
        place = re.search(r"\$(\w+)\.v:(\d+)\$", cell)
        path = cell.split("$")[1] if cell.startswith("$flatten ") else self.what.get("wire", "")
        names = re.findall(r"\b(\w+_u)\b", path)
        inside = [s for s in self.sources if not s.startswith("lora_mac.v:") and self.place_of(s) not in instance_lines]
        self.module = (place.group(1) if place else modules[names[-1]] if names else
                       inside[0].split(".")[0] if inside else "lora_mac")
        lines = [int(place.group(2))] if place else []
        places = [self.place_of(s) for s in self.sources]
        lines += [line for file, line in places if file == self.module + ".v" and (file, line) not in instance_lines]
        self.line_number = next((line for line in lines if line > 0), 0)

    @staticmethod
    def place_of(source):
        file, place = source.split(":")
        return file, int(place.split(".")[0])

    def where(self):
        """Cell, port and bit, without the numbers that change with any line of the sources."""
        cell = re.sub(r"\$\w+\.cc:\d+:", "$", re.sub(r"\$\d+$", "", self.what["cell"]))
        name = self.what.get("wire")
        return f"{self.what['mode']} {cell}.{self.what['port']}[{self.what['portbit']}]" + (f" of {name}[{self.what['wirebit']}]" if name else "")

    def key(self):
        return self.what["cell"], self.what["port"], self.what["portbit"], self.what["mode"]


def choose(rtl, folder, count, seed):
    """`count` mutants by seed: each module has a share by the root of its candidates, so that wide ones do not crowd out the small."""
    yosys(f"read_ilang {folder}/plain.il\nmutate -list {CANDIDATES} -seed {seed} -o {folder}/candidates\n", folder / "list.log")
    modules, lines = instances(rtl)
    by_module = {}
    for line in (folder / "candidates").read_text().splitlines():
        mutant = Mutant(line, modules, lines)
        # A memory's port or a selection's operand: write_verilog makes something else of such a cell, with and without the fault. What leads there is mutated as well.
        if "$" not in mutant.what["cell"] or ("$shiftx$" in mutant.what["cell"] and mutant.what["port"] == "A"):
            continue
        by_module.setdefault(mutant.module, {}).setdefault(mutant.key(), mutant)
    roots = {module: len(found) ** 0.5 for module, found in by_module.items()}
    chosen = []
    generator = random.Random(seed)
    for module in sorted(by_module):
        found = list(by_module[module].values())
        share = max(LEAST_OF_MODULE, round(count * roots[module] / sum(roots.values())))
        chosen += generator.sample(found, min(share, len(found)))
    for number, mutant in enumerate(chosen, 1):
        mutant.number = number
    return chosen


WRAPPER = """
    // The number of the mutant is in the file "mutant" of the present folder; 0 is the unmutated netlist.
    integer file, fields;
    reg [{high}:0] mutant;
    initial begin
        mutant = 0;
        file = $fopen("mutant", "r");
        fields = $fscanf(file, "%d", mutant);
        if (fields != 1 || {differ}) begin
            $display("mutation: no number of a mutant, or parameters that the netlist was not made for");
            $finish;
        end
    end
    lora_mac_mutants mutants_u (.mutant(mutant), {ports});
endmodule
"""


def write(rtl, folder, parameters, mutants):
    """folder/rtl/: what ETCHSIM_RTL can name."""
    bits = len(mutants).bit_length()
    commands = [m.line.replace("mutate ", f"mutate -ctrl mutant {bits} {m.number} ", 1) for m in mutants]
    (folder / "rtl").mkdir(exist_ok=True)
    yosys(f"read_ilang {folder}/plain.il\n" + "\n".join(commands) + f"""
        rename lora_mac lora_mac_mutants
        write_ilang {folder}/mutants.il
        write_verilog -noattr {folder}/rtl/lora_mac_mutants.v
        """, folder / "apply.log")
    text = (rtl / "lora_mac.v").read_text()
    head = re.search(r"^module lora_mac .*?^\);\n", text, re.M | re.S).group(0)
    ports = re.findall(r"^\s+(?:input|output)\s+(?:\[[^\]]*\]\s+)?(\w+),?$", head, re.M)
    (folder / "rtl" / "lora_mac.v").write_text(head + WRAPPER.format(
        high=bits - 1,
        differ=" || ".join(f"{name} != {value}" for name, value in parameters.items()),
        ports=", ".join(f".{p}({p})" for p in ports)))
