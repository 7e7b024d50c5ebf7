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

#include "sim/bake_matrix.h"
#include "sim/bake_plan.h"

enum { COPY_BYTES = 1 << 20 };

/* ---- the plan: everything whose size is known before the first weight is read ---- */

static void plan_free(struct plan *p)
{
    free(p->matrices);
    gguf_model_free(&p->model);
    if (!p->synthetic) { /* else it is the caller's */
        vocab_free(&p->vocab);
    }
}

static enum weight_format format_of_bits(int32_t bits)
{
    return bits == 3 ? WEIGHT_W3 : bits == 4 ? WEIGHT_W4 : WEIGHT_W6;
}

/* `name` without ".weight". */
static void plan_matrix(struct plan *p, const char *name, const struct gguf_part *part, int32_t n_in, int32_t bits, uint64_t *offset)
{
    struct planned_matrix *m = &p->matrices[p->n_matrices++];
    const struct matrix w = {.format = format_of_bits(bits), .n_out = part->n, .n_in = n_in};
    m->part = *part;
    snprintf(m->name, sizeof m->name, "%s.weight", name);
    m->entry = (struct image_matrix){.format = w.format,
                                     .n_out = w.n_out,
                                     .n_in = w.n_in,
                                     .group_inputs = matrix_group_inputs(&w),
                                     .offset = *offset,
                                     .bytes = (uint64_t)matrix_bytes(&w)};
    *offset = image_aligned(*offset + m->entry.bytes);
}

static int32_t linear_bits(const struct plan *p, enum linear which)
{
    const int32_t bits = p->options->linear_bits[which];
    return bits ? bits : weight_bits(p->model.shape.linear_format);
}

static bool plan_matrices(struct plan *p, uint64_t *data_bytes, struct error *e)
{
    const struct shape *s = &p->model.shape;
    const struct bake_options *o = p->options;
    if (s->tied_head && o->head_bits != 0 && o->head_bits != o->embedding_bits) {
        return error_input(e, "%s: output=%d: expected output=%d or none, found a head tied to a %d-bit embedding", p->source, o->head_bits,
                           o->embedding_bits, o->embedding_bits);
    }
    p->matrices = error_calloc(e, (size_t)s->n_layers * LINEAR_COUNT + 2, sizeof *p->matrices, "the table of matrices");
    if (!p->matrices) {
        return false;
    }
    uint64_t offset = 0;
    plan_matrix(p, "token_embd", &p->model.embedding, s->d_model, o->embedding_bits, &offset);
    if (!s->tied_head) {
        plan_matrix(p, "output", &p->model.head, s->d_model, o->head_bits ? o->head_bits : 6, &offset);
    }
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        for (enum linear which = 0; which < LINEAR_COUNT; which++) {
            char name[GGUF_TENSOR_NAME_MAX + 1];
            snprintf(name, sizeof name, "blk.%d.%s", layer, LINEAR_NAMES[which]);
            plan_matrix(p, name, &p->model.layers[layer].linear[which], shape_n_in(s, which), linear_bits(p, which), &offset);
        }
    }
    const struct image_matrix *last = &p->matrices[p->n_matrices - 1].entry;
    *data_bytes = last->offset + last->bytes;
    return true;
}

/* Norms and biases. */
static int32_t count_vectors(const struct shape *shape)
{
    int32_t layer = shape->qkv_bias ? BIASES : 0;
#define LAYER_NORM(field, width, present) layer += (present) ? 1 : 0;
#include "kernels/layer_norms.def"
#undef LAYER_NORM
    return layer * shape->n_layers + 1;
}

static void plan_sections(struct plan *p, uint64_t data_bytes)
{
    const struct shape *s = &p->model.shape;
    p->n_vectors = count_vectors(s);
    const uint64_t bytes[IMAGE_SECTION_COUNT] = {
        sizeof(struct image_shape),
        image_rope_bytes(s),
        image_norms_bytes(s),
        image_biases_bytes(s),
        (uint64_t)p->n_matrices * sizeof(struct image_matrix),
        bake_vocab_bytes(&p->vocab),
        data_bytes,
    };
    uint64_t offset = sizeof(struct image_header) + sizeof p->sections;
    for (int i = 0; i < IMAGE_SECTION_COUNT; i++) {
        p->sections[i] = (struct image_section){.kind = (uint32_t)i + 1, .offset = image_aligned(offset), .bytes = bytes[i]};
        offset = p->sections[i].offset + bytes[i];
    }
}

