#include "kernels/gemv.h"

#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/matrix_panel.h"
#include "kernels/threads.h"
#include "sim/error.h"

_Static_assert((int64_t)TILE_ROWS_MAX *ACT_MAX * 32 * 63 < ((int64_t)1 << 34), "a tile's accumulator is 35 bits wide");
_Static_assert((int64_t)RUN_PANELS *PANEL_INPUTS *ACT_MAX * 32 * 63 < ((int64_t)1 << 31), "the sum of a run of panels fits 32 bits");
_Static_assert((int)ACT_GROUP == (int)PANEL_INPUTS, "a panel's inputs have one shift");

/* What the offset of 32, which makes weights unsigned for the multipliers, adds too much to each group's sum. */
static void group_starts(const struct matrix *w, const int8_t *x, int32_t *start)
{
    enum { HALF = 16 };
    const int32_t n_halves = matrix_panels(w) * (PANEL_INPUTS / HALF), per_group = matrix_group_inputs(w) / HALF;
    for (int32_t h = 0; h < n_halves; h++) {
        int32_t sum = 0;
        for (int i = 0; i < HALF; i++) {
            sum += x[h * HALF + i];
        }
        start[h / per_group] = -32 * sum + (h % per_group ? start[h / per_group] : 0);
    }
}

struct inputs { /* what struct panel_inputs points to */
    int32_t start[GROUPS_MAX], shift[INPUTS_MAX / ACT_GROUP];
};

static struct panel_inputs panel_inputs(const struct matrix *w, const struct act8 *x, struct inputs *room)
{
    group_starts(w, x->m, room->start);
    for (int32_t g = 0; g < act_groups(x->n); g++) {
        room->shift[g] = x->shift ? x->shift[g] : 0;
    }
    return (struct panel_inputs){x->m, room->shift, room->start};
}

void k_gemv_blocks(const struct matrix *w, const struct act8 *x, int32_t first_block, int32_t n_blocks, int64_t *y)
{
    ES_ASSERT(x->n == w->n_in && w->n_in <= INPUTS_MAX && first_block >= 0 && first_block + n_blocks <= matrix_blocks(w));
    struct inputs room;
    const struct panel_inputs in = panel_inputs(w, x, &room);
    isa_table()->gemv_blocks(w, w->data + first_block * matrix_block_bytes(w), n_blocks, &in, y);
}

/* -- all rows, by several threads -- */

struct product {
    const struct matrix *w;
    const struct panel_inputs *in;
    int64_t *y;
};

/* Blocks first .. first + n - 1; of a last block that is not whole only its rows are written. */
static void multiply(void *user, int32_t first, int32_t n)
{
    const struct product *p = user;
    const struct matrix *w = p->w;
    const int32_t whole = w->n_out / BLOCK_ROWS, n_whole = first + n <= whole ? n : whole - first;
    const uint8_t *data = w->data + first * matrix_block_bytes(w);
    int64_t *y = p->y + (int64_t)first * BLOCK_ROWS;
    isa_table()->gemv_blocks(w, data, n_whole, p->in, y);
    if (n_whole < n) {
        int64_t last[BLOCK_ROWS];
        isa_table()->gemv_blocks(w, data + n_whole * matrix_block_bytes(w), 1, p->in, last);
        memcpy(y + (int64_t)n_whole * BLOCK_ROWS, last, (size_t)(w->n_out % BLOCK_ROWS) * sizeof *last);
    }
}

/* Long parts: memory is read faster in few long runs. As many for one thread as for the other, so that they are done together. */
static int32_t part_blocks(const struct matrix *w)
{
    enum { PART_BYTES = 1 << 19 };
    const int64_t round_bytes = (int64_t)PART_BYTES * threads_count(), n_rounds = (matrix_bytes(w) + round_bytes - 1) / round_bytes;
    const int64_t n_parts = n_rounds * threads_count();
    return (int32_t)((matrix_blocks(w) + n_parts - 1) / n_parts);
}

void k_gemv(const struct matrix *w, const struct act8 *x, struct acc *y)
{
    enum { SHARED_BYTES_MIN = 1 << 18 }; /* below this a product takes less time than calling for help */
    ES_ASSERT(y->n == w->n_out && x->n == w->n_in && w->n_in <= INPUTS_MAX);
    y->exponent = x->exponent + w->exponent;
    struct inputs room;
    const struct panel_inputs in = panel_inputs(w, x, &room);
    struct product p = {w, &in, y->m};
    const int32_t n_blocks = matrix_blocks(w);
    if (matrix_bytes(w) < SHARED_BYTES_MIN) {
        multiply(&p, 0, n_blocks);
    } else {
        threads_share(n_blocks, part_blocks(w), multiply, &p);
    }
}

/* -- the layout -- */

