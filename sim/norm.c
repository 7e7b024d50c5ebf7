#include "sim/norm.h"

#include <string.h>

#include "kernels/residual.h"
#include "kernels/rmsnorm.h"
#include "sim/lora_mac.h"

static const struct norm *weights(const struct norm_unit *u)
{
    const struct layer *layer = &u->model->layers[u->token->layer];
    return u->place == NORM_ATTENTION ? &layer->attention_norm : u->place == NORM_FFN ? &layer->ffn_norm : &u->model->final_norm;
}

/* Of what is added, where the model norms that. The attention norm's is of the layer before. */
static const struct norm *post_weights(const struct norm_unit *u)
{
    int32_t layer = u->place == NORM_ATTENTION ? u->token->layer - 1 : u->token->layer;
    return u->place == NORM_FFN ? &u->model->layers[layer].post_attention_norm : &u->model->layers[layer].post_ffn_norm;
}

static void compute(struct norm_unit *u, const struct burst *residual, const struct burst *delta)
{
    memcpy(u->residual.m, residual->residual.m, u->n * sizeof *u->residual.m);
    if (delta && u->passes > 1 && post_weights(u)->m) {
        const struct acc *acc = &delta->acc[0];
        const int32_t exponent = k_rmsnorm_wide(post_weights(u), acc->m, acc->exponent, u->scratch);
        k_residual_add(&u->residual, &(struct acc){u->scratch, acc->n, exponent});
    } else if (delta) {
        k_residual_add(&u->residual, &delta->acc[0]);
    }
    k_rmsnorm(weights(u), &u->residual, &u->x, u->scratch);
}

/* Takes a vector, and what is to be added to it if in_delta is not NULL, when both are whole. Returns whether they were. */
static bool take(struct norm_unit *u, struct link *in_residual, struct link *in_delta, cycle_t now)
{
    struct burst *residual = link_front(in_residual, now);
    struct burst *delta = in_delta ? link_front(in_delta, now) : residual;
    if (!delta) {
        return false;
    }
    ES_ASSERT(residual); /* it was sent along with what the delta was computed from: only the delta wakes the norm */
    cycle_t last = residual->last > delta->last ? residual->last : delta->last;
    if (last > now) {
        unit_sleep(&u->unit, last);
        return false;
    }
    ES_ASSERT(residual->token == delta->token);
    u->token = delta->token;
    u->token->layer += u->place == NORM_ATTENTION;
    token_arrive(u->token, delta->last, now);
    if (u->model) {
        compute(u, residual, in_delta ? delta : NULL);
    }
    link_pop(in_residual, now);
    if (in_delta) {
        link_pop(in_delta, now);
    }
    u->until = now + norm_cycles(u, in_delta != NULL);
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
    return true;
}

RARELY static void accept(struct norm_unit *u, cycle_t now)
{
    if (!take(u, u->in_residual, u->in_delta, now) && u->in_first) {
        take(u, u->in_first, NULL, now);
    }
}

static struct link *out_residual(const struct norm_unit *u)
{
    return u->out_residual_last && u->token->layer == u->last_layer ? u->out_residual_last : u->out_residual;
}

/* The link of this token that has no room, or NULL. */
static struct link *blocked(const struct norm_unit *u, bool lora, cycle_t now)
{
    struct link *outputs[] = {u->out_x, lora ? u->out_lora : NULL, out_residual(u)};
    for (int i = 0; i < 3; i++) {
        if (outputs[i] && !link_ready(outputs[i], now)) {
            return outputs[i];
        }
    }
    return NULL;
}

static void push_x(const struct norm_unit *u, struct link *link, cycle_t now)
{
    if (u->model) {
        act8_copy(&link_back(link)->act, &u->x);
    }
    link_push(link, now, u->token, u->beats);
}

static void finish(struct norm_unit *u, cycle_t now)
{
    token_book(u->token, PLACE_norm, u->until);
    token_book(u->token, PLACE_wait, now);
    u->token = NULL;
    unit_rest(&u->unit, now);
}

/* Whether the token has to wait for its adapter's slice. What it waited is booked when that is over. */
static bool slice_missing(struct norm_unit *u, cycle_t now)
{
    bool waits = u->token->slot >= 0 && (u->place != NORM_FINAL || token_has_lora(u->token, u->feeds));
    if (waits && u->written[u->token->slot] != u->token->load) {
        u->waited = true;
        unit_enter(&u->unit, now, UNIT_STALL_SLICE);
        return true;
    }
    if (u->waited) {
        token_book(u->token, PLACE_norm, u->until);
        token_book(u->token, PLACE_adapter_load, now);
        u->until = now;
        u->waited = false;
    }
    return false;
}

RARELY static void take_written(struct norm_unit *u, cycle_t now)
{
    struct burst *report = link_front(u->in_written, now);
    if (report) {
        u->written[report->slot] = report->load;
        link_pop(u->in_written, now);
        unit_sleep(&u->unit, now + 1);
    }
}

RARELY static void send(struct norm_unit *u, cycle_t now)
{
    if (u->out_retired && !u->token->wants_logits) {
        if (!link_ready(u->out_retired, now)) {
            link_block(u->out_retired, &u->unit, now);
            return;
        }
        struct token *token = u->token;
        finish(u, now);
        link_push(u->out_retired, now, token, 1);
        return;
    }
    if (u->written && slice_missing(u, now)) {
        return;
    }
    bool lora = u->out_lora && token_has_lora(u->token, u->feeds);
    struct link *full = blocked(u, lora, now);
    if (full) {
        link_block(full, &u->unit, now);
        return;
    }
    push_x(u, u->out_x, now);
    if (lora) {
        push_x(u, u->out_lora, now);
    }
    struct link *residual = out_residual(u);
    if (residual) {
        if (u->model) {
            memcpy(link_back(residual)->residual.m, u->residual.m, u->n * sizeof *u->residual.m);
        }
        link_push(residual, now, u->token, u->beats);
    }
    finish(u, now);
}

void norm_tick(struct unit *unit, cycle_t now)
{
    struct norm_unit *u = (struct norm_unit *)unit;
    if (u->in_written && u->in_written->count) {
        take_written(u, now);
    }
    if (!u->token) {
        if (unit->inbox) {
            accept(u, now);
        }
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else {
        send(u, now);
    }
}
