#include "sim/bake.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "kernels/rmsnorm.h"
#include "kernels/rope.h"
#include "sim/bake_matrix.h"
#include "sim/gguf_llama.h"
#include "sim/image_format.h"
#include "sim/shape_limits.h"

enum { NORM_EXPONENT_MIN = -64, NORM_EXPONENT_MAX = 16, COPY_BYTES = 1 << 20 };

/* ---- options ---- */

void bake_options_default(struct bake_options *options)
{
    *options = (struct bake_options){.embedding_bits = 6};
    for (int which = 0; which < LINEAR_COUNT; which++) {
        options->linear_bits[which] = 3;
    }
}

static bool set_class(struct bake_options *options, const char *name, size_t length, int32_t bits)
{
    bool all = length == 7 && memcmp(name, "linears", 7) == 0, found = all;
    for (int which = 0; which < LINEAR_COUNT; which++) {
        if (all || (strlen(LINEAR_NAMES[which]) == length && memcmp(name, LINEAR_NAMES[which], length) == 0)) {
            options->linear_bits[which] = bits;
            found = true;
        }
    }
    if (length == 10 && memcmp(name, "token_embd", 10) == 0) {
        options->embedding_bits = bits;
        found = true;
    }
    if (length == 6 && memcmp(name, "output", 6) == 0) {
        options->head_bits = bits;
        found = true;
    }
    return found;
}

bool bake_options_set(struct bake_options *options, const char *assignments, struct error *e)
{
    const char *at = assignments;
    for (;;) {
        size_t length = strcspn(at, ",");
        const char *equals = memchr(at, '=', length);
        bool good = equals && at + length == equals + 2 && (equals[1] == '3' || equals[1] == '6') &&
                    set_class(options, at, (size_t)(equals - at), equals[1] - '0');
        if (!good) {
            return error_input(e,
                               "weight formats: expected CLASS=3 or CLASS=6 with a class of attn_q, attn_k, attn_v, attn_output, ffn_gate, "
                               "ffn_up, ffn_down, linears, token_embd, output; found \"%.*s\"",
                               (int)(length < 100 ? length : 100), at);
        }
        if (at[length] == '\0') {
            return true;
        }
        at += length + 1;
    }
}

/* ---- the plan: everything whose size is known before the first weight is read ---- */

struct planned_matrix {
    const struct gguf_tensor *tensor;
    struct image_matrix entry;
    struct quantise_error sum;
    char codebook_name[8];
};

struct plan {
    const struct gguf *g;
    struct gguf_llama llama;
    struct vocab vocab;
    const struct bake_options *options;
    int fd;
    const char *path;
    int32_t n_threads;
    struct image_shape shape;
    int32_t n_matrices, n_norms;
    struct planned_matrix *matrices; /* [n_matrices] */
    struct image_section sections[IMAGE_SECTION_COUNT];
    struct bake_report *report; /* may be NULL */
};

static void plan_free(struct plan *p)
{
    free(p->matrices);
    gguf_llama_free(&p->llama);
    vocab_free(&p->vocab);
}

static struct image_matrix planned_entry(int32_t n_out, int32_t n_in, int32_t bits, uint64_t *offset)
{
    struct matrix w = {.format = bits == 3 ? WEIGHT_W3 : WEIGHT_W6, .n_out = n_out, .n_in = n_in};
    struct image_matrix entry = {.format = w.format,
                                 .n_out = n_out,
                                 .n_in = n_in,
                                 .group_inputs = matrix_group_inputs(&w),
                                 .offset = *offset,
                                 .bytes = (uint64_t)matrix_bytes(&w)};
    *offset = image_aligned(*offset + entry.bytes);
    return entry;
}

