/* The second step of adopt: from here on nothing fails. */
#include "agent/adopt_inside.h"

static void swap_signer(struct roster_app *was, struct roster_app *is)
{
	struct signer *fresh = is->poll.signer;

	if (same_signer(was->conf, is->conf)) {
		is->poll.signer = was->poll.signer;
		was->poll.signer = fresh;
	} else {
		signer_succeed(fresh, was->poll.signer);
	}
}

/* `was`: before; NULL: it is new. */
static void change_search(struct change *c, struct next_app *a, const struct conf_app *was,
                          struct roster_app *is)
{
	const struct job job = discovery_job(c->next, a->conf, a->number);

	if (is->listing && (a->searched || !a->conf->discovery_enabled)) {
		poller_remove(c->d->poller, is->list_job);
		discovery_forget(c->d, a->number);
		is->listing = false;
	}
	if (a->searched) {
		is->list_job = a->list_job;
		is->listing = true;
	} else if (is->listing && was->discovery_interval_ms != a->conf->discovery_interval_ms) {
		(void)poller_change(c->d->poller, is->list_job, &job);
	}
}

static void change_app(struct change *c, struct next_app *a)
{
	struct roster_app *is = &c->d->roster->app[a->number], was = *is;

	if (!a->fresh) {
		c->did.apps_changed += !same_app(was.conf, a->conf);
		a->filled.list_job = was.list_job;
		a->filled.listing = was.listing;
		swap_signer(&was, &a->filled);
		*is = a->filled;
		a->filled = was; /* to be released */
		poller_app_change(c->d->poller, a->number, &is->poll, &c->d->now);
	}
	change_search(c, a, a->fresh ? NULL : was.conf, is);
}

static void change_member(struct change *c, struct member *m)
{
	struct daemon *d = c->d;
	struct row *row = &c->row[m->slot];
	const bool paced = !same_pace(m->conf, row->conf);

	polls_adopt(m, row->conf);
	m->discovered = row->discovered;
	if (paced) {
		const struct job job = roster_job(m, row->conf);

		(void)poller_change(d->poller, m->job, &job);
	}
	if (row->draft != NULL)
		store_apply(d->store, m->slot, row->draft);
	if (row->draft != NULL || paced)
		store_interval(d->store, m->slot, poller_period_ms(d->poller, m->job));
	row->draft = NULL;
}

static void remove_app(struct change *c, size_t number)
{
	struct roster_app *a = &c->d->roster->app[number];

	if (a->listing)
		poller_remove(c->d->poller, a->list_job);
	discovery_forget(c->d, number);
	probe_app_gone(c->d, number);
	poller_app_remove(c->d->poller, number);
	roster_app_done(a);
}

/* Members first: what they borrow of their app is still there. */
void adopt_commit(struct change *c)
{
	struct daemon *d = c->d;
	struct roster *r = d->roster;

	for (size_t slot = 0; slot < c->slots; slot++) {
		if (!c->row[slot].here)
			continue;
		if (c->row[slot].conf != NULL)
			change_member(c, r->member[slot]);
		else
			roster_remove(r, d->store, d->poller, slot);
	}
	for (size_t i = 0; i < c->next->app_n; i++)
		change_app(c, &c->app[i]);
	for (size_t a = 0; a < c->numbers; a++)
		if (r->app[a].conf != NULL && c->by_number[a] == SIZE_MAX)
			remove_app(c, a);
	poller_settle(d->poller, &d->now);
	fetch_timeout(d->fetch, (long)c->next->timeout_ms);
}
