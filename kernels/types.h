/* types.h -- the values that live on the chip: vectors, matrices in ROM, LoRA pairs, one model.
 *
 * Every vector is integer mantissas with a power-of-two exponent: value = m * 2^exponent. Formats and bounds: docs/numbers.md.
 * Nothing here owns memory except where it says so.
 */
#ifndef ETCHSIM_TYPES_H
#define ETCHSIM_TYPES_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GROUP_INPUTS = 32, /* inputs that share one 6-bit weight scale, unless a matrix says 16 */
    BLOCK_ROWS = 16,   /* output rows stored interleaved, see struct matrix */
    PANEL_INPUTS = 32, /* inputs stored interleaved */
    ACT_GROUP = 32,    /* activations that share a shift */
    ACT_SHIFT_MAX = 3,
    ACT_MAX = 127 << ACT_SHIFT_MAX, /* the largest magnitude, in units of the vector's exponent */
    RESIDUAL_EXPONENT = -16,        /* the residual stream is int32 in steps of 2^-16 */
    LORA_RANK_MAX = 128,
    TILE_ROWS_MAX = 8192, /* 8192 * ACT_MAX * 32 * 63 < 2^34: a tile's accumulator is 35 bits wide */
    VECTOR_PAD = 64,      /* vectors of act8 have room for their length rounded up to this, and the tail is zero */
};
#define ACC_LIMIT (((int64_t)1 << 39) - 1) /* accumulators after the reduction tree: 40 bits signed */

static inline int32_t padded(int32_t n)
{
    return (n + VECTOR_PAD - 1) / VECTOR_PAD * VECTOR_PAD;
}

struct act8 {  /* activations, value = m << shift of its group, times 2^exponent */
    int8_t *m; /* -127..127; m[n .. padded(n)) are zero */
    int32_t n;
    int32_t exponent;
    uint8_t *shift; /* [act_groups(n)], 0..ACT_SHIFT_MAX; NULL: one exponent for all, no shifts */
};

static inline int32_t act_groups(int32_t n)
{
    return (n + ACT_GROUP - 1) / ACT_GROUP;
}

struct acc { /* accumulators, |m| <= ACC_LIMIT */
    int64_t *m;
    int32_t n;
    int32_t exponent;
};

struct residual { /* residual stream, exponent RESIDUAL_EXPONENT */
    int32_t *m;
    int32_t n;
};

enum weight_format { WEIGHT_W3, WEIGHT_W4, WEIGHT_W6, WEIGHT_FORMATS };
enum { CODEBOOK_MAX = 16, CHUNK_INPUTS = 4, CHUNK_CODES = BLOCK_ROWS * CHUNK_INPUTS, PANEL_CHUNKS = PANEL_INPUTS / CHUNK_INPUTS };

static inline int weight_bits(enum weight_format format)
{
    return format == WEIGHT_W3 ? 3 : format == WEIGHT_W4 ? 4 : 6;
}
/* In the ROM, of each group: MXFP4's shared exponent has 8 bits. */
static inline int weight_scale_bits(enum weight_format format)
{
    return format == WEIGHT_W4 ? 8 : 6;
}
/* Entries of the codebook; 0: a w6 code is the value plus 32. */
static inline int weight_codebook_entries(enum weight_format format)
{
    return format == WEIGHT_W3 ? 8 : format == WEIGHT_W4 ? 16 : 0;
}

/* A weight matrix in ROM: [n_out, n_in], value = codebook[code] * scale * 2^exponent (W3, W4) or (code - 32) * scale * 2^exponent (W6).
 *
 * data: rows in blocks of 16 (the last one padded with scale 0), inputs in panels of 32 (padded with code 0; the activations there are
 * zero). For each block, for each panel: the scales of its 16 rows (a byte each, 0..63), for groups of 16 inputs then those of the second
 * half; then the codes. Those of 16 rows x 4 consecutive inputs are a chunk, number j = 4 * row + input in it, and 8 chunks are a panel. They
 * are kept in planes of 64 bytes, one a bit; byte j of a plane has bits of the codes j of several chunks:
 *   W3  3 planes; the low six bits of plane k: chunk 2k, then chunk 2k + 1; the top two bits of the three planes together, plane 0 the lowest:
 *       six bits more, chunk 6, then chunk 7
 *   W4  4 planes; plane k: chunk 2k, then chunk 2k + 1
 *   W6  6 planes; the low six bits of plane 3t + k: chunk 4t + k; the top two bits of planes 3t .. 3t + 2 together: chunk 4t + 3
 * So a 512-bit register holds the codes of several chunks at once, a table look-up that takes the low bits of a byte decodes one, and one
 * 4-way dot product accumulates it into 16 rows. */
