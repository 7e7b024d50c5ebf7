/* workload.h -- what `etchsim serve` serves: a YAML file that says which tenants ask for what, when, of which chip. docs/serve.md lists the keys.
 *
 *   WORKLOAD.yaml --workload_load--> struct workload --workload_draw(seed)--> requests in the order of their arrival
 *
 * The same file and seed give the same requests on every machine: xoshiro256**, and logarithm and exponential of our own (workload_math.h).
 * Arrivals, tenants and lengths are drawn from streams of their own, so that a change of one leaves the others as they are.
 */
#ifndef ETCHSIM_WORKLOAD_H
#define ETCHSIM_WORKLOAD_H

#include "sim/incident.h"
#include "sim/unit.h"
#include "traces/request_trace.h"

enum {
    WORKLOAD_NAME_ROOM = 64,
    WORKLOAD_PATH_ROOM = 512,
    WORKLOAD_TENANTS_MAX = 65536,
    WORKLOAD_REQUESTS_MAX = 10000000,
    WORKLOAD_RANKS_MAX = 16
};

enum arrivals { ARRIVALS_AT_ONCE, ARRIVALS_CONSTANT, ARRIVALS_POISSON, ARRIVALS_GAMMA, ARRIVALS_TRACE };
enum popularity { POPULARITY_UNIFORM, POPULARITY_WEIGHTS, POPULARITY_ZIPF, POPULARITY_POWER_LAW, POPULARITY_TRACE };
enum length { LENGTH_FIXED, LENGTH_UNIFORM, LENGTH_TRACE };

struct workload_length {
    enum length kind;
    uint32_t low, high; /* tokens, both included; FIXED: equal */
};

struct workload_tenant {
    char name[WORKLOAD_NAME_ROOM];
    int32_t adapter; /* index in the workload's list, files first; -1: the base model */
    double weight;   /* with popularity: weights */
    bool pinned;     /* its adapter stays in its slot */
};

struct workload_incident {
    double at_us;
    struct incident what; /* adapters as indices in the workload's list; its `at` is not set */
};

struct workload {
    char name[WORKLOAD_NAME_ROOM], file[WORKLOAD_PATH_ROOM];
    char chip[WORKLOAD_PATH_ROOM], model[WORKLOAD_PATH_ROOM]; /* preset names or paths */
    char (*set)[WORKLOAD_PATH_ROOM];                          /* [n_set] "section.name=value" */
    int32_t n_set;
    char (*adapter_files)[WORKLOAD_PATH_ROOM]; /* [n_adapter_files] preset names or paths */
    int32_t n_adapter_files;
    uint32_t synthetic_count;                                       /* adapters without values, all linears; they follow the files */
    uint32_t synthetic_rank[WORKLOAD_RANKS_MAX], n_synthetic_ranks; /* dealt to them in turn */
    struct workload_tenant *tenants;                                /* [n_tenants] */
    int32_t n_tenants;
    enum arrivals arrivals;
    double requests_per_s, cv;
    char trace_file[WORKLOAD_PATH_ROOM];
    enum request_format trace_format;
    double trace_speed; /* times between arrivals are divided by this */
    enum popularity popularity;
    double exponent; /* of ZIPF or POWER_LAW */
    struct workload_length prompt, output;
    uint32_t requests; /* 0: all of the trace */
    uint64_t seed;
    struct workload_incident *incidents; /* [n_incidents] in the file's order */
    uint32_t n_incidents;
    bool values, clip;
};

/* A preset's name (configs/workloads/NAME.yaml) or a YAML file; paths in it are relative to it. Unknown, missing and duplicate keys are errors
 * with file, line and key. On failure *w is empty. */
bool workload_load(const char *name_or_path, struct workload *w, struct error *e);
/* The same from memory; `file` stands for it. */
bool workload_parse(const char *text, size_t bytes, const char *file, struct workload *w, struct error *e);
void workload_free(struct workload *w);

/* What an adapter of the list is called before it is loaded: its file as written, or "synthetic-0003". */
const char *workload_adapter_name(const struct workload *w, int32_t adapter, char text[WORKLOAD_PATH_ROOM]);

struct workload_request {
    cycle_t arrives_at;
    int32_t tenant;
    uint32_t prompt_tokens, output_tokens;
    bool clipped; /* it was longer in the workload */
};

struct workload_requests {
    struct workload_request *items; /* [count], owned */
    uint32_t count, clipped;
};

/* Draws (or reads) the requests for a chip of this clock whose KV caches hold so many tokens. A request that does not fit is an error, or with
 * clip: true shortened: the answer to no less than half of the room, the prompt to the rest. */
bool workload_draw(const struct workload *w, uint32_t clock_mhz, uint32_t context_tokens, struct workload_requests *out, struct error *e);
void workload_requests_free(struct workload_requests *requests);

/* The tenants' shares, [n_tenants], sum 1. Not for popularity: trace. */
void workload_shares(const struct workload *w, double *shares);

#endif