static bool plan_matrices(struct plan *p, uint64_t *data_bytes, struct error *e)
{
    const struct shape *s = &p->llama.shape;
    const struct bake_options *o = p->options;
    if (s->tied_head && o->head_bits != 0 && o->head_bits != o->embedding_bits) {
        return error_input(e, "%s: output=%d: expected output=%d or none, found a head tied to a %d-bit embedding", p->g->path,
                           o->head_bits, o->embedding_bits, o->embedding_bits);
    }
    p->n_matrices = (s->tied_head ? 1 : 2) + s->n_layers * LINEAR_COUNT;
    p->matrices = error_calloc(e, (size_t)p->n_matrices, sizeof *p->matrices, "the table of matrices");
    if (!p->matrices) {
        return false;
    }
    uint64_t offset = 0;
    int32_t n = 0;
    p->matrices[n].tensor = p->llama.embedding;
    p->matrices[n++].entry = planned_entry(s->n_vocab, s->d_model, o->embedding_bits, &offset);
    if (!s->tied_head) {
        p->matrices[n].tensor = p->llama.head;
        p->matrices[n++].entry = planned_entry(s->n_vocab, s->d_model, o->head_bits ? o->head_bits : 6, &offset);
    }
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        for (int which = 0; which < LINEAR_COUNT; which++) {
            p->matrices[n].tensor = p->llama.layers[layer].linear[which];
            p->matrices[n++].entry = planned_entry(shape_n_out(s, which), shape_n_in(s, which), o->linear_bits[which], &offset);
        }
    }
    const struct image_matrix *last = &p->matrices[n - 1].entry;
    *data_bytes = last->offset + last->bytes;
    return true;
}

static uint64_t string_bytes(const struct vocab *v)
{
    uint64_t total = 0;
    for (int32_t i = 0; i < v->n_tokens; i++) {
        total += v->tokens[i].length_bytes;
    }
    for (int32_t i = 0; i < v->n_merges; i++) {
        total += v->merges[i].length_bytes;
    }
    return total;
}

static uint64_t vocab_bytes(const struct vocab *v)
{
    uint64_t tokens = (uint64_t)v->n_tokens;
    return sizeof(struct image_vocab) + 4 * (tokens + (uint64_t)v->n_merges) + (v->scores ? 4 * tokens : 0) + tokens + string_bytes(v);
}

static void plan_sections(struct plan *p, uint64_t data_bytes)
{
    const struct shape *s = &p->llama.shape;
    p->n_norms = 2 * s->n_layers + 1;
    const uint64_t bytes[IMAGE_SECTION_COUNT] = {
        sizeof(struct image_shape),
        (uint64_t)s->head_dim / 2 * sizeof(uint64_t),
        (uint64_t)p->n_norms * image_norm_bytes(s->d_model),
        (uint64_t)p->n_matrices * sizeof(struct image_matrix),
        vocab_bytes(&p->vocab),
        data_bytes,
    };
    uint64_t offset = sizeof(struct image_header) + sizeof p->sections;
    for (int i = 0; i < IMAGE_SECTION_COUNT; i++) {
        p->sections[i] = (struct image_section){.kind = (uint32_t)i + 1, .offset = image_aligned(offset), .bytes = bytes[i]};
        offset = p->sections[i].offset + bytes[i];
    }
}

/* The model's name: the GGUF file's, without folder and extension. */
static void plan_shape(struct plan *p)
{
    const struct shape *s = &p->llama.shape;
    const char *slash = strrchr(p->g->path, '/'), *name = slash ? slash + 1 : p->g->path;
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    p->shape = (struct image_shape){
        .n_layers = s->n_layers,
        .d_model = s->d_model,
        .n_heads = s->n_heads,
        .n_kv_heads = s->n_kv_heads,
        .head_dim = s->head_dim,
        .d_ff = s->d_ff,
        .n_vocab = s->n_vocab,
        .context_tokens = s->context_tokens,
        .tied_head = s->tied_head,
        .rms_epsilon = s->rms_epsilon,
        .rope_base = s->rope_base,
        .softmax_scale_q15 = (int32_t)lrint(M_LOG2E / sqrt(s->head_dim) * 32768.0),
    };
    memcpy(p->shape.name, name, length < sizeof p->shape.name ? length : sizeof p->shape.name - 1);
}

