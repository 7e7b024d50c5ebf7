/* serve_verify.c -- a served workload's tokens against those of the model without a clock. */
#include <inttypes.h>
#include <stdlib.h>

#include "kernels/ref.h"
#include "sim/serve.h"

struct oracle {
    struct ref *ref;
    struct acc logits;
    void *scratch;
};

/* Tokens from .. to - 1 of a request as the model gives them with this adapter, fed with what was answered. Returns the first that differs, or `to`. */
static int32_t first_wrong(const struct serve *s, struct oracle *o, uint32_t index, int32_t version, int32_t from, int32_t to,
                           int32_t *expected)
{
    const struct request *r = &s->requests[index];
    struct random random;
    random_seed(&random, s->workload->seed, s->number[index]);
    for (int32_t position = 0, n = 0; n < to; position++) {
        int32_t token = position < r->n_prompt ? r->prompt[position] : r->generated[n - 1];
        bool answers = position + 1 >= r->n_prompt;
        ref_forward(o->ref, version >= 0 ? &s->adapters[version] : NULL, token, position, answers ? &o->logits : NULL);
        if (answers) {
            *expected = k_sample(&r->sampling, &random, &o->logits, o->scratch);
            if (n >= from && r->generated[n] != *expected) {
                return n;
            }
            n++;
        }
    }
    return to;
}

/* After a restart all is as if the new version had been there from the beginning; what came before the last but one restart is not looked at. */
static bool verify_request(const struct serve *s, struct oracle *o, uint32_t index, uint64_t *checked, struct error *e)
{
    const struct request *r = &s->requests[index];
    int32_t expected = 0, wrong = first_wrong(s, o, index, r->version, r->restarted_at, r->n_generated, &expected), until = r->n_generated;
    *checked += (uint64_t)(r->n_generated - r->restarted_at);
    if (wrong == until && r->restarts == 1) {
        until = r->restarted_at;
        wrong = first_wrong(s, o, index, r->first_version, 0, until, &expected);
        *checked += (uint64_t)until;
    }
    return wrong == until || error_check(e, "request %" PRIu32 ", token %" PRId32 ": expected %" PRId32 " as without a clock, got %" PRId32,
                                         index, wrong, expected, r->generated[wrong]);
}

/* A request that was given flipped bits is wrong by definition; how much is told. */
static void count_flipped(const struct serve *s, struct oracle *o, uint32_t index, struct serve_verified *v)
{
    const struct request *r = &s->requests[index];
    int32_t expected = 0;
    v->flipped_requests++;
    v->changed_requests += first_wrong(s, o, index, r->version, r->restarted_at, r->n_generated, &expected) < r->n_generated;
}

bool serve_verify(const struct serve *s, struct serve_verified *v, struct error *e)
{
    const struct model *model = &s->image.model;
    struct oracle o = {ref_new(model, (int32_t)s->config.kv_context_tokens),
                       {error_calloc(e, (size_t)model->shape.n_vocab, sizeof(int64_t), "logits"), model->shape.n_vocab, 0},
                       error_calloc(e, k_sample_scratch(model->shape.n_vocab), 1, "the sampler")};
    bool good = o.ref && o.logits.m && o.scratch;
    *v = (struct serve_verified){0};
    for (uint32_t i = 0; good && i < s->drawn.count; i++) {
        if (s->requests[i].flipped_tokens) {
            count_flipped(s, &o, i, v);
        } else {
            good = verify_request(s, &o, i, &v->tokens, e);
        }
    }
    free(o.logits.m);
    free(o.scratch);
    ref_free(o.ref);
    return good;
}