struct matrix {
    enum weight_format format;
    int32_t n_out, n_in;
    int32_t exponent;
    bool groups_of_16;             /* 16 inputs share a scale, not 32 */
    int8_t codebook[CODEBOOK_MAX]; /* zero beyond the format's entries */
    const uint8_t *data;
};

enum { PLANE_BYTES = CHUNK_CODES };

static inline int32_t matrix_blocks(const struct matrix *w)
{
    return (w->n_out + BLOCK_ROWS - 1) / BLOCK_ROWS;
}
static inline int32_t matrix_group_inputs(const struct matrix *w)
{
    return w->groups_of_16 ? 16 : GROUP_INPUTS;
}
/* Scales of a row. */
static inline int32_t matrix_groups(const struct matrix *w)
{
    return (w->n_in + matrix_group_inputs(w) - 1) / matrix_group_inputs(w);
}
static inline int32_t matrix_panels(const struct matrix *w)
{
    return (w->n_in + PANEL_INPUTS - 1) / PANEL_INPUTS;
}
static inline int32_t matrix_panel_scales(const struct matrix *w)
{
    return BLOCK_ROWS * (PANEL_INPUTS / matrix_group_inputs(w));
}
static inline int64_t matrix_panel_bytes(const struct matrix *w)
{
    return matrix_panel_scales(w) + (int64_t)PLANE_BYTES * weight_bits(w->format);
}
static inline int64_t matrix_bytes(const struct matrix *w)
{
    return (int64_t)matrix_blocks(w) * matrix_panels(w) * matrix_panel_bytes(w);
}
/* Bits in the mask ROM: codes and scales of the true shape, without the padding of the image. */
static inline int64_t matrix_rom_bits(const struct matrix *w)
{
    return (int64_t)w->n_out * ((int64_t)w->n_in * weight_bits(w->format) + (int64_t)matrix_groups(w) * weight_scale_bits(w->format));
}

struct norm { /* RMSNorm weights, value = m * 2^exponent, and the constants of its shape */
    int32_t n;
    int32_t exponent;
    const int16_t *m;
    uint64_t epsilon_q40; /* round(epsilon * n * 2^40) */
    uint32_t sqrt_n_q16;  /* round(sqrt(n) * 2^16) */
};

/* Whose files it comes from: names of keys and tensors, the order of Q's and K's rows in them (sim/architecture.h). */
enum architecture {
    ARCHITECTURE_LLAMA,
    ARCHITECTURE_QWEN2,
    ARCHITECTURE_QWEN3,
    ARCHITECTURE_GEMMA3,
    ARCHITECTURE_PHI3,
    ARCHITECTURE_COUNT
};
enum activation { ACTIVATION_SILU, ACTIVATION_GELU }; /* GELU: the tanh approximation */

struct shape { /* of a model; all counts positive, n_heads a multiple of n_kv_heads, head_dim even */
    int32_t n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff, n_vocab, context_tokens;
    bool tied_head;
    float rms_epsilon, rope_base;
    enum weight_format linear_format; /* of linears that are not there: for sizes, and weights that are drawn. A matrix has its own */
    /* What other architectures add. All of it zero: a Llama. */
    enum architecture architecture;
    bool qkv_bias;              /* Q, K and V have a bias (Qwen 2) */
    bool qk_norm;               /* RMSNorm of each head of Q and K, before RoPE (Gemma 3) */
    bool post_norms;            /* RMSNorm of what attention and FFN add to the residual stream (Gemma 3) */
    bool scaled_embedding;      /* embeddings times sqrt(d_model) (Gemma 3) */
    enum activation activation; /* of the gate */
    int32_t rotary_dim;         /* RoPE turns the first so many values of a head; 0: all of them (Phi 3: three quarters) */
    float rope_gain;            /* what sine and cosine are multiplied by; 0: nothing (Phi 3 with long context) */
    int32_t window_tokens;      /* a local layer attends to the latest so many tokens, its own included; 0: no layer is local */
    int32_t global_period;      /* with a window: the last of each so many layers is global, the others are local; 0: all are local */
    float rope_base_local;      /* RoPE's base in local layers; 0: rope_base */
};

