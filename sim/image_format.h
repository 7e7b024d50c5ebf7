/* image_format.h -- the ROM image file, byte for byte. In words: docs/image-format.md.
 *
 *   header | section table | shape | rope | norms | biases | matrices | vocabulary | data
 *
 * Little-endian. Sections stand in this order, each once, at the next multiple of 64 after the one before; the gaps are zero. The
 * file ends where the data section ends.
 */
#ifndef ETCHSIM_IMAGE_FORMAT_H
#define ETCHSIM_IMAGE_FORMAT_H

#include <stdint.h>

#include "kernels/types.h"

#define IMAGE_MAGIC "ETCHROM" /* and its NUL */
enum {
    IMAGE_VERSION = 4,
    IMAGE_ALIGNMENT = 64,
    IMAGE_NORM_EXPONENT_MIN = -68, /* post-norms have their model's shift in it */
    IMAGE_CHECKSUM_START = 32,     /* the checksum is of all bytes from here on */
};

enum image_section_kind {
    IMAGE_SHAPE = 1, /* struct image_shape */
    IMAGE_ROPE,      /* uint64_t [rotary_dim / 2], and again for local layers where these have a base of their own */
    IMAGE_NORMS, /* struct image_norm, int16_t [n], zeros to 8 bytes: of each layer those of kernels/layer_norms.def it has, the final one */
    IMAGE_BIASES, /* of each layer Q, K, V: struct image_bias, int16_t [n], zeros to 8 bytes; then uint8_t k_shift, zeros to 8 bytes; or empty */
    IMAGE_MATRICES, /* struct image_matrix: embedding, head unless tied, then the seven linears of each layer */
    IMAGE_VOCAB,    /* struct image_vocab and what follows it */
    IMAGE_DATA,     /* the matrices' data in the table's order, each at a multiple of 64, see struct matrix */
    IMAGE_SECTION_COUNT = IMAGE_DATA,
};

struct image_header {
    char magic[8];
    uint32_t version;
    uint32_t n_sections;
    uint64_t file_bytes;
    uint64_t checksum; /* XXH64, seed 0 */
};

struct image_section {
    uint32_t kind;
    uint32_t zero;
    uint64_t offset; /* from the start of the file */
    uint64_t bytes;
};

struct image_shape {
    char name[64]; /* NUL-padded */
    int32_t n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff, n_vocab, context_tokens;
    uint32_t tied_head; /* 0 or 1 */
    float rms_epsilon, rope_base;
    int32_t softmax_scale_q15;
    uint32_t architecture; /* enum architecture: what goes without saying for its models is not here */
    int32_t rotary_dim, window_tokens, global_period;
    float rope_gain, rope_base_local;
    int32_t rope_gain_q14, embedding_scale_q16;
};

struct image_norm {
    int32_t n;
    int32_t exponent;
    uint64_t epsilon_q40;
    uint32_t sqrt_n_q16;
    uint32_t zero;
};

struct image_bias {
    int32_t n;
    int32_t exponent;
};

struct image_matrix {
    uint32_t format; /* enum weight_format */
    int32_t n_out, n_in;
    int32_t group_inputs; /* that share a scale: 16 or 32 */
    int32_t exponent;
    uint32_t zero;
    int8_t codebook[CODEBOOK_MAX]; /* zeros beyond the format's entries; WEIGHT_W6 has none */
    uint64_t offset;               /* from the start of the data section */
    uint64_t bytes;
};

/* Followed by: uint32_t lengths of the tokens [n_tokens] and of the merges [n_merges]; float scores [n_tokens] if SentencePiece;
 * uint8_t types [n_tokens]; the bytes of all tokens and merges. */
struct image_vocab {
    uint32_t kind; /* enum vocab_kind */
    char pre[32];
    int32_t n_tokens, n_merges;
    int32_t bos, eos, unknown;
    uint32_t flags; /* IMAGE_VOCAB_* */
    uint64_t string_bytes;
};
enum { IMAGE_VOCAB_ADD_BOS = 1, IMAGE_VOCAB_ADD_SPACE_PREFIX = 2 };

_Static_assert(sizeof(struct image_header) == IMAGE_CHECKSUM_START, "no padding");
_Static_assert(sizeof(struct image_section) == 24, "no padding");
_Static_assert(sizeof(struct image_shape) == 144, "no padding");
_Static_assert(sizeof(struct image_norm) == 24, "no padding");
_Static_assert(sizeof(struct image_bias) == 8, "no padding");
_Static_assert(sizeof(struct image_matrix) == 56, "no padding");
_Static_assert(sizeof(struct image_vocab) == 72, "no padding");

static inline uint64_t image_aligned(uint64_t offset)
{
    return (offset + IMAGE_ALIGNMENT - 1) / IMAGE_ALIGNMENT * IMAGE_ALIGNMENT;
}

static inline uint64_t image_values_bytes(int32_t n)
{
    return ((uint64_t)n * sizeof(int16_t) + 7) / 8 * 8;
}

static inline uint64_t image_norms_bytes(const struct shape *shape)
{
    uint64_t layer = 0;
#define LAYER_NORM(field, width, present) layer += (present) ? sizeof(struct image_norm) + image_values_bytes(shape->width) : 0;
#include "kernels/layer_norms.def"
#undef LAYER_NORM
    return layer * (uint64_t)shape->n_layers + sizeof(struct image_norm) + image_values_bytes(shape->d_model);
}

static inline uint64_t image_shifts_bytes(const struct shape *shape)
{
    return ((uint64_t)shape->n_kv_heads * (uint64_t)shape->head_dim / 2 + 7) / 8 * 8;
}

static inline uint64_t image_biases_bytes(const struct shape *shape)
{
    uint64_t layer = 0;
    for (int i = 0; i < BIASES && shape->qkv_bias; i++) {
        layer += sizeof(struct image_bias) + image_values_bytes(shape_n_out(shape, (enum linear)i));
    }
    layer += shape->qkv_bias ? image_shifts_bytes(shape) : 0;
    return layer * (uint64_t)shape->n_layers;
}

static inline uint64_t image_rope_bytes(const struct shape *shape)
{
    return (uint64_t)shape_rotary_dim(shape) / 2 * sizeof(uint64_t) * (shape->rope_base_local > 0 ? 2 : 1);
}

#endif
