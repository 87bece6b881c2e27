/* Policy: which job, when, and what follows from an answer. Joins plan, rate, signer and fetch.
 * A job is one community polled for ever; its number is also its place in plan and store. All parts are
 * borrowed and outlive the poller. Every call costs a token of its app's bucket. */
#ifndef AGENT_POLL_POLLER_H
#define AGENT_POLL_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/now.h"
#include "agent/chat/chat.h"
#include "agent/chat/tally.h"
#include "agent/fetch/fetch.h"
#include "agent/schedule/plan.h"
#include "agent/schedule/rate.h"
#include "agent/usersig/signer.h"

struct poller_app {
	const char *host; /* base URL, see struct chat_caller */
	const char *admin;
	const char *ca_file;
	uint64_t sdk_app_id;
	struct signer *signer;
	int64_t milli_per_s; /* budget for get_topic */
	unsigned max_inflight;
};

struct job {
	size_t app;
	int64_t period_ms;
	uint64_t phase_key; /* place on the grid, see plan_slot */
};

/* How one poll ended, all its calls together. */
struct poll_end {
	struct outcome outcome;
	int64_t took_us;
	struct why why; /* of a failure; "" when there is nothing to say */
};

/* The other half of a poll. The poller calls these and nothing calls back into the poller. */
struct poller_sink {
	void *arg;
	/* Writes the body of the next call of this job's poll. */
	void (*ask)(void *arg, size_t job, struct buf *body);
	/* Consumes one reply; the outcome's verdict decides what follows. Counts topics in error in `t`. `why`
	 * starts empty and explains a failure. */
	struct outcome (*answer)(void *arg, size_t job, const struct reply *r, const struct now *now,
	                         struct tally *t, struct why *why);
	/* A poll is over: usable, failed, or never sent (signing failed: ERR_AUTH). */
	void (*ended)(void *arg, size_t job, const struct poll_end *end, const struct now *now);
};

struct poller_parts {
	struct fetch *fetch;
	const struct poller_app *app;
	const struct job *job;
	size_t app_n, job_n;
	uint64_t seed;
	struct poller_sink sink;
};

/* One app as the poller sees it. */
struct poller_view {
	const struct tally *tally[CHAT_COMMANDS];
	unsigned inflight;
	int64_t last_ok_ms;  /* mono; -1: never */
	bool signing_failed; /* the latest try to sign */
	bool barred;         /* stopped by a refusal only an operator can cure; probed once a minute */
	int64_t late_ms;     /* lateness of its most overdue job */
	size_t pending;      /* jobs never finished once */
};

struct poller;

/* First polls are spread over the shorter of a job's period and the time its app needs for all its jobs at
 * half of its budget; later ones stand on the job's grid. Errors: ERR_MEMORY. */
enum err poller_new(const struct poller_parts *parts, const struct now *now, struct poller **ret) MUST_USE;
/* Delivers what came, sends what is due and allowed. Bounded work; call again after poller_wait_ms. */
void poller_turn(struct poller *p, const struct now *now);
int64_t poller_wait_ms(const struct poller *p, const struct now *now);
/* Sends nothing more; calls in flight may still be delivered. */
void poller_stop(struct poller *p);

void poller_app_view(const struct poller *p, size_t app, const struct now *now, struct poller_view *ret);
/* When a poll was last started or finished, or none was due or allowed; mono. */
int64_t poller_alive_ms(const struct poller *p);
void poller_free(struct poller *p);

#endif
