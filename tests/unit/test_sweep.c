/* Sweeps: the file and its complaints, which points follow from it, and that rows do not depend on who ran them or how often they were stopped. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/params.h"
#include "sim/sweep_db.h"
#include "sim/sweep_run.h"
#include "tests/unit/check.h"

static struct sweep parsed; /* large */

static bool parse(const char *text, struct error *e)
{
    return sweep_parse(text, strlen(text), "test.yaml", &parsed, e);
}

#define HEAD "chip: sample\nmodel: sample\n"

static void file_is_read(void)
{
    struct error e;
    REQUIRE_GOOD(parse(HEAD "set: {run.tokens: 4, sram.arbiter: fixed}\n"
                            "parameters:\n"
                            "  adapter.count: [0, 2]\n"
                            "  lora.lanes: {from: 16, to: 100, powers_of: 2}\n"
                            "  sram.banks: {from: 8, to: 31, step: 8}\n"
                            "  sram.ways: {equal: sram.banks}\n"
                            "  slots.eviction: [fifo, lfu]\n"
                            "constraints: [sram_capacity_bytes <= 1e7, lora.lanes >= adapter.rank, tokens_per_second > 5]\n"
                            "objective: run_cycles\n"
                            "pareto: [tokens_per_second, slot_bytes]\n",
                       &e),
                 &e);
    CHECK_EQ_UINT(parsed.n_points, 2 * 3 * 3 * 2);
    CHECK_EQ_UINT(parsed.n_axes, 9);
    CHECK_EQ_UINT(parsed.axes[5].n_values, 3);
    CHECK_EQ_UINT(parsed.axes[5].numbers[2], 64);
    CHECK_EQ_UINT(parsed.axes[6].numbers[2], 24);
    CHECK(parsed.axes[7].kind == AXIS_TIE);
    CHECK(parsed.constraints[0].known == KNOWN_BEFORE && parsed.constraints[2].known == KNOWN_AFTER);
    CHECK(parsed.constraints[1].left.kind == OPERAND_KEY && parsed.constraints[0].right.number == 1e7);
    CHECK_EQ_INT(parsed.objective, METRIC_run_cycles);
    CHECK_EQ_UINT(parsed.n_pareto, 2);
    sweep_free(&parsed);
}

