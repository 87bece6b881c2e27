#include "agent/poll/poller.h"

#include <stdlib.h>
#include <string.h>

#include "agent/poll/inside.h"

/* Replies delivered and calls started in one turn, so that the listener gets its turn too. */
enum { REPLIES_A_TURN = 16, SENDS_A_TURN = 16, BODY_MAX = 2 << 20, URL_MAX_BYTES = 4096 };

enum { CODE_LOCKED_OUT = 70050 };

/* ---- life ---- */
enum err poller_new(const struct poller_parts *parts, const struct now *now, struct poller **ret)
{
	struct poller *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ERR_MEMORY;
	p->parts = *parts;
	p->free = SIZE_MAX;
	buf_init(&p->url, URL_MAX_BYTES);
	buf_init(&p->body, BODY_MAX);
	for (size_t i = 0; i < parts->app_n; i++) {
		size_t number;

		if (poller_app_add(p, &parts->app[i], now, &number) != ERR_OK) {
			poller_free(p);
			return ERR_MEMORY;
		}
	}
	*ret = p;
	return ERR_OK;
}

void poller_free(struct poller *p)
{
	if (p == NULL)
		return;
	apps_free(p);
	if (p->url.at != NULL)
		explicit_bzero(p->url.at, p->url.cap);
	buf_done(&p->url);
	buf_done(&p->body);
	free(p->task);
	free(p);
}

/* ---- the turn ---- */
bool poller_has_room(const struct poller *p, const struct app *a)
{
	return fetch_room(p->parts.fetch) && a->inflight < (a->held ? 1 : a->conf.max_inflight);
}

/* Whether probes of a closed app are calls of this lane. */
static bool probes(const struct app *a, const struct lane *l)
{
	const struct lane *topics = &a->lane[CHAT_GET_TOPIC];

	return a->breaker.open && (l == topics || topics->job_n == 0);
}

/* The task to serve next, which stays planned; false: none is due. While the app is closed its next probe is
 * due when the breaker says so, whoever's turn it is. */
static bool next_due(struct poller *p, struct app *a, struct lane *l, const struct now *now, size_t *ret)
{
	while (plan_peek(l->plan, ret)) {
		if (p->task[*ret].removed) {
			plan_drop(l->plan);
			tasks_retire(p, *ret);
			continue;
		}
		return plan_due_ms(l->plan) <= now->mono_ms ||
		       (probes(a, l) && breaker_wait_ms(&a->breaker, now) == 0);
	}
	return false;
}

static void send_due(struct poller *p, struct app *a, struct lane *l, const struct now *now)
{
	size_t number;

	for (int i = 0; next_due(p, a, l, now, &number); i++) {
		if (i == SENDS_A_TURN) {
			p->more = true;
			return;
		}
		if (breaker_wait_ms(&a->breaker, now) > 0) {
			plan_drop(l->plan);
			poll_miss(p, number, now);
			continue;
		}
		if (!poller_has_room(p, a))
			return;
		if (!pace_take(&l->pace, now)) {
			l->starved = true;
			return;
		}
		plan_drop(l->plan);
		if (l->starved && now->mono_ms > p->task[number].due_ms)
			l->tally.wait_ms += (uint64_t)(now->mono_ms - p->task[number].due_ms);
		l->starved = false;
		poll_start(p, number, now);
	}
}

/* Whether a call is due that nothing but this program holds back. */
static bool is_stuck(struct poller *p, struct app *a, const struct now *now)
{
	for (int c = 0; c < CHAT_COMMANDS; c++) {
		struct lane *l = &a->lane[c];
		size_t number;

		if (next_due(p, a, l, now, &number) && plan_due_ms(l->plan) <= now->mono_ms &&
		    pace_wait_ms(&l->pace, now) == 0)
			return true;
	}
	return false;
}

/* What was written in the turn before is said to have gone now, a little too late rather than too early. */
static void note_written(struct poller *p, const struct now *now)
{
	for (size_t i = 0; i < p->app_n; i++)
		for (int c = 0; p->app[i] != NULL && c < CHAT_COMMANDS; c++) {
			struct lane *l = &p->app[i]->lane[c];

			pace_sent(&l->pace, l->written, now);
			l->written = 0;
		}
}

void poller_turn(struct poller *p, const struct now *now)
{
	struct reply r;
	int n = 0;

	p->more = false;
	note_written(p, now);
	while (n < REPLIES_A_TURN && fetch_take(p->parts.fetch, &r)) {
		poll_deliver(p, &r, now);
		n++;
	}
	if (n == REPLIES_A_TURN)
		p->more = true;
	for (size_t i = 0; !p->stopped && i < p->app_n; i++) {
		struct app *a = p->app[(p->first + i) % p->app_n];

		if (a == NULL)
			continue;
		probes_send(p, a, now);
		for (int c = CHAT_COMMANDS;
		     c-- > 0;) /* lists first: they are few, and would find no room behind polls */
			send_due(p, a, &a->lane[c], now);
		if (!is_stuck(p, a, now))
			a->alive_ms = now->mono_ms;
	}
	p->first++;
}

static int64_t lane_wait_ms(struct poller *p, struct app *a, struct lane *l, const struct now *now)
{
	const int64_t closed_ms = breaker_wait_ms(&a->breaker, now);
	size_t number;

	if (!next_due(p, a, l, now, &number)) {
		const int64_t due_ms = plan_wait_ms(l->plan, now);

		return probes(a, l) && due_ms != INT64_MAX && closed_ms < due_ms ? closed_ms : due_ms;
	}
	if (closed_ms > 0)
		return 0;                                                           /* it ends unasked */
	return poller_has_room(p, a) ? pace_wait_ms(&l->pace, now) : INT64_MAX; /* a reply will wake the loop */
}

int64_t poller_wait_ms(struct poller *p, const struct now *now)
{
	int64_t least = INT64_MAX;

	if (p->more)
		return 0;
	for (size_t i = 0; !p->stopped && i < p->app_n; i++) {
		const int64_t probe_ms = p->app[i] != NULL ? probes_wait_ms(p, p->app[i], now) : INT64_MAX;

		if (probe_ms < least)
			least = probe_ms;
		for (int c = 0; p->app[i] != NULL && c < CHAT_COMMANDS; c++) {
			const int64_t wait_ms = lane_wait_ms(p, p->app[i], &p->app[i]->lane[c], now);

			if (wait_ms < least)
				least = wait_ms;
		}
	}
	return least;
}

void poller_stop(struct poller *p)
{
	p->stopped = true;
}

void poller_hurry(struct poller *p, const struct now *now)
{
	for (size_t i = 0; i < p->app_n; i++) {
		struct app *a = p->app[i];

		if (a != NULL && a->barred && a->closed_by.code != CODE_LOCKED_OUT)
			breaker_hurry(&a->breaker, now);
	}
}