static bool plan_model(struct plan *p, struct error *e)
{
    uint64_t data_bytes = 0;
    if (!gguf_llama(p->g, &p->llama, e) || !gguf_vocab(p->g, &p->vocab, e)) {
        return false;
    }
    if (p->vocab.kind != VOCAB_NONE && p->vocab.n_tokens != p->llama.shape.n_vocab) {
        return error_input(e, "%s: key tokenizer.ggml.tokens: expected %d tokens, the rows of token_embd.weight, found %d", p->g->path,
                           p->llama.shape.n_vocab, p->vocab.n_tokens);
    }
    if (!plan_matrices(p, &data_bytes, e)) {
        return false;
    }
    plan_sections(p, data_bytes);
    plan_shape(p);
    return true;
}

/* ---- writing ---- */

static bool write_section(const struct plan *p, enum image_section_kind kind, const void *bytes, struct error *e)
{
    const struct image_section *s = &p->sections[kind - 1];
    return write_at(p->fd, p->path, bytes, s->bytes, s->offset, e);
}

static bool write_rope(const struct plan *p, struct error *e)
{
    const struct shape *s = &p->llama.shape;
    int32_t half = s->head_dim / 2;
    float *factors = error_calloc(e, (size_t)half, sizeof *factors, "RoPE factors");
    uint64_t *increments = error_calloc(e, (size_t)half, sizeof *increments, "RoPE increments");
    const struct gguf_tensor *t = p->llama.rope_factors;
    bool good = factors && increments && (!t || gguf_row_finite(p->g, t, 0, factors, e));
    for (int32_t i = 0; i < half && t && good; i++) {
        good = (factors[i] >= 0.5f && factors[i] <= 1e6f) ||
               error_input(e, "%s: tensor rope_freqs.weight at byte %llu: expected factors of 0.5 to 1e6, found %g at %d", p->g->path,
                           (unsigned long long)gguf_tensor_at(p->g, t), (double)factors[i], i);
    }
    if (good) {
        k_rope_increments(s->rope_base, s->head_dim, t ? factors : NULL, increments);
    }
    good = good && write_section(p, IMAGE_ROPE, increments, e);
    free(factors);
    free(increments);
    return good;
}

/* One norm's weights as mantissas with the smallest exponent that fits; reported like a matrix. */
static bool convert_norm(const struct plan *p, const struct gguf_tensor *t, const float *weights, struct image_norm *norm, int16_t *m,
                         struct quantise_error *sum, struct error *e)
{
    int32_t n = p->llama.shape.d_model, exponent = NORM_EXPONENT_MIN;
    double largest = 0;
    for (int32_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)weights[i]));
    }
    while (exponent < NORM_EXPONENT_MAX && ldexp(INT16_MAX, exponent) < largest) {
        exponent++;
    }
    if (ldexp(INT16_MAX, exponent) < largest) {
        char name[PRINTABLE_ROOM];
        return error_input(e, "%s: tensor %s at byte %llu: expected weights of magnitude below 2^31, found %g", p->g->path,
                           printable(t->name, name), (unsigned long long)gguf_tensor_at(p->g, t), largest);
    }
    *sum = (struct quantise_error){.largest_weight = largest, .n_weights = n};
    for (int32_t i = 0; i < n; i++) {
        m[i] = (int16_t)lrint(ldexp((double)weights[i], -exponent));
        double error = (double)weights[i] - ldexp(m[i], exponent);
        sum->squared_error += error * error;
        sum->squared_weight += (double)weights[i] * (double)weights[i];
        sum->largest_error = fmax(sum->largest_error, fabs(error));
    }
    struct norm constants;
    k_norm_constants(n, (double)p->llama.shape.rms_epsilon, &constants);
    *norm = (struct image_norm){.n = n, .exponent = exponent, .epsilon_q40 = constants.epsilon_q40, .sqrt_n_q16 = constants.sqrt_n_q16};
    return true;
}

