/* compare.h -- a hardwired chip beside machines whose weights stream from memory, for several numbers of users.
 *
 * The chip is simulated, timing only: as many of the users as its KV caches hold are at work together, the others wait their turn, so that each gets
 * total / users on average. Its rate is that of tokens after the first, at a mean context of context_tokens. The machines are computed (comparator.h).
 */
#ifndef ETCHSIM_COMPARE_H
#define ETCHSIM_COMPARE_H

#include "sim/comparator.h"
#include "sim/physics.h"

enum { COMPARE_USERS_MAX = 16, COMPARE_MACHINES_MAX = 32 };

struct compare_options {
    const char *chip, *model, *physics; /* preset names or files */
    const char *const *set;             /* [n_set] changes to the chip */
    int32_t n_set;
    uint32_t cards; /* of the chip; users are dealt to them */
    uint32_t users[COMPARE_USERS_MAX];
    uint32_t n_users;
    uint32_t context_tokens, tokens; /* mean context of the tokens that are timed; how many of each user are */
};

struct compare {
    char chip_name[PRESET_NAME_ROOM], model_name[PRESET_NAME_ROOM];
    struct shape shape;
    bool with_server;        /* the chip's energy is that of its server (server.cards) */
    uint32_t chip_sequences; /* users that all cards serve together */
    struct comparison chip[COMPARE_USERS_MAX];
    struct comparator *machines; /* [n_machines], owned */
    struct comparison (*machine)[COMPARE_USERS_MAX];
    uint32_t n_machines;
};

bool compare_run(const struct compare_options *options, struct compare *compare, struct error *e);
void compare_free(struct compare *compare);

#endif