static void bad_files_are_refused(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "test.yaml:1: expected a map"},
        {"chip: sample\n", "expected chip and model, or serve"},
        {HEAD "chpi: x\n", "test.yaml:3: chpi: there is no such key"},
        {HEAD "chip: sample\n", "expected once"},
        {HEAD "set: {lora.lane: 8}\n", "did you mean 'lora.lanes'"},
        {HEAD "set: {lora.lanes: 4}\n", "from 8 to 1024"},
        {HEAD "set: {lora.lanes: 8}\nparameters:\n  lora.lanes: [8]\n", "test.yaml:5: lora.lanes: expected once"},
        {HEAD "parameters: {lora.lanes: 8}\n", "expected a list of values or a range"},
        {HEAD "parameters: {lora.lanes: []}\n", "expected 1 to"},
        {HEAD "parameters: {lora.lanes: [8, 8]}\n", "each value once"},
        {HEAD "parameters: {lora.lanes: {from: 8, to: 16}}\n", "expected step or powers_of"},
        {HEAD "parameters: {lora.lanes: {from: 16, to: 8, step: 1}}\n", "in rising order"},
        {HEAD "parameters: {lora.lanes: {from: 8, to: 16, step: 0}}\n", "from 1 to"},
        {HEAD "parameters: {lora.lanes: {from: 8, to: 16, step: 1, powers_of: 2}}\n", "at most one of"},
        {HEAD "parameters: {host.transfer_cycles: {from: 0, to: 16, powers_of: 2}}\n", "from: 1 or more"},
        {HEAD "parameters: {lora.lanes: {equal: lora.lanes}}\n", "expected the key of another"},
        {HEAD "parameters: {lora.lanes: {equal: norm.lanes}, norm.lanes: {equal: rope.lanes}}\n", "which is tied as well"},
        {HEAD "parameters: {slots.eviction: {from: 1, to: 2, step: 1}}\n", "expected a list of names"},
        {HEAD "parameters: {slots.eviction: [fast]}\n", "slots.eviction"},
        {HEAD "parameters: {host.transfer_cycles: {from: 0, to: 1000000000, step: 1}}\n", "at most 4096 values"},
        {HEAD "parameters: {host.transfer_cycles: {from: 0, to: 4000, step: 1}, lora.lanes: {from: 8, to: 408, step: 1}}\n",
         "at most 1000000 points"},
        {HEAD "method: grids\n", "expected grid, random"},
        {HEAD "plots: []\n", "plots: expected a list of 1 to"},
        {HEAD "plots: [{name: a, title: A, x: lora.lanes}]\n", "y"},
        {HEAD "plots: [{name: a/b, title: A, x: lora.lanes, y: area_mm2}]\n", "name: expected letters, digits and '-', found 'a/b'"},
        {HEAD "plots: [{name: a, title: A, x: chip, y: area_mm2}]\n", "x: expected a key with numbers or a metric"},
        {HEAD "plots: [{name: a, title: A, x: lora.lanes, y: speed}]\n", "y: expected a key with numbers or a metric"},
        {HEAD "plots: [{name: a, title: A, x: lora.lanes, y: area_mm2, x_scale: log}]\n", "x_scale: expected"},
        {HEAD "plots: [{name: a, title: A, x: lora.lanes, y: area_mm2}, {name: a, title: B, x: lora.lanes, y: area_mm2}]\n",
         "expected each name once"},
        {HEAD "method: random\n", "points: expected"},
        {HEAD "points: 5\n", "points: expected"},
        {HEAD "constraints: [area]\n", "expected 'NAME <= NUMBER'"},
        {HEAD "constraints: [lora.lanes => 5]\n", "expected 'NAME <= NUMBER'"},
        {HEAD "constraints: [lora.lanes <= 5 6]\n", "expected 'NAME <= NUMBER'"},
        {HEAD "constraints: [chip <= 5]\n", "expected 'NAME <= NUMBER'"},
        {HEAD "objective: tokens_per_secnd\n", "did you mean 'tokens_per_second'"},
        {HEAD "objective: trace_events\n", "neither more nor less"},
        {HEAD "pareto: [tokens_per_second]\n", "a list of 2"},
        {HEAD "pareto: [run_cycles, run_cycles]\n", "each metric once"},
        {HEAD "set: {serve.requests: 5}\n", "only with serve"},
        {"serve: agency15\nset: {run.tokens: 5}\n", "only without serve"},
        {HEAD "---\nx: y\n", "one document"},
    };
    struct error e;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool good = parse(cases[i].text, &e);
        CHECK(!good && e.code == EXIT_CODE_INPUT);
        CHECK_CONTAINS(good ? cases[i].text : e.message, cases[i].message);
        if (good) {
            sweep_free(&parsed);
        }
    }
}

static void grid_has_every_combination_once(void)
{
    struct error e;
    bool seen[2][4][3] = {{{false}}};
    REQUIRE_GOOD(
        parse(HEAD
              "parameters: {adapter.count: [3, 5], lora.lanes: [8, 9, 10, 11], sram.ports: [1, 2, 4], norm.lanes: {equal: lora.lanes}}\n",
              &e),
        &e);
    REQUIRE_GOOD(sweep_open(&parsed, &e), &e);
    for (uint32_t i = 0; i < parsed.n_points; i++) {
        struct sweep_point p;
        sweep_point(&parsed, i, &p);
        bool *cell =
            &seen[p.input[INPUT_adapter_count] == 5][p.config.lora_lanes - 8][p.config.sram_ports == 4 ? 2 : p.config.sram_ports - 1];
        CHECK(!*cell);
        *cell = true;
        CHECK_EQ_UINT(p.config.norm_lanes, p.config.lora_lanes);
        CHECK_EQ_UINT(p.config.rope_lanes, 16); /* the chip's own */
    }
    struct sweep_point first, second;
    sweep_point(&parsed, 0, &first);
    sweep_point(&parsed, 1, &second);
    CHECK_EQ_UINT(second.config.sram_ports, 2); /* the last key changes fastest */
    CHECK(sweep_point_hash(&first) != sweep_point_hash(&second));
    sweep_free(&parsed);
}

