/* What does a swap cost, to the cycle? Lone loads on random chips against formulas typed here from the headers of host_port.h, sram.h and norm.h; what is
 * hidden behind other work; and what happens to a load that arrives broken. */
#include <stdio.h>
#include <string.h>

#include "kernels/ref.h"
#include "tests/order/random_run.h"

enum { N_CONFIGS = 80, LAYERS_MAX = 8, SLICES_MAX = LAYERS_MAX + 2, REQUESTS_MAX = 4 };

/* -- a chip with a few requests, one prompt token and one answer each -- */

struct bench {
    struct random_run run;
    struct request requests[REQUESTS_MAX];
    int32_t generated[REQUESTS_MAX];
    cycle_t generated_at[REQUESTS_MAX];
    uint32_t n_requests;
    struct trace *trace;
    struct chip *chip;
    cycle_t into_rom_at[REQUESTS_MAX]
                       [LAYERS_MAX + 1]; /* x_qkv pushed: the token leaves the layer's attention norm; the last: x_head, the final norm */
    struct error error;
};

static void record(void *context, const struct event *e)
{
    struct bench *b = context;
    for (int32_t l = 0; l < b->chip->shape.n_layers && e->kind == EVENT_BURST; l++) {
        if (b->chip->links[e->id] == &b->chip->layers[l].x_qkv) {
            b->into_rom_at[e->a][l] = e->cycle;
        }
    }
    if (e->kind == EVENT_BURST && b->chip->links[e->id] == &b->chip->x_head) {
        b->into_rom_at[e->a][b->chip->shape.n_layers] = e->cycle;
    }
}

/* A random chip that has at least one adapter. The chip itself is made by bench_build(), after the caller's changes. */
static bool bench_make(struct bench *b, uint64_t seed)
{
    *b = (struct bench){0};
    random_run_make(&b->run, seed);
    if (b->run.random.n_adapters == 0) {
        random_run_free(&b->run);
        return false;
    }
    return true;
}

static void bench_clear(struct bench *b) /* the chip goes, requests stay */
{
    chip_free(b->chip);
    trace_free(b->trace);
    b->chip = NULL;
    b->trace = NULL;
}

static void bench_free(struct bench *b)
{
    bench_clear(b);
    random_run_free(&b->run);
}

/* The first random chip with two adapters, and with room for more slots and KV caches. */
static bool bench_with_two_adapters(struct bench *b)
{
    for (uint64_t seed = 1; seed < 100; seed++) {
        if (bench_make(b, seed)) {
            if (b->run.random.n_adapters >= 2) {
                b->run.config.sram_depth_words *= 4;
                return true;
            }
            bench_free(b);
        }
    }
    return CHECK(false);
}

static void bench_request(struct bench *b, int32_t adapter, cycle_t arrives_at)
{
    uint32_t i = b->n_requests++;
    b->requests[i] = (struct request){
        .arrives_at = arrives_at, .prompt = b->run.prompt, .n_prompt = 1, .n_generate = 1, .adapter = adapter, .stop_token = -1};
    sampling_make(0, 1, &b->requests[i].sampling);
    b->requests[i].generated = &b->generated[i];
    b->requests[i].generated_at = &b->generated_at[i];
}

static bool bench_build(struct bench *b, bool values)
{
    b->trace = trace_new();
    if (!CHECK_GOOD(chip_new(&b->run.config, &b->run.random.model, values, b->run.random.adapters, (uint32_t)b->run.random.n_adapters,
                             b->requests, b->n_requests, b->trace, &b->chip, &b->error),
                    &b->error)) {
        return false;
    }
    trace_add_sink(b->trace, (struct trace_sink){record, NULL, b});
    return true;
}

static bool bench_run(struct bench *b)
{
    return bench_build(b, false) && CHECK_GOOD(chip_run(b->chip, ENGINE_SKIP, &b->error), &b->error);
}

/* -- the headers' formulas -- */

static uint64_t up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* One layer's slice, or an end's, on the host link: tensors and bytes of 6-bit weights and 16-bit scales. */
static uint64_t slice_link_cycles(const struct chip_config *c, const struct adapter *a, int32_t layer)
{
    uint64_t bits = 0, tensors = 0;
    const struct linear_range linears = layer_linears(a->n_layers, layer);
    for (enum linear which = linears.first; which < linears.end; which++) {
        const struct lora_pair *p = adapter_pair(a, layer, which);
        if (p->rank > 0) {
            bits += 6 * (uint64_t)p->rank * (uint64_t)(p->n_in + p->n_out) + 16 * (uint64_t)(p->rank + p->n_out);
            tensors += 2;
        }
    }
    return most(1, tensors * c->host_tensor_cycles + up(up(bits, 8) * c->clock_mhz, c->host_bandwidth_mbytes_per_s));
}