static void report_tensor(struct plan *p, const struct gguf_tensor *t, int32_t bits, double bits_per_weight, const char *codebook_name,
                          const int8_t *codebook, int32_t exponent, const struct quantise_error *sum)
{
    if (!p->report) {
        return;
    }
    struct bake_tensor *r = &p->report->tensors[p->report->n_tensors++];
    *r = (struct bake_tensor){.n_out = (int32_t)t->n_rows,
                              .n_in = (int32_t)t->dims[0],
                              .bits = bits,
                              .bits_per_weight = bits_per_weight,
                              .exponent = exponent,
                              .relative_rms_error = quantise_relative_rms(sum)};
    r->relative_max_error = sum->largest_error > 0 ? sum->largest_error / sum->largest_weight : 0;
    memcpy(r->name, t->name.bytes, t->name.length_bytes);
    snprintf(r->codebook_name, sizeof r->codebook_name, "%s", codebook_name);
    if (codebook) {
        memcpy(r->codebook, codebook, sizeof r->codebook);
    }
}

static const struct gguf_tensor *norm_tensor(const struct gguf_llama *m, int32_t i)
{
    const struct llama_layer_tensors *l = &m->layers[i / 2];
    return i == 2 * m->shape.n_layers ? m->final_norm : i % 2 == 0 ? l->attention_norm : l->ffn_norm;
}

static void progress(const struct plan *p, const struct gguf_tensor *t, int32_t done)
{
    if (p->options->progress) {
        char name[GGUF_TENSOR_NAME_MAX + 1] = {0};
        if (t) {
            memcpy(name, t->name.bytes, t->name.length_bytes);
        }
        p->options->progress(p->options->user, t ? name : NULL, done, p->n_matrices + p->n_norms);
    }
}

static bool write_norms(struct plan *p, struct error *e)
{
    uint64_t norm_bytes = image_norm_bytes(p->llama.shape.d_model);
    float *weights = error_calloc(e, (size_t)p->llama.shape.d_model, sizeof *weights, "norm weights");
    char *record = error_calloc(e, norm_bytes, 1, "a norm");
    bool good = weights && record;
    for (int32_t i = 0; i < p->n_norms && good; i++) {
        const struct gguf_tensor *t = norm_tensor(&p->llama, i);
        struct image_norm norm = {0};
        struct quantise_error sum = {0};
        progress(p, t, p->n_matrices + i);
        good = gguf_row_finite(p->g, t, 0, weights, e) &&
               convert_norm(p, t, weights, &norm, (int16_t *)(void *)(record + sizeof norm), &sum, e);
        if (good) {
            memcpy(record, &norm, sizeof norm);
            report_tensor(p, t, 16, 16, "-", NULL, norm.exponent, &sum);
            good = write_at(p->fd, p->path, record, norm_bytes, p->sections[IMAGE_NORMS - 1].offset + (uint64_t)i * norm_bytes, e);
        }
    }
    free(weights);
    free(record);
    return good;
}

static bool write_matrices(struct plan *p, struct error *e)
{
    const struct image_section *data = &p->sections[IMAGE_DATA - 1], *table = &p->sections[IMAGE_MATRICES - 1];
    for (int32_t i = 0; i < p->n_matrices; i++) {
        struct planned_matrix *m = &p->matrices[i];
        struct image_matrix *entry = &m->entry;
        struct bake_target target = {p->fd, p->path, data->offset + entry->offset, p->n_threads};
        struct matrix w = {.format = (enum weight_format)entry->format, .n_out = entry->n_out, .n_in = entry->n_in};
        progress(p, m->tensor, i);
        if (!bake_matrix(p->g, m->tensor, &target, &w, m->codebook_name, &m->sum, e)) {
            return false;
        }
        entry->exponent = w.exponent;
        memcpy(entry->codebook, w.codebook, sizeof entry->codebook);
        double weights = (double)w.n_out * w.n_in;
        report_tensor(p, m->tensor, weight_bits(w.format), (double)matrix_rom_bits(&w) / weights, m->codebook_name, w.codebook, w.exponent,
                      &m->sum);
        if (p->report) {
            p->report->n_weights += (int64_t)w.n_out * w.n_in;
            p->report->rom_bits += matrix_rom_bits(&w);
        }
        if (!write_at(p->fd, p->path, entry, sizeof *entry, table->offset + (uint64_t)i * sizeof *entry, e)) {
            return false;
        }
    }
    return true;
}

