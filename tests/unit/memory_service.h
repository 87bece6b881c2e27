/* The service as poll_memory_test.c polls it, in the place of agent/fetch, and the clock. What it says
 * depends on the round only: every topic has 1000 messages more than in the round before. The functions of
 * fetch.h and now.h are here. */
#ifndef TESTS_UNIT_MEMORY_SERVICE_H
#define TESTS_UNIT_MEMORY_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/now.h"

/* How a community answers. SICK ones never do. */
enum manner {
	MANNER_WHOLE,
	MANNER_TURNED, /* in another order every round */
	MANNER_LARGE,  /* the ids alone, then batches */
	MANNER_NAMED,  /* asked for some of its topics by their ids */
	MANNER_SICK_BREAKS,
	MANNER_SICK_STATUS,
	MANNER_SICK_TEXT,
	MANNER_SICK_LARGE,
	MANNER_SICK_GONE,
};
struct service_community {
	const char *id;
	enum manner manner;
	unsigned topics; /* that a complete poll shows */
	/* Found by discovery, on the pages of these rounds; 0, 0: configured. */
	unsigned listed_from, listed_to;
};
extern const struct service_community service_community[];
extern const size_t service_communities;

enum { SERVICE_STEP = 1000, SERVICE_APPS = 2, SERVICE_COMMUNITIES_MAX = 32 };
extern const unsigned service_sdkappid[SERVICE_APPS];

extern struct service_state {
	unsigned round;  /* set by the test, from 1 */
	bool refuses;    /* the next call: its signature */
	unsigned flying; /* calls under way */
	size_t sent[SERVICE_APPS], delivered[SERVICE_APPS];
} service;

/* Goes on in fetch_wait only, and not past service_stop_ms. */
extern struct now service_now;
extern int64_t service_stop_ms;

/* The configuration of an exporter for all of it. */
extern const char service_config[];

#endif