static void latin_hypercube_hits_each_stratum_once(void)
{
    struct error e;
    bool strata[100] = {false};
    REQUIRE_GOOD(parse(HEAD "method: latin_hypercube\npoints: 100\nseed: 7\n"
                            "parameters: {lora.lanes: {from: 101, to: 200}, sram.ports: [1, 2], host.bandwidth_mbytes_per_s: {from: 10, "
                            "to: 100000, scale: logarithmic}}\n",
                       &e),
                 &e);
    REQUIRE_GOOD(sweep_open(&parsed, &e), &e);
    uint32_t two = 0, low = 0;
    for (uint32_t i = 0; i < 100; i++) {
        struct sweep_point p;
        sweep_point(&parsed, i, &p);
        REQUIRE(p.config.lora_lanes >= 101 && p.config.lora_lanes <= 200);
        CHECK(!strata[p.config.lora_lanes - 101]);
        strata[p.config.lora_lanes - 101] = true;
        two += p.config.sram_ports == 2;
        low += p.config.host_bandwidth_mbytes_per_s < 1000;
        CHECK(p.config.host_bandwidth_mbytes_per_s >= 10 && p.config.host_bandwidth_mbytes_per_s <= 100000);
    }
    CHECK_EQ_UINT(two, 50);
    CHECK_EQ_UINT(low, 50); /* two of four decades */
    sweep_free(&parsed);
}

static void random_is_seeded(void)
{
    struct error e;
    uint32_t lanes[2][20];
    for (int seed = 0; seed < 2; seed++) {
        char text[300];
        snprintf(text, sizeof text, HEAD "method: random\npoints: 20\nseed: %d\nparameters: {lora.lanes: {from: 8, to: 1024}}\n", seed + 1);
        REQUIRE_GOOD(parse(text, &e) && sweep_open(&parsed, &e), &e);
        for (uint32_t i = 0; i < 20; i++) {
            struct sweep_point p;
            sweep_point(&parsed, i, &p);
            lanes[seed][i] = p.config.lora_lanes;
        }
        sweep_free(&parsed);
    }
    CHECK(memcmp(lanes[0], lanes[1], sizeof lanes[0]) != 0);
    REQUIRE_GOOD(parse(HEAD "method: random\npoints: 20\nparameters: {norm.lanes: [3, 4], lora.lanes: {from: 8, to: 1024}}\n", &e) &&
                     sweep_open(&parsed, &e),
                 &e);
    for (uint32_t i = 0; i < 20; i++) { /* seed 1 is the default; another key does not change this one's values */
        struct sweep_point p;
        sweep_point(&parsed, i, &p);
        CHECK_EQ_UINT(p.config.lora_lanes, lanes[0][i]);
    }
    sweep_free(&parsed);
}

