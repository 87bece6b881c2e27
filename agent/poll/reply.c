/* A reply, and the end of a poll. */
#include "agent/poll/inside.h"

enum {
	RETRY_LEAST_MS = 1000, /* a retry comes 1 to 3 s later */
	RETRY_SPAN_MS = 2000,
};

static bool has_spare(const struct lane *l)
{
	return l->required_micro / 1000 * 5 < l->pace.budget_milli * 4; /* four fifths */
}

/* Nothing of it stays: its community's own polls are others. */
static void end_probe(struct poller *p, size_t number, const struct poll_answer *got, const struct now *now)
{
	const struct task t = p->task[number];
	const struct poll_end end = { .outcome = got->outcome, .took_us = t.took_us, .why = got->why };

	probes_retire(p, number);
	p->parts.probe_sink.ended(p->parts.probe_sink.arg, t.conf.subject, &end, now);
}

static void end_poll(struct poller *p, size_t number, const struct poll_answer *got, const struct now *now)
{
	struct task *t = &p->task[number];
	struct lane *l = task_lane(p, t);
	const struct poller_sink *sink = task_sink(p, t);
	struct poll_end end = { .outcome = got->outcome, .took_us = t->took_us, .why = got->why };

	if (!t->polled) {
		t->polled = true;
		l->pending--;
	}
	p->app[t->conf.app]->alive_ms = now->mono_ms;
	t->period_ms = end.period_ms = cadence(t, &end.outcome, got->messages, has_spare(l));
	tasks_weigh(p, t);
	if (!t->missed)
		tasks_swept(l, t, now);
	t->begun = t->retried = false;
	if (!t->missed)
		t->failing = end.outcome.err != ERR_OK;
	t->took_us = 0;
	tasks_plan_next(p, number, now);
	/* Last, since it may add and remove jobs, and move `t`. */
	sink->ended(sink->arg, t->conf.subject, &end, now);
}

static void end_either(struct poller *p, size_t number, const struct poll_answer *got, const struct now *now)
{
	if (p->task[number].one_shot)
		end_probe(p, number, got, now);
	else
		end_poll(p, number, got, now);
}

/* What libcurl sent again by itself is counted and owed like any other request. What was never sent is not
 * waited for. */
static void note_sent(struct lane *l, const struct reply *r, const struct now *now)
{
	if (r->sent == 0)
		pace_never(&l->pace, 1, now);
	if (r->sent < 2)
		return;
	l->tally.requests += r->sent - 1;
	pace_spend(&l->pace, r->sent - 1, now);
}

/* The reply to a job that is gone: counted, and no more. */
static void deliver_unseen(struct poller *p, size_t number, const struct reply *r, const struct now *now)
{
	struct task *t = &p->task[number];
	const struct outcome o = {
		.verdict = r->err == ERR_OK ? CHAT_FINE : CHAT_RETRY,
		.err = r->err,
		.code = r->err == ERR_HTTP_STATUS ? (int)r->status : 0,
	};

	tally_attempt(&task_lane(p, t)->tally, &o, r->took_us, r->bytes);
	breaker_neutral(&p->app[t->conf.app]->breaker, t->probe, now);
	if (t->one_shot)
		probes_retire(p, number);
	else
		tasks_retire(p, number);
}

/* What follows from a reply. */
static void go_on(struct poller *p, size_t number, enum next next, const struct poll_answer *got,
                  const struct now *now)
{
	struct task *t = &p->task[number];
	struct lane *l = task_lane(p, t);

	if (next == NEXT_AGAIN_NOW || next == NEXT_AGAIN_SOON) {
		t->retried = true;
		l->tally.retries++;
	}
	if (next == NEXT_END)
		end_either(p, number, got, now);
	else if (t->one_shot)
		probes_again(p, number);
	else if (next == NEXT_AGAIN_SOON)
		plan_put(l->plan, number, now->mono_ms + RETRY_LEAST_MS + plan_jitter(l->plan, RETRY_SPAN_MS));
	else
		plan_put(l->plan, number, t->due_ms);
}

void poll_deliver(struct poller *p, const struct reply *r, const struct now *now)
{
	const size_t number = r->target;
	struct task *t = &p->task[number];
	struct app *a = p->app[t->conf.app];
	struct lane *l = task_lane(p, t);
	const struct poller_sink *sink = task_sink(p, t);
	struct poll_answer got = { .why = r->why };
	bool reopened = false;
	enum next next;

	a->inflight--;
	t->flying = false;
	t->took_us += r->took_us;
	note_sent(l, r, now);
	if (t->removed) {
		deliver_unseen(p, number, r, now);
		apps_settle(p, a->number);
		return;
	}
	sink->answer(sink->arg, t->conf.subject, r, now, &l->tally, &got);
	t = &p->task[number]; /* the sink may have added jobs */
	tally_attempt(&l->tally, &got.outcome, r->took_us, r->bytes);
	next = judge(a, t, r, &got, now, &reopened);
	t->probe = false;
	go_on(p, number, next, &got, now);
	if (reopened) {
		for (int c = 0; c < CHAT_COMMANDS; c++)
			pace_ramp(&a->lane[c].pace, now);
		tasks_spread_missed(p, a->number, now);
	}
}

/* A poll that ends without a call. */
void poll_end_unasked(struct poller *p, size_t number, const struct outcome *o, const struct why *why,
                      const struct now *now)
{
	const struct poll_answer got = { .outcome = *o, .why = *why };

	end_either(p, number, &got, now);
}

void poll_miss(struct poller *p, size_t number, const struct now *now)
{
	const struct app *a = p->app[p->task[number].conf.app];
	struct outcome o = a->closed_by;

	o.verdict = CHAT_RETRY; /* whatever closed the app says nothing about this community */
	p->task[number].missed = true;
	poll_end_unasked(p, number, &o, &a->closed_why, now);
}
