#include "sim/bake_matrix.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/gemv.h"

enum { CHUNK_ROWS = 4 * BLOCK_ROWS, SAMPLE_WEIGHTS = 1 << 17, SAMPLE_ROWS_MAX = 128, SAMPLE_ROWS_MIN = 8 };

/* What the threads of one pass share. Chunks of rows are claimed in order; each thread keeps its own sums. */
struct pass {
    const struct gguf *g;
    const struct gguf_part *part;
    const struct bake_target *target;
    const struct matrix *w;
    const struct quantiser *quantiser; /* NULL: survey only */
    struct quantise_error *sums;       /* one a chunk, added in order afterwards: a figure that does not depend on timing */
    atomic_int next_chunk;
};

struct worker {
    struct pass *pass;
    pthread_t thread;
    bool failed;
    int32_t failed_chunk;
    struct error error;
    float largest; /* survey: of the rows it saw */
    int64_t largest_row;
};

bool write_at(int fd, const char *path, const void *bytes, size_t size_bytes, uint64_t offset, struct error *e)
{
    const char *at = bytes;
    while (size_bytes > 0) {
        ssize_t written = pwrite(fd, at, size_bytes, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return error_input(e, "%s: cannot be written at byte %llu: %s", path, (unsigned long long)offset,
                               written < 0 ? strerror(errno) : "the device takes no more");
        }
        at += written;
        offset += (uint64_t)written;
        size_bytes -= (size_t)written;
    }
    return true;
}

static bool survey_chunk(struct worker *worker, int64_t first_row, int64_t last_row, float *row)
{
    const struct pass *p = worker->pass;
    for (int64_t r = first_row; r < last_row; r++) {
        if (!gguf_row_finite(p->g, p->part->tensor, gguf_part_at(p->part, (int32_t)r), row, &worker->error)) {
            return false;
        }
        float largest = 0.0f;
        for (int64_t i = 0; i < p->w->n_in; i++) {
            float magnitude = row[i] < 0 ? -row[i] : row[i];
            largest = magnitude > largest ? magnitude : largest;
        }
        if (largest > worker->largest) {
            worker->largest = largest;
            worker->largest_row = r;
        }
    }
    return true;
}

/* Rows of one thread's block: codes row by row, scales row by row, the packed block. */
struct buffers {
    float *row;
    uint8_t *codes, *scales, *packed;
};

static void buffers_free(struct buffers *b)
{
    free(b->row);
    free(b->codes);
    free(b->scales);
    free(b->packed);
}

static bool buffers_allocate(const struct matrix *w, struct buffers *b, struct error *e)
{
    size_t panels = (size_t)matrix_panels(w);
    b->row = error_calloc(e, (size_t)w->n_in, sizeof *b->row, "a row of weights");
    b->codes = error_calloc(e, panels * BLOCK_ROWS, PANEL_INPUTS, "a block of codes");
    b->scales = error_calloc(e, (size_t)matrix_groups(w), BLOCK_ROWS, "a block of scales");
    b->packed = error_calloc(e, panels, (size_t)matrix_panel_bytes(w), "a packed block");
    return b->row && b->codes && b->scales && b->packed;
}

static bool pack_rows(struct worker *worker, int64_t first_row, int64_t last_row, struct buffers *b)
{
    const struct pass *p = worker->pass;
    const struct matrix *w = p->w;
    size_t groups = (size_t)matrix_groups(w), row_codes = (size_t)matrix_panels(w) * PANEL_INPUTS,
           block_bytes = (size_t)matrix_block_bytes(w);
    for (int64_t block = first_row / BLOCK_ROWS; block * BLOCK_ROWS < last_row; block++) {
        memset(b->codes, 0, row_codes * BLOCK_ROWS);
        memset(b->scales, 0, groups * BLOCK_ROWS);
        for (int64_t r = block * BLOCK_ROWS; r < last_row && r < (block + 1) * BLOCK_ROWS; r++) {
            size_t in_block = (size_t)(r % BLOCK_ROWS);
            gguf_row(p->part->tensor, gguf_part_at(p->part, (int32_t)r), b->row);
            quantise_row(p->quantiser, b->row, w->n_in, b->codes + in_block * row_codes, b->scales + in_block * groups,
                         &p->sums[first_row / CHUNK_ROWS]);
        }
        matrix_pack_block(w, b->codes, b->scales, b->packed);
        if (!write_at(p->target->fd, p->target->path, b->packed, block_bytes, p->target->offset + (uint64_t)block * block_bytes,
                      &worker->error)) {
            return false;
        }
    }
    return true;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct pass *p = worker->pass;
    struct buffers b = {0};
    worker->failed = !buffers_allocate(p->w, &b, &worker->error);
    while (!worker->failed) {
        int32_t chunk = atomic_fetch_add(&p->next_chunk, 1);
        int64_t first = (int64_t)chunk * CHUNK_ROWS, last = first + CHUNK_ROWS < p->part->n ? first + CHUNK_ROWS : p->part->n;
        if (first >= p->part->n) {
            break;
        }
        bool good = p->quantiser ? pack_rows(worker, first, last, &b) : survey_chunk(worker, first, last, b.row);
        if (!good) {
            worker->failed = true;
            worker->failed_chunk = chunk;
        }
        const struct gguf_tensor *t = p->part->tensor; /* rows in another order are near, and read again where they were dropped */
        mapped_drop(&p->g->map, t->data + (uint64_t)(p->part->first + first) * t->row_bytes, (uint64_t)(last - first) * t->row_bytes);
    }
    buffers_free(&b);
    return NULL;
}

