#include "sim/server.h"

#include <stdlib.h>

#include "sim/params.h"

bool server_open(const struct workload *workload, const struct serve_options *options, const struct physics *physics, struct server *s,
                 struct error *e)
{
    const size_t most = parameters[PARAMETER_server_cards].high;
    struct serve_options o = *options;
    *s = (struct server){.physics = physics, .card = error_calloc(e, most, sizeof *s->card, "cards")}; /* chips point into them */
    o.dealt = true;
    bool good = s->card != NULL;
    for (o.card = 0; good && (o.card == 0 || o.card < serve_cards(&s->card[0])); o.card++) {
        ES_ASSERT(o.card < most);
        good = serve_open(workload, &o, &s->card[o.card], e);
        s->n_cards += good;
        s->card[0].setup_seconds += o.card ? s->card[o.card].setup_seconds : 0;
    }
    if (!good) {
        server_close(s);
    }
    return good;
}

/* Requests back in the order of the workload. */
static bool merge(struct server *s, struct error *e)
{
    const struct serve *last = NULL;
    struct workload_requests all = {0};
    for (uint32_t k = 0; k < s->n_cards; k++) {
        const struct serve *card = &s->card[k];
        all.count += card->drawn.count;
        all.clipped += card->drawn.clipped;
        last = card->chip && (!last || card->chip->now > last->chip->now) ? card : last;
    }
    ES_ASSERT(last); /* somebody has requests: a workload is not empty */
    s->whole = *last;
    all.items = error_calloc(e, all.count, sizeof *all.items, "requests");
    s->whole.drawn = all;
    s->whole.requests = error_calloc(e, all.count, sizeof *s->whole.requests, "requests");
    s->card_of = error_calloc(e, all.count, sizeof *s->card_of, "requests");
    bool good = all.items && s->whole.requests && s->card_of;
    for (uint32_t k = 0; k < s->n_cards && good; k++) {
        const struct serve *card = &s->card[k];
        for (uint32_t i = 0; i < card->drawn.count; i++) {
            s->whole.requests[card->number[i]] = card->requests[i];
            all.items[card->number[i]] = card->drawn.items[i];
            s->card_of[card->number[i]] = k;
        }
    }
    return good;
}

bool server_execute(struct server *s, struct error *e)
{
    double seconds = 0;
    for (uint32_t k = 0; k < s->n_cards; k++) {
        if (!serve_execute(&s->card[k], e)) {
            return false;
        }
        seconds += s->card[k].run_seconds;
    }
    bool good = merge(s, e);
    s->whole.run_seconds = seconds;
    s->whole.setup_seconds = s->card[0].setup_seconds;
    return good;
}

void server_close(struct server *s)
{
    for (uint32_t k = 0; k < s->n_cards; k++) {
        serve_close(&s->card[k]);
    }
    free(s->card);
    free(s->whole.requests);
    free(s->whole.drawn.items);
    free(s->card_of);
    *s = (struct server){0};
}

void server_estimate(const struct server *s, struct estimate *estimate)
{
    struct silicon silicon;
    struct activity all = {0};
    const struct chip *last = s->whole.chip;
    silicon_count(&s->whole.config, &last->shape, s->whole.image.rom_bits, &silicon);
    for (uint32_t k = 0; k < s->n_cards; k++) {
        const struct serve *card = &s->card[k];
        struct activity a;
        if (card->chip) {
            activity_count(card->chip, card->requests, card->drawn.count, &a);
            activity_add(&all, &a, (double)card->chip->now / (double)last->now);
        }
    }
    activity_divide(&all, s->n_cards);
    all.seconds = (double)last->now / (s->whole.config.clock_mhz * 1e6);
    estimate_make(s->physics, &silicon, &all, NULL, estimate);
}
