#include "adapters/memory_image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/mapped.h"
#include "sim/slice.h"

static const char magic[8] = {'E', 'T', 'C', 'H', 'L', 'O', 'R', 'A'};
enum { VERSION_LAYERS = 1, VERSION_ENDS = 2, ENDS = LINEAR_ENDS - LINEAR_COUNT, LAYERS_MAX = 4096, EXPONENT_MAX = 256 };
/* Bytes of the header's parts. */
enum {
    NAME_BYTES = 64,
    AT_NAME = 24,
    AT_HASH = AT_NAME + NAME_BYTES,
    AT_CHECKSUM = AT_HASH + 8,
    FIXED = AT_CHECKSUM + 8,
    LAYER = 24,
    LINEAR = 12
};
_Static_assert((int)NAME_BYTES == (int)sizeof((struct adapter *)0)->name, "the name travels whole");

static size_t aligned(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

static size_t header_bytes(size_t n_layers, bool ends)
{
    return aligned(FIXED + n_layers * (LAYER + (size_t)LINEAR_COUNT * LINEAR) + (ends ? ENDS * (size_t)(LAYER + LINEAR) : 0));
}

/* The slices that an image has: layers first .. last, in this order; with ends the embedding's first and the head's last. */
struct slices {
    int32_t first, last;
    size_t n;
};

static struct slices slices_of(int32_t n_layers, bool ends)
{
    return ends ? (struct slices){LAYER_EMBEDDING, n_layers, (size_t)n_layers + ENDS} : (struct slices){0, n_layers - 1, (size_t)n_layers};
}

static void store(uint8_t *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

/* Of a header with zero in its checksum's place. */
static uint64_t header_checksum(const uint8_t *header, size_t bytes)
{
    static const uint8_t zero[8];
    XXH64_state_t *state = XXH64_createState();
    ES_ASSERT(state != NULL);
    XXH64_reset(state, 0);
    XXH64_update(state, header, AT_CHECKSUM);
    XXH64_update(state, zero, sizeof zero);
    XXH64_update(state, header + FIXED, bytes - FIXED);
    uint64_t sum = XXH64_digest(state);
    XXH64_freeState(state);
    return sum;
}

/* -- writing -- */

struct bits {
    uint8_t *to;
    uint64_t held;
    unsigned n;
};

static void put(struct bits *b, uint32_t value, unsigned bits)
{
    b->held |= (uint64_t)(value & ((1u << bits) - 1)) << b->n;
    for (b->n += bits; b->n >= 8; b->n -= 8) {
        *b->to++ = (uint8_t)b->held;
        b->held >>= 8;
    }
}

static void write_slice(const struct adapter *adapter, int32_t layer, uint8_t *to)
{
    struct bits b = {to, 0, 0};
    const struct linear_range linears = layer_linears(adapter->n_layers, layer);
    for (enum linear which = linears.first; which < linears.end; which++) {
        const struct lora_pair *p = adapter_pair(adapter, layer, which);
        for (int64_t i = 0; i < (int64_t)p->rank * p->n_in; i++) {
            put(&b, (uint32_t)p->a[i], LORA_WEIGHT_BITS);
        }
        for (int64_t i = 0; i < (int64_t)p->rank * p->n_out; i++) {
            put(&b, (uint32_t)p->b[i], LORA_WEIGHT_BITS);
        }
        for (int32_t i = 0; i < p->rank; i++) {
            put(&b, p->scale_a[i], LORA_SCALE_BITS);
        }
        for (int32_t i = 0; p->rank && i < p->n_out; i++) {
            put(&b, p->scale_b[i], LORA_SCALE_BITS);
        }
    }
    put(&b, 0, b.n ? 8 - b.n : 0);
}

size_t memory_image_bytes(const struct adapter *adapter)
{
    const bool ends = adapter_changes_ends(adapter);
    const struct slices slices = slices_of(adapter->n_layers, ends);
    size_t bytes = header_bytes((size_t)adapter->n_layers, ends);
    for (int32_t layer = slices.first; layer <= slices.last; layer++) {
        bytes += aligned(slice_size(adapter, layer).bytes);
    }
    return bytes;
}

static uint64_t contents_checksum(const struct adapter *adapter, int32_t layer)
{
    size_t bytes = slice_contents_bytes(adapter, layer);
    uint8_t *contents = malloc(bytes);
    ES_ASSERT(contents);
    slice_contents(adapter, layer, contents);
    uint64_t sum = slice_checksum(contents, bytes);
    free(contents);
    return sum;
}

static void write_pair(const struct lora_pair *p, uint8_t *to)
{
    store(to, (uint32_t)p->rank, 4);
    store(to + 4, (uint32_t)(p->rank ? p->exponent_a : 0), 4);
    store(to + 8, (uint32_t)(p->rank ? p->exponent_b : 0), 4);
}

void memory_image_write(const struct adapter *adapter, uint8_t *to)
{
    const bool ends = adapter_changes_ends(adapter);
    const struct slices slices = slices_of(adapter->n_layers, ends);
    const size_t header = header_bytes((size_t)adapter->n_layers, ends);
    size_t offset = header;
    memset(to, 0, memory_image_bytes(adapter));
    memcpy(to, magic, sizeof magic);
    store(to + 8, ends ? VERSION_ENDS : VERSION_LAYERS, 4);
    store(to + 12, header, 4);
    store(to + 16, (uint32_t)adapter->n_layers, 4);
    store(to + 20, LINEAR_COUNT, 4);
    memcpy(to + AT_NAME, adapter->name, NAME_BYTES);
    store(to + AT_HASH, adapter->hash, 8);
    for (int32_t layer = slices.first; layer <= slices.last; layer++) {
        uint8_t *entry = to + FIXED + (size_t)(layer - slices.first) * LAYER;
        size_t bytes = slice_size(adapter, layer).bytes;
        store(entry, offset, 8);
        store(entry + 8, bytes, 4);
        store(entry + 16, contents_checksum(adapter, layer), 8);
        write_slice(adapter, layer, to + offset);
        offset += aligned(bytes);
    }
    for (int32_t i = 0; i < pair_count(adapter->n_layers) - (ends ? 0 : ENDS); i++) {
        write_pair(&adapter->pairs[i], to + FIXED + slices.n * LAYER + (size_t)i * LINEAR);
    }
    store(to + AT_CHECKSUM, header_checksum(to, header), 8);
}

/* -- reading -- */

bool memory_image_header_bytes(const uint8_t start[MEMORY_IMAGE_START], size_t *bytes, struct error *e)
{
    const uint32_t version = load_u32(start + 8);
    if (memcmp(start, magic, sizeof magic) != 0 || (version != VERSION_LAYERS && version != VERSION_ENDS)) {
        return error_input(e, "adapter image: expected \"ETCHLORA\" and version %d or %d at its beginning", VERSION_LAYERS, VERSION_ENDS);
    }
    *bytes = load_u32(start + 12);
    return (*bytes >= header_bytes(1, false) && *bytes <= header_bytes(LAYERS_MAX, true)) ||
           error_input(e, "adapter image: byte 12: a header of %zu bytes, expected %zu to %zu", *bytes, header_bytes(1, false),
                       header_bytes(LAYERS_MAX, true));
}

/* The ranks and exponents of all pairs. */
static bool read_pairs(const uint8_t *from, const struct shape *shape, int32_t n, struct lora_pair *pairs, struct error *e)
{
    for (int32_t i = 0; i < pair_count(shape->n_layers); i++) {
        const enum linear which = pair_linear(shape->n_layers, i);
        const uint8_t *at = from + (size_t)i * LINEAR;
        int32_t rank = i < n ? (int32_t)load_u32(at) : 0, a = rank ? (int32_t)load_u32(at + 4) : 0,
                b = rank ? (int32_t)load_u32(at + 8) : 0;
        if (rank < 0 || rank > LORA_RANK_MAX || a < -EXPONENT_MAX || a > EXPONENT_MAX || b < -EXPONENT_MAX || b > EXPONENT_MAX) {
            return error_input(e,
                               "adapter image: layer %" PRId32 ", linear %d: rank %" PRId32 ", exponents %" PRId32 " and %" PRId32
                               ": expected a rank of 0 to %d, exponents of -%d to %d",
                               pair_layer(shape->n_layers, i), (int)which, rank, a, b, LORA_RANK_MAX, EXPONENT_MAX, EXPONENT_MAX);
        }
        pairs[i] = (struct lora_pair){
            .rank = rank, .n_in = shape_n_in(shape, which), .n_out = shape_n_out(shape, which), .exponent_a = a, .exponent_b = b};
    }
    return true;
}

static size_t pair_scales(const struct lora_pair *p)
{
    return p->rank ? (size_t)p->rank + (size_t)p->n_out : 0;
}

/* Zeroed arrays for all pairs: scales first, then weights. */
static bool make_room(struct adapter *adapter, struct error *e)
{
    size_t scales = 0, weights = 0, n = (size_t)pair_count(adapter->n_layers);
    for (size_t i = 0; i < n; i++) {
        const struct lora_pair *p = &adapter->pairs[i];
        scales += pair_scales(p);
        weights += (size_t)p->rank * ((size_t)p->n_in + (size_t)p->n_out);
        adapter->packed_bits += lora_pair_bits(p);
        adapter->rank_max = p->rank > adapter->rank_max ? p->rank : adapter->rank_max;
    }
    adapter->memory = error_calloc(e, scales * sizeof(uint16_t) + weights + 1, 1, "an adapter");
    uint16_t *scale = adapter->memory;
    int8_t *weight = adapter->memory ? (int8_t *)(scale + scales) : NULL;
    for (size_t i = 0; adapter->memory && i < n; i++) {
        struct lora_pair *p = &adapter->pairs[i];
        p->scale_a = scale;
        p->scale_b = scale + p->rank;
        p->a = weight;
        p->b = weight + (size_t)p->rank * (size_t)p->n_in;
        scale += pair_scales(p);
        weight += (size_t)p->rank * ((size_t)p->n_in + (size_t)p->n_out);
    }
    return adapter->memory != NULL;
}

static bool read_slices(const uint8_t *header, bool ends, const struct adapter *adapter, struct memory_slice *slices, struct error *e)
{
    const struct slices all = slices_of(adapter->n_layers, ends);
    uint64_t offset = header_bytes((size_t)adapter->n_layers, ends);
    for (int32_t layer = all.first; layer <= all.last; layer++) {
        const uint8_t *entry = header + FIXED + (size_t)(layer - all.first) * LAYER;
        const uint64_t bytes = slice_size(adapter, layer).bytes;
        struct memory_slice *slice = &slices[layer + 1];
        *slice = (struct memory_slice){load_u64(entry), load_u32(entry + 8), load_u64(entry + 16)};
        if (slice->offset != offset || slice->bytes != bytes) {
            return error_input(
                e, "adapter image: layer %" PRId32 ": a slice of %" PRIu32 " bytes at %" PRIu64 ", expected %" PRIu64 " at %" PRIu64, layer,
                slice->bytes, slice->offset, bytes, offset);
        }
        offset += aligned(bytes);
    }
    return true;
}

bool memory_image_header(const uint8_t *header, size_t bytes, const struct shape *shape, struct adapter *adapter,
                         struct memory_slice **slices, struct error *e)
{
    size_t said = 0;
    *adapter = (struct adapter){0};
    *slices = NULL;
    if (bytes < FIXED) {
        return error_input(e, "adapter image: a header of %zu bytes, expected at least %d", bytes, FIXED);
    }
    if (!memory_image_header_bytes(header, &said, e)) {
        return false;
    }
    const bool ends = load_u32(header + 8) == VERSION_ENDS;
    const uint32_t n_layers = load_u32(header + 16), n_linears = load_u32(header + 20);
    if (n_layers != (uint32_t)shape->n_layers || n_linears != LINEAR_COUNT || said != header_bytes(n_layers, ends) || bytes != said) {
        return error_input(e,
                           "adapter image: %" PRIu32 " layers of %" PRIu32
                           " linears in a header of %zu bytes (%zu are there): expected %" PRId32 " layers of %d in %zu",
                           n_layers, n_linears, said, bytes, shape->n_layers, LINEAR_COUNT, header_bytes((size_t)shape->n_layers, ends));
    }
    if (load_u64(header + AT_CHECKSUM) != header_checksum(header, bytes)) {
        return error_input(e, "adapter image: the header's checksum does not fit its contents");
    }
    if (header[AT_NAME] == 0 || !memchr(header + AT_NAME, 0, NAME_BYTES)) {
        return error_input(e, "adapter image: byte %d: expected a name of 1 to %d bytes", AT_NAME, NAME_BYTES - 1);
    }
    adapter->n_layers = shape->n_layers;
    adapter->hash = load_u64(header + AT_HASH);
    memcpy(adapter->name, header + AT_NAME, NAME_BYTES);
    const int32_t n_pairs = pair_count(shape->n_layers) - (ends ? 0 : ENDS);
    adapter->pairs = error_calloc(e, (size_t)pair_count(shape->n_layers), sizeof *adapter->pairs, "an adapter's pairs");
    *slices = adapter->pairs ? error_calloc(e, (size_t)n_layers + ENDS, sizeof **slices, "an adapter's slices") : NULL;
    if (!*slices || !read_pairs(header + FIXED + slices_of(shape->n_layers, ends).n * LAYER, shape, n_pairs, adapter->pairs, e) ||
        !read_slices(header, ends, adapter, *slices, e) || !make_room(adapter, e)) {
        adapter_free(adapter);
        free(*slices);
        *slices = NULL;
        return false;
    }
    return true;
}

struct bit_reader {
    const uint8_t *from;
    uint64_t held;
    unsigned n;
};

static uint32_t take(struct bit_reader *b, unsigned bits)
{
    for (; b->n < bits; b->n += 8) {
        b->held |= (uint64_t)*b->from++ << b->n;
    }
    uint32_t value = (uint32_t)b->held & ((1u << bits) - 1);
    b->held >>= bits;
    b->n -= bits;
    return value;
}

/* -32 is no weight: read as -31, it fails the slice's checksum. */
static void take_weights(struct bit_reader *b, int8_t *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t code = (int32_t)take(b, LORA_WEIGHT_BITS);
        code -= code >= 32 ? 64 : 0;
        to[i] = (int8_t)(code < -31 ? -31 : code);
    }
}

static void take_scales(struct bit_reader *b, uint16_t *to, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = (uint16_t)take(b, LORA_SCALE_BITS);
    }
}

void memory_image_slice(struct adapter *adapter, int32_t layer, const uint8_t *bytes)
{
    struct bit_reader b = {bytes, 0, 0};
    const struct linear_range linears = layer_linears(adapter->n_layers, layer);
    for (enum linear which = linears.first; which < linears.end; which++) {
        const struct lora_pair *p = adapter_pair(adapter, layer, which);
        if (p->rank == 0) {
            continue;
        }
        /* the arrays are adapter->memory's, as memory_image_header() laid them out */
        take_weights(&b, (int8_t *)p->a, (int64_t)p->rank * p->n_in);
        take_weights(&b, (int8_t *)p->b, (int64_t)p->rank * p->n_out);
        take_scales(&b, (uint16_t *)p->scale_a, p->rank);
        take_scales(&b, (uint16_t *)p->scale_b, p->n_out);
    }
}