static inline bool shape_is_local(const struct shape *s, int32_t layer)
{
    return s->window_tokens > 0 && (s->global_period == 0 || (layer + 1) % s->global_period != 0);
}
/* Of n_tokens in the KV cache, its own the last, the latest that a token attends to in this layer. */
static inline int32_t shape_visible_tokens(const struct shape *s, int32_t layer, int32_t n_tokens)
{
    return shape_is_local(s, layer) && n_tokens > s->window_tokens ? s->window_tokens : n_tokens;
}
static inline int32_t shape_rotary_dim(const struct shape *s)
{
    return s->rotary_dim ? s->rotary_dim : s->head_dim;
}

/* The linears of a layer, then what can have a LoRA pair outside the layers: the ends. */
enum linear {
    LINEAR_Q,
    LINEAR_K,
    LINEAR_V,
    LINEAR_O,
    LINEAR_GATE,
    LINEAR_UP,
    LINEAR_DOWN,
    LINEAR_COUNT,
    LINEAR_EMBEDDING = LINEAR_COUNT, /* one token in, a one-hot vector of n_vocab: its column of A */
    LINEAR_HEAD,
    LINEAR_ENDS /* behind the last one */
};

enum { K_SHIFT_MAX = 7 };
enum { BIASES = LINEAR_V + 1 }; /* Q, K and V can have one */

struct bias { /* value = m * 2^exponent */
    int32_t n;
    int32_t exponent;
    const int16_t *m; /* NULL: there is none */
};

/* The norms that not every model has: m is NULL. */
struct layer {
    struct norm attention_norm, ffn_norm;           /* [d_model] */
    struct norm post_attention_norm, post_ffn_norm; /* [d_model], where shape.post_norms */
    struct norm q_norm, k_norm;                     /* [head_dim], where shape.qk_norm */
    struct matrix linear[LINEAR_COUNT];
    struct bias bias[BIASES]; /* where shape.qkv_bias */
    /* [n_kv_heads][head_dim / 2], where shape.qkv_bias: pairs of K are made 2^this smaller and those of Q larger (kernels/rope.h); else NULL */
    const uint8_t *k_shift;
};

/* 16-bit values of a model beside its matrices: weights of all norms, biases of Q, K, V. */
static inline int64_t shape_vector_values(const struct shape *shape)
{
    int64_t n = shape->qkv_bias ? ((int64_t)shape->n_heads + 2 * (int64_t)shape->n_kv_heads) * shape->head_dim : 0;
#define LAYER_NORM(field, width, present) n += (present) ? shape->width : 0;
#include "kernels/layer_norms.def"
#undef LAYER_NORM
    return n * shape->n_layers + shape->d_model;
}

/* Constants that are zero where a model does without: rope_increment_local, rope_gain_q14, embedding_scale_q16. */
struct model {
    struct shape shape;
    struct matrix embedding; /* [n_vocab, d_model] */
    struct matrix head;      /* [n_vocab, d_model]; the same data as embedding where tied */
    struct norm final_norm;
    struct layer *layers;           /* [n_layers] */
    uint64_t *rope_increment;       /* [rotary_dim / 2]: turns per position, in units of 2^-64 */
    uint64_t *rope_increment_local; /* the same of local layers; NULL: as in global ones */
    int32_t rope_gain_q14;          /* round(rope_gain * 2^14) */
    int32_t embedding_scale_q16;    /* round(what embeddings are multiplied by * 2^16) */
    int32_t softmax_scale_q15;      /* round(log2(e) / sqrt(head_dim) * 2^15) */
};

