/* api.h -- what is behind etchsim/etchsim.h: a chip with requests and adapters that become known while it runs. */
#ifndef ETCHSIM_API_H
#define ETCHSIM_API_H

#include "adapters/memory_image.h"
#include "etchsim/etchsim.h"
#include "sim/engine.h"
#include "sim/image.h"
#include "sim/tokenizer.h"

struct etchsim_chip {
    struct chip_config config;
    struct image image;
    struct tokenizer *tokenizer; /* NULL: a model that is only a shape */
    struct trace *trace;
    struct chip *chip;
    bool values;
    bool closed;              /* spans and trace are */
    int32_t placeholder;      /* prompt of requests that nobody asked yet */
    struct request *requests; /* [requests_max], the first n_asked are known */
    uint32_t n_asked, requests_max;
    uint64_t n_tokens;
    struct adapter *adapters; /* [adapters_max], the first n_adapters are known */
    uint32_t n_adapters, adapters_max;
    struct memory_slice **slices; /* [adapters_max] NULL: not in a platform's memory; else [slices_per_adapter()] */
    uint64_t *checksums;          /* [adapters_max][n_layers] */
    bool *broken;                 /* [adapters_max][n_layers] the platform could not bring it */
    uint8_t *arrived;             /* the DMA's room, for the largest slice of all adapters that are known */
    size_t arrived_bytes;
    struct etchsim_fetch fetch; /* the present one */
    bool fetch_is_new;          /* nobody was told of it */
};

/* Fills in etchsim_error() from *e and gives the code. */
int api_fail(const struct error *e);
/* Makes room for `requests_max` and `adapters_max` and wires the host port's and the DMA's hooks. */
bool api_adapters_open(etchsim_chip *c, uint32_t adapters_max, struct error *e);
void api_adapters_hook(etchsim_chip *c);
void api_adapters_close(etchsim_chip *c);

#endif
