/* Which jobs there are, and their places on the grid. */
#include <stdlib.h>
#include <string.h>

#include "agent/poll/inside.h"

enum { TASKS_MIN = 64, TASKS_MAX = 1 << 24 };

static const int64_t never_ms = INT64_C(1000) * 86400 * 365; /* no program that polls once lives so long */

static enum err reserve(struct poller *p, size_t more)
{
	size_t cap = p->task_cap > 0 ? p->task_cap : TASKS_MIN;
	struct task *task;

	/* The free list is short of what is needed at worst; counting it would cost more than the memory does. */
	while (cap < p->task_n + more && cap < TASKS_MAX)
		cap *= 2;
	if (cap < p->task_n + more)
		return ERR_MEMORY;
	for (size_t a = 0; a < p->app_n; a++)
		for (int c = 0; p->app[a] != NULL && c < CHAT_COMMANDS; c++)
			if (plan_reserve(p->app[a]->lane[c].plan, cap) != ERR_OK)
				return ERR_MEMORY;
	if (cap == p->task_cap)
		return ERR_OK;
	task = reallocarray(p->task, cap, sizeof(task[0]));
	if (task == NULL)
		return ERR_MEMORY;
	p->task = task;
	p->task_cap = cap;
	return ERR_OK;
}

static size_t take_number(struct poller *p)
{
	const size_t number = p->free;

	if (number == SIZE_MAX)
		return p->task_n++;
	p->free = p->task[number].next_free;
	return number;
}

void tasks_retire(struct poller *p, size_t number)
{
	p->task[number].used = false;
	p->task[number].next_free = p->free;
	p->free = number;
}

void tasks_weigh(struct poller *p, struct task *t)
{
	struct lane *l = task_lane(p, t);
	const int64_t calls = t->calls > 0 ? t->calls : 1;

	l->required_micro -= t->required_micro;
	t->required_micro = t->removed ? 0 : calls * 1000000000 / t->period_ms;
	l->required_micro += t->required_micro;
}

static int64_t take_removed(void *arg, size_t number, int64_t due_ms)
{
	struct poller *p = arg;

	if (!p->task[number].removed)
		return due_ms;
	tasks_retire(p, number);
	return PLAN_TAKE;
}

void tasks_forget(struct poller *p, struct lane *l)
{
	plan_revise(l->plan, take_removed, p);
}

/* The place of `key` in `span_ms`. */
static int64_t share_ms(uint64_t key, int64_t span_ms)
{
	return (int64_t)((unsigned __int128)key * (uint64_t)(span_ms > 0 ? span_ms : 0) >> 64);
}

/* The time that `n` calls take at half of the budget. */
static int64_t half_budget_ms(const struct lane *l, size_t n)
{
	return (int64_t)n * 2000 * 1000 / l->pace.budget_milli;
}

static void add_one(struct poller *p, const struct job *j, size_t newcomers, const struct now *now,
                    size_t number)
{
	struct task *t = &p->task[number];
	struct lane *l = &p->app[j->app]->lane[j->command];
	int64_t span_ms = half_budget_ms(l, newcomers > j->crowd ? newcomers : j->crowd);

	*t = (struct task){ .conf = *j, .period_ms = j->period_ms, .used = true, .sweep = l->sweep - 1 };
	if (span_ms > j->period_ms)
		span_ms = j->period_ms;
	t->due_ms = now->mono_ms + share_ms(j->phase_key, span_ms);
	l->job_n++;
	l->pending++;
	tasks_weigh(p, t);
	plan_put(l->plan, number, t->due_ms);
}

void tasks_limit_gaps(struct poller *p, const struct job *j)
{
	struct breaker *b = &p->app[j->app]->breaker;
	const int64_t least =
		j->period_min_ms > 0 && j->period_min_ms < j->period_ms ? j->period_min_ms : j->period_ms;

	if (least < b->gap_max_ms)
		b->gap_max_ms = least;
}

enum err tasks_one(struct poller *p, size_t *ret)
{
	const enum err e = p->free == SIZE_MAX ? reserve(p, 1) : ERR_OK;

