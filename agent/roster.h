/* The configuration laid out for work: every community of every app in one order, the order of
 * SHA-256(sdkappid, community id). Its number in that order is its job in the poller and its place in the
 * store. */
#ifndef AGENT_ROSTER_H
#define AGENT_ROSTER_H

#include "agent/config/conf.h"
#include "agent/poll/poller.h"
#include "exporters/store/store.h"

struct member {
	const struct conf_community *conf;
	size_t app;
	uint64_t key; /* first 64 bits of the hash: the order, and the phase on the polling grid */
	char *text;   /* what the spans of its store row point into */
};

struct roster {
	const struct conf *conf; /* borrowed */
	size_t app_n, community_n;
	struct member *member; /* by community, as the two below */
	struct job *job;
	struct store_community *community;
	struct poller_app *app;             /* by app; owns the signers */
	struct span *app_labels, *app_info; /* by app; label text */
};

/* `seed` feeds the jitter of the signers. Errors: ERR_MEMORY. */
enum err roster_new(const struct conf *c, uint64_t seed, struct roster **ret) MUST_USE;
void roster_free(struct roster *r); /* NULL is fine */

#endif
