/* The texts beside the vectors: which bits are which port, a bench that plays them, how to run it. */
#include <inttypes.h>

#include "sim/vectors.h"

enum { RESULT_BITS = 40 };

static const char *direction(const struct lora_port_place *place)
{
    return place->input ? "inputs.mem" : "outputs.mem";
}

void vectors_write_legend(const struct vectors_options *options, const struct lora_ports *ports, FILE *out)
{
    const struct lora_flat flat = lora_flat(ports);
    struct vectors_parameter parameters[VECTORS_PARAMETERS];
    vectors_parameters(options, parameters);
    fprintf(out, "# etchsim vectors 1: a line of a .mem file is a cycle, one hexadecimal number; high and low are a port's bits in it. "
                 "mask.mem is as outputs.mem.\n");
    fprintf(out, "# chip %s, weights %s, seed %" PRIu64 "%s\n", options->config->name, options->weights, options->seed,
            options->stalls ? "" : ", no stalls");
    fprintf(out, "cycles %" PRIu64 "\n", options->cycles);
    fprintf(out, "input_bits %" PRIu32 "\noutput_bits %" PRIu32 "\n", flat.input_bits, flat.output_bits);
    for (int i = 0; i < VECTORS_PARAMETERS; i++) {
        fprintf(out, "parameter %s %" PRIu32 "\n", parameters[i].name, parameters[i].value);
    }
    fprintf(out, "# file        port                   bits   high    low\n");
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *place = &ports->port[p];
        char name[64];
        snprintf(name, sizeof name, "%s%s", place->name, place->suffix);
        fprintf(out, "%-13s %-20s %6" PRIu32 " %6" PRIu32 " %6" PRIu32 "\n", direction(place), name, place->bits,
                flat.low[p] + place->bits - 1, flat.low[p]);
    }
}

/* -- the bench -- */

static const char bench_head[] =
    "// lora_mac_vectors_tb -- plays inputs.mem into a LoRA MAC unit and compares each output bit that matters in each cycle. Made by "
    "etchsim vectors.\n"
    "//\n"
    "//   edge | inputs unknown (but rst_i) | outputs compared | inputs of this cycle | next edge\n"
    "//\n"
    "// Outputs are functions of registers only, so they are compared while the inputs are unknown. Prints \"PASS n cycles\", or \"FAIL "
    "cycle ...\" with each port\n"
    "// that differs in the first cycle in which one does; then the exit code is not 0 where the simulator has one (Icarus, Verilator).\n"
    "// Run it in the folder of the .mem files. With the macro VCD defined it leaves lora_mac.vcd.\n";

static const char bench_play[] =
    "\n"
    "    task compare;\n"
    "        begin\n"
    "            expected = outputs[cycle] & mask[cycle];\n"
    "            got = out & mask[cycle];\n"
    "            failed = got !== expected;\n"
    "            if (failed) show;\n"
    "        end\n"
    "    endtask\n"
    "\n"
    "    task fail;\n"
    "        begin\n"
    "`ifdef __ICARUS__\n"
    "            $finish_and_return(1);\n"
    "`elsif VERILATOR\n"
    "            $stop;\n"
    "`else\n"
    "            $finish;\n"
    "`endif\n"
    "        end\n"
    "    endtask\n"
    "\n"
    "    initial begin\n"
    "`ifdef VCD\n"
    "        $dumpfile(\"lora_mac.vcd\");\n"
    "        $dumpvars;\n"
    "`endif\n"
    "        $readmemh(\"inputs.mem\", inputs);\n"
    "        $readmemh(\"outputs.mem\", outputs);\n"
    "        $readmemh(\"mask.mem\", mask);\n"
    "        clk = 0;\n"
    "        in = 0;\n"
    "        failed = ^{inputs[CYCLES-1], outputs[CYCLES-1], mask[CYCLES-1]} === 1'bx;\n"
    "        if (failed) $display(\"FAIL: expected %0d lines in inputs.mem, outputs.mem and mask.mem\", CYCLES);\n"
    "        for (cycle = 0; cycle < CYCLES && !failed; cycle = cycle + 1) begin\n"
    "            in = {{INPUT_BITS-1{1'bx}}, in[0]};\n"
    "            #4 clk = 0;\n"
    "            compare;\n"
    "            if (!failed) begin\n"
    "                in = inputs[cycle];\n"
    "                #5 clk = 1;\n"
    "                #1;\n"
    "            end\n"
    "        end\n"
    "        if (failed) fail;\n"
    "        else begin\n"
    "            $display(\"PASS %0d cycles\", CYCLES);\n"
    "            $finish;\n"
    "        end\n"
    "    end\n"
    "endmodule\n";

