/* api_adapter.c -- adapters that a chip comes to know while it runs, from files or from a platform's memory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/synthetic.h"
#include "sim/api.h"
#include "sim/slice.h"

static size_t place(const etchsim_chip *c, int32_t adapter, int32_t layer)
{
    return slice_index(c->image.model.shape.n_layers, adapter, layer);
}

/* The link is free for a slice. Those of adapters from files are there at once. */
static void on_fetch(void *context, int32_t adapter, int32_t layer, cycle_t from)
{
    etchsim_chip *c = context;
    const struct memory_slice *slices = c->slices[adapter];
    if (!slices) {
        host_port_brought(&c->chip->host_port, from);
        return;
    }
    const struct memory_slice *slice = &slices[layer - LAYER_EMBEDDING];
    c->fetch = (struct etchsim_fetch){(unsigned)adapter, layer, slice->offset, slice->bytes, from};
    c->fetch_is_new = true;
    c->chip->pause = true;
}

static void on_arrival(void *context, int32_t adapter, int32_t layer, uint8_t *contents, size_t *bytes)
{
    const etchsim_chip *c = context;
    (void)contents;
    if (c->broken[place(c, adapter, layer)]) {
        *bytes = 0; /* whose checksum is nobody's */
    }
}

bool api_adapters_open(etchsim_chip *c, uint32_t adapters_max, struct error *e)
{
    int32_t n_layers = c->image.model.shape.n_layers;
    c->adapters_max = adapters_max;
    c->adapters = error_calloc(e, adapters_max, sizeof *c->adapters, "adapters");
    c->slices = c->adapters ? error_calloc(e, adapters_max, sizeof(struct memory_slice *), "adapters") : NULL;
    c->checksums = c->slices ? error_calloc(e, adapters_max * slices_per_adapter(n_layers), sizeof *c->checksums, "adapters") : NULL;
    c->broken = c->checksums ? error_calloc(e, adapters_max * slices_per_adapter(n_layers), sizeof *c->broken, "adapters") : NULL;
    for (uint32_t i = 0; c->broken && i < adapters_max; i++) {
        struct adapter *adapter = &c->adapters[i];
        adapter->n_layers = n_layers;
        adapter->pairs = error_calloc(e, (size_t)pair_count(n_layers), sizeof *adapter->pairs, "adapters");
        if (!adapter->pairs) {
            return false;
        }
    }
    return c->broken != NULL;
}

void api_adapters_hook(etchsim_chip *c)
{
    c->chip->host_port.fetch = on_fetch;
    c->chip->host_port.context = c;
    c->chip->dma.on_arrival = on_arrival;
    c->chip->dma.context = c;
    if (c->values) {
        c->chip->dma.checksums = c->checksums;
    }
}

void api_adapters_close(etchsim_chip *c)
{
    for (uint32_t i = 0; c->adapters && i < c->adapters_max; i++) {
        adapter_free(&c->adapters[i]);
        if (c->slices) {
            free(c->slices[i]);
        }
    }
    free(c->adapters);
    free(c->slices);
    free(c->checksums);
    free(c->broken);
    free(c->arrived);
}

/* -- new ones -- */

static bool check_adapter(const etchsim_chip *c, const struct adapter *adapter, struct error *e)
{
    if (c->n_adapters == c->adapters_max) {
        return error_input(e, "%" PRIu32 " adapters are known already: expected at most adapters_max", c->n_adapters);
    }
    if (!chip_check_adapter(&c->config, adapter, e)) {
        return false;
    }
    for (uint32_t i = 0; i < c->n_adapters; i++) {
        if (strcmp(c->adapters[i].name, adapter->name) == 0) {
            return error_input(e, "adapter %s is known already: expected adapters of different names", adapter->name);
        }
    }
    return true;
}

/* The DMA's room for the largest slice. */
static bool grow_room(etchsim_chip *c, const struct adapter *adapter, struct error *e)
{
    size_t most = c->arrived_bytes;
    for (int32_t layer = LAYER_EMBEDDING; layer <= adapter->n_layers; layer++) {
        size_t bytes = slice_contents_bytes(adapter, layer);
        most = bytes > most ? bytes : most;
    }
    if (most > c->arrived_bytes) {
        uint8_t *room = realloc(c->arrived, most);
        if (!room) {
            return error_input(e, "not enough memory for an adapter's slice");
        }
        c->arrived = room;
        c->arrived_bytes = most;
    }
    if (c->values) {
        c->chip->dma.arrived = c->arrived;
    }
    return true;
}