/* From the DMA's request to the response, the SRAM to itself: as many words a cycle as there are ports, a group of banks at a time. */
static uint64_t write_cycles(const struct chip_config *c, uint64_t words, uint64_t address)
{
    uint64_t rate = (uint64_t)c->sram_ways * c->sram_ports, group = (uint64_t)c->sram_ways * c->sram_depth_words, cycles = 0;
    while (words > 0) {
        uint64_t here = group - address % group;
        uint64_t part = words < here ? words : here;
        cycles += up(part, rate);
        address += part;
        words -= part;
    }
    return cycles + c->sram_latency_cycles + 1;
}

/* The same at an end, whose banks are one group, as many as a lane row has words or sram.ways. */
static uint64_t end_write_cycles(const struct chip_config *c, uint64_t words)
{
    uint64_t row_words = up(6 * (uint64_t)c->lora_lanes, c->sram_width_bits), ways = row_words < c->sram_ways ? row_words : c->sram_ways;
    return up(words, ways * c->sram_ports) + c->sram_latency_cycles + 1;
}

static uint64_t slice_write_cycles(const struct bench *b, const struct adapter *a, int32_t layer, int32_t slot)
{
    const struct memory_map *map = &b->chip->map;
    uint64_t words = memory_map_slice_words(map, a, layer);
    return words == 0                          ? 0
           : layer < 0 || layer == a->n_layers ? end_write_cycles(&b->run.config, words)
                                               : write_cycles(&b->run.config, words, memory_map_slot(map, slot).address_words);
}

struct load {          /* a lone load that is asked for in cycle `asked` */
    uint64_t sum;      /* fixed + tensors + bytes, over all layers */
    bool dma_keeps_up; /* each slice is written before the next one is there: then the load takes sum + 4 + the last slice's write */
    uint64_t written[SLICES_MAX]; /* the response to the write of each layer, at layer + 1 */
    uint64_t told;                /* the sequencer knows that all of it is there */
};

/* Slices follow each other: the host port's next one begins when the one before has room in the link, the DMA takes one when it is free. */
static struct load lone_load(const struct bench *b, const struct adapter *a, uint64_t asked, int32_t slot)
{
    const struct chip_config *c = &b->run.config;
    const int32_t first = adapter_first_layer(a), last = adapter_last_layer(a);
    bool streams = c->slots_loading == LOADING_STREAMING;
    struct load load = {.sum = c->host_transfer_cycles, .dma_keeps_up = true};
    uint64_t pushed = asked + 1 + c->host_transfer_cycles, taken[SLICES_MAX] = {0}, free_at = 0;
    for (int32_t l = first, k = 0; l <= last; l++, k++) {
        uint64_t cycles = slice_link_cycles(c, a, l);
        load.sum += cycles;
        pushed += cycles;
        if (k >= (int32_t)c->link_depth) {
            pushed = most(pushed, taken[k - (int32_t)c->link_depth] + 1);
        }
        load.dma_keeps_up = load.dma_keeps_up && pushed + 1 >= free_at;
        taken[k] = most(pushed + 1, free_at);
        load.written[l + 1] = taken[k] + slice_write_cycles(b, a, l, slot);
        free_at = load.written[l + 1] + (streams ? 2 : 1);
    }
    load.told = load.written[last + 1] + 2;
    return load;
}

/* -- whole -- */

static void a_lone_load_takes_fixed_costs_tensors_and_bytes(void)
{
    int tested = 0, kept_up = 0;
    for (uint64_t seed = 1; seed <= N_CONFIGS; seed++) {
        struct bench b;
        if (!bench_make(&b, seed)) {
            continue;
        }
        cycle_t arrives_at = seed % 3 * 777;
        bench_request(&b, 0, arrives_at);
        if (bench_run(&b)) {
            const struct adapter *a = &b.run.random.adapters[0];
            const struct request *r = &b.requests[0];
            struct load load = lone_load(&b, a, arrives_at, 0);
            CHECK_EQ_UINT(r->load_requested_at, arrives_at);
            CHECK_EQ_UINT(r->loaded_at, load.told);
            CHECK_EQ_UINT(r->running_at, load.told);
            CHECK_EQ_UINT(r->account_cycles[PLACE_adapter_load], load.told - arrives_at);
            CHECK_EQ_UINT(b.chip->sequencer.slots.slot[0].stall_cycles, load.told - arrives_at);
            if (load.dma_keeps_up) {
                uint64_t last = slice_write_cycles(&b, a, adapter_last_layer(a), 0);
                CHECK_EQ_UINT(r->loaded_at - r->load_requested_at, load.sum + last + 4);
                kept_up++;
            }
            const struct host_port *port = &b.chip->host_port;
            CHECK_EQ_UINT(port->transfer_sum_cycles + port->tensor_sum_cycles + port->wire_cycles, load.sum);
            CHECK_EQ_UINT(port->queue_cycles, 0);
            tested++;
        }
        bench_free(&b);
    }
    CHECK(tested >= N_CONFIGS / 2 && kept_up >= N_CONFIGS / 4);
    printf("\n    %d random chips, on %d of them the DMA keeps up ", tested, kept_up);
}