/* The model's name: a GGUF file's is that of the file, without folder and extension. */
static void plan_shape(struct plan *p)
{
    const struct shape *s = &p->model.shape;
    const char *slash = strrchr(p->source, '/'), *name = slash ? slash + 1 : p->source;
    const char *dot = p->synthetic ? NULL : strrchr(name, '.');
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
        .architecture = s->architecture,
        .rotary_dim = s->rotary_dim,
        .window_tokens = s->window_tokens,
        .global_period = s->global_period,
        .rope_gain = s->rope_gain,
        .rope_base_local = s->rope_base_local,
        .rope_gain_q14 = (int32_t)lrintf(s->rope_gain * 0x1p14f),
    };
    if (s->scaled_embedding || plan_residual_shift(s)) {
        p->shape.embedding_scale_q16 = (int32_t)lrint(ldexp(s->scaled_embedding ? sqrt(s->d_model) : 1.0, 16 - plan_residual_shift(s)));
    }
    memcpy(p->shape.name, name, length < sizeof p->shape.name ? length : sizeof p->shape.name - 1);
}

static bool read_model(struct plan *p, struct error *e)
{
    if (p->synthetic) {
        p->vocab = *p->synthetic->vocab;
        return synthetic_model(p->synthetic->shape, &p->model, e);
    }
    return gguf_model(p->g, &p->model, e) && (!p->options->long_rope || gguf_model_use_long_rope(p->g, &p->model, e)) &&
           gguf_vocab(p->g, &p->vocab, e);
}

static bool plan_model(struct plan *p, struct error *e)
{
    uint64_t data_bytes = 0;
    if (!read_model(p, e)) {
        return false;
    }
    if (p->vocab.kind != VOCAB_NONE && p->vocab.n_tokens != p->model.shape.n_vocab) {
        return error_input(e, "%s: key tokenizer.ggml.tokens: expected %d tokens, the rows of token_embd.weight, found %d", p->source,
                           p->model.shape.n_vocab, p->vocab.n_tokens);
    }
    if (!plan_matrices(p, &data_bytes, e)) {
        return false;
    }
    plan_sections(p, data_bytes);
    plan_shape(p);
    return true;
}

/* ---- writing ---- */

bool plan_write(const struct plan *p, enum image_section_kind kind, uint64_t at, const void *bytes, size_t size_bytes, struct error *e)
{
    const struct image_section *s = &p->sections[kind - 1];
    ES_ASSERT(at + size_bytes <= s->bytes);
    return write_at(p->fd, p->path, bytes, size_bytes, s->offset + at, e);
}

void plan_report(struct plan *p, const struct bake_tensor *row, const struct quantise_error *sum)
{
    if (p->report) {
        struct bake_tensor *r = &p->report->tensors[p->report->n_tensors++];
        *r = *row;
        r->relative_rms_error = quantise_relative_rms(sum);
        r->relative_max_error = sum->largest_error > 0 ? sum->largest_error / sum->largest_weight : 0;
    }
}

static void show_progress(const struct plan *p, const char *name)
{
    if (p->options->progress) {
        p->options->progress(p->options->user, name, p->n_done, p->n_matrices + p->n_vectors);
    }
}

void plan_progress(struct plan *p, const char *name)
{
    show_progress(p, name);
    p->n_done++;
}

static void report_matrix(struct plan *p, const struct planned_matrix *m, const struct matrix *w)
{
    const double weights = (double)w->n_out * w->n_in;
    struct bake_tensor row = {.n_out = w->n_out,
                              .n_in = w->n_in,
                              .bits = weight_bits(w->format),
                              .bits_per_weight = (double)matrix_rom_bits(w) / weights,
                              .exponent = w->exponent};
    memcpy(row.name, m->name, sizeof row.name);
    memcpy(row.codebook_name, m->codebook_name, sizeof row.codebook_name);
    memcpy(row.codebook, w->codebook, sizeof row.codebook);
    plan_report(p, &row, &m->sum);
    if (p->report) {
        p->report->n_weights += (int64_t)w->n_out * w->n_in;
        p->report->rom_bits += matrix_rom_bits(w);
    }
}