/* Runs one pass on all threads. Of several errors the one in the first chunk is told, so that messages do not depend on timing. */
static bool run_pass(struct pass *p, struct worker *workers, struct error *e)
{
    int32_t n = p->target->n_threads, started = 0;
    atomic_store(&p->next_chunk, 0);
    for (int32_t i = 0; i < n; i++) {
        workers[i] = (struct worker){.pass = p};
    }
    while (started < n - 1 && pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0) {
        started++;
    }
    work(&workers[n - 1]); /* this thread works too; with no other it does all */
    for (int32_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    const struct worker *first = NULL;
    for (int32_t i = 0; i < n; i++) {
        if (workers[i].failed && (!first || workers[i].failed_chunk < first->failed_chunk)) {
            first = &workers[i];
        }
    }
    if (first) {
        *e = first->error;
    }
    return first == NULL;
}

/* Evenly spaced rows, and the row of the largest weight. */
static float *sample_rows(const struct gguf_part *part, int64_t largest_row, int32_t *n_rows, struct error *e)
{
    const struct gguf_tensor *t = part->tensor;
    int64_t n = SAMPLE_WEIGHTS / t->dims[0];
    n = n > SAMPLE_ROWS_MAX ? SAMPLE_ROWS_MAX : n < SAMPLE_ROWS_MIN ? SAMPLE_ROWS_MIN : n;
    n = n > part->n ? part->n : n;
    float *rows = error_calloc(e, (size_t)(n + 1), (size_t)t->dims[0] * sizeof *rows, "sample rows");
    for (int64_t i = 0; rows && i < n; i++) {
        gguf_row(t, gguf_part_at(part, (int32_t)(i * part->n / n)), rows + i * t->dims[0]);
    }
    if (rows && n < part->n) {
        gguf_row(t, gguf_part_at(part, (int32_t)largest_row), rows + n * t->dims[0]);
        n++;
    }
    *n_rows = (int32_t)n;
    return rows;
}

static bool choose(const struct gguf *g, const struct gguf_part *part, const struct worker *workers, int32_t n_threads,
                   const struct matrix *w, struct quantiser *choices, int32_t *n_choices, struct error *e)
{
    float largest = 0.0f;
    int64_t largest_row = 0;
    for (int32_t i = 0; i < n_threads; i++) {
        if (workers[i].largest > largest || (workers[i].largest == largest && workers[i].largest_row < largest_row)) {
            largest = workers[i].largest;
            largest_row = workers[i].largest_row;
        }
    }
    if (largest > 31.0f * 63.0f * 65536.0f) { /* 2^WEIGHT_EXPONENT_MAX */
        char name[PRINTABLE_ROOM];
        const struct gguf_tensor *t = part->tensor;
        return error_input(e, "%s: tensor %s at byte %llu: expected weights of magnitude below 31 * 63 * 2^16, found %g in row %lld",
                           g->path, printable(t->name, name), (unsigned long long)gguf_tensor_at(g, t), (double)largest,
                           (long long)gguf_part_at(part, (int32_t)largest_row));
    }
    int32_t n_rows;
    float *sample = sample_rows(part, largest_row, &n_rows, e);
    if (!sample) {
        return false;
    }
    *n_choices = quantise_choose(w->format, sample, n_rows, w->n_in, largest, choices);
    free(sample);
    return true;
}

/* Packs with one choice, and sums the error up. */
static bool pack_with(struct pass *p, struct worker *workers, const struct quantiser *q, struct quantise_error *sum, struct error *e)
{
    int64_t n_chunks = (p->part->n + CHUNK_ROWS - 1) / CHUNK_ROWS;
    memset(p->sums, 0, (size_t)n_chunks * sizeof *p->sums);
    p->quantiser = q;
    if (!run_pass(p, workers, e)) {
        return false;
    }
    *sum = (struct quantise_error){0};
    for (int64_t i = 0; i < n_chunks; i++) {
        quantise_error_add(sum, &p->sums[i]);
    }
    return true;
}

/* The first choice that is exact; if none, the best one, packed again unless it came last. */
static bool pack_best(struct pass *p, struct worker *workers, const struct quantiser *choices, int32_t n_choices, int32_t *chosen,
                      struct quantise_error *sum, struct error *e)
{
    double best = -1.0;
    for (int32_t i = 0; i < n_choices; i++) {
        if (!pack_with(p, workers, &choices[i], sum, e)) {
            return false;
        }
        if (best < 0.0 || sum->squared_error < best) {
            best = sum->squared_error;
            *chosen = i;
        }
        if (best == 0.0) {
            return true;
        }
    }
    return *chosen == n_choices - 1 || pack_with(p, workers, &choices[*chosen], sum, e);
}

bool bake_matrix(const struct gguf *g, const struct gguf_part *part, const struct bake_target *target, struct matrix *w,
                 char codebook_name[8], struct quantise_error *sum, struct error *e)
{
    struct worker workers[BAKE_THREADS_MAX];
    struct quantiser choices[QUANTISE_CHOICES_MAX] = {0};
    struct pass p = {.g = g, .part = part, .target = target, .w = w};
    int32_t n_choices = 1, chosen = 0;
    if (!run_pass(&p, workers, e) || !choose(g, part, workers, target->n_threads, w, choices, &n_choices, e)) {
        return false;
    }
    p.sums = error_calloc(e, (size_t)(part->n + CHUNK_ROWS - 1) / CHUNK_ROWS, sizeof *p.sums, "error sums");
    bool good = p.sums && pack_best(&p, workers, choices, n_choices, &chosen, sum, e);
    free(p.sums);
    if (good) {
        w->exponent = choices[chosen].exponent;
        memcpy(w->codebook, choices[chosen].codebook, sizeof choices[chosen].codebook);
        memcpy(codebook_name, choices[chosen].codebook_name, 8);
    }
    mapped_drop(&g->map, part->tensor->data, part->tensor->bytes);
    return good;
}
