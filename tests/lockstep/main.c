/* main.c -- build/lockstep: the LoRA MAC unit's model and its verilated RTL on the same pins, every pin compared on every cycle.
 *
 *   lockstep                          every standard set of parameters: the corners, then random seeds (make test)
 *   lockstep SET [RUN]                one set; one of its runs: a seed's number or a corner's name, as a failure names it
 *     --model                         the model alone, against tests/lockstep/expect.h
 *     --systemc                       the RTL as a SystemC module; without a SET the first two, fewer seeds
 *     --seconds N                     also the wide sets, and random seeds that are new in every call, for N seconds in all
 *     --fst FILE                      with SET RUN: every signal of the RTL
 *     --parameters                    only prints the RTL's parameters in each set that make test runs (for scripts)
 *
 * Exit code 1: pins disagree, or a set of runs has not seen all it should (coverage).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/lora_pins_model.h"
#include "sim/lora_rtl.h"
#include "tests/lockstep/bench.h"
#include "tests/lockstep/counts.h"

enum { SYSTEMC_SETS = 2, SYSTEMC_SEEDS = 4, SEED_CYCLES = 25000, SWEEP_CYCLES_MAX = 3000, CORNER_BURSTS = 40, LONG_BURSTS = 8 };

struct set {
    const char *name;
    uint32_t lanes, sram_width_bits, sram_ways, sram_ports, link_elements, drain_elements, latency_cycles, sram_latency_cycles, rank_max;
    uint32_t width;      /* longest x, most outputs in the bench */
    uint32_t inputs_max; /* for the unit: as many as a large model has, where the x buffer's size is worth a test */
    uint32_t seeds;      /* of a standard run; 0: only in a longer one */
};

static const struct set sets[] = {
    /*            lanes bits ways ports  E    O  lat slat rank width inputs seeds */
    {"lanes8", 8, 20, 16, 1, 4, 16, 6, 2, 4, 60, 60, 40},             /* rows of three words, results in one beat */
    {"lanes8-wide-word", 8, 64, 16, 1, 16, 3, 9, 1, 20, 50, 300, 25}, /* a row in a word, x in less than a beat */
    {"lanes13", 13, 40, 16, 1, 7, 5, 14, 2, 128, 64, 64, 15},         /* no power of two; the largest rank */
    {"lanes16-narrow", 16, 48, 1, 1, 16, 8, 6, 3, 8, 100, 100, 30},
    {"lanes24", 24, 64, 2, 1, 5, 32, 9, 2, 6, 130, 28672, 30}, /* rows of three words, two a cycle */
    {"lanes24-drain1", 24, 20, 3, 1, 32, 1, 6, 1, 9, 80, 80, 25},
    {"lanes64", 64, 64, 16, 1, 16, 16, 6, 2, 16, 300, 384, 40}, /* the sample chip's */
    {"lanes64-narrow", 64, 20, 4, 2, 8, 100, 9, 7, 8, 200, 28672, 30},
    {"lanes256", 256, 64, 16, 2, 32, 64, 6, 2, 8, 600, 14336, 0},
    {"lanes1024", 1024, 512, 16, 1, 64, 128, 9, 3, 4, 2100, 2100, 0},
};
enum { SETS = sizeof sets / sizeof *sets };

struct corner {
    const char *name;
    struct recipe recipe;
};

