/* The tile model against published RTL: a multiply-select-add perceptron of one hidden layer (model2rtl, MNIST 784-32-10) takes n_in + 2 n_hidden + n_out + 6
 * cycles, 864, input-serial and output-parallel: a row of weights a cycle, results drained one a cycle, the hidden vector requantised when it is whole.
 *
 *   x, a beat a cycle --> [ROM array n_in x n_hidden] --> [activation, requantiser] --> [ROM array n_hidden x n_out] --> results, a beat a cycle
 *
 * The six: multiply-select-add's pipeline, a cycle in each array; three in the activation unit, which takes the whole vector in one and has two stages; the
 * register between it and the second array.
 */
#include "sim/rom_array.h"
#include "sim/silu.h"
#include "tests/unit/check.h"

struct mlp {
    struct rom_array first, second;
    struct silu_unit activation;
    struct unit source, sink;
    struct link x, hidden, activated, result;
    struct burst slots[4][2];
};

static void join(struct link *link, struct burst slots[2], struct unit *from, struct unit *to)
{
    *link = (struct link){.slots = slots, .depth = 2, .popped_at = NEVER, .sender = from, .receiver = to, .name = "mlp"};
}

static void set_array(struct rom_array *rom, const struct chip_config *config, uint32_t n_in, uint32_t n_out, struct link *in,
                      struct link *out)
{
    rom->unit = (struct unit){.tick = rom_array_tick, .wake = NEVER};
    rom->n_ports = 1;
    rom->port[0].in_x = in;
    rom->port[0].out = out;
    rom_port_timing(&rom->port[0], config, n_in, n_out, false);
}

static void mlp_open(struct mlp *m, uint32_t n_in, uint32_t n_hidden, uint32_t n_out)
{
    struct chip_config config;
    config_defaults(&config);
    config.rom_tile_rows = 8192; /* one tile: no reduction tree */
    config.rom_rows_per_cycle = 1;
    config.rom_latency_cycles = 1;
    config.rom_drain_elements = 1;
    *m = (struct mlp){.source = {.wake = NEVER}, .sink = {.wake = NEVER}};
    m->activation = (struct silu_unit){.unit = {.tick = silu_tick, .wake = NEVER},
                                       .in = &m->hidden,
                                       .out_x = &m->activated,
                                       .n = n_hidden,
                                       .lanes = n_hidden,
                                       .latency_cycles = 2};
    m->activation.beats = 1;
    join(&m->x, m->slots[0], &m->source, &m->first.unit);
    join(&m->hidden, m->slots[1], &m->first.unit, &m->activation.unit);
    join(&m->activated, m->slots[2], &m->activation.unit, &m->second.unit);
    join(&m->result, m->slots[3], &m->second.unit, &m->sink);
    set_array(&m->first, &config, n_in, n_hidden, &m->x, &m->hidden);
    set_array(&m->second, &config, n_hidden, n_out, &m->activated, &m->result);
}

/* From the cycle in which the first input is seen to the one in which the last result is. */
static cycle_t inference(uint32_t n_in, uint32_t n_hidden, uint32_t n_out)
{
    enum { PUSHED = 9 };
    struct mlp m;
    struct token token = {0};
    mlp_open(&m, n_in, n_hidden, n_out);
    link_push(&m.x, PUSHED, &token, n_in);
    for (cycle_t now = PUSHED + 1; now < PUSHED + 10000; now++) {
        rom_array_tick(&m.first.unit, now);
        silu_tick(&m.activation.unit, now);
        rom_array_tick(&m.second.unit, now);
        if (m.result.count) {
            return m.slots[3][0].last - (PUSHED + 1);
        }
    }
    return 0;
}

static void mnist_takes_864_cycles(void)
{
    CHECK_EQ_UINT(inference(784, 32, 10), 864);
}

static void other_shapes_follow_the_formula(void)
{
    static const uint32_t shapes[][3] = {{784, 64, 10},     {784, 16, 10}, {100, 32, 10}, {33, 32, 2},
                                         {2048, 512, 1000}, {10, 10, 10},  {1, 1, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t *n = shapes[i];
        CHECK_EQ_UINT(inference(n[0], n[1], n[2]), n[0] + 2 * n[1] + n[2] + 6);
    }
}

void suite_mlp(void);
void suite_mlp(void)
{
    suite_begin("mlp");
    suite_add("784-32-10 takes 864 cycles", mnist_takes_864_cycles);
    suite_add("other shapes take n_in + 2 n_hidden + n_out + 6", other_shapes_follow_the_formula);
}
