/* Which apps there are, and what changes about them and their jobs while they are polled. */
#include <stdlib.h>

#include "agent/poll/inside.h"

enum { RETRY_FIRST = 1000 };

/* ---- life ---- */
static void app_free(struct app *a)
{
	for (int c = 0; a != NULL && c < CHAT_COMMANDS; c++)
		plan_free(a->lane[c].plan);
	free(a);
}

static struct app *app_new(const struct poller_app *conf, size_t number, uint64_t seed, size_t jobs,
                           const struct now *now)
{
	struct app *a = calloc(1, sizeof(*a));
	enum err e = a != NULL ? ERR_OK : ERR_MEMORY;

	if (e != ERR_OK)
		return NULL;
	a->conf = *conf;
	a->number = number;
	a->last_ok_ms = -1;
	a->alive_ms = now->mono_ms;
	a->held = true;
	a->retry_credit = RETRY_FIRST;
	breaker_init(&a->breaker, BREAKER_GAP_MAX_MS, seed);
	probes_init(a, now);
	for (int c = 0; e == ERR_OK && c < CHAT_COMMANDS; c++) {
		struct lane *l = &a->lane[c];

		pace_init(&l->pace, conf->milli_per_s[c], now);
		l->sweep = 1;
		l->sweep_began_ms = now->mono_ms;
		l->sweep_ms = -1;
		e = plan_new(jobs, seed + (uint64_t)c, &l->plan);
	}
	if (e == ERR_OK)
		return a;
	app_free(a);
	return NULL;
}

static size_t free_number(const struct poller *p)
{
	size_t i = 0;

	while (i < p->app_n && p->app[i] != NULL)
		i++;
	return i;
}

static enum err number_room(struct poller *p, size_t number)
{
	struct app **more;

	if (number < p->app_n)
		return ERR_OK;
	more = reallocarray(p->app, number + 1, sizeof(more[0]));
	if (more == NULL)
		return ERR_MEMORY;
	more[number] = NULL;
	p->app = more;
	p->app_n = number + 1;
	return ERR_OK;
}

enum err poller_app_add(struct poller *p, const struct poller_app *conf, const struct now *now, size_t *ret)
{
	const size_t number = free_number(p);

	if (number_room(p, number) != ERR_OK)
		return ERR_MEMORY;
	p->app[number] = app_new(conf, number, p->parts.seed + number, p->task_cap > 0 ? p->task_cap : 1, now);
	if (p->app[number] == NULL)
		return ERR_MEMORY;
	*ret = number;
	return ERR_OK;
}

void poller_app_late(struct poller *p, size_t number, const struct now *now)
{
	for (int c = 0; c < CHAT_COMMANDS; c++)
		pace_spent(&p->app[number]->lane[c].pace, now);
}

void apps_settle(struct poller *p, size_t number)
{
	struct app *a = p->app[number];

	if (!a->leaving || a->inflight > 0)
		return;
	app_free(a);
	p->app[number] = NULL;
}

void apps_free(struct poller *p)
{
	for (size_t i = 0; i < p->app_n; i++)
		app_free(p->app[i]);
	free(p->app);
}

void poller_app_remove(struct poller *p, size_t number)
{
	struct app *a = p->app[number];

	for (int c = 0; c < CHAT_COMMANDS; c++)
		tasks_forget(p, &a->lane[c]);
	a->leaving = true;
	apps_settle(p, number);
}

/* ---- changes ---- */
void poller_app_change(struct poller *p, size_t number, const struct poller_app *conf, const struct now *now)
{
	struct app *a = p->app[number];

	for (int c = 0; c < CHAT_COMMANDS; c++)
		if (conf->milli_per_s[c] != a->conf.milli_per_s[c])
			pace_budget(&a->lane[c].pace, conf->milli_per_s[c], now);
	a->conf = *conf;
}

static int64_t period_within(const struct job *j, int64_t period_ms)
{
	if (j->period_max_ms == 0)
		return j->period_ms;
	if (period_ms < j->period_min_ms)
		return j->period_min_ms;
	return period_ms > j->period_max_ms ? j->period_max_ms : period_ms;
}

int64_t poller_change(struct poller *p, size_t number, const struct job *j)
{
	struct task *t = &p->task[number];

	t->conf.period_ms = j->period_ms;
	t->conf.period_min_ms = j->period_min_ms;
	t->conf.period_max_ms = j->period_max_ms;
	t->period_ms = period_within(j, t->period_ms);
	t->moved = true;
	task_lane(p, t)->moved = true;
	tasks_weigh(p, t);
	tasks_limit_gaps(p, &t->conf);
	return t->period_ms;
}

int64_t poller_period_ms(const struct poller *p, size_t number)
{
	return p->task[number].period_ms;
}

struct move {
	struct poller *p;
	const struct now *now;
};

/* Whoever is due stays due, and a poll that has begun goes on; who was never polled does not wait for the
 * grid. */
static int64_t due_again(void *arg, size_t number, int64_t due_ms)
{
	const struct move *m = arg;
	struct task *t = &m->p->task[number];
	int64_t slot_ms;

	if (!t->moved || t->removed)
		return due_ms;
	t->moved = false;
	slot_ms = plan_slot(t->conf.phase_key, t->period_ms, m->now->mono_ms);
	if (t->begun || due_ms <= m->now->mono_ms || (!t->polled && due_ms < slot_ms))
		return due_ms;
	t->due_ms = slot_ms;
	return slot_ms;
}

void poller_settle(struct poller *p, const struct now *now)
{
	struct move m = { p, now };

	for (size_t i = 0; i < p->app_n; i++)
		for (int c = 0; p->app[i] != NULL && c < CHAT_COMMANDS; c++) {
			struct lane *l = &p->app[i]->lane[c];

			if (l->moved)
				plan_revise(l->plan, due_again, &m);
			l->moved = false;
		}
}