static const struct corner corners[] = {
    {"lowest", {VALUES_LOWEST, SHAPE_KINDS, SHIFT_RANDOM}}, /* -128 and -32 */
    {"lowest-left", {VALUES_LOWEST, SHAPE_KINDS, SHIFT_LEFT}},
    {"rank-1", {VALUES_RANDOM, SHAPE_RANK_1, SHIFT_RANDOM}},
    {"rank-max", {VALUES_LOWEST, SHAPE_RANK_MAX, SHIFT_RANDOM}},
    {"rank-max-random", {VALUES_RANDOM, SHAPE_RANK_MAX, SHIFT_RANDOM}},
    {"one-lane-left", {VALUES_RANDOM, SHAPE_ONE_LANE_LEFT, SHIFT_RANDOM}},
    {"full-blocks", {VALUES_RANDOM, SHAPE_FULL_BLOCKS, SHIFT_RANDOM}},
    {"tiny", {VALUES_RANDOM, SHAPE_TINY, SHIFT_RANDOM}},
    {"long", {VALUES_RANDOM, SHAPE_LONG, SHIFT_RANDOM}}, /* as many inputs as the unit has room for */
    {"long-lowest", {VALUES_LOWEST, SHAPE_LONG, SHIFT_RANDOM}},
    {"powers", {VALUES_POWERS, SHAPE_KINDS, SHIFT_LEFT}},
    {"powers-rank-1", {VALUES_POWERS, SHAPE_RANK_1, SHIFT_LEFT}},
    {"zero-x", {VALUES_ZERO_X, SHAPE_KINDS, SHIFT_KINDS}},
    {"zero-scale", {VALUES_ZERO_SCALE, SHAPE_KINDS, SHIFT_KINDS}},
    {"small", {VALUES_SMALL, SHAPE_KINDS, SHIFT_LEFT}},
    {"halves", {VALUES_MIDDLE, SHAPE_KINDS, SHIFT_SMALL}}, /* of steps, where rounding shows */
    {"left", {VALUES_RANDOM, SHAPE_KINDS, SHIFT_LEFT}},
    {"large-shift", {VALUES_RANDOM, SHAPE_KINDS, SHIFT_LARGE}},
    {"farthest", {VALUES_RANDOM, SHAPE_KINDS, SHIFT_FARTHEST}},
};
enum { CORNERS = sizeof corners / sizeof *corners };
static const char abort_sweep[] = "abort-in-every-cycle", reset_sweep[] = "reset-in-every-cycle", counts[] = "counts";
static const struct recipe any_recipe = {VALUE_KINDS, SHAPE_KINDS, SHIFT_KINDS};
static const struct traffic four_at_once = {1000, 1000, 1000, 1000, 0, 0, true};
static const struct traffic trickle = {40, 1000, 1000, 1000, 0, 0, false};

struct options {
    const char *set, *run, *fst;
    bool model_only, systemc;
    uint32_t seconds;
};

struct job { /* one set's runs */
    const struct set *set;
    const struct options *options;
    struct bench_options bench;
    uint64_t cycles, covered[COVERAGE];
};

/* -- one run -- */

static bool run(struct job *j, const char *name, uint64_t seed, bench_cycle_t cycles_max)
{
    struct error e = {0};
    struct bench *b = bench_open(&j->bench);
    bool good = true;
    while (good && bench_now(b) < cycles_max && !bench_done(b)) {
        good = bench_step(b, &e);
    }
    if (good && j->bench.bursts > 0 && !bench_done(b)) {
        good = error_check(&e, "cycle %" PRIu64 ": a burst is left over", bench_now(b));
    }
    if (!good) {
        printf("lockstep: %s, %s %" PRIu64 ": %s\n", j->set->name, name, seed, e.message);
        if (strcmp(name, "seed") == 0) {
            printf("again: lockstep %s %" PRIu64 "\n", j->set->name, seed);
        } else {
            printf("again: lockstep %s %s\n", j->set->name, name);
        }
        if (j->options->fst) { /* it has all runs since the start, one after the other */
            printf("in %s: at %" PRIu64 " ns\n", j->options->fst, j->cycles + bench_now(b));
        }
    }
    j->cycles += bench_now(b);
    for (int i = 0; i < COVERAGE; i++) {
        j->covered[i] += bench_coverage(b)[i];
    }
    bench_close(b);
    return good;
}

static void plain(struct job *j, uint64_t seed)
{
    j->bench.seed = seed;
    j->bench.recipe = any_recipe;
    j->bench.traffic = NULL;
    j->bench.abort_at = j->bench.reset_at = BENCH_NEVER;
    j->bench.bursts = 0;
}