/* A second load waits for the first at the host port, and takes as long by itself. */
static void loads_queue_at_the_host_port(void)
{
    struct bench b;
    REQUIRE(bench_with_two_adapters(&b));
    b.run.config.slots_count = 2;
    b.run.config.kv_sequences = 2;
    bench_request(&b, 0, 0);
    bench_request(&b, 1, 0);
    if (bench_run(&b)) {
        struct load first = lone_load(&b, &b.run.random.adapters[0], 0, 0);
        CHECK_EQ_UINT(b.requests[1].load_requested_at, 1);
        /* The port pushes the first one's last slice, and looks for the next load in the cycle after. */
        uint64_t pushed = 1 + first.sum;
        CHECK(first.dma_keeps_up);
        CHECK_EQ_UINT(b.chip->host_port.queue_cycles, pushed + 1 - 2);
        struct load second = lone_load(&b, &b.run.random.adapters[1], pushed, 1);
        CHECK_EQ_UINT(b.requests[0].loaded_at, first.told);
        CHECK(b.requests[1].loaded_at >= second.told); /* the first request's token may be at the SRAM's ports */
        CHECK_EQ_UINT(b.chip->host_port.transfer_sum_cycles + b.chip->host_port.tensor_sum_cycles + b.chip->host_port.wire_cycles,
                      first.sum + second.sum);
    }
    bench_free(&b);
}

/* -- streaming -- */

/* A token's way without waiting is that of a second request, which finds the adapter in its slot. The first one's leaves each norm then or when the layer's
 * slice is reported, what is later. */
static void check_streaming(struct bench *b, int *waited)
{
    const struct request *first = &b->requests[0], *second = &b->requests[1];
    int32_t n_layers = b->chip->shape.n_layers;
    const struct adapter *adapter = &b->run.random.adapters[0];
    const int32_t last = adapter_last_layer(adapter); /* what the token may have to wait for: a layer, or the head */
    struct load load = lone_load(b, adapter, 0, 0);
    uint64_t issued = load.written[adapter_first_layer(adapter) + 1] + 2, waiting = 0, at = 0;
    CHECK_EQ_UINT(first->running_at, issued);
    CHECK_EQ_UINT(first->loaded_at, load.told);
    for (int32_t l = 0; l <= last; l++) {
        uint64_t before = l ? b->into_rom_at[1][l - 1] : second->running_at;
        uint64_t ready = (l ? at : issued) + b->into_rom_at[1][l] - before;
        at = most(ready, load.written[l + 1] + 2);
        waiting += at - ready;
        CHECK_EQ_UINT(b->into_rom_at[0][l], at);
    }
    CHECK_EQ_UINT(first->generated_at[0], at + second->generated_at[0] - b->into_rom_at[1][last]);
    CHECK_EQ_UINT(first->account_cycles[PLACE_adapter_load], issued + waiting);
    uint64_t stalled = b->chip->final_norm.unit.state_cycles[UNIT_STALL_SLICE];
    for (int32_t l = 0; l < n_layers; l++) {
        stalled += b->chip->layers[l].attention_norm.unit.state_cycles[UNIT_STALL_SLICE];
    }
    CHECK_EQ_UINT(stalled, waiting);
    *waited += waiting > 0;
}

static void streaming_follows_the_slices(void)
{
    int tested = 0, waited = 0;
    for (uint64_t seed = 1; seed <= N_CONFIGS; seed++) {
        struct bench b;
        if (!bench_make(&b, seed)) {
            continue;
        }
        b.run.config.slots_loading = LOADING_STREAMING;
        b.run.config.kv_sequences = 1;
        bench_request(&b, 0, 0);
        bench_request(&b, 0, 10000000);
        if (bench_run(&b)) {
            check_streaming(&b, &waited);
            tested++;
        }
        bench_free(&b);
    }
    CHECK(tested >= N_CONFIGS / 2 && waited >= 10);
    printf("\n    %d random chips, on %d of them the token waits in a layer ", tested, waited);
}

