/* matrix_chunk.h -- one code of a chunk of 64, see struct matrix in types.h. */
#ifndef ETCHSIM_MATRIX_CHUNK_H
#define ETCHSIM_MATRIX_CHUNK_H

#include <stdint.h>

static inline int chunk_two_bits(const uint8_t *plane, int j)
{
    return plane[j % 16] >> (2 * (j / 16)) & 3;
}

static inline int chunk_code_w3(const uint8_t *chunk, int j)
{
    return chunk_two_bits(chunk, j) | (chunk[16 + j / 8] >> (j % 8) & 1) << 2;
}

static inline int chunk_code_w6(const uint8_t *chunk, int j)
{
    return chunk_two_bits(chunk, j) | chunk_two_bits(chunk + 16, j) << 2 | chunk_two_bits(chunk + 32, j) << 4;
}

#endif
