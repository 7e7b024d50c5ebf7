/* etchsim/etchsim.h -- a chip with a language model etched into it, for other programs: open one, ask it, clock it, read tokens and counters.
 *
 *   etchsim_open --> etchsim_ask(prompt) --> etchsim_run() or etchsim_advance(until) --> etchsim_answer: tokens and when each came
 *
 * The chip is the one of `etchsim run`: the same cycles, tokens and trace. Requests may be asked and adapters added at any time; they arrive in the chip's
 * present cycle. Time is in cycles of the chip's clock, from 0 on.
 *
 * Functions return an etchsim_code; etchsim_error() has the words of the calling thread's last failure. A chip belongs to one thread at a time. What is
 * declared here stays as it is within a major version; nothing else of libetchsim is visible.
 */
#ifndef ETCHSIM_ETCHSIM_H
#define ETCHSIM_ETCHSIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ETCHSIM_API __attribute__((visibility("default")))
#define ETCHSIM_NEVER UINT64_MAX

enum etchsim_code {
    ETCHSIM_GOOD = 0,
    ETCHSIM_CHECK = 1, /* the chip came to a halt: a deadlock, or an adapter that arrived broken twice. It stays there */
    ETCHSIM_INPUT = 2, /* an argument or a file that is not as expected; nothing was changed */
};

typedef struct etchsim_chip etchsim_chip;

ETCHSIM_API const char *etchsim_version(void); /* "0.1.0" */
/* What the last failure said, "" before any. Valid until this thread's next call. */
ETCHSIM_API const char *etchsim_error(void);

/* -- the chip -- */

struct etchsim_options { /* zeroed: the sample chip and model */
    const char *chip,
        *model;             /* preset names or files, as for --chip and --model; NULL: "sample", and the model that the chip is made for */
    const char *const *set; /* [n_set] "key=value" changes to the chip's parameters, as for --set */
    unsigned n_set;
    unsigned requests_max; /* that can be asked in its life; 0: 1024 */
    unsigned adapters_max; /* that it can know; 0: 16 */
    int timing_only;       /* no values: the same cycles, tokens without meaning */
};

ETCHSIM_API int etchsim_open(const struct etchsim_options *options, etchsim_chip **chip);
ETCHSIM_API void etchsim_close(etchsim_chip *chip); /* NULL is fine */

struct etchsim_facts {
    uint32_t clock_mhz, n_layers, n_vocab, context_tokens, sequences, slots, requests_max, adapters_max;
    int32_t end_token; /* of text, -1: the model has none */
};
ETCHSIM_API void etchsim_facts(const etchsim_chip *chip, struct etchsim_facts *facts);

/* -- text; both write at most `room` elements and give the number that there are -- */

ETCHSIM_API int etchsim_encode(etchsim_chip *chip, const char *text, int32_t *ids, size_t room, size_t *n);
/* With a final 0 if there is room for it; *n is without. */
ETCHSIM_API int etchsim_decode(etchsim_chip *chip, const int32_t *ids, size_t n_ids, char *text, size_t room, size_t *n);

/* -- adapters: numbers 0, 1, ... in the order in which the chip came to know them -- */

/* From a preset, a PEFT folder or a GGUF file, as for --adapter. */
ETCHSIM_API int etchsim_adapter(etchsim_chip *chip, const char *name_or_path, unsigned *adapter);

/* An adapter as it lies in a platform's memory: a header, then a slice for each layer (docs/systemc.md). Writes the image of an adapter that has a
 * name or a path; *n is its size, of which at most `room` bytes are written. */
ETCHSIM_API int etchsim_adapter_image(etchsim_chip *chip, const char *name_or_path, uint8_t *bytes, size_t room, size_t *n);
enum { ETCHSIM_HEADER_START = 16 }; /* bytes of an image that tell how long the header is */
ETCHSIM_API int etchsim_header_bytes(const uint8_t start[ETCHSIM_HEADER_START], size_t *n);
/* From an image's header: its slices will be fetched whenever the adapter is loaded into a slot. */
ETCHSIM_API int etchsim_adapter_announce(etchsim_chip *chip, const uint8_t *header, size_t n, unsigned *adapter);