/* Its first token is never later than with whole loading, and with several layers on a slow link it is earlier. */
static void streaming_is_earlier(void)
{
    struct bench b;
    for (uint64_t seed = 1; seed <= N_CONFIGS; seed++) {
        cycle_t done_at[2] = {0};
        if (!bench_make(&b, seed)) {
            continue;
        }
        b.run.config.host_bandwidth_mbytes_per_s = 100;
        bench_request(&b, 0, 0);
        const struct adapter *adapter = &b.run.random.adapters[0];
        for (uint32_t loading = LOADING_WHOLE; loading <= LOADING_STREAMING; loading++) {
            b.run.config.slots_loading = loading;
            if (bench_run(&b)) {
                done_at[loading] = b.requests[0].done_at;
            }
            bench_clear(&b);
        }
        CHECK(adapter_last_layer(adapter) > adapter_first_layer(adapter) ? done_at[LOADING_STREAMING] < done_at[LOADING_WHOLE]
                                                                         : done_at[LOADING_STREAMING] == done_at[LOADING_WHOLE]);
        bench_free(&b);
    }
}

/* -- what is hidden -- */

static void a_resident_adapter_costs_nothing(void)
{
    for (uint64_t seed = 1; seed <= N_CONFIGS; seed++) {
        struct bench b;
        if (!bench_make(&b, seed)) {
            continue;
        }
        b.run.config.slots_loading = seed % 2;
        bench_request(&b, 0, 0);
        bench_request(&b, 0, 10000000);
        if (bench_run(&b)) {
            const struct request *r = &b.requests[1];
            CHECK(r->adapter_hit && !r->adapter_load && r->load_requested_at == NEVER && r->loaded_at == NEVER);
            CHECK_EQ_UINT(r->started_at, 10000000);
            CHECK_EQ_UINT(r->running_at, 10000000);
            CHECK_EQ_UINT(r->account_cycles[PLACE_adapter_load], 0);
            CHECK_EQ_UINT(b.chip->host_port.loads, 1);
        }
        bench_free(&b);
    }
}

/* Requests for an adapter that is loading join: one load, and all run in the cycle in which it is there. */
static void loads_coalesce(void)
{
    struct bench b;
    REQUIRE(bench_with_two_adapters(&b));
    b.run.config.kv_sequences = 3;
    for (int i = 0; i < 3; i++) {
        bench_request(&b, 0, (cycle_t)i);
    }
    if (bench_run(&b)) {
        CHECK_EQ_UINT(b.chip->host_port.loads, 1);
        CHECK_EQ_UINT(b.chip->sequencer.slots.hits, 2);
        for (int i = 1; i < 3; i++) {
            CHECK(b.requests[i].adapter_hit && b.requests[i].load_requested_at == 0);
            CHECK_EQ_UINT(b.requests[i].running_at, b.requests[0].running_at);
            CHECK_EQ_UINT(b.requests[i].loaded_at, b.requests[0].loaded_at);
        }
    }
    bench_free(&b);
}

/* One KV cache, two slots: with prefetch the second adapter is loaded while the first request runs, and its request starts without waiting. */
static void a_spare_slot_hides_the_load(void)
{
    for (uint32_t prefetch = 0; prefetch <= 1; prefetch++) {
        struct bench b;
        REQUIRE(bench_with_two_adapters(&b));
        b.run.config.slots_count = 2;
        b.run.config.kv_sequences = 1;
        b.run.config.host_bandwidth_mbytes_per_s = 10000000;
        b.run.config.host_transfer_cycles = b.run.config.host_tensor_cycles = 0;
        b.run.config.slots_prefetch = prefetch;
        bench_request(&b, 0, 0);
        bench_request(&b, 1, 0);
        if (bench_run(&b)) {
            const struct request *first = &b.requests[0], *second = &b.requests[1];
            CHECK_EQ_INT(second->prefetched, prefetch);
            CHECK_EQ_UINT(second->started_at, first->done_at);
            if (prefetch) {
                CHECK_EQ_UINT(second->load_requested_at, 1);
                CHECK(second->loaded_at < first->done_at);
                CHECK_EQ_UINT(second->running_at, second->started_at);
                CHECK_EQ_UINT(second->account_cycles[PLACE_adapter_load], 0);
            } else {
                struct load load = lone_load(&b, &b.run.random.adapters[1], second->started_at, 1);
                CHECK_EQ_UINT(second->running_at, load.told);
                CHECK_EQ_UINT(second->account_cycles[PLACE_adapter_load], load.told - second->started_at);
            }
        }
        bench_free(&b);
    }
}

