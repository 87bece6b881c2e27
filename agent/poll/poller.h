/* Policy: which job, when, and what follows from an answer. Joins plan, pace, breaker, signer and fetch.
 *
 * - A job is one thing polled for ever: a community (get_topic), or the list of an app's communities
 *   (get_appid_group_list). A poll is one call or several, with one end.
 * - Every request costs a token of its app's and command's budget: retries, further calls of a poll, and what
 * libcurl sends again by itself.
 * - An app whose endpoint fails or refuses is asked by one probe at a time; polls that come due meanwhile end
 *   at once, with the reason it is closed for, and cost nothing.
 * - A probe is one poll now, for somebody who waits for it, beside the polls of its community. All probes of
 * an app have a tenth of the rate in force, or a call a second where polls leave room for it. All parts are
 * borrowed; those of an app until it is changed or removed. */
#ifndef AGENT_POLL_POLLER_H
#define AGENT_POLL_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/now.h"
#include "agent/chat/chat.h"
#include "agent/chat/tally.h"
#include "agent/fetch/fetch.h"
#include "agent/usersig/signer.h"

struct poller_app {
	const char *host; /* base URL, see struct chat_caller */
	const char *admin;
	const char *ca_file, *proxy; /* "": none */
	uint64_t sdk_app_id;
	struct signer *signer;
	int64_t milli_per_s[CHAT_COMMANDS]; /* budgets */
	unsigned max_inflight;
};

struct job {
	size_t app;
	enum chat_command command;
	size_t subject; /* the caller's own number; the sink is told it */
	int64_t period_ms;
	int64_t period_min_ms, period_max_ms; /* adaptive polling; 0, 0: the period is fixed */
	uint64_t phase_key;                   /* place on the grid, see plan_slot */
	size_t crowd; /* newcomers that its first poll makes room for, when there are more than this call adds */
};

/* What one reply came to. */
struct poll_answer {
	struct outcome
		outcome;       /* CHAT_MORE: the poll goes on with another call, whatever .err says of this one */
	struct why why;    /* of a failure; "" when there is nothing to say */
	uint64_t messages; /* new since the previous usable answer; for adaptive polling */
};

/* How one poll ended, all its calls together. */
struct poll_end {
	struct outcome outcome;
	int64_t took_us;
	int64_t period_ms; /* in force from now on */
	struct why why;
};

/* The other half of a poll, one for each command. The poller calls these and nothing calls back into it, but
 * that `ended` may add and remove jobs other than its own. */
struct poller_sink {
	void *arg;
	/* Writes the body of the next call. `first`: a new poll begins. False: no memory. */
	bool (*ask)(void *arg, size_t subject, bool first, struct buf *body);
	/* Consumes one reply, also a failed one. Counts topics in error in `t`. */
	void (*answer)(void *arg, size_t subject, const struct reply *r, const struct now *now, struct tally *t,
	               struct poll_answer *ret);
	/* A poll is over: usable, failed, or never sent. */
	void (*ended)(void *arg, size_t subject, const struct poll_end *end, const struct now *now);
};

struct poller_parts {
	struct fetch *fetch;
	const struct poller_app *app; /* the first apps, by number */
	size_t app_n;
	uint64_t seed;
	bool once; /* a job that was polled is not polled again */
	struct poller_sink sink[CHAT_COMMANDS];
	struct poller_sink probe_sink;
};

struct poller;

/* Errors: ERR_MEMORY. */
enum err poller_new(const struct poller_parts *parts, const struct now *now, struct poller **ret) MUST_USE;
/* Another app, whose texts and signer are borrowed like those of the first; its number is the lowest that is
 * free. Errors: ERR_MEMORY. */
enum err poller_app_add(struct poller *p, const struct poller_app *conf, const struct now *now,
                        size_t *ret) MUST_USE;
/* The budget of an app without calls so far is spent for a second: it may have been another's until now. */
void poller_app_late(struct poller *p, size_t number, const struct now *now);
/* Borrows other texts and signer from now on. Budgets change without a burst; what is known of the app
 * stays. */
void poller_app_change(struct poller *p, size_t number, const struct poller_app *conf, const struct now *now);
/* After all of its jobs were removed, and its probes dropped. Its number is free when its last call has
 * ended. */
