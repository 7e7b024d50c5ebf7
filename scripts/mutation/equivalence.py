"""equivalence.py -- can a mutant that no bench noticed be told from the unmutated netlist at all?

Proof by induction over K cycles, with Yosys' SAT solver. The netlist is cut at its registers (state in, next state out) and at its
multipliers (a product in, the factors out): what comes in is free, what goes out must be the same for both. R is the set of registers
and multipliers that may differ between the two, for instance a register whose enable was mutated, as long as nobody looks at it.

   cycle 1:      any state that has invariants.v, the same for both but for R, which is free on both sides
   cycles 1..K:  the same pins, which obey contract.v; the same products but for R
   step:         if outputs, next states and factors outside R are the same in cycles 1..K-1, they are in cycle K
   base:         from a reset on, all registers the same before it, they are in cycles 1..K-1

R starts empty (K = 1: the same functions) and grows by what differs in a counterexample; K grows when outputs do. Outputs count as
observed.v has them: data beside their valid only, as docs/lora_mac.md says. The invariants are proved first, in the same way.
"""
import json
import pathlib
import re

from netlist import yosys

HERE = pathlib.Path(__file__).resolve().parent
K_MAX = 4
R_MAX = 12
ASKED_MAX = 10  # calls of the solver for a mutant
SECONDS = 20    # for a call


def bits_value(places):
    return sum(1 << place for place in places)