static inline int32_t shape_n_out(const struct shape *s, enum linear which)
{
    switch (which) {
    case LINEAR_Q: return s->n_heads * s->head_dim;
    case LINEAR_K:
    case LINEAR_V: return s->n_kv_heads * s->head_dim;
    case LINEAR_GATE:
    case LINEAR_UP: return s->d_ff;
    case LINEAR_HEAD: return s->n_vocab;
    default: return s->d_model;
    }
}

static inline int32_t shape_n_in(const struct shape *s, enum linear which)
{
    return which == LINEAR_O           ? s->n_heads * s->head_dim
           : which == LINEAR_DOWN      ? s->d_ff
           : which == LINEAR_EMBEDDING ? s->n_vocab
                                       : s->d_model;
}

/* An adapter's pairs in order: the linears of layer 0, those of layer 1 ..., the embedding's, the head's. */
static inline int32_t pair_count(int32_t n_layers)
{
    return n_layers * LINEAR_COUNT + LINEAR_ENDS - LINEAR_COUNT;
}
/* `layer` does not matter for an end. */
static inline int32_t pair_index(int32_t n_layers, int32_t layer, enum linear which)
{
    return which < LINEAR_COUNT ? layer * LINEAR_COUNT + (int32_t)which : n_layers * LINEAR_COUNT + (int32_t)which - LINEAR_COUNT;
}
static inline enum linear pair_linear(int32_t n_layers, int32_t index)
{
    const int32_t end = index - n_layers * LINEAR_COUNT;
    return (enum linear)(end < 0 ? index % LINEAR_COUNT : LINEAR_COUNT + end);
}

/* The order in which a token meets them: -1 the embedding, 0 .. n_layers - 1 the layers, n_layers the head. */
enum { LAYER_EMBEDDING = -1 };
static inline int32_t pair_layer(int32_t n_layers, int32_t index)
{
    const enum linear which = pair_linear(n_layers, index);
    return which == LINEAR_EMBEDDING ? LAYER_EMBEDDING : which == LINEAR_HEAD ? n_layers : index / LINEAR_COUNT;
}
struct linear_range {
    enum linear first, end; /* end: behind the last one */
};
static inline struct linear_range layer_linears(int32_t n_layers, int32_t layer)
{
    return layer == LAYER_EMBEDDING ? (struct linear_range){LINEAR_EMBEDDING, LINEAR_EMBEDDING + 1}
           : layer == n_layers      ? (struct linear_range){LINEAR_HEAD, LINEAR_HEAD + 1}
                                    : (struct linear_range){LINEAR_Q, LINEAR_COUNT};
}

/* One linear's LoRA pair: delta = B (A x), alpha / r folded into scale_b. rank 0: this linear has none. */
struct lora_pair {
    int32_t rank, n_in, n_out;
    int32_t exponent_a, exponent_b;
    const int8_t *a;         /* [rank, n_in], -31..31 */
    const int8_t *b;         /* [n_out, rank], -31..31 */
    const uint16_t *scale_a; /* [rank] */
    const uint16_t *scale_b; /* [n_out] */
};

/* What a LoRA weight and a row's scale take. */
enum { LORA_WEIGHT_BITS = 6, LORA_SCALE_BITS = 16 };

/* Bits of weights and scales; in an SRAM slot they are padded to lane rows (docs/lora_mac.md). */
static inline int64_t lora_pair_bits(const struct lora_pair *p)
{
    return p->rank == 0 ? 0 : LORA_WEIGHT_BITS * (int64_t)p->rank * (p->n_in + p->n_out) + LORA_SCALE_BITS * ((int64_t)p->rank + p->n_out);
}

/* KV cache of one sequence in one layer. */
struct kv {
    int8_t *k, *v;                    /* [capacity][n_kv_heads][head_dim] */
    int16_t *k_exponent, *v_exponent; /* [capacity][n_kv_heads] */
    int32_t capacity_tokens;
};

#endif