struct etchsim_fetch {
    unsigned adapter;
    int32_t layer;   /* -1: the embedding's slice; n_layers of the model: the head's */
    uint64_t offset; /* in the image */
    uint32_t bytes;
    uint64_t from; /* the cycle from which on the link is free for them */
};
/* Whether the chip waits for a slice that nobody was told of: 1, and *fetch says which. A fetch is told once. */
ETCHSIM_API int etchsim_fetch(etchsim_chip *chip, struct etchsim_fetch *fetch);
/* The bytes of the slice that was told last, there in cycle `at` (the present one if that is over): the slice is whole then, or when the chip's host link
 * would have had it, whatever is later. bytes NULL: they cannot be had; the slice counts as broken. */
ETCHSIM_API int etchsim_brought(etchsim_chip *chip, const uint8_t *bytes, uint64_t at);

/* -- requests: numbers 0, 1, ... -- */

struct etchsim_request {
    const int32_t *prompt; /* [n_prompt] at least one; copied */
    uint32_t n_prompt;
    uint32_t n_generate;       /* at most; n_prompt + n_generate <= context_tokens + 1 */
    int32_t adapter;           /* -1: the base model */
    int32_t stop_token;        /* ends the answer, -1: none */
    double temperature, top_p; /* temperature 0: the likeliest token */
    uint64_t seed;
};
ETCHSIM_API int etchsim_ask(etchsim_chip *chip, const struct etchsim_request *request, unsigned *number);

enum etchsim_state { ETCHSIM_QUEUED, ETCHSIM_LOADING, ETCHSIM_RUNNING, ETCHSIM_DONE };
struct etchsim_answer {
    enum etchsim_state state;
    uint32_t n_tokens;
    const int32_t *tokens;        /* [n_tokens] */
    const uint64_t *token_cycles; /* [n_tokens] when each was there */
    /* cycles; ETCHSIM_NEVER: not yet, or it never happens */
    uint64_t asked, started, load_requested, loaded, done;
};
/* Valid until the chip's next cycle. */
ETCHSIM_API int etchsim_answer(const etchsim_chip *chip, unsigned number, struct etchsim_answer *answer);

/* -- time -- */

/* Clocks the chip until cycle `until` (without it), or until it halts, or a token came, or a slice is to be fetched: see etchsim_now(). */
ETCHSIM_API int etchsim_advance(etchsim_chip *chip, uint64_t until);
/* ... until all requests are done, or a slice is to be fetched. The clock stops after the cycle that had the last token. */
ETCHSIM_API int etchsim_run(etchsim_chip *chip);
/* The next cycle: all before it have been. */
ETCHSIM_API uint64_t etchsim_now(const etchsim_chip *chip);
/* The first cycle from now on in which something can change; ETCHSIM_NEVER: none, until someone asks or brings something. */
ETCHSIM_API uint64_t etchsim_next(const etchsim_chip *chip);

/* -- counters -- */

struct etchsim_counters {
    uint64_t cycles, tokens, requests_asked, requests_done;
    uint64_t slot_hits, slot_loads, slot_evictions, load_bytes;
};
ETCHSIM_API void etchsim_counters(const etchsim_chip *chip, struct etchsim_counters *counters);

enum etchsim_slot_state { ETCHSIM_SLOT_FREE, ETCHSIM_SLOT_LOADING, ETCHSIM_SLOT_LIVE };
struct etchsim_slot {
    enum etchsim_slot_state state;
    int32_t adapter; /* -1: none */
    uint32_t users;
    uint64_t loads;
};
ETCHSIM_API int etchsim_slot(const etchsim_chip *chip, unsigned slot, struct etchsim_slot *contents);

/* The trace's hash, as `etchsim run` prints it. Ends the run: the chip cannot be clocked after it. */
ETCHSIM_API int etchsim_trace_hash(etchsim_chip *chip, uint64_t *hash);

#ifdef __cplusplus
}
#endif

#endif
