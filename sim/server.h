/* server.h -- a workload served by the cards of a server: its requests are dealt to them, each card is a chip of its own.
 *
 *   workload -> requests in the order of arrival --server.dealing--> card 0, card 1, ... (serve.h), each with its own host link --> whole
 *
 * A chip without server.cards is a server of one card.
 * Inaccuracies: cards share nothing, so the host's own bandwidth has no limit but the cards' links; who serves a request is decided without a look at
 * how long the cards' queues are.
 */
#ifndef ETCHSIM_SERVER_H
#define ETCHSIM_SERVER_H

#include "sim/physical_report.h"
#include "sim/serve.h"

struct server {
    struct serve *card; /* [n_cards], owned */
    uint32_t n_cards;
    const struct physics *physics;
    struct serve whole; /* all requests in the workload's order, on the clock of the card that was done last; for reading only */
    uint32_t *card_of;  /* [whole.drawn.count] */
};

/* As serve_open() and the others; physics outlives it. */
bool server_open(const struct workload *workload, const struct serve_options *options, const struct physics *physics, struct server *server,
                 struct error *e);
bool server_execute(struct server *server, struct error *e);
void server_close(struct server *server);

/* Area, energy and cost; of several cards the mean card, over the time until the last one is done. */
void server_estimate(const struct server *server, struct estimate *estimate);

#endif
