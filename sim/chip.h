/* chip.h -- the hardwired chip: all units and the links between them. chip.c is its block diagram. */
#ifndef ETCHSIM_CHIP_H
#define ETCHSIM_CHIP_H

#include <setjmp.h>

#include "sim/attention.h"
#include "sim/config.h"
#include "sim/embed.h"
#include "sim/host_port.h"
#include "sim/lora_mac.h"
#include "sim/memory_map.h"
#include "sim/norm.h"
#include "sim/rom_array.h"
#include "sim/rope.h"
#include "sim/sampler.h"
#include "sim/sequencer.h"
#include "sim/silu.h"
#include "sim/sram.h"
#include "traces/trace.h"

struct sram_port {
    struct link request, response;
};

struct layer_block {
    struct norm_unit attention_norm, ffn_norm;
    struct rom_array rom_qkv, rom_o, rom_gate_up, rom_down;
    struct rope_unit rope;
    struct attention_unit attention;
    struct silu_unit silu;
    struct lora_mac lora_mac;
    struct sram sram;
    struct link x_qkv, x_o, x_gate_up, x_down;                     /* activations into the ROM arrays */
    struct link lora_x_qkv, lora_x_o, lora_x_gate_up, lora_x_down; /* the same into the LoRA MAC unit */
    struct link delta_qkv, delta_o, delta_gate_up, delta_down;     /* its contributions */
    struct link qkv, q, o, gate_up, down;                          /* results */
    struct link residual_attention, residual_ffn;                  /* the residual stream, past the ROM arrays */
    struct link written;                                           /* streaming: the layer's slice of an adapter is there */
    struct link down_last, residual_last;                          /* shared: what leaves the last layer; down and residual_ffn go round */
    struct sram_port kv_write, kv_read, lora_read, dma_write;
};

struct end_block { /* of the embedding or the head: LoRA beside its ROM */
    struct lora_mac lora_mac;
    struct sram sram;
    struct link lora_x, delta;
    struct link written; /* the head's, streaming: its slice of an adapter is there */
    struct sram_port lora_read, dma_write;
};

struct chip {
    struct chip_config config;
    struct shape shape;
    struct memory_map map;
    const struct model *model; /* NULL: a run without values */
    struct trace *trace;

    struct page_pool pool;
    struct sequencer sequencer;
    struct host_port host_port;
    struct dma dma;
    struct embed_rom embed;
    struct layer_block *layers; /* [n_layer_blocks] one for each layer; shared: one for all of them, without ROM arrays */
    uint32_t n_layer_blocks;
    struct end_block embed_end, head_end; /* where lora.ends has them */
    struct norm_unit final_norm;
    struct rom_array rom_head;     /* spatial */
    struct rom_array matrix_units; /* shared: in place of all ROM arrays; the ports are those of enum linear_group, then the head's */
    struct sampler sampler;
    struct link token, embedded, x_head, logits, sampled, retired, load, slice, loaded;

    struct unit **units; /* [n_units] in the order of the block diagram */
    struct link **links; /* [n_links] */
    struct wheel *wheel; /* of the skip engine, from its first cycle until chip_close() */
    struct unit **due;   /* [n_units and tokens] room for it */
    struct leap *leap;   /* of the skip engine, where tokens can leap; NULL: they cannot */
    struct {
        uint64_t passed,
            put_back; /* counters: blocks that were passed on board; times that a block with tokens on board was put back (leap.h) */
    } leaps;
    uint32_t n_units, n_links;
    cycle_t now;           /* cycles run so far */
    uint32_t n_adapters;   /* that requests name */
    bool pause;            /* somebody outside wants to look: chip_advance() returns after this cycle */
    bool stop;             /* a check failed: the run ends */
    struct error failure;  /* and this is what it said */
    jmp_buf out_of_memory; /* used while it is built */
    void **blocks;         /* owned memory */
    size_t n_blocks, blocks_room;
};

/* Builds the chip for a model's shape and queues the requests (sorted by arrives_at; their answers are reset). `values` false: timing only, the model's weights are not touched. Model, adapters,
 * requests and trace must outlive the chip. Fails when something does not fit: KV and slots in the SRAM, a request in the KV, an adapter in a slot. */
bool chip_new(const struct chip_config *config, const struct model *model, bool values, struct adapter *adapters, uint32_t n_adapters,
              struct request *requests, uint32_t n_requests, struct trace *trace, struct chip **chip, struct error *e);
/* What happens beside requests, sorted by cycle; before the run. `seed` says which bits flip. They outlive the chip. With values, flipping bits takes a copy of the weights. */
bool chip_set_incidents(struct chip *chip, const struct incident *incidents, uint32_t n, uint64_t seed, struct error *e);
void chip_free(struct chip *chip);

/* A chip that lives on (etchsim/etchsim.h) is built with requests that never arrive and adapters without pairs, which become known later:
 * the asked part of requests[index] was written, the next one in their order, with arrives_at no earlier than the present cycle. Fails where it can never
 * start; then it is as if it were not known. */
bool chip_request_known(struct chip *chip, uint32_t index, struct error *e);
/* adapters[index], for which nobody has asked so far, was written. */
void chip_adapter_known(struct chip *chip, uint32_t index);

/* Whether an adapter fits a slot: its ranks, and a LoRA MAC unit wherever it has a pair. */
bool chip_check_adapter(const struct chip_config *config, const struct adapter *adapter, struct error *e);

/* Whether a request of so many tokens fits the KV cache of one sequence; the last token generated is not fed back. */
bool chip_check_context(const struct chip_config *config, int32_t n_prompt, int32_t n_generate, struct error *e);

/* The SRAMs of the blocks, then of the ends that have one. */
uint32_t chip_srams(const struct chip *chip);
const struct sram *chip_sram(const struct chip *chip, uint32_t i);

/* The ROM array that holds a group's matrices of the first layer (shared: the matrix units), and its port for them; LINEARS_HEAD: the head. */
const struct rom_array *chip_rom(const struct chip *chip, enum linear_group group);
const struct rom_port *chip_rom_port(const struct chip *chip, enum linear_group group);

/* The name of a unit or link: "layer3.rom_qkv", "embed"; written to `text`, returned. */
enum { CHIP_NAME_ROOM = 48 };
const char *chip_unit_name(const struct unit *unit, char text[CHIP_NAME_ROOM]);
const char *chip_link_name(const struct link *link, char text[CHIP_NAME_ROOM]);

/* The state of every unit and of every link, a line each: what one wants to see after a deadlock. */
void chip_print_state(const struct chip *chip, FILE *out);

#endif