class Cut:
    """The netlist with all mutants, cut; in folder/proofs/cut.json."""

    def __init__(self, folder, parameters):
        self.folder = folder / "proofs"
        self.folder.mkdir(exist_ok=True)
        self.parameters = parameters
        yosys(f"""
            read_ilang {folder}/mutants.il
            memory_map
            opt_clean
            dffunmap
            setundef -zero
            write_json {self.folder}/whole.json
            """, self.folder / "whole.log")
        design = json.loads((self.folder / "whole.json").read_text())
        self.module = module = design["modules"]["lora_mac_mutants"]
        ports = module["ports"].items()
        self.outputs = {n: len(p["bits"]) for n, p in ports if p["direction"] == "output"}
        self.inputs = {n: len(p["bits"]) for n, p in ports if p["direction"] == "input" and n not in ("mutant", "clk_i")}
        self.mutant_bits = len(module["ports"]["mutant"]["bits"])
        self.find_sites()
        self.cut()
        self.find_readers()
        (self.folder / "cut.json").write_text(json.dumps(design))

    def find_sites(self):
        """Each mutant's place gets a port: it tells whether the mutated bit has another value than it should have."""
        module, number_of, self.site, self.before = self.module, {}, {}, {}  # enable bit -> mutant; mutant -> its bit; that -> the right one
        mutant = module["ports"]["mutant"]["bits"]
        for cell in module["cells"].values():
            if cell["type"] == "$eq" and cell["connections"]["A"] == mutant:
                number_of[cell["connections"]["Y"][0]] = int("".join(reversed(cell["connections"]["B"])), 2)
        top = max(b for net in module["netnames"].values() for b in net["bits"] if isinstance(b, int)) + 1
        ports = ["0"] * (1 << len(mutant))
        for cell in list(module["cells"].values()):
            c = cell["connections"]
            if cell["type"] == "$mux" and c["S"][0] in number_of:
                number, bit = number_of[c["S"][0]], top + len(self.site)
                module["cells"][f"site{number}"] = {
                    "hide_name": 0, "type": "$ne", "attributes": {}, "port_directions": {"A": "input", "B": "input", "Y": "output"},
                    "parameters": {"A_SIGNED": "0", "B_SIGNED": "0", "A_WIDTH": "1", "B_WIDTH": "1", "Y_WIDTH": "1"},
                    "connections": {"A": c["A"], "B": c["Y"], "Y": [bit]}}
                ports[number], self.site[number], self.before[c["Y"][0]] = bit, c["Y"][0], c["A"][0]
        module["ports"]["site"] = {"direction": "output", "bits": ports}

    def cut(self):
        """Ports q and d: registers and their next states; y and f: products and their factors. names_*[i]: whose bit i is."""
        cells = self.module["cells"]
        flops = [n for n, c in cells.items() if c["type"] == "$dff"]
        multipliers = [n for n, c in cells.items() if c["type"] == "$mul" and all(any(isinstance(b, int) for b in c["connections"][p]) for p in "AB")]
        self.q = [b for n in flops for b in cells[n]["connections"]["Q"]]
        self.d = [b for n in flops for b in cells[n]["connections"]["D"]]
        self.y = [b for n in multipliers for b in cells[n]["connections"]["Y"]]
        self.f = [b for n in multipliers for p in "AB" for b in cells[n]["connections"][p]]
        self.y_names = [n for n in multipliers for _ in cells[n]["connections"]["Y"]]
        self.f_names = [n for n in multipliers for p in "AB" for _ in cells[n]["connections"][p]]
        for name in flops + multipliers:
            del cells[name]
        rest = {c["type"] for c in cells.values() if "ff" in c["type"] or "mem" in c["type"] or "latch" in c["type"]}
        if rest:
            raise SystemExit(f"mutate: cells that cannot be cut: {rest}")
        for name, direction, bits in (("q", "input", self.q), ("d", "output", self.d), ("y", "input", self.y), ("f", "output", self.f)):
            self.module["ports"][name] = {"direction": direction, "bits": bits}
        place = {bit: i for i, bit in enumerate(self.q)}
        self.q_names, self.wires = [None] * len(self.q), {}
        nets = self.module["netnames"].items()
        for name, net in sorted(nets, key=lambda item: (item[1]["hide_name"], not item[0].endswith("_q"), len(item[0]))):
            self.wires[name] = [place.get(self.unmutated(bit)) for bit in net["bits"]]
            for i in self.wires[name]:
                if i is not None and self.q_names[i] is None:
                    self.q_names[i] = name

    def unmutated(self, bit):
        while bit in self.before:
            bit = self.before[bit]
        return bit

    def find_readers(self):
        self.readers = {}  # bit -> the outputs of the cells that it goes into
        for cell in self.module["cells"].values():
            sides = {"input": [], "output": []}
            for port, bits in cell["connections"].items():
                sides[cell["port_directions"][port]] += bits
            for bit in sides["input"]:
                self.readers.setdefault(bit, []).append(sides["output"])

    def reach(self, bits):
        """What these bits reach within a cycle: places in d, places in f, outputs."""
        seen, todo = set(bits), list(bits)
        while todo:
            for into in self.readers.get(todo.pop(), []):
                new = [b for b in into if b not in seen]
                seen.update(new)
                todo += new
        return ([i for i, b in enumerate(self.d) if b in seen], [i for i, b in enumerate(self.f) if b in seen],
                {n for n in self.outputs if seen.intersection(self.module["ports"][n]["bits"])})

    # -- questions to the solver --

    def head(self, cycles):
        n, m = len(self.q), len(self.y)
        pins = [f"input [{w - 1}:0] {p}_{t}" for t in range(1, cycles + 1) for p, w in self.inputs.items()]
        pins += [f"input [{m - 1}:0] y_{t}, other_y_{t}" for t in range(1, cycles + 1)]
        return [f"module top(input [{n - 1}:0] state, other, {', '.join(pins)}, output wrong, output [{n - 1}:0] differ, "
                f"output [{len(self.f) - 1}:0] differ_f, output visible);"]

    def copy(self, side, t, number, state, products):
        """The netlist in cycle t."""
        connections = [f".{p}({p}_{t})" for p in self.inputs] + [f".{o}({side}_{o}_{t})" for o in self.outputs]
        return [f"wire [{w - 1}:0] {side}_{o}_{t};" for o, w in self.outputs.items()] + [
            f"wire [{len(self.q) - 1}:0] q_{side}_{t} = {state}, d_{side}_{t};", f"wire [{len(self.f) - 1}:0] f_{side}_{t};",
            f"wire [{(1 << self.mutant_bits) - 1}:0] site_{side}_{t};",
            f"lora_mac_mutants {side}_{t} (.clk_i(1'b0), .mutant({self.mutant_bits}'d{number}), .site(site_{side}_{t}), .q(q_{side}_{t}), "
            f".d(d_{side}_{t}), .y({products}), .f(f_{side}_{t}), {', '.join(connections)});"]

    def obeyed(self, t, side):
        parameters = ", ".join(f".{p}({v})" for p, v in self.parameters.items())
        return [f"wire obeyed_{t};", f"contract #({parameters}) contract_{t} (.obeyed_o(obeyed_{t}), .busy_i({side}_busy_o_{t}), " +
                ", ".join(f".{p}({p}_{t})" for p in self.inputs) + ");"]

    def holds(self, name, state):
        """invariants.v for a state, of which only the registers that it names are connected."""
        text = (HERE / "invariants.v").read_text()
        wanted = re.findall(r"^\s*input\s+(?:\[[^\]]*\])?\s*(\w+), // (\S+)$", text, re.M)
        pins = []
        for pin, names in wanted:
            register = next((r for r in names.split("|") if r in self.wires and None not in self.wires[r]), None)
            if register is None:
                raise SystemExit(f"mutate: invariants.v names {names}, which is not a register")
            bits = [f"{state}[{i}]" for i in reversed(self.wires[register])]
            pins.append(f".{pin}({{{', '.join(bits)}}})")
        parameters = ", ".join(f".{p}({v})" for p, v in self.parameters.items())
        return [f"wire {name};", f"invariants #({parameters}) {name}_u (.holds_o({name}), {', '.join(pins)});"]

    def site_question(self, number):
        """Can the mutated bit have another value at all?"""
        return self.head(1) + self.copy("gate", 1, number, "state", "y_1") + self.obeyed(1, "gate") + self.holds("holds", "state") + [
            f"assign wrong = obeyed_1 & holds & site_gate_1[{number}];", "assign differ = 0;", "assign differ_f = 0;", "assign visible = 1;", "endmodule"]

    def invariant_question(self, base):
        return self.head(1) + self.copy("gate", 1, 0, "state", "y_1") + self.obeyed(1, "gate") + self.holds("before", "state") + self.holds(
            "after", "d_gate_1") + [f"assign wrong = obeyed_1 & {'rst_i_1' if base else 'before & !rst_i_1'} & !after;", "assign differ = 0;",
                                    "assign differ_f = 0;", "assign visible = 1;", "endmodule"]

    def question(self, number, may_differ, cycles, base):
        n, m = len(self.q), len(self.f)
        q_mask = bits_value(i for i, name in enumerate(self.q_names) if name in may_differ)
        y_mask = bits_value(i for i, name in enumerate(self.y_names) if name in may_differ)
        f_mask = bits_value(i for i, name in enumerate(self.f_names) if name in may_differ)
        text = self.head(cycles) + [f"localparam [{n - 1}:0] Q = {n}'h{q_mask:x};", f"localparam [{len(self.y) - 1}:0] Y = {len(self.y)}'h{y_mask:x};"]
        conditions = ["rst_i_1"] if base else ["holds_1"]
        text += [] if base else self.holds("holds_1", "state")
        for t in range(1, cycles + 1):
            free = not base or t > 1
            sources = [self.site[number]] + [b for b, name in zip(self.y, self.y_names) if name in may_differ]
            sources += [b for b, name in zip(self.q, self.q_names) if free and name in may_differ]
            into_d, into_f, outputs = self.reach(sources)
            before = "state" if t == 1 else f"d_gold_{t - 1}"
            other = f"({before} & ~Q) | ({'other' if t == 1 else f'd_gate_{t - 1}'} & Q)" if free else before
            text += self.copy("gold", t, 0, before, f"y_{t}") + self.copy("gate", t, number, other, f"(y_{t} & ~Y) | (other_y_{t} & Y)")
            text += self.obeyed(t, "gold") + [
                f"wire same_{t};",
                f"observed #(.ROM_DRAIN_ELEMENTS({self.parameters['ROM_DRAIN_ELEMENTS']})) observed_{t} (.same_o(same_{t}), " +
                ", ".join(f".{o[:-2]}_{s}({s if o in outputs else 'gold'}_{o}_{t})" for o in self.outputs for s in ("gold", "gate")) + ");",
                f"wire [{n - 1}:0] differ_{t} = (d_gold_{t} ^ d_gate_{t}) & {n}'h{bits_value(into_d) & ~q_mask:x};",
                f"wire [{m - 1}:0] differ_f_{t} = (f_gold_{t} ^ f_gate_{t}) & {m}'h{bits_value(into_f) & ~f_mask:x};",
                f"wire good_{t} = same_{t} & differ_{t} == 0 & differ_f_{t} == 0;"]
            conditions += [f"obeyed_{t}"] + ([f"good_{t}"] if t < cycles else [])
        return text + [f"assign wrong = {' & '.join(conditions)} & !good_{cycles};", f"assign differ = differ_{cycles};",
                       f"assign differ_f = differ_f_{cycles};", f"assign visible = !same_{cycles};", "endmodule"]

    def ask(self, name, question):
        """None: never wrong. Else (what differs, whether outputs do); or "timeout"."""
        (self.folder / f"{name}.v").write_text("\n".join(question) + "\n")
        log, answer = self.folder / f"{name}.log", self.folder / f"{name}.json"
        answer.unlink(missing_ok=True)
        yosys(f"""
            read_json {self.folder}/cut.json
            read_verilog {HERE}/observed.v {HERE}/contract.v {HERE}/invariants.v {self.folder}/{name}.v
            hierarchy -check -top top
            proc
            flatten
            opt
            opt_clean -purge
            sat -timeout {SECONDS} -prove wrong 0 -show differ,differ_f,visible -dump_json {answer} top
            """, log)
        words = log.read_text()
        if "no model found: SUCCESS" in words:
            return None
        if "model found: FAIL" not in words:
            return "timeout"
        waves = {s["name"].lstrip("\\"): (s["data"][0] if s.get("data") else s["wave"]) for s in json.loads(answer.read_text())["signal"] if "name" in s}
        differ = {names[i] for wave, names in (("differ", self.q_names), ("differ_f", self.f_names))
                  for i, bit in enumerate(re.sub(r"[^01]", "", waves[wave])[::-1]) if bit == "1"}
        return differ, "1" in waves["visible"]

    # -- answers --

    def prove_invariants(self):
        for base in (True, False):
            if self.ask(f"invariants_{'base' if base else 'step'}", self.invariant_question(base)) is not None:
                raise SystemExit(f"mutate: scripts/mutation/invariants.v is not proved in {self.folder}")

    def prove(self, number):
        """(True, how) or (False, why not)."""
        name = f"mutant{number}"
        if number not in self.site:
            return True, "nothing depends on it"
        if self.ask(name, self.site_question(number)) is None:
            return True, "the bit has that value anyway"
        may_differ, cycles, asked = set(), 1, 0
        while (answer := self.ask(name, self.question(number, may_differ, cycles, False))) is not None:
            if answer == "timeout":
                return False, f"no answer in {SECONDS} s"
            differ, visible = answer
            asked += 1
            if asked == ASKED_MAX:
                return False, f"no proof in {ASKED_MAX} steps"
            if differ and not visible and len(may_differ | differ) <= R_MAX:
                may_differ |= differ
            else:
                cycles += 1
                if cycles > K_MAX:
                    return False, f"outputs may differ, and {', '.join(sorted(may_differ | differ)) or 'nothing else'}"
        for t in range(1, cycles):
            if self.ask(name, self.question(number, may_differ, t, True)) is not None:
                return False, "not from a reset on"
        return True, "the same functions" if not may_differ else f"induction over {cycles}, but for {', '.join(sorted(may_differ))}"
