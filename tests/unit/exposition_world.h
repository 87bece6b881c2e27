/* A world in plain structs, and which series a page of it must have, worked out the slow way: nothing here
 * shares code with the rooms that write pages. */
#ifndef TESTS_UNIT_EXPOSITION_WORLD_H
#define TESTS_UNIT_EXPOSITION_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORLD_APPS = 2, WORLD_COMMUNITIES = 8, WORLD_TOPICS = 12, WORLD_LINES = 4000, WORLD_LINE = 256 };
enum { WORLD_NOW_S = 1700000000, WORLD_SILENT_S = 3600 };

/* Below 0: the service does not tell. */
struct world_topic {
	char id[32]; /* behind the community's id; with a '!' in front it is the whole id */
	int name, created, last, muted, seq, read, shut;
	int error; /* ErrorCode; 0: none */
};

struct world_community {
	char id[32];
	size_t app;
	int level; /* 0 topic, 1 community, 2 app */
	bool polled, failing, facts, ever_fine;
	size_t topic_n;
	struct world_topic topic[WORLD_TOPICS];
};

struct world {
	struct world_community community[WORLD_COMMUNITIES];
	size_t community_n;
	bool observer;
};

/* What a request and the configuration leave of it. */
struct world_want {
	int level, app;    /* app below 0: all */
	const bool *shown; /* by metric, in the order of the catalogue */
	uint64_t floor;    /* of ranks */
};

/* Which topics are folded: by the time of the last message, and by a hash of the id among equals. */
uint64_t world_rank(const struct world_community *c, const struct world_topic *t);
/* Series of this topic, of all families (0 to 7) for which `shown` is true. */
unsigned world_series(const struct world *w, const struct world_topic *t, const bool *shown);

/* The sample lines of the topic and community families, each once, in no order. */
struct world_page {
	char line[WORLD_LINES][WORLD_LINE];
	size_t n;
};
void world_expect(const struct world *w, const struct world_want *want, struct world_page *ret);

#endif