/* Takes the adapter, and its slices if it has some; both are freed on failure. */
static int add(etchsim_chip *c, struct adapter *adapter, struct memory_slice *slices, unsigned *number)
{
    struct error e;
    if (!check_adapter(c, adapter, &e) || (c->values && !grow_room(c, adapter, &e))) {
        adapter_free(adapter);
        free(slices);
        return api_fail(&e);
    }
    uint32_t n = c->n_adapters++;
    adapter_free(&c->adapters[n]);
    c->adapters[n] = *adapter;
    c->slices[n] = slices;
    for (int32_t layer = LAYER_EMBEDDING; layer <= adapter->n_layers && c->values; layer++) {
        uint64_t *checksum = &c->checksums[place(c, (int32_t)n, layer)];
        if (slices) {
            *checksum = slices[layer - LAYER_EMBEDDING].checksum;
        } else {
            slice_contents(adapter, layer, c->arrived);
            *checksum = slice_checksum(c->arrived, slice_contents_bytes(adapter, layer));
        }
    }
    chip_adapter_known(c->chip, n);
    *number = n;
    return ETCHSIM_GOOD;
}

static bool load(const etchsim_chip *c, const char *name, struct adapter *adapter, struct error *e)
{
    int32_t rank = 0;
    if (!adapter_is_synthetic(name, &rank, e)) {
        return adapter_load(name, &c->image.model.shape, adapter, e);
    }
    if (rank && c->values) {
        return error_input(e, "%s: an adapter without values: expected a chip that is timing_only", name);
    }
    return rank && adapter_synthetic(name, &c->image.model.shape, rank, config_ends(&c->config), adapter, e);
}

int etchsim_adapter(etchsim_chip *c, const char *name_or_path, unsigned *number)
{
    struct error e;
    struct adapter adapter;
    return load(c, name_or_path, &adapter, &e) ? add(c, &adapter, NULL, number) : api_fail(&e);
}

int etchsim_adapter_image(etchsim_chip *c, const char *name_or_path, uint8_t *bytes, size_t room, size_t *n)
{
    struct error e;
    struct adapter adapter;
    if (!adapter_load(name_or_path, &c->image.model.shape, &adapter, &e)) {
        return api_fail(&e);
    }
    *n = memory_image_bytes(&adapter);
    uint8_t *image = room >= *n ? bytes : error_calloc(&e, *n, 1, "an adapter's image");
    if (image) {
        memory_image_write(&adapter, image);
    }
    if (image && image != bytes) {
        if (room) {
            memcpy(bytes, image, room);
        }
        free(image);
    }
    adapter_free(&adapter);
    return image ? ETCHSIM_GOOD : api_fail(&e);
}

_Static_assert((int)ETCHSIM_HEADER_START == (int)MEMORY_IMAGE_START, "what an image's first bytes are is said twice");

int etchsim_header_bytes(const uint8_t start[ETCHSIM_HEADER_START], size_t *n)
{
    struct error e;
    return memory_image_header_bytes(start, n, &e) ? ETCHSIM_GOOD : api_fail(&e);
}

int etchsim_adapter_announce(etchsim_chip *c, const uint8_t *header, size_t n, unsigned *number)
{
    struct error e;
    struct adapter adapter;
    struct memory_slice *slices = NULL;
    return memory_image_header(header, n, &c->image.model.shape, &adapter, &slices, &e) ? add(c, &adapter, slices, number) : api_fail(&e);
}

/* -- slices -- */

int etchsim_fetch(etchsim_chip *c, struct etchsim_fetch *fetch)
{
    bool is_new = c->fetch_is_new;
    if (is_new) {
        *fetch = c->fetch;
        c->fetch_is_new = false;
    }
    return is_new;
}

int etchsim_brought(etchsim_chip *c, const uint8_t *bytes, uint64_t at)
{
    struct error e;
    if (!c->chip->host_port.waits || c->fetch_is_new) {
        error_input(&e, "a slice that was not asked for: expected etchsim_fetch() before it");
        return api_fail(&e);
    }
    int32_t adapter = (int32_t)c->fetch.adapter, layer = c->fetch.layer;
    c->broken[place(c, adapter, layer)] = !bytes;
    if (bytes) {
        memory_image_slice(&c->adapters[adapter], layer, bytes);
    }
    host_port_brought(&c->chip->host_port, at > c->chip->now ? at : c->chip->now);
    return ETCHSIM_GOOD;
}