/* -- loads that arrive broken -- */

struct fault {
    int32_t adapter, layer;
    int times;     /* so many arrivals of this slice are broken */
    bool truncate; /* a byte is missing, instead of a bit flipped */
    int seen;
};

static void break_slice(void *context, int32_t adapter, int32_t layer, uint8_t *contents, size_t *bytes)
{
    struct fault *fault = context;
    if (adapter == fault->adapter && layer == fault->layer && fault->seen++ < fault->times) {
        if (fault->truncate) {
            --*bytes;
        } else {
            contents[*bytes / 2] ^= 4;
        }
    }
}

/* The request's token by the model without a clock. */
static int32_t reference(const struct bench *b)
{
    const struct model *model = &b->run.random.model;
    int64_t m[4096];
    if (!CHECK(model->shape.n_vocab <= 4096)) {
        return -1;
    }
    struct ref *ref = ref_new(model, 4);
    struct acc logits = {m, model->shape.n_vocab, 0};
    int32_t best = 0;
    ref_forward(ref, &b->run.random.adapters[0], b->run.prompt[0], 0, &logits);
    for (int32_t i = 1; i < model->shape.n_vocab; i++) {
        best = m[i] > m[best] ? i : best;
    }
    ref_free(ref);
    return best;
}

static void check_fault(uint64_t seed, struct fault fault, uint32_t loading)
{
    struct bench b;
    REQUIRE(bench_make(&b, seed));
    b.run.config.slots_loading = loading;
    const struct adapter *adapter = &b.run.random.adapters[0];
    const int32_t first = adapter_first_layer(adapter), last = adapter_last_layer(adapter);
    char slice[SLICE_NAME_ROOM];
    fault.layer = first + fault.layer % (last - first + 1);
    bench_request(&b, 0, 0);
    REQUIRE(bench_build(&b, true));
    b.chip->dma.on_arrival = break_slice;
    b.chip->dma.context = &fault;
    bool good = chip_run(b.chip, seed % 2 ? ENGINE_STEP : ENGINE_SKIP, &b.error);
    CHECK_EQ_INT(good, fault.times < 2);
    CHECK_EQ_INT(fault.seen, fault.times == 0 ? 1 : 2);
    CHECK_EQ_UINT(b.chip->sequencer.slots.retries, fault.times > 0);
    if (good) {
        CHECK_EQ_INT(b.generated[0], reference(&b));
        CHECK_EQ_UINT(b.chip->host_port.loads, fault.times ? 2 : 1);
    } else {
        char expected[160];
        snprintf(expected, sizeof expected, "adapter %s, %s: a slice for slot 0", adapter->name,
                 slice_name(adapter->n_layers, fault.layer, slice));
        CHECK_EQ_INT(b.error.code, EXIT_CODE_CHECK);
        CHECK_CONTAINS(b.error.message, expected);
        CHECK(b.chip->sequencer.slots.slot[0].state == SLOT_LOADING); /* it was never live */
        CHECK_EQ_INT(b.requests[0].n_generated, 0);
    }
    bench_free(&b);
}

static void broken_loads_never_get_live(void)
{
    for (uint64_t seed = 1; seed <= N_CONFIGS / 2; seed++) {
        struct bench b;
        if (!bench_make(&b, seed)) {
            continue;
        }
        bench_free(&b);
        for (int times = 0; times <= 2; times++) {
            check_fault(seed, (struct fault){.adapter = 0, .layer = (int32_t)(seed % 5), .times = times, .truncate = seed % 3 == 0},
                        seed % 2);
        }
    }
}

void suite_swap(void)
{
    suite_begin("swap");
    suite_add("a lone load takes its fixed costs, tensors, bytes and the last slice's write, to the cycle",
              a_lone_load_takes_fixed_costs_tensors_and_bytes);
    suite_add("loads wait for each other at the host port", loads_queue_at_the_host_port);
    suite_add("streaming: each layer is entered when its slice is there", streaming_follows_the_slices);
    suite_add("streaming: the first token is earlier", streaming_is_earlier);
    suite_add("a resident adapter costs nothing", a_resident_adapter_costs_nothing);
    suite_add("loads of one adapter coalesce", loads_coalesce);
    suite_add("a spare slot and prefetch hide a load", a_spare_slot_hides_the_load);
    suite_add("a load that arrives broken is repeated once, then the run ends", broken_loads_never_get_live);
}