void poller_app_remove(struct poller *p, size_t number);
/* Adds `n` jobs; ret[i] is the number of job[i], for poller_remove. First polls are spread over the shorter
 * of a job's period and the time its app needs for all newcomers at half of its budget; later ones stand on
 * the job's grid. Errors: ERR_MEMORY, and none was added. */
enum err poller_add(struct poller *p, const struct job *job, size_t n, const struct now *now,
                    size_t *ret) MUST_USE;
/* The sink hears of this job no more; a call of it that is under way ends unseen. */
void poller_remove(struct poller *p, size_t number);
/* The period of a job changed, or the bounds of it. Returns the one in force. poller_settle follows once,
 * when all changes are told: then each has its place on its new grid. */
int64_t poller_change(struct poller *p, size_t number, const struct job *j);
void poller_settle(struct poller *p, const struct now *now);
int64_t poller_period_ms(const struct poller *p, size_t number); /* in force */
/* One poll of get_topic now, as soon as budget allows; no retry, but for another signature. probe_sink hears
 * of it, with `subject`, and at its end the number is no more; while the app is closed that is in the next
 * turn, and nothing is sent. An app has POLLER_PROBES at a time, under way or waiting. Errors: ERR_LIMIT,
 * ERR_MEMORY. */
enum { POLLER_PROBES = 16 };
enum err poller_probe(struct poller *p, const struct job *j, size_t *ret) MUST_USE;
/* Nobody waits any more: the sink hears nothing further, and what is under way ends unseen. */
void poller_probe_drop(struct poller *p, size_t number);
/* A call of it went. */
bool poller_probe_begun(const struct poller *p, size_t number);
/* How long a probe that comes now would wait for budget, about; a minute at most. */
int64_t poller_probe_wait_ms(struct poller *p, size_t app, const struct now *now);
/* Delivers what came, sends what is due and allowed. Bounded work; call again after poller_wait_ms. */
void poller_turn(struct poller *p, const struct now *now);
int64_t poller_wait_ms(struct poller *p, const struct now *now);
/* Sends nothing more; calls in flight may still be delivered. */
void poller_stop(struct poller *p);
/* An operator says that keys were put right: apps that a refused signature stopped read their key and ask
 * again now, but for those that the service has locked out. */
void poller_hurry(struct poller *p, const struct now *now);
void poller_free(struct poller *p);

/* One command of one app as the poller sees it. */
struct poller_lane {
	const struct tally *tally;
	int64_t budget_milli, in_force_milli, required_milli; /* milli-calls a second */
	unsigned peak;                                        /* calls in the busiest second of the last minute */
	int64_t now_milli;                                    /* over the last ten whole seconds */
};

/* One app as the poller sees it. */
struct poller_view {
	struct poller_lane lane[CHAT_COMMANDS];
	unsigned inflight;
	int64_t last_ok_ms;  /* mono; -1: never */
	bool signing_failed; /* the latest try to sign */
	bool barred;         /* stopped by a refusal only an operator can cure; probed once a minute */
	bool skew_known;
	int64_t skew_s;       /* the service's clock minus ours */
	int64_t late_ms;      /* lateness of its most overdue job */
	int64_t sweep_ms;     /* in which every community was polled once; -1: not yet */
	int64_t alive_s;      /* unix: a poll was last started or finished, or none was due or allowed */
	size_t pending;       /* communities never polled */
	size_t lists_pending; /* lists of communities never read */
	int64_t longest_ms;   /* period of the slowest community */
};
void poller_app_view(struct poller *p, size_t app, const struct now *now, struct poller_view *ret);
/* One command of it alone, which costs nothing. */
void poller_app_lane(struct poller *p, size_t app, enum chat_command c, const struct now *now,
                     struct poller_lane *ret);
/* When the next poll of a job is due, mono; in the past: as soon as the budget allows, or under way. */
int64_t poller_next_ms(const struct poller *p, size_t number);
/* Asks the memory early for what poller_next_ms reads. A hint: nothing depends on it. */
void poller_ahead(const struct poller *p, size_t number);
/* When a poll of any app was last started or finished, or none was due or allowed; mono. */
int64_t poller_alive_ms(const struct poller *p);

#endif
