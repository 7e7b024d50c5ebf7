#include "sim/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/physical_report.h"
#include "sim/run.h"

/* Rate of all sequences together, each at its own mean distance between tokens after the first. */
static double generation_rate(const struct run *run)
{
    double rate = 0;
    for (uint32_t i = 0; i < run->n_requests; i++) {
        const struct request *r = &run->requests[i];
        rate += (r->n_generated - 1) * run->config.clock_mhz * 1e6 / (double)(r->generated_at[r->n_generated - 1] - r->generated_at[0]);
    }
    return rate;
}

struct card { /* what one card does with so many users at work */
    uint32_t users, users_max;
    double rate, joules, rest_w;                       /* joules of a token, rest_w without users; both of the card alone */
    double server_cards, server_host_w, server_supply; /* cards 0: no server */
};

/* Energy of a generated token: what a token moves, and the die at rest for its share of the time; through the card's supply. */
static void count_energy(const struct run *run, struct card *card)
{
    struct silicon silicon;
    struct activity a;
    struct physical p;
    const struct constants *k = &run->physics.corner[CORNER_NOMINAL];
    silicon_count(&run->config, &run->image.model.shape, run->image.rom_bits, &silicon);
    activity_count(run->chip, run->requests, run->n_requests, &a);
    physical_die(k, &silicon, &p);
    physical_run(k, &silicon, &a, &p);
    double moved = p.run_dynamic_j / a.layer_tokens; /* a prompt's token does without the head */
    card->rest_w = p.static_w / k->card_regulator_efficiency + k->card_board_w;
    card->joules = moved / k->card_regulator_efficiency + card->rest_w / card->rate;
    card->server_cards = silicon.cards;
    card->server_host_w = k->server_host_w;
    card->server_supply = k->server_supply_efficiency;
}

/* Of all cards together, with their servers' hosts; of a chip without a server, of the cards that have users. */
static double token_joules(const struct card *card, double cards, double busy)
{
    if (card->server_cards == 0) {
        return card->joules;
    }
    double watts = busy * card->rate * card->joules + (cards - busy) * card->rest_w + cards / card->server_cards * card->server_host_w;
    return watts / card->server_supply / (busy * card->rate);
}

static bool run_card(const struct compare_options *o, uint32_t users, struct card *card, struct compare *c, struct error *e)
{
    static struct run run;
    struct run_options options = {.chip = o->chip,
                                  .model = o->model,
                                  .physics = o->physics,
                                  .set = o->set,
                                  .n_set = o->n_set,
                                  .prompt_tokens = (int32_t)(o->context_tokens - o->tokens / 2),
                                  .tokens = (int32_t)o->tokens,
                                  .sequences = (int32_t)users,
                                  .top_p = 1,
                                  .timing_only = true,
                                  .engine = ENGINE_SKIP};
    if (card->users == users) {
        return true;
    }
    bool opened = run_open(&options, &run, e), good = opened && run_execute(&run, e);
    if (good) {
        *card = (struct card){.users = users, .users_max = run.config.kv_sequences, .rate = generation_rate(&run)};
        count_energy(&run, card);
        snprintf(c->chip_name, sizeof c->chip_name, "%s", run.config.name);
        snprintf(c->model_name, sizeof c->model_name, "%s", run.image.name);
        c->shape = run.image.model.shape;
        c->with_server = run.config.server_cards > 0;
    }
    if (opened) {
        run_close(&run);
    }
    return good;
}

static bool rate_chip(const struct compare_options *o, struct compare *c, struct error *e)
{
    struct card card = {0};
    if (!run_card(o, 1, &card, c, e)) {
        return false;
    }
    c->chip_sequences = card.users_max * o->cards;
    for (uint32_t u = 0; u < o->n_users; u++) {
        uint32_t users = (uint32_t)ceil_div(o->users[u], o->cards); /* of the fullest card */
        if (!run_card(o, users < card.users_max ? users : card.users_max, &card, c, e)) {
            return false;
        }
        uint32_t busy = o->users[u] < o->cards ? o->users[u] : o->cards;
        double total = card.rate * busy;
        c->chip[u] = (struct comparison){.user_tokens_per_s = total / o->users[u],
                                         .total_tokens_per_s = total,
                                         .joules_per_token = token_joules(&card, o->cards, busy),
                                         .fits = o->users[u] <= c->chip_sequences};
    }
    return true;
}

static bool rate_machines(const struct compare_options *o, struct compare *c, struct error *e)
{
    struct preset_list list;
    if (!presets_list("comparators", ".yaml", &list, e)) {
        return false;
    }
    c->machines = error_calloc(e, (size_t)list.count + 1, sizeof *c->machines, "comparators");
    c->machine = error_calloc(e, (size_t)list.count + 1, sizeof *c->machine, "comparators");
    bool good = c->machines && c->machine;
    for (int i = 0; i < list.count && good; i++) {
        good = comparator_load(list.names[i], &c->machines[i], e);
        for (uint32_t u = 0; u < o->n_users && good; u++) {
            c->machine[i][u] = comparator_rate(&c->machines[i], &c->shape, o->users[u], o->context_tokens);
        }
        c->n_machines += good;
    }
    presets_free(&list);
    return good;
}

bool compare_run(const struct compare_options *o, struct compare *c, struct error *e)
{
    *c = (struct compare){0};
    if (o->tokens < 2 || o->context_tokens <= o->tokens / 2) {
        return error_input(e, "expected at least 2 tokens to time, and a context of more than half of them");
    }
    if (rate_chip(o, c, e) && rate_machines(o, c, e)) {
        return true;
    }
    compare_free(c);
    return false;
}

void compare_free(struct compare *c)
{
    free(c->machines);
    free(c->machine);
    *c = (struct compare){0};
}
