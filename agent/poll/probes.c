/* Probes: one poll now, for somebody who waits for it. They wait in a queue of their app instead of its plan,
 * and cost its budget like any other call, but no more than a part of it. */
#include <string.h>

#include "agent/poll/inside.h"

enum {
	PART = 10,           /* of the rate in force, a tenth is for probes, */
	LEAST_MILLI = 1000,  /* or a call a second, which may be more */
	PATIENCE_MS = 60000, /* a longer wait is as good as this one */
};

void probes_init(struct app *a, const struct now *now)
{
	rate_init(&a->probe_share, LEAST_MILLI, 1, now);
	rate_init(&a->probe_part, LEAST_MILLI, 1, now);
}

static void set_rate(struct rate *r, int64_t milli, const struct now *now)
{
	if (r->milli_per_s != milli)
		rate_set(r, milli, now);
}

/* While polls wait for budget a tenth of it is all that probes get; else they have a call a second at least.
 */
static int64_t share_wait_ms(struct app *a, const struct now *now)
{
	const struct lane *l = &a->lane[CHAT_GET_TOPIC];
	const int64_t part = pace_in_force(&a->lane[CHAT_GET_TOPIC].pace, now) / PART;
	int64_t wait_ms, part_ms;

	set_rate(&a->probe_share, part > LEAST_MILLI ? part : LEAST_MILLI, now);
	set_rate(&a->probe_part, part > 0 ? part : 1, now);
	wait_ms = rate_wait_ms(&a->probe_share, now);
	part_ms = rate_wait_ms(&a->probe_part, now);
	return l->starved && part_ms > wait_ms ? part_ms : wait_ms;
}

static void pay(struct app *a, const struct now *now)
{
	rate_spend(&a->probe_share, 1, now);
	(void)rate_take(&a->probe_part, now); /* what goes while no poll waits is not owed */
}

/* ---- the queue ---- */
static size_t leave_queue(struct app *a, size_t place)
{
	const size_t number = a->probe[place];

	a->probe_n--;
	memmove(&a->probe[place], &a->probe[place + 1], (a->probe_n - place) * sizeof(a->probe[0]));
	return number;
}

void probes_again(struct poller *p, size_t number)
{
	struct app *a = p->app[p->task[number].conf.app];

	memmove(&a->probe[1], &a->probe[0], a->probe_n * sizeof(a->probe[0])); /* there is room for all of them */
	a->probe[0] = number;
	a->probe_n++;
}

void probes_retire(struct poller *p, size_t number)
{
	p->app[p->task[number].conf.app]->probes--;
	tasks_retire(p, number);
}

enum err poller_probe(struct poller *p, const struct job *j, size_t *ret)
{
	struct app *a = p->app[j->app];
	size_t number;
	enum err e;

	if (a->probes >= POLLER_PROBES)
		return ERR_LIMIT;
	e = tasks_one(p, &number);
	if (e != ERR_OK)
		return e;
	p->task[number] = (struct task){ .conf = *j, .period_ms = j->period_ms, .used = true, .one_shot = true };
	a->probe[a->probe_n++] = number;
	a->probes++;
	*ret = number;
	return ERR_OK;
}

void poller_probe_drop(struct poller *p, size_t number)
{
	struct task *t = &p->task[number];
	struct app *a = p->app[t->conf.app];

	if (t->flying) {
		t->removed = true;
		return;
	}
	for (size_t i = 0; i < a->probe_n; i++)
		if (a->probe[i] == number) {
			(void)leave_queue(a, i);
			break;
		}
	probes_retire(p, number);
}

bool poller_probe_begun(const struct poller *p, size_t number)
{
	return p->task[number].begun;
}

int64_t poller_probe_wait_ms(struct poller *p, size_t app, const struct now *now)
{
	struct app *a = p->app[app];
	const int64_t share_ms = share_wait_ms(a, now);
	const int64_t pace_ms = pace_wait_ms(&a->lane[CHAT_GET_TOPIC].pace, now);
	const int64_t queue_ms = (int64_t)a->probe_n * 1000000 / a->probe_share.milli_per_s;
	const int64_t wait_ms = queue_ms + (share_ms > pace_ms ? share_ms : pace_ms);

	if (a->breaker.open)
		return 0; /* it ends at once */
	return wait_ms < PATIENCE_MS ? wait_ms : PATIENCE_MS;
}

/* ---- the turn ---- */
static void end_closed(struct poller *p, struct app *a, const struct now *now)
{
	struct outcome o = a->closed_by;

	o.verdict = CHAT_RETRY;
	poll_end_unasked(p, leave_queue(a, 0), &o, &a->closed_why, now);
}

void probes_send(struct poller *p, struct app *a, const struct now *now)
{
	while (a->probe_n > 0) {
		if (a->breaker.open) {
			end_closed(p, a, now);
			continue;
		}
		if (!poller_has_room(p, a) || share_wait_ms(a, now) > 0 ||
		    !pace_take(&a->lane[CHAT_GET_TOPIC].pace, now))
			return;
		pay(a, now);
		poll_start(p, leave_queue(a, 0), now);
	}
}

int64_t probes_wait_ms(struct poller *p, struct app *a, const struct now *now)
{
	int64_t share_ms, pace_ms;

	if (a->probe_n == 0)
		return INT64_MAX;
	if (a->breaker.open)
		return 0;
	if (!poller_has_room(p, a))
		return INT64_MAX; /* a reply will wake the loop */
	share_ms = share_wait_ms(a, now);
	pace_ms = pace_wait_ms(&a->lane[CHAT_GET_TOPIC].pace, now);
	return share_ms > pace_ms ? share_ms : pace_ms;
}