static char *append(char *at, const void *bytes, size_t size_bytes)
{
    if (size_bytes) {
        memcpy(at, bytes, size_bytes);
    }
    return at + size_bytes;
}

static bool write_vocab(const struct plan *p, struct error *e)
{
    const struct vocab *v = &p->vocab;
    struct image_vocab header = {.kind = v->kind,
                                 .n_tokens = v->n_tokens,
                                 .n_merges = v->n_merges,
                                 .bos = v->bos,
                                 .eos = v->eos,
                                 .unknown = v->unknown,
                                 .string_bytes = string_bytes(v)};
    header.flags = (v->add_bos ? IMAGE_VOCAB_ADD_BOS : 0) | (v->add_space_prefix ? IMAGE_VOCAB_ADD_SPACE_PREFIX : 0);
    memcpy(header.pre, v->pre, sizeof header.pre);
    char *blob = error_calloc(e, vocab_bytes(v), 1, "the vocabulary"), *at = blob;
    if (!blob) {
        return false;
    }
    at = append(at, &header, sizeof header);
    for (int32_t i = 0; i < v->n_tokens; i++) {
        at = append(at, &v->tokens[i].length_bytes, 4);
    }
    for (int32_t i = 0; i < v->n_merges; i++) {
        at = append(at, &v->merges[i].length_bytes, 4);
    }
    at = append(at, v->scores, v->scores ? 4 * (size_t)v->n_tokens : 0);
    at = append(at, v->types, (size_t)v->n_tokens);
    for (int32_t i = 0; i < v->n_tokens; i++) {
        at = append(at, v->tokens[i].bytes, v->tokens[i].length_bytes);
    }
    for (int32_t i = 0; i < v->n_merges; i++) {
        at = append(at, v->merges[i].bytes, v->merges[i].length_bytes);
    }
    ES_ASSERT((uint64_t)(at - blob) == vocab_bytes(v));
    bool good = write_section(p, IMAGE_VOCAB, blob, e);
    free(blob);
    return good;
}