static bool run_seed(struct job *j, uint64_t seed)
{
    plain(j, seed);
    return run(j, "seed", seed, SEED_CYCLES);
}

/* Back to back, different adapters, nothing in the way; then all four links at once. */
static bool run_corner(struct job *j, const struct corner *corner)
{
    bool good = true;
    for (uint64_t seed = 0; good && seed < 2; seed++) {
        plain(j, seed);
        j->bench.recipe = corner->recipe;
        j->bench.traffic = seed == 0 ? &traffic_calm : &four_at_once;
        j->bench.bursts = corner->recipe.shape == SHAPE_LONG ? LONG_BURSTS : CORNER_BURSTS;
        j->bench.width = corner->recipe.shape == SHAPE_LONG ? j->set->inputs_max : j->set->width;
        good = run(j, corner->name, seed, UINT64_MAX);
    }
    j->bench.width = j->set->width;
    return good;
}

/* An abort, or a reset, in every cycle of a run of a few small jobs: so in every state. */
static bool run_sweep(struct job *j, bool reset)
{
    const char *name = reset ? reset_sweep : abort_sweep;
    bool good = true;
    for (bench_cycle_t at = 1, end = 2; good && at < end; at++) {
        plain(j, 5);
        j->bench.recipe.shape = SHAPE_TINY;
        j->bench.traffic = &trickle;
        j->bench.bursts = 5;
        *(reset ? &j->bench.reset_at : &j->bench.abort_at) = at;
        uint64_t before = j->cycles;
        good = run(j, name, at, 100000);
        end = j->cycles - before < SWEEP_CYCLES_MAX ? j->cycles - before : SWEEP_CYCLES_MAX;
    }
    return good;
}

/* Of requests that are larger than any the bench serves. */
static bool run_counts(struct job *j)
{
    struct error e = {0};
    bool good = counts_agree(j->bench.units, j->bench.n_units, &j->bench.unit, j->set->inputs_max, &j->cycles, &e);
    if (!good) {
        printf("lockstep: %s, %s: %s\nagain: lockstep %s %s\n", j->set->name, counts, e.message, j->set->name, counts);
    }
    return good;
}

/* -- a set -- */

static struct lora_geometry geometry_of(const struct set *s)
{
    struct chip_config config;
    config_defaults(&config);
    config.lora_lanes = s->lanes;
    config.lora_latency_cycles = s->latency_cycles;
    config.sram_width_bits = s->sram_width_bits;
    config.sram_ways = s->sram_ways;
    config.sram_ports = s->sram_ports;
    config.sram_latency_cycles = s->sram_latency_cycles;
    config.link_elements = s->link_elements;
    config.rom_drain_elements = s->drain_elements;
    config.slots_rank_max = s->rank_max;
    return lora_geometry(&config);
}

static bool open_units(struct job *j, struct error *e)
{
    const struct set *s = j->set;
    j->bench.unit = geometry_of(s);
    j->bench.width = s->width;
    j->bench.units[0] = lora_pins_model_open(&j->bench.unit, s->inputs_max, e);
    j->bench.n_units = 1;
    if (!j->bench.units[0] || j->options->model_only) {
        return j->bench.units[0] != NULL;
    }
    j->bench.n_units = 2;
    return (j->options->systemc ? lora_rtl_open_systemc : lora_rtl_open)(&j->bench.unit, s->inputs_max, &j->bench.units[1], e);
}

/* What some parameters rule out. */
static bool can_be_seen(const struct lora_geometry *unit, int what)
{
    uint32_t row_cycles = (unit->row_words + unit->port_words - 1) / unit->port_words;
    switch (what) {
    case COVER_ROW_IN_PARTS: return unit->row_words > 1;
    case COVER_PARTIAL_BEAT: return unit->drain_elements > 1;
    case COVER_TWO_BLOCKS_IN_PIPELINE:
        return 4 * row_cycles <= unit->latency_cycles && unit->lanes / unit->drain_elements < unit->latency_cycles;
    default: return true;
    }
}