static void columns_name_their_units(void)
{
    static const char *const cases[][3] = {{"lora.lanes", "MAC/cycle", "lora_lanes_mac_per_cycle"},
                                           {"sram.banks", "banks", "sram_banks"},
                                           {"clock.mhz", "MHz", "clock_mhz"},
                                           {"link.elements", "elements/cycle", "link_elements_per_cycle"},
                                           {"rom.rows_per_cycle", "rows/cycle", "rom_rows_per_cycle"},
                                           {"host.depth", "loads", "host_depth_loads"},
                                           {"slots.eviction", "", "slots_eviction"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[COLUMN_NAME_ROOM];
        sweep_column_name(cases[i][0], cases[i][1], name);
        CHECK_EQ_TEXT(name, cases[i][2]);
    }
}

/* -- running -- */

#define SMALL                                                                                                                              \
    HEAD "set: {run.tokens: 3, run.prompt_tokens: 2}\n"                                                                                    \
         "parameters: {adapter.count: [0, 1], lora.lanes: [16, 64], sram.ports: [1, 2], kv.context_tokens: [64, 100000], norm.lanes: [4, " \
         "16]}\n"                                                                                                                          \
         "constraints: [sram_free_bytes >= 0, norm.lanes != 4, time_to_first_token_us <= 15]\n"                                            \
         "pareto: [tokens_per_second, time_to_first_token_us]\n"

static char *file_text(const char *folder, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    char *text = calloc(1 << 20, 1);
    ES_ASSERT(in && text);
    size_t n = fread(text, 1, (1 << 20) - 1, in);
    fclose(in);
    text[n] = 0;
    return text;
}

static bool run_in(const char *folder, const struct sweep_options *given, struct error *e)
{
    struct sweep_options o = *given;
    struct sweep_summary summary;
    o.folder = folder;
    o.quiet = true;
    return sweep_run(&parsed, &o, &summary, e);
}

static void counts_in(const char *folder, uint32_t counts[POINT_STATUSES])
{
    struct sweep_db *db = NULL;
    struct error e;
    REQUIRE_GOOD(sweep_db_open(folder, &parsed, &db, &e), &e);
    CHECK_GOOD(sweep_db_counts(db, counts, &e), &e);
    sweep_db_close(db);
}

static void rows_do_not_depend_on_workers(void)
{
    struct error e;
    char one[300], three[300], shards[300], whole[300];
    const char *folder = temporary_folder();
    snprintf(one, sizeof one, "%s/one", folder);
    snprintf(three, sizeof three, "%s/three", folder);
    snprintf(shards, sizeof shards, "%s/shard", folder);
    snprintf(whole, sizeof whole, "%s/whole", folder);
    REQUIRE_GOOD(parse(SMALL, &e) && sweep_open(&parsed, &e), &e);
    REQUIRE_GOOD(run_in(one, &(struct sweep_options){.workers = 1}, &e), &e);
    REQUIRE_GOOD(run_in(three, &(struct sweep_options){.workers = 3}, &e), &e);
    uint32_t counts[POINT_STATUSES] = {0};
    counts_in(one, counts);
    CHECK_EQ_UINT(counts[POINT_ERROR], 16); /* contexts that do not fit */
    CHECK_EQ_UINT(counts[POINT_OK], 4);     /* an adapter's load takes longer than 15 us */
    CHECK_EQ_UINT(counts[POINT_EXCLUDED], 12);
    char *a = file_text(one, "sweep.csv"), *b = file_text(three, "sweep.csv");
    CHECK_EQ_TEXT(b, a);
    for (uint32_t i = 0; i < 2; i++) {
        char shard[320];
        struct sweep_db *db = NULL;
        snprintf(shard, sizeof shard, "%s-%u", shards, i);
        REQUIRE_GOOD(run_in(shard, &(struct sweep_options){.workers = 1, .shard = i, .shards = 2}, &e), &e);
        REQUIRE_GOOD(run_in(whole, &(struct sweep_options){.workers = 1, .shard = 0, .shards = 31}, &e),
                     &e); /* two points; makes the folder */
        REQUIRE_GOOD(sweep_db_open(whole, &parsed, &db, &e), &e);
        CHECK_GOOD(sweep_db_merge(db, shard, &e), &e);
        sweep_db_close(db);
    }
    REQUIRE_GOOD(run_in(whole, &(struct sweep_options){.workers = 1}, &e), &e);
    char *c = file_text(whole, "sweep.csv");
    CHECK_EQ_TEXT(c, a);
    free(a);
    free(b);
    free(c);
    sweep_free(&parsed);
}

static uint32_t kill_at;

/* In the worker: the process that runs the sweep is killed at this point. The one before takes so long that all rows before it are committed. */
static void kill_the_sweep(uint32_t point)
{
    if (point + 1 == kill_at) {
        usleep(400000);
    }
    if (point == kill_at) {
        usleep(200000);
        kill(getppid(), SIGKILL);
        pause();
    }
}

static void killed_sweeps_go_on(void)
{
    static const uint32_t kills[] = {20, 41, 42};
    struct error e;
    char killed[300], whole[300];
    int status = 0;
    uint32_t counts[POINT_STATUSES] = {0};
    snprintf(killed, sizeof killed, "%s/killed", temporary_folder());
    snprintf(whole, sizeof whole, "%s/unkilled", temporary_folder());
    REQUIRE_GOOD(parse(HEAD "set: {run.tokens: 4}\nparameters: {lora.lanes: {from: 16, to: 90, step: 1}}\n", &e) && sweep_open(&parsed, &e),
                 &e);
    for (size_t i = 0; i < sizeof kills / sizeof kills[0]; i++) {
        kill_at = kills[i];
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            _exit(run_in(killed, &(struct sweep_options){.workers = 1, .before_point = kill_the_sweep}, &e) ? 0 : 1);
        }
        waitpid(pid, &status, 0);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        counts_in(killed, counts);
        CHECK(counts[POINT_OK] + counts[POINT_ERROR] >= kills[i] - 1); /* the probed ones included; nothing is lost */
    }
    REQUIRE_GOOD(run_in(killed, &(struct sweep_options){.workers = 2}, &e), &e);
    REQUIRE_GOOD(run_in(whole, &(struct sweep_options){.workers = 1}, &e), &e);
    char *a = file_text(killed, "sweep.csv"), *b = file_text(whole, "sweep.csv");
    CHECK_EQ_TEXT(a, b);
    free(a);
    free(b);
    sweep_free(&parsed);
}

