/* A made-up service for bench_server: communities of made-up topics, polled into a real store through the
 * real decoder, so that memory and text are what polls make. Not enough memory ends the program. */
#ifndef TESTS_BENCH_WORLD_H
#define TESTS_BENCH_WORLD_H

#include "exporters/store/store.h"

#define WORLD_APP "1400000001"

/* One community: what the service would answer about it follows from these alone. */
struct world_community {
	uint32_t number;   /* ids and values are made from it */
	uint32_t slot;     /* in the store */
	uint32_t news;     /* how often its topics got messages */
	uint32_t upheaval; /* how often everything about them changed */
};

struct world {
	struct store *store;               /* of one app; owned */
	struct world_community *community; /* in page order */
	size_t n, topics;                  /* communities, and topics in each */
	size_t next;                       /* the community that world_news takes first */
	struct buf answer;
};

/* Every community was polled once. */
void world_init(struct world *w, size_t communities, size_t topics);
void world_done(struct world *w);

/* Every community is polled once more, and nothing is new. */
void world_round(struct world *w);
/* The next `n` communities in page order are polled; in all of their topics there were messages: LastMsgTime
 * and NextMsgSeq moved. Behind the last comes the first. */
void world_news(struct world *w, size_t n);
/* Every community is polled, and every sample of a topic has another value, or another name in its label. */
void world_upheaval(struct world *w);

#endif