static bool covered_all(const struct job *j)
{
    bool good = true;
    for (int i = 0; i < COVERAGE; i++) {
        bool possible = can_be_seen(&j->bench.unit, i);
        if (j->covered[i] == 0 && possible) {
            printf("lockstep: %s: never seen: %s\n", j->set->name, coverage_names[i]);
            good = false;
        }
    }
    return good;
}

static bool run_named(struct job *j, const char *name)
{
    char *end;
    uint64_t seed = strtoull(name, &end, 10);
    if (end != name && *end == '\0') {
        return run_seed(j, seed);
    }
    if (strcmp(name, abort_sweep) == 0 || strcmp(name, reset_sweep) == 0) {
        return run_sweep(j, strcmp(name, reset_sweep) == 0);
    }
    if (strcmp(name, counts) == 0) {
        return run_counts(j);
    }
    for (int i = 0; i < CORNERS; i++) {
        if (strcmp(name, corners[i].name) == 0) {
            return run_corner(j, &corners[i]);
        }
    }
    printf("lockstep: there is no run '%s': expected a seed's number or a corner's name\n", name);
    return false;
}

static bool run_all(struct job *j)
{
    bool good = true;
    for (int i = 0; good && i < CORNERS; i++) {
        good = run_corner(j, &corners[i]);
    }
    good = good && run_counts(j) && (j->options->systemc || (run_sweep(j, false) && run_sweep(j, true)));
    if (j->options->seconds == 0) {
        uint32_t seeds = j->options->systemc ? SYSTEMC_SEEDS : j->set->seeds;
        for (uint64_t seed = 1; good && seed <= seeds; seed++) {
            good = run_seed(j, seed);
        }
    } else {
        time_t start = time(NULL);
        for (uint64_t seed = (uint64_t)start * 1000; good && time(NULL) - start < (time_t)j->options->seconds; seed++) {
            good = run_seed(j, seed);
        }
    }
    return good && (j->options->systemc || covered_all(j)); /* fewer runs need not see everything */
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool run_set(const struct set *set, const struct options *options)
{
    struct job j = {.set = set, .options = options};
    struct error e = {0};
    bool good = open_units(&j, &e);
    if (good && options->fst && !options->model_only) {
        good = lora_rtl_trace_start(j.bench.units[1], options->fst, 0, &e);
    }
    double start = seconds_now();
    if (!good) {
        printf("lockstep: %s: %s\n", set->name, e.message);
    } else {
        good = options->run ? run_named(&j, options->run) : run_all(&j);
    }
    if (good) {
        printf("lockstep: %-17s %9" PRIu64 " cycles, %6" PRIu64 " jobs to their end: %s agree\n", set->name, j.cycles,
               j.covered[COVER_JOBS],
               options->model_only ? "document and model"
               : options->systemc  ? "document, model and RTL as SystemC"
                                   : "document, model and RTL");
        fprintf(stderr, "          %s: %.2f million cycles/s\n", set->name, (double)j.cycles / (seconds_now() - start) / 1e6);
    }
    for (uint32_t i = 0; i < j.bench.n_units; i++) {
        if (j.bench.units[i]) {
            j.bench.units[i]->close(j.bench.units[i]);
        }
    }
    return good;
}

/* -- all sets, each in a process of its own -- */

struct child {
    pid_t pid;
    FILE *words; /* shown when it is its turn, so that the order is always the same */
};

static bool start_child(struct child *child, const struct set *set, const struct options *options)
{
    fflush(stdout);
    child->words = tmpfile();
    child->pid = child->words ? fork() : -1;
    if (child->pid == 0) {
        dup2(fileno(child->words), STDOUT_FILENO);
        bool good = run_set(set, options);
        fflush(stdout);
        exit(good ? EXIT_CODE_GOOD : EXIT_CODE_CHECK); /* not _exit: sanitizers and gcov have something to say at the end */
    }
    return child->pid > 0;
}

static bool end_child(struct child *child)
{
    int status = 0;
    char line[2048];
    waitpid(child->pid, &status, 0);
    rewind(child->words);
    while (fgets(line, sizeof line, child->words)) {
        fputs(line, stdout);
    }
    fclose(child->words);
    if (!WIFEXITED(status)) {
        printf("lockstep: a process ended with signal %d\n", WTERMSIG(status));
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool run_sets(const struct options *options)
{
    struct child children[SETS];
    int wanted[SETS], n = 0, started = 0, at_once = (int)sysconf(_SC_NPROCESSORS_ONLN);
    struct options part = *options;
    for (int i = 0; i < SETS; i++) {
        if (options->systemc ? i < SYSTEMC_SETS : sets[i].seeds > 0 || options->seconds > 0) {
            wanted[n++] = i;
        }
    }
    part.seconds = options->seconds > 0 ? options->seconds * (uint32_t)at_once / (uint32_t)n + 1 : 0;
    bool good = true;
    for (int ended = 0; ended < n; ended++) {
        for (; started < n && started < ended + at_once; started++) {
            if (!start_child(&children[started], &sets[wanted[started]], &part)) {
                printf("lockstep: cannot start a process\n");
                return false;
            }
        }
        good = end_child(&children[ended]) && good;
        fflush(stdout);
    }
    return good;
}

/* -- command line -- */

static int print_parameters(void)
{
    for (int i = 0; i < SETS; i++) {
        const struct lora_geometry g = geometry_of(&sets[i]);
        if (sets[i].seeds > 0) {
            printf("%s LORA_LANES=%u LORA_LATENCY_CYCLES=%u SRAM_WIDTH_BITS=%u SRAM_WAYS=%u SRAM_PORTS=1 LINK_ELEMENTS=%u "
                   "ROM_DRAIN_ELEMENTS=%u SLOTS_RANK_MAX=%u INPUTS_MAX=%u\n",
                   sets[i].name, g.lanes, g.latency_cycles, g.sram_width_bits, g.port_words, g.link_elements, g.drain_elements, g.rank_max,
                   sets[i].inputs_max);
        }
    }
    return EXIT_CODE_GOOD;
}

static int usage(void)
{
    printf("usage: lockstep [--model | --systemc] [--seconds N] [--fst FILE] [SET [RUN]]\n       lockstep --parameters\nsets:");
    for (int i = 0; i < SETS; i++) {
        printf(" %s", sets[i].name);
    }
    printf("\nruns: a seed's number, %s, %s, %s", counts, abort_sweep, reset_sweep);
    for (int i = 0; i < CORNERS; i++) {
        printf(", %s", corners[i].name);
    }
    printf("\n");
    return EXIT_CODE_INPUT;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--model") == 0) {
            o.model_only = true;
        } else if (strcmp(argv[i], "--systemc") == 0) {
            o.systemc = true;
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            o.seconds = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--fst") == 0 && i + 1 < argc) {
            o.fst = argv[++i];
        } else if (strcmp(argv[i], "--parameters") == 0) {
            return print_parameters();
        } else if (argv[i][0] != '-' && !o.set) {
            o.set = argv[i];
        } else if (argv[i][0] != '-' && !o.run) {
            o.run = argv[i];
        } else {
            return usage();
        }
    }
    if (!o.set) {
        return o.fst || (o.systemc && o.model_only) ? usage() : run_sets(&o) ? EXIT_CODE_GOOD : EXIT_CODE_CHECK;
    }
    for (int i = 0; i < SETS; i++) {
        if (strcmp(sets[i].name, o.set) == 0) {
            return run_set(&sets[i], &o) ? EXIT_CODE_GOOD : EXIT_CODE_CHECK;
        }
    }
    return usage();
}