static void end_at_two_points(uint32_t point)
{
    if (point == 3) {
        _exit(9);
    }
    if (point == 5) {
        raise(SIGKILL);
    }
}

static void crashed_points_are_recorded(void)
{
    struct error e;
    char folder[300];
    uint32_t counts[POINT_STATUSES] = {0};
    snprintf(folder, sizeof folder, "%s/crashed", temporary_folder());
    REQUIRE_GOOD(parse(HEAD "set: {run.tokens: 2}\nparameters: {lora.lanes: {from: 16, to: 23, step: 1}}\n", &e) && sweep_open(&parsed, &e),
                 &e);
    REQUIRE_GOOD(run_in(folder, &(struct sweep_options){.workers = 1, .before_point = end_at_two_points}, &e), &e);
    counts_in(folder, counts);
    CHECK_EQ_UINT(counts[POINT_OK], 6);
    CHECK_EQ_UINT(counts[POINT_CRASHED], 2);
    char *csv = file_text(folder, "sweep.csv");
    CHECK_CONTAINS(csv, "\n3,crashed,the process ended with exit code 9,");
    CHECK_CONTAINS(csv, "\n5,crashed,the process ended with signal 9 ");
    free(csv);
    sweep_free(&parsed);
}

static void folders_belong_to_one_sweep(void)
{
    struct error e;
    char folder[300];
    struct sweep_db *db = NULL;
    snprintf(folder, sizeof folder, "%s/mine", temporary_folder());
    REQUIRE_GOOD(parse(HEAD "set: {run.tokens: 2}\n", &e) && sweep_open(&parsed, &e), &e);
    REQUIRE_GOOD(run_in(folder, &(struct sweep_options){.workers = 1}, &e), &e);
    sweep_free(&parsed);
    REQUIRE_GOOD(parse(HEAD "set: {run.tokens: 3}\n", &e) && sweep_open(&parsed, &e), &e);
    CHECK(!sweep_db_open(folder, &parsed, &db, &e));
    CHECK_CONTAINS(e.message, "another sweep");
    sweep_free(&parsed);
}

/* A workload at every point: its metrics, and other requests. */
static void workloads_are_served(void)
{
    struct error e;
    static struct sweep_row row;
    REQUIRE_GOOD(parse("serve: agency15\nset: {serve.requests: 12}\nparameters: {slots.count: [2, 4]}\n", &e) && sweep_open(&parsed, &e),
                 &e);
    double loads[2];
    for (uint32_t i = 0; i < 2; i++) {
        point_run(&parsed, i, &row);
        CHECK_EQ_TEXT(row.text, "");
        CHECK_EQ_INT(row.status, POINT_OK);
        CHECK_NEAR(row.metric[METRIC_slot_hits] + row.metric[METRIC_slot_loads], 12, 0);
        CHECK(row.metric[METRIC_time_to_first_token_p99_us] >= row.metric[METRIC_time_to_first_token_p50_us]);
        loads[i] = row.metric[METRIC_slot_loads];
    }
    CHECK(loads[0] >= loads[1]);
    sweep_free(&parsed);
}

void suite_sweep(void)
{
    suite_begin("sweep");
    suite_add("a sweep file is read", file_is_read);
    suite_add("bad files are refused, with their line", bad_files_are_refused);
    suite_add("a grid has every combination once", grid_has_every_combination_once);
    suite_add("a Latin hypercube hits each stratum once", latin_hypercube_hits_each_stratum_once);
    suite_add("random points follow from the seed", random_is_seeded);
    suite_add("columns name their units", columns_name_their_units);
    suite_add("rows do not depend on workers or shards", rows_do_not_depend_on_workers);
    suite_add("a sweep that is killed goes on", killed_sweeps_go_on);
    suite_add("points whose process ends are recorded", crashed_points_are_recorded);
    suite_add("a folder belongs to one sweep", folders_belong_to_one_sweep);
    suite_add("workloads are served at points", workloads_are_served);
}