/* The header comes last: its checksum is of everything behind it, read back from the file. */
static bool write_header(const struct plan *p, struct error *e)
{
    const struct image_section *data = &p->sections[IMAGE_DATA - 1];
    struct image_header header = {
        .magic = IMAGE_MAGIC, .version = IMAGE_VERSION, .n_sections = IMAGE_SECTION_COUNT, .file_bytes = data->offset + data->bytes};
    XXH64_state_t *state = XXH64_createState();
    char *buffer = error_calloc(e, COPY_BYTES, 1, "a buffer");
    bool good = buffer && (state || error_input(e, "not enough memory for a checksum"));
    if (good) {
        XXH64_reset(state, 0);
    }
    for (uint64_t at = IMAGE_CHECKSUM_START; good && at < header.file_bytes;) {
        ssize_t n = pread(p->fd, buffer, COPY_BYTES, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        good = n > 0 || error_input(e, "%s: cannot be read back at byte %llu: %s", p->path, (unsigned long long)at, strerror(errno));
        if (good) {
            XXH64_update(state, buffer, (size_t)n);
            at += (uint64_t)n;
        }
    }
    header.checksum = good ? XXH64_digest(state) : 0;
    XXH64_freeState(state);
    free(buffer);
    if (good && p->report) {
        p->report->image_bytes = (int64_t)header.file_bytes;
    }
    return good && write_at(p->fd, p->path, &header, sizeof header, 0, e);
}

static bool write_image(struct plan *p, struct error *e)
{
    const struct image_section *data = &p->sections[IMAGE_DATA - 1];
    if (ftruncate(p->fd, (off_t)(data->offset + data->bytes)) != 0) {
        return error_input(e, "%s: cannot be made %llu bytes long: %s", p->path, (unsigned long long)(data->offset + data->bytes),
                           strerror(errno));
    }
    if (!write_at(p->fd, p->path, p->sections, sizeof p->sections, sizeof(struct image_header), e) ||
        !write_section(p, IMAGE_SHAPE, &p->shape, e) || !write_rope(p, e) || !write_vocab(p, e) || !write_matrices(p, e) ||
        !write_norms(p, e) || !write_header(p, e)) {
        return false;
    }
    progress(p, NULL, p->n_matrices + p->n_norms);
    if (p->report) {
        p->report->bits_per_weight = (double)p->report->rom_bits / (double)p->report->n_weights;
        p->report->rom_bits += (int64_t)p->n_norms * p->llama.shape.d_model * 16;
    }
    return true;
}

static int32_t thread_count(const struct bake_options *options)
{
    long n = options->n_threads > 0 ? options->n_threads : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > BAKE_THREADS_MAX ? BAKE_THREADS_MAX : (int32_t)n;
}

static bool bake_gguf(const struct gguf *g, int fd, const char *path, const struct bake_options *options, struct bake_report *report,
                      struct error *e)
{
    struct bake_options defaults;
    bake_options_default(&defaults);
    struct plan p = {.g = g, .fd = fd, .path = path, .options = options ? options : &defaults, .report = report};
    p.n_threads = thread_count(p.options);
    bool good = plan_model(&p, e);
    if (good && report) {
        report->tensors = error_calloc(e, (size_t)(p.n_matrices + p.n_norms), sizeof *report->tensors, "the report");
        good = report->tensors != NULL;
    }
    good = good && write_image(&p, e);
    plan_free(&p);
    return good;
}

bool bake_fd(const char *gguf_path, int fd, const char *path, const struct bake_options *options, struct bake_report *report,
             struct error *e)
{
    struct bake_report ignored = {0}, *r = report ? report : &ignored;
    struct gguf g;
    *r = (struct bake_report){0};
    if (!gguf_open(gguf_path, &g, e)) {
        return false;
    }
    bool good = bake_gguf(&g, fd, path, options, report, e);
    gguf_close(&g);
    if (!good) {
        bake_report_free(r);
    }
    return good;
}

void bake_report_free(struct bake_report *report)
{
    free(report->tensors);
    *report = (struct bake_report){0};
}

/* ---- the file under its name ---- */

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* A nameless file in the target's folder vanishes with the process, whatever ends it. */
static int open_nameless(const char *image_path)
{
    const char *slash = strrchr(image_path, '/');
    size_t length = slash ? (size_t)(slash - image_path) + 1 : 0;
    char *folder = slash ? strndup(image_path, length) : strdup(".");
    int fd = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
    free(folder);
    return fd;
}

static bool give_name(int fd, const char *temporary, const char *image_path, bool nameless, struct error *e)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (nameless && linkat(AT_FDCWD, self, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) != 0) {
        return error_input(e, "%s: cannot be created: %s", temporary, strerror(errno));
    }
    if (rename(temporary, image_path) != 0) {
        int reason = errno;
        unlink(temporary);
        return error_input(e, "%s: cannot be replaced: %s", image_path, strerror(reason));
    }
    return true;
}

bool bake(const char *gguf_path, const char *image_path, const struct bake_options *options, struct bake_report *report, struct error *e)
{
    if (report) {
        *report = (struct bake_report){0};
    }
    if (same_file(gguf_path, image_path)) {
        return error_input(e, "%s: expected an image path other than the model's own file", image_path);
    }
    size_t room = strlen(image_path) + 32;
    char *temporary = error_calloc(e, room, 1, "a file name");
    if (!temporary) {
        return false;
    }
    snprintf(temporary, room, "%s.tmp-%ld", image_path, (long)getpid());
    int fd = open_nameless(image_path);
    bool nameless = fd >= 0;
    if (!nameless) {
        fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    bool good = fd >= 0 || error_input(e, "%s: cannot be created: %s", temporary, strerror(errno));
    good = good && bake_fd(gguf_path, fd, image_path, options, report, e) && give_name(fd, temporary, image_path, nameless, e);
    if (fd >= 0) {
        close(fd);
        if (!good && !nameless) {
            unlink(temporary);
        }
    }
    if (!good && report) {
        bake_report_free(report);
    }
    free(temporary);
    return good;
}