/* What of a row-major matrix one panel holds: rows and inputs beyond are padding. */
struct part {
    const uint8_t *codes, *scales; /* of its first row; the codes of its first input, the scale of its first group */
    int64_t row_codes, row_scales; /* from one row to the next */
    int32_t n_rows, n_inputs;
};

static void pack_panel(const struct matrix *w, const struct part *from, uint8_t *data)
{
    uint8_t chunk[PANEL_CHUNKS][CHUNK_CODES] = {{0}}, *planes = data + matrix_panel_scales(w);
    memset(data, 0, (size_t)matrix_panel_bytes(w));
    for (int r = 0; r < from->n_rows; r++) {
        for (int i = 0; i < from->n_inputs; i++) {
            chunk[i / CHUNK_INPUTS][CHUNK_INPUTS * r + i % CHUNK_INPUTS] = from->codes[r * from->row_codes + i];
        }
        for (int g = 0; g * matrix_group_inputs(w) < from->n_inputs; g++) {
            data[BLOCK_ROWS * g + r] = from->scales[r * from->row_scales + g];
        }
    }
    for (int c = 0; c < PANEL_CHUNKS; c++) {
        for (int j = 0; j < CHUNK_CODES; j++) {
            panel_put_code(w->format, planes, c, j, chunk[c][j]);
        }
    }
}

void matrix_pack_block(const struct matrix *w, const uint8_t *codes, const uint8_t *scales, uint8_t *data)
{
    const int32_t n_panels = matrix_panels(w), n_groups = matrix_groups(w), per_panel = PANEL_INPUTS / matrix_group_inputs(w);
    for (int32_t p = 0; p < n_panels; p++, data += matrix_panel_bytes(w)) {
        const int32_t left = w->n_in - p * PANEL_INPUTS;
        const struct part part = {.codes = codes + (int64_t)p * PANEL_INPUTS,
                                  .scales = scales + (int64_t)p * per_panel,
                                  .row_codes = (int64_t)n_panels * PANEL_INPUTS,
                                  .row_scales = n_groups,
                                  .n_rows = BLOCK_ROWS,
                                  .n_inputs = left < PANEL_INPUTS ? left : PANEL_INPUTS};
        pack_panel(w, &part, data);
    }
}

void matrix_pack(const struct matrix *w, const uint8_t *codes, const uint8_t *scales, uint8_t *data)
{
    const int32_t n_groups = matrix_groups(w), per_panel = PANEL_INPUTS / matrix_group_inputs(w);
    for (int32_t row = 0; row < w->n_out; row += BLOCK_ROWS) {
        for (int32_t p = 0; p < matrix_panels(w); p++, data += matrix_panel_bytes(w)) {
            const int32_t rows_left = w->n_out - row, left = w->n_in - p * PANEL_INPUTS;
            const struct part part = {.codes = codes + (int64_t)row * w->n_in + (int64_t)p * PANEL_INPUTS,
                                      .scales = scales + (int64_t)row * n_groups + (int64_t)p * per_panel,
                                      .row_codes = w->n_in,
                                      .row_scales = n_groups,
                                      .n_rows = rows_left < BLOCK_ROWS ? rows_left : BLOCK_ROWS,
                                      .n_inputs = left < PANEL_INPUTS ? left : PANEL_INPUTS};
            pack_panel(w, &part, data);
        }
    }
}

void matrix_unpack_panel(const struct matrix *w, int32_t row, int32_t panel, int16_t values[PANEL_INPUTS])
{
    ES_ASSERT(row >= 0 && row < w->n_out && panel >= 0 && panel < matrix_panels(w));
    const int in_block = row % BLOCK_ROWS;
    const uint8_t *data = w->data + row / BLOCK_ROWS * matrix_block_bytes(w) + panel * matrix_panel_bytes(w);
    for (int i = 0; i < PANEL_INPUTS; i++) {
        const int scale = data[BLOCK_ROWS * (i / matrix_group_inputs(w)) + in_block], j = CHUNK_INPUTS * in_block + i % CHUNK_INPUTS;
        const int code = panel_code(w->format, data + matrix_panel_scales(w), i / CHUNK_INPUTS, j);
        values[i] = (int16_t)(matrix_code_value(w, code) * scale);
    }
}

void matrix_unpack_row(const struct matrix *w, int32_t row, int16_t *values)
{
    for (int32_t p = 0; p < matrix_panels(w); p++) {
        int16_t panel[PANEL_INPUTS];
        const int32_t first = p * PANEL_INPUTS, rest = w->n_in - first;
        matrix_unpack_panel(w, row, p, panel);
        memcpy(values + first, panel, (size_t)(rest < PANEL_INPUTS ? rest : PANEL_INPUTS) * sizeof *panel);
    }
}