static void range(const struct lora_port_place *place, uint32_t low, char text[32])
{
    if (place->bits == 1) {
        snprintf(text, 32, "[%" PRIu32 "]", low);
    } else {
        snprintf(text, 32, "[%" PRIu32 ":%" PRIu32 "]", low + place->bits - 1, low);
    }
}

static void write_instance(const struct vectors_options *options, const struct lora_ports *ports, const struct lora_flat *flat, FILE *out)
{
    struct vectors_parameter parameters[VECTORS_PARAMETERS];
    vectors_parameters(options, parameters);
    fprintf(out, "\n    lora_mac #(\n");
    for (int i = 0; i < VECTORS_PARAMETERS; i++) {
        fprintf(out, "        .%s(%" PRIu32 ")%s\n", parameters[i].name, parameters[i].value, i + 1 < VECTORS_PARAMETERS ? "," : "");
    }
    fprintf(out, "    ) dut (\n        .clk_i(clk)");
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *place = &ports->port[p];
        char bits[32];
        range(place, flat->low[p], bits);
        fprintf(out, ",\n        .%s%s(%s%s)", place->name, place->suffix, place->input ? "in" : "out", bits);
    }
    fprintf(out, "\n    );\n");
}

/* A result at a time where a port has many. */
static void write_show(const struct lora_ports *ports, const struct lora_flat *flat, FILE *out)
{
    fprintf(out, "\n    task show;\n        begin\n");
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *place = &ports->port[p];
        const bool many = p == PORT_delta_data;
        char bits[32];
        if (place->input) {
            continue;
        }
        range(place, flat->low[p], bits);
        if (many) {
            fprintf(out, "            for (i = 0; i < %" PRIu32 "; i = i + 1)\n    ", place->bits / RESULT_BITS);
            snprintf(bits, sizeof bits, "[%" PRIu32 "+%d*i +: %d]", flat->low[p], RESULT_BITS, RESULT_BITS);
        }
        fprintf(out, "            if (got%s !== expected%s)\n%s", bits, bits, many ? "    " : "");
        fprintf(out, "                $display(\"FAIL cycle %%0d: %s%s%s: expected %%h, got %%h\", cycle%s, expected%s, got%s);\n",
                place->name, place->suffix, many ? "[%0d]" : "", many ? ", i" : "", bits, bits);
    }
    fprintf(out, "        end\n    endtask\n");
}