static bool write_matrices(struct plan *p, struct error *e)
{
    const struct image_section *data = &p->sections[IMAGE_DATA - 1], *table = &p->sections[IMAGE_MATRICES - 1];
    for (int32_t i = 0; i < p->n_matrices; i++) {
        struct planned_matrix *m = &p->matrices[i];
        struct image_matrix *entry = &m->entry;
        struct bake_target target = {p->fd, p->path, data->offset + entry->offset, p->n_threads};
        struct matrix w = {.format = (enum weight_format)entry->format, .n_out = entry->n_out, .n_in = entry->n_in};
        plan_progress(p, m->name);
        if (p->synthetic ? !synthetic_matrix(p, i, &target, &w, m->codebook_name, e)
                         : !bake_matrix(p->g, &m->part, &target, &w, m->codebook_name, &m->sum, e)) {
            return false;
        }
        entry->exponent = w.exponent;
        memcpy(entry->codebook, w.codebook, sizeof entry->codebook);
        report_matrix(p, m, &w);
        if (!write_at(p->fd, p->path, entry, sizeof *entry, table->offset + (uint64_t)i * sizeof *entry, e)) {
            return false;
        }
    }
    return true;
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
        !plan_write(p, IMAGE_SHAPE, 0, &p->shape, sizeof p->shape, e) || !bake_rope(p, e) || !bake_vocab(p, e) || !write_matrices(p, e) ||
        !bake_norms(p, e) || !bake_biases(p, e) || !write_header(p, e)) {
        return false;
    }
    show_progress(p, NULL);
    if (p->report) {
        p->report->bits_per_weight = (double)p->report->rom_bits / (double)p->report->n_weights;
        p->report->rom_bits += 16 * shape_vector_values(&p->model.shape);
    }
    return true;
}

static int32_t thread_count(const struct bake_options *options)
{
    long n = options->n_threads > 0 ? options->n_threads : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > BAKE_THREADS_MAX ? BAKE_THREADS_MAX : (int32_t)n;
}

/* From what the plan names as its source. */
static bool bake_plan(struct plan *p, const struct bake_options *options, struct bake_report *report, struct error *e)
{
    struct bake_options defaults;
    bake_options_default(&defaults);
    p->options = options ? options : &defaults;
    p->report = report;
    p->n_threads = thread_count(p->options);
    bool good = plan_model(p, e);
    if (good && report) {
        report->tensors = error_calloc(e, (size_t)(p->n_matrices + p->n_vectors), sizeof *report->tensors, "the report");
        good = report->tensors != NULL;
    }
    good = good && write_image(p, e);
    plan_free(p);
    if (!good && report) {
        bake_report_free(report);
    }
    return good;
}

bool bake_fd(const char *gguf_path, int fd, const char *path, const struct bake_options *options, struct bake_report *report,
             struct error *e)
{
    struct gguf g;
    if (report) {
        *report = (struct bake_report){0};
    }
    if (!gguf_open(gguf_path, &g, e)) {
        return false;
    }
    bool good = bake_plan(&(struct plan){.g = &g, .source = gguf_path, .fd = fd, .path = path}, options, report, e);
    gguf_close(&g);
    return good;
}

bool bake_synthetic_fd(const struct synthetic_model *model, int fd, const char *path, const struct bake_options *options,
                       struct bake_report *report, struct error *e)
{
    if (report) {
        *report = (struct bake_report){0};
    }
    return bake_plan(&(struct plan){.synthetic = model, .source = model->name, .fd = fd, .path = path}, options, report, e);
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

/* Either of them. */
struct source {
    const char *gguf_path;
    const struct synthetic_model *synthetic;
};

static bool bake_named(const struct source *from, const char *image_path, const struct bake_options *options, struct bake_report *report,
                       struct error *e)
{
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
    good = good && (from->synthetic ? bake_synthetic_fd(from->synthetic, fd, image_path, options, report, e)
                                    : bake_fd(from->gguf_path, fd, image_path, options, report, e));
    good = good && give_name(fd, temporary, image_path, nameless, e);
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

bool bake(const char *gguf_path, const char *image_path, const struct bake_options *options, struct bake_report *report, struct error *e)
{
    if (report) {
        *report = (struct bake_report){0};
    }
    if (same_file(gguf_path, image_path)) {
        return error_input(e, "%s: expected an image path other than the model's own file", image_path);
    }
    return bake_named(&(struct source){.gguf_path = gguf_path}, image_path, options, report, e);
}

bool bake_synthetic(const struct synthetic_model *model, const char *image_path, const struct bake_options *options,
                    struct bake_report *report, struct error *e)
{
    if (report) {
        *report = (struct bake_report){0};
    }
    return bake_named(&(struct source){.synthetic = model}, image_path, options, report, e);
}
