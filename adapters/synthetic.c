#include "adapters/synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool adapter_synthetic(const char *name, const struct shape *shape, int32_t rank, struct synthetic_ends ends, struct adapter *adapter,
                       struct error *e)
{
    struct lora_pair *pairs = error_calloc(e, (size_t)pair_count(shape->n_layers), sizeof *pairs, "adapters");
    *adapter = (struct adapter){.n_layers = shape->n_layers, .rank_max = rank, .pairs = pairs};
    snprintf(adapter->name, sizeof adapter->name, "%s", name);
    for (int32_t i = 0; pairs && i < pair_count(shape->n_layers); i++) {
        enum linear which = pair_linear(shape->n_layers, i);
        bool here = which == LINEAR_EMBEDDING ? ends.embedding : which == LINEAR_HEAD ? ends.head : true;
        pairs[i] = (struct lora_pair){.rank = here ? rank : 0, .n_in = shape_n_in(shape, which), .n_out = shape_n_out(shape, which)};
        adapter->packed_bits += lora_pair_bits(&pairs[i]);
    }
    return pairs != NULL;
}

bool adapter_is_synthetic(const char *argument, int32_t *rank, struct error *e)
{
    static const char word[] = "synthetic:";
    *rank = 0;
    if (strncmp(argument, word, sizeof word - 1) != 0) {
        return false;
    }
    const char *digits = argument + sizeof word - 1;
    size_t n = strspn(digits, "0123456789");
    long number = n > 0 && n < 9 && !digits[n] ? strtol(digits, NULL, 10) : 0;
    if (number >= 1 && number <= LORA_RANK_MAX) {
        *rank = (int32_t)number;
    } else {
        error_input(e, "--adapter %.100s: expected synthetic:RANK with a rank of 1 to %d", argument, LORA_RANK_MAX);
    }
    return true;
}
