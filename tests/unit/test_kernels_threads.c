/* Shared work: each item once, whatever the number of threads; and matrix products that no number of threads changes. */
#include "kernels/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemv.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

enum { ITEMS_MAX = 2000 };

struct tally {
    atomic_int times[ITEMS_MAX];
    atomic_int longest; /* part */
    bool nested;
};

static void count_item(void *user, int32_t first, int32_t n)
{
    struct tally *t = user;
    for (int32_t i = first; i < first + n; i++) {
        atomic_fetch_add(&t->times[i], 1);
    }
}

static void count(void *user, int32_t first, int32_t n)
{
    struct tally *t = user;
    int longest = atomic_load(&t->longest);
    while (n > longest && !atomic_compare_exchange_weak(&t->longest, &longest, n)) {
    }
    if (t->nested) {
        for (int32_t i = first; i < first + n; i++) {
            threads_share(1, 1, count_item, &(struct tally){0}); /* finds the others busy */
        }
    }
    count_item(user, first, n);
}

static bool each_once(struct tally *t, int32_t n_items)
{
    for (int32_t i = 0; i < ITEMS_MAX; i++) {
        if (atomic_load(&t->times[i]) != (i < n_items)) {
            return false;
        }
    }
    return true;
}

static void each_item_is_done_once(void)
{
    const int32_t before = threads_count();
    struct random random;
    random_seed(&random, 6, 0);
    for (int32_t n_threads = 1; n_threads <= 4; n_threads++) {
        threads_set(n_threads);
        CHECK_EQ_INT(threads_count(), n_threads);
        int wrong = 0;
        for (int round = 0; round < 1000; round++) {
            struct tally t = {.nested = round % 50 == 0};
            const int32_t n_items = random_between(&random, 0, round % 2 ? ITEMS_MAX : 5), grain = random_between(&random, 1, 300);
            threads_share(n_items, grain, count, &t);
            wrong += !each_once(&t, n_items);
            wrong += n_threads > 1 && n_items > grain && atomic_load(&t.longest) > grain;
        }
        CHECK_EQ_INT(wrong, 0);
    }
    threads_set(before);
    CHECK_EQ_INT(threads_count(), before);
}

static void *share_much(void *wrong)
{
    for (int round = 0; round < 500; round++) {
        struct tally t = {0};
        threads_share(100, 7, count, &t);
        *(int *)wrong += !each_once(&t, 100);
    }
    return NULL;
}

static void two_callers_do_not_disturb_each_other(void)
{
    const int32_t before = threads_count();
    threads_set(3);
    int wrong[2] = {0};
    pthread_t other;
    REQUIRE(pthread_create(&other, NULL, share_much, &wrong[1]) == 0);
    share_much(&wrong[0]);
    pthread_join(other, NULL);
    CHECK_EQ_INT(wrong[0] + wrong[1], 0);
    threads_set(before);
}

/* y of a matrix that is large enough to be shared; expected: plain C's on one thread. */
static void check_product(const struct matrix *w, struct act8 *x, int64_t *y, int64_t *expected)
{
    const enum k_isa isa_before = k_selected();
    const size_t bytes = (size_t)w->n_out * sizeof *y;
    threads_set(1);
    k_select(K_ISA_PLAIN);
    k_gemv(w, x, &(struct acc){expected, w->n_out, 0});
    for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
        for (int32_t n_threads = 1; k_select(isa) && n_threads <= 4; n_threads++) {
            threads_set(n_threads);
            memset(y, 0x55, bytes + sizeof *y);
            k_gemv(w, x, &(struct acc){y, w->n_out, 0});
            CHECK_EQ_BYTES(y, expected, bytes);
            CHECK_EQ_INT(y[w->n_out], 0x5555555555555555);
        }
    }
    k_select(isa_before);
}

static void products_do_not_depend_on_threads(void)
{
    const int32_t before = threads_count();
    struct random random;
    random_seed(&random, 7, 0);
    for (int kind = 0; kind < 2 * WEIGHT_FORMATS; kind++) {
        struct matrix w = {.format = (enum weight_format)(kind / 2), .groups_of_16 = kind % 2 == 1};
        w.n_in = random_between(&random, 500, 1500);
        w.n_out = random_between(&random, 600000, 900000) / w.n_in; /* several parts, the last block is seldom whole */
        uint8_t *data = malloc((size_t)matrix_bytes(&w));
        int64_t *y = calloc((size_t)w.n_out + 1, sizeof *y), *expected = calloc((size_t)w.n_out, sizeof *y);
        struct act8 x = {calloc((size_t)padded(w.n_in), 1), w.n_in, 0, NULL};
        random_matrix(&random, &w, data);
        for (int32_t i = 0; i < w.n_in; i++) {
            x.m[i] = (int8_t)random_between(&random, -127, 127);
        }
        check_product(&w, &x, y, expected);
        free(data);
        free(y);
        free(expected);
        free(x.m);
    }
    threads_set(before);
}

void suite_kernels_threads(void)
{
    suite_begin("kernels_threads");
    suite_add("each item is done once", each_item_is_done_once);
    suite_add("two callers do not disturb each other", two_callers_do_not_disturb_each_other);
    suite_add("products do not depend on threads", products_do_not_depend_on_threads);
}