	if (e == ERR_OK)
		*ret = take_number(p);
	return e;
}

enum err poller_add(struct poller *p, const struct job *job, size_t n, const struct now *now, size_t *ret)
{
	size_t *newcomers;

	if (n == 0)
		return ERR_OK;
	newcomers = calloc(p->app_n, CHAT_COMMANDS * sizeof(newcomers[0]));
	if (newcomers == NULL || reserve(p, n) != ERR_OK) {
		free(newcomers);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < n; i++)
		newcomers[job[i].app * CHAT_COMMANDS + job[i].command]++;
	for (size_t i = 0; i < n; i++) {
		ret[i] = take_number(p);
		add_one(p, &job[i], newcomers[job[i].app * CHAT_COMMANDS + job[i].command], now, ret[i]);
		tasks_limit_gaps(p, &job[i]);
	}
	free(newcomers);
	return ERR_OK;
}

static void close_sweep(struct lane *l, const struct now *now)
{
	if (l->swept < l->job_n || l->job_n == 0)
		return;
	l->sweep_ms = now->mono_ms - l->sweep_began_ms;
	l->sweep_began_ms = now->mono_ms;
	l->sweep++;
	l->swept = 0;
}

void tasks_swept(struct lane *l, struct task *t, const struct now *now)
{
	if (t->sweep == l->sweep)
		return;
	t->sweep = l->sweep;
	l->swept++;
	close_sweep(l, now);
}

/* Its number is free again when its plan entry or its call came to an end. */
void poller_remove(struct poller *p, size_t number)
{
	struct task *t = &p->task[number];
	struct lane *l = task_lane(p, t);

	t->removed = true;
	tasks_weigh(p, t);
	l->job_n--;
	if (!t->polled)
		l->pending--;
	if (t->sweep == l->sweep)
		l->swept--;
}

void tasks_plan_next(struct poller *p, size_t number, const struct now *now)
{
	struct task *t = &p->task[number];
	struct lane *l = task_lane(p, t);
	int64_t after_ms = t->due_ms + t->period_ms / 2;

	/* The first slot at least half a period after the one just served, and in the future, so a late poll
	 * neither bunches up with the next one nor makes up for slots it missed. */
	if (after_ms < now->mono_ms)
		after_ms = now->mono_ms;
	if (p->parts.once)
		after_ms = now->mono_ms + never_ms;
	t->due_ms =
		plan_slot(t->conf.phase_key, t->period_ms, after_ms) + plan_jitter(l->plan, t->period_ms / 100);
	t->moved = false;
	plan_put(l->plan, number, t->due_ms);
}

static size_t count_missed(const struct poller *p, size_t app, enum chat_command c)
{
	size_t n = 0;

	for (size_t i = 0; i < p->task_n; i++) {
		const struct task *t = &p->task[i];

		n += t->used && !t->removed && t->missed && t->conf.app == app && t->conf.command == c;
	}
	return n;
}

static void spread_lane(struct poller *p, size_t app, enum chat_command c, const struct now *now)
{
	struct lane *l = &p->app[app]->lane[c];
	const int64_t span_ms = half_budget_ms(l, count_missed(p, app, c));

	if (span_ms == 0)
		return;
	plan_clear(l->plan);
	for (size_t i = 0; i < p->task_n; i++) {
		struct task *t = &p->task[i];
		const int64_t soon_ms = now->mono_ms + share_ms(t->conf.phase_key, span_ms);

		if (!t->used || t->one_shot || t->flying || t->conf.app != app || t->conf.command != c)
			continue;
		if (t->missed && soon_ms < t->due_ms)
			t->due_ms = soon_ms;
		t->missed = false;
		plan_put(l->plan, i, t->due_ms);
	}
}

void tasks_spread_missed(struct poller *p, size_t app, const struct now *now)
{
	for (int c = 0; c < CHAT_COMMANDS; c++)
		spread_lane(p, app, (enum chat_command)c, now);
}