void vectors_write_bench(const struct vectors_options *options, const struct lora_ports *ports, FILE *out)
{
    const struct lora_flat flat = lora_flat(ports);
    ES_ASSERT(flat.low[PORT_rst] == 0 && ports->port[PORT_rst].bits == 1); /* the bit that stays known */
    fputs(bench_head, out);
    fprintf(out, "module lora_mac_vectors_tb;\n");
    fprintf(out, "    localparam CYCLES = %" PRIu64 ";\n", options->cycles);
    fprintf(out, "    localparam INPUT_BITS = %" PRIu32 ";\n    localparam OUTPUT_BITS = %" PRIu32 ";\n\n", flat.input_bits,
            flat.output_bits);
    fputs("    reg  [INPUT_BITS-1:0]  inputs  [0:CYCLES-1];\n"
          "    reg  [OUTPUT_BITS-1:0] outputs [0:CYCLES-1];\n"
          "    reg  [OUTPUT_BITS-1:0] mask    [0:CYCLES-1];\n"
          "    reg                    clk, failed;\n"
          "    reg  [INPUT_BITS-1:0]  in;\n"
          "    wire [OUTPUT_BITS-1:0] out;\n"
          "    reg  [OUTPUT_BITS-1:0] expected, got;\n"
          "    integer                cycle, i;\n",
          out);
    write_instance(options, ports, &flat, out);
    write_show(ports, &flat, out);
    fputs(bench_play, out);
}

/* -- how to use them -- */

static const char readme_head[] =
    "Vectors of the LoRA MAC unit: what goes into its pins and what must come out, in every cycle.\n"
    "\n"
    "  inputs.mem              a line a cycle: all inputs but the clock, as one hexadecimal number\n"
    "  outputs.mem             a line a cycle: the outputs that are seen in that cycle, before the clock edge at its end\n"
    "  mask.mem                a line a cycle: ones where an output bit matters; the others may be anything\n"
    "  legend.txt              which bits of a line are which port; the unit's parameters\n"
    "  lora_mac_vectors_tb.v   Verilog-2005: plays the inputs, compares the outputs, says PASS or FAIL\n"
    "  chip.yaml               the chip: etchsim vectors --chip chip.yaml and the same options make the same vectors\n"
    "\n"
    "Run it in this folder; RTL is the folder with lora_mac.v, etchsim's own (rtl/) or yours with the same module name, ports and "
    "parameters.\n"
    "\n"
    "  iverilog -g2005 -y \"$RTL\" -o lora_mac.vvp lora_mac_vectors_tb.v && vvp -N lora_mac.vvp\n"
    "  verilator --binary --timing -y \"$RTL\" --top-module lora_mac_vectors_tb lora_mac_vectors_tb.v && "
    "obj_dir/Vlora_mac_vectors_tb\n"
    "\n"
    "It prints \"PASS n cycles\" and ends with exit code 0; or it prints \"FAIL cycle n: port: expected, got\" for each port that differs "
    "in the first\n"
    "cycle in which one does, and the exit code is another one; so it is when an assertion in the unit fails first. Icarus with -DVCD "
    "leaves a waveform, lora_mac.vcd.\n"
    "\n";

void vectors_write_readme(const struct vectors_options *options, const struct lora_ports *ports, const struct stimulus_counts *counts,
                          FILE *out)
{
    const struct lora_flat flat = lora_flat(ports);
    fputs(readme_head, out);
    fprintf(out, "chip      %s: %" PRIu32 " lanes, SRAM words of %" PRIu32 " bits, %" PRIu32 " input and %" PRIu32 " output bits\n",
            options->config->name, ports->unit.lanes, ports->unit.sram_width_bits, flat.input_bits, flat.output_bits);
    fprintf(out, "weights   %s\n", options->weights);
    fprintf(out, "stimulus  %" PRIu64 " cycles, seed %" PRIu64 ", %s\n", options->cycles, options->seed,
            options->stalls ? "random stalls" : "no stalls");
    fprintf(out,
            "jobs      QKV %" PRIu64 ", O %" PRIu64 ", gate up %" PRIu64 ", down %" PRIu64 " to their end; ranks %" PRIu32 " to %" PRIu32
            "; %" PRIu64 " aborted; %" PRIu64 " resets on the way\n",
            counts->jobs[LINEARS_QKV], counts->jobs[LINEARS_O], counts->jobs[LINEARS_GATE_UP], counts->jobs[LINEARS_DOWN], counts->rank_low,
            counts->rank_high, counts->aborted, counts->resets);
}
