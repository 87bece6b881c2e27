/* The poller seen from outside. */
#include "agent/poll/inside.h"

enum { NOW_S = 10 };

int64_t poller_alive_ms(const struct poller *p)
{
	int64_t latest = INT64_MAX;

	for (size_t i = 0; i < p->app_n; i++)
		if (p->app[i] != NULL && p->app[i]->alive_ms < latest)
			latest = p->app[i]->alive_ms;
	return latest;
}

static struct poller_lane lane_view(struct lane *l, const struct now *now)
{
	return (struct poller_lane){
		.tally = &l->tally,
		.budget_milli = l->pace.budget_milli,
		.in_force_milli = pace_in_force(&l->pace, now),
		.required_milli = l->required_micro / 1000,
		.peak = pace_peak(&l->pace, now),
		.now_milli = pace_recent(&l->pace, NOW_S, now) * INT64_C(1000) / NOW_S,
	};
}

void poller_app_lane(struct poller *p, size_t app, enum chat_command c, const struct now *now,
                     struct poller_lane *ret)
{
	*ret = lane_view(&p->app[app]->lane[c], now);
}

int64_t poller_next_ms(const struct poller *p, size_t number)
{
	return p->task[number].due_ms;
}

void poller_ahead(const struct poller *p, size_t number)
{
	__asm__ volatile(""); /* see facts_ahead */
	__builtin_prefetch(&p->task[number].due_ms);
}

static int64_t late_ms(const struct app *a, const struct now *now)
{
	int64_t most = 0;

	for (int c = 0; c < CHAT_COMMANDS; c++) {
		const int64_t due_ms = plan_due_ms(a->lane[c].plan);

		if (due_ms < now->mono_ms && now->mono_ms - due_ms > most)
			most = now->mono_ms - due_ms;
	}
	return most;
}

/* A job that rests because its community was deleted does not count as slow. */
static int64_t usual_ms(const struct task *t)
{
	const int64_t most_ms = t->conf.period_max_ms > 0 ? t->conf.period_max_ms : t->conf.period_ms;

	return t->period_ms < most_ms ? t->period_ms : most_ms;
}

static int64_t longest_ms(const struct poller *p, size_t app)
{
	int64_t longest = 0;

	for (size_t i = 0; i < p->task_n; i++) {
		const struct task *t = &p->task[i];

		if (!t->used || t->one_shot || t->removed || t->conf.app != app || t->conf.command != CHAT_GET_TOPIC)
			continue;
		if (usual_ms(t) > longest)
			longest = usual_ms(t);
	}
	return longest;
}

void poller_app_view(struct poller *p, size_t app, const struct now *now, struct poller_view *ret)
{
	struct app *a = p->app[app];

	*ret = (struct poller_view){
		.inflight = a->inflight,
		.last_ok_ms = a->last_ok_ms,
		.signing_failed = a->signing_failed,
		.barred = a->barred,
		.skew_known = a->skew_known,
		.skew_s = a->skew_s,
		.late_ms = late_ms(a, now),
		.sweep_ms = a->lane[CHAT_GET_TOPIC].sweep_ms,
		.alive_s = now->unix_s - (now->mono_ms - a->alive_ms) / 1000,
		.pending = a->lane[CHAT_GET_TOPIC].pending,
		.lists_pending = a->lane[CHAT_GET_APPID_GROUP_LIST].pending,
		.longest_ms = longest_ms(p, app),
	};
	for (int c = 0; c < CHAT_COMMANDS; c++)
		ret->lane[c] = lane_view(&a->lane[c], now);
}
