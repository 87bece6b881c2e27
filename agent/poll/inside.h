/* What the files of this room share. */
#ifndef AGENT_POLL_INSIDE_H
#define AGENT_POLL_INSIDE_H

#include "agent/poll/poller.h"
#include "agent/schedule/breaker.h"
#include "agent/schedule/pace.h"
#include "agent/schedule/plan.h"

/* A job as the poller keeps it. */
struct task {
	struct job conf;
	int64_t period_ms;      /* in force */
	int64_t due_ms;         /* the slot its poll stands for */
	int64_t took_us;        /* of this poll so far */
	int64_t required_micro; /* its part of the lane's */
	uint64_t signature;     /* which one its call carries, by signer_renewals */
	uint32_t sweep;         /* the last sweep it was polled in */
	unsigned calls;         /* of this poll so far; of the latest between polls */
	uint8_t quiet;          /* polls without a message, in a row */
	bool used, removed, flying, begun, polled;
	bool probe;    /* the call under way is one */
	bool retried;  /* in this poll */
	bool failing;  /* its latest poll that made a call failed */
	bool moved;    /* its period changed, and its place in the plan did not yet */
	bool missed;   /* its poll ended without a call, because the app is closed */
	bool one_shot; /* a probe of poller_probe: it is in no plan, and in none of the lane's sums */
	size_t next_free;
};

/* One command of one app. */
struct lane {
	struct plan *plan; /* over task numbers */
	struct pace pace;
	unsigned written; /* requests that fetch wrote since `pace` was told */
	struct tally tally;
	int64_t required_micro; /* micro-calls a second that all its jobs need */
	size_t job_n, pending;  /* live ones; never polled ones */
	bool moved;             /* some of its jobs have */
	bool starved;           /* the budget held a call back since the last one went */
	uint32_t sweep;
	size_t swept;
	int64_t sweep_began_ms, sweep_ms;
};

struct app {
	struct poller_app conf;
	size_t number;
	bool leaving; /* it was removed, and a call is under way */
	struct lane lane[CHAT_COMMANDS];
	struct breaker breaker;
	struct outcome closed_by; /* why the breaker is open */
	struct why closed_why;
	unsigned inflight;
	int64_t last_ok_ms;
	int64_t alive_ms;
	int64_t retry_credit; /* milli-retries: a tenth of one for each call */
	bool signing_failed;
	bool held;                   /* one call at a time until one shows that the signature is good */
	bool barred;                 /* closed by a refusal, not by failures on the way */
	uint64_t refused;            /* the signature refused last; calls that still carry it say nothing new */
	size_t probe[POLLER_PROBES]; /* probes that wait, by task, the next one first */
	unsigned probe_n, probes;    /* those; with those under way */
	struct rate probe_share, probe_part; /* what they may have; what they may have while polls wait */
	bool skew_known;
	int64_t skew_s, sign_offset_s;
};

struct poller {
	struct poller_parts parts;
	struct app **app; /* by number; NULL: free */
	size_t app_n;
	struct task *task;
	size_t task_n, task_cap, free; /* free: first of the list; SIZE_MAX: none */
	struct buf url, body;
	size_t first;       /* the app that is served first; moves on every turn */
	bool stopped, more; /* more: the last turn stopped at its bound */
};

/* ---- apps.c: which apps there are ---- */

/* One that was removed ends with its last call. */
void apps_settle(struct poller *p, size_t number);
void apps_free(struct poller *p);

/* ---- judge.c: what a reply means for its app ---- */

enum next { NEXT_END, NEXT_AGAIN_NOW, NEXT_AGAIN_SOON, NEXT_MORE };
/* What the poll does after this reply. True in *ret_reopened: the app was closed and is open again. */
enum next judge(struct app *a, const struct task *t, const struct reply *r, const struct poll_answer *got,
                const struct now *now, bool *ret_reopened);
/* Closes the app for everything but a probe every `every_ms`. */
void judge_bar(struct app *a, int64_t every_ms, const struct outcome *o, const struct why *why,
               const struct now *now);

/* ---- call.c, reply.c: one call, and the end of a poll ---- */

/* Signs and sends the next call of this task's poll; the poll ends when that is not possible. */
void poll_start(struct poller *p, size_t number, const struct now *now);
void poll_deliver(struct poller *p, const struct reply *r, const struct now *now);
/* Ends a poll that no call was made for. */
void poll_end_unasked(struct poller *p, size_t number, const struct outcome *o, const struct why *why,
                      const struct now *now);
/* The same, because the app is closed. */
void poll_miss(struct poller *p, size_t number, const struct now *now);

/* ---- cadence.c: how often ---- */

/* The period of a job after a poll that ended like this. `spare`: the app's budget has room for more. */
int64_t cadence(struct task *t, const struct outcome *o, uint64_t messages, bool spare);

/* ---- probes.c: polls that somebody waits for ---- */

void probes_init(struct app *a, const struct now *now);
/* Sends those that may go; they end unasked while the app is closed. */
void probes_send(struct poller *p, struct app *a, const struct now *now);
int64_t probes_wait_ms(struct poller *p, struct app *a, const struct now *now);
/* Its next call is the next to go. */
void probes_again(struct poller *p, size_t number);
void probes_retire(struct poller *p, size_t number);

/* ---- poller.c ---- */
/* Whether one more call of this app may be under way. */
bool poller_has_room(const struct poller *p, const struct app *a);

/* ---- tasks.c: which jobs there are ---- */

/* The number of another task, which is the caller's to fill. Errors: ERR_MEMORY. */
enum err tasks_one(struct poller *p, size_t *ret) MUST_USE;

void tasks_retire(struct poller *p, size_t number);
/* Forgets what is planned of a lane whose jobs are all removed. */
void tasks_forget(struct poller *p, struct lane *l);
/* Back onto the grid after a poll. */
void tasks_plan_next(struct poller *p, size_t number, const struct now *now);
/* The calls of its latest poll, or its period, changed: so does what the lane needs. */
void tasks_weigh(struct poller *p, struct task *t);
/* Probes of its app are never further apart than the polls they stand for. */
void tasks_limit_gaps(struct poller *p, const struct job *j);
/* A task was polled. */
void tasks_swept(struct lane *l, struct task *t, const struct now *now);
/* After an outage: polls that were missed are made up for, spread over the time the budget needs. */
void tasks_spread_missed(struct poller *p, size_t app, const struct now *now);

static inline struct lane *task_lane(struct poller *p, const struct task *t)
{
	return &p->app[t->conf.app]->lane[t->conf.command];
}

static inline const struct poller_sink *task_sink(const struct poller *p, const struct task *t)
{
	return t->one_shot ? &p->parts.probe_sink : &p->parts.sink[t->conf.command];
}

#endif
