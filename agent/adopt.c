/* In two steps. Everything that may fail is done beside what is in force, and undone when something does:
 * apps that are new get their numbers, members that change their drafts, newcomers their places. Then nothing
 * can fail, and all of it changes between two turns of the loop (adopt_commit.c). */
#include <stdlib.h>

#include "agent/adopt_inside.h"

/* ---- the apps ---- */
static size_t number_of(const struct roster *r, int64_t sdkappid)
{
	size_t a = 0;

	while (a < r->app_n && (r->app[a].conf == NULL || r->app[a].conf->sdkappid != sdkappid))
		a++;
	return a < r->app_n ? a : SIZE_MAX;
}

static enum err fill_apps(struct change *c)
{
	const struct roster *r = c->d->roster;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < c->next->app_n; i++) {
		struct next_app *a = &c->app[i];

		a->conf = &c->next->app[i];
		a->number = number_of(r, a->conf->sdkappid);
		a->fresh = a->number == SIZE_MAX;
		if (!a->fresh)
			c->by_number[a->number] = i;
		c->did.apps_added += a->fresh;
		e = roster_app_fill(c->next, a->conf, c->d->seed, &a->filled);
		c->filled_n += e == ERR_OK;
	}
	for (size_t a = 0; a < r->app_n; a++)
		c->did.apps_removed += r->app[a].conf != NULL && c->by_number[a] == SIZE_MAX;
	return e;
}

/* Room that is never given back does no harm when the rest fails. */
static enum err make_room(struct change *c)
{
	struct daemon *d = c->d;
	const size_t n = d->roster->app_n + c->did.apps_added;
	enum err e = fetch_reserve(d->fetch, daemon_inflight(c->next, c->next->app_n));

	if (e == ERR_OK)
		e = look_room(d, n);
	if (e == ERR_OK)
		e = discovery_room(d, n);
	if (e == ERR_OK)
		e = roster_app_room(d->roster, n);
	return e == ERR_OK ? store_apps(d->store, n) : e;
}

/* They have their numbers, and no communities yet. */
static enum err add_apps(struct change *c)
{
	struct roster *r = c->d->roster;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < c->next->app_n; i++) {
		struct next_app *a = &c->app[i];

		if (!a->fresh)
			continue;
		e = poller_app_add(c->d->poller, &a->filled.poll, &c->d->now, &a->number);
		if (e != ERR_OK)
			continue;
		if (a->number < c->numbers)
			c->by_number[a->number] = i;
		r->app[a->number] = a->filled;
		a->filled = (struct roster_app){ 0 };
		if (r->app_n <= a->number)
			r->app_n = a->number + 1;
		poller_app_late(c->d->poller, a->number, &c->d->now);
		store_lag(c->d->store, a->number, 0);
		discovery_forget(c->d, a->number);
	}
	return e;
}

/* Another search begins with a list of its own. */
static enum err add_searches(struct change *c)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < c->next->app_n; i++) {
		struct next_app *a = &c->app[i];
		const struct job job = discovery_job(c->next, a->conf, a->number);

		if (!a->conf->discovery_enabled ||
		    (!a->fresh && same_search(a->conf, c->d->roster->app[a->number].conf)))
			continue;
		e = poller_add(c->d->poller, &job, 1, &c->d->now, &a->list_job);
		a->searched = e == ERR_OK;
	}
	return e;
}

/* ---- the communities ---- */
static void match_configured(struct change *c)
{
	for (size_t i = 0; i < c->next->app_n; i++) {
		const struct next_app *a = &c->app[i];

		for (size_t k = 0; k < a->conf->community_n; k++) {
			const struct conf_community *is = &a->conf->community[k];
			const struct member *m = a->fresh ? NULL : roster_find(c->d->roster, a->number, is->id);

			if (m != NULL)
				c->row[m->slot].conf = is;
			else
				c->who[c->who_n++] = (struct newcomer){ .app = a->number, .conf = is, .id = is->id };
		}
	}
}

/* Who is in no file stays while it is looked for and was found. */
static void match_discovered(struct change *c, const struct member *m)
{
	const size_t i = c->by_number[m->app];
	struct row *row = &c->row[m->slot];

	if (row->conf != NULL || i == SIZE_MAX || !discovery_wants(c->app[i].conf, m->id))
		return;
	if (!m->discovered && !discovery_lists(c->d, m))
		return;
	row->conf = &c->app[i].conf->discovered;
	row->discovered = true;
}

static enum err match(struct change *c)
{
	const struct roster *r = c->d->roster;

	for (size_t slot = 0; slot < c->slots; slot++)
		c->row[slot].here = r->member[slot] != NULL;
	match_configured(c);
	for (size_t slot = 0; slot < c->slots; slot++) {
		const struct member *m = r->member[slot];
		struct row *row = &c->row[slot];

		if (m == NULL)
			continue;
		match_discovered(c, m);
		c->did.removed += row->conf == NULL;
		c->did.changed += row->conf != NULL && !same_community(row->conf, m->conf);
		if (row->conf == NULL || same_card(row->conf, m->conf))
			continue;
		row->draft = roster_draft(r, m, row->conf);
		if (row->draft == NULL)
			return ERR_MEMORY;
		c->draft_n++;
	}
	c->did.added = c->who_n;
	return ERR_OK;
}

/* ---- before ---- */
static enum err allocate(struct change *c)
{
	size_t communities = 0;

	for (size_t i = 0; i < c->next->app_n; i++)
		communities += c->next->app[i].community_n;
	c->app = calloc(c->next->app_n + 1, sizeof(c->app[0]));
	c->by_number = malloc((c->numbers + 1) * sizeof(c->by_number[0]));
	c->row = calloc(c->slots + 1, sizeof(c->row[0]));
	c->who = calloc(communities + 1, sizeof(c->who[0]));
	if (c->app == NULL || c->by_number == NULL || c->row == NULL || c->who == NULL)
		return ERR_MEMORY;
	for (size_t a = 0; a < c->numbers; a++)
		c->by_number[a] = SIZE_MAX;
	return ERR_OK;
}

static enum err prepare(struct change *c)
{
	struct daemon *d = c->d;
	enum err e = allocate(c);

	if (e == ERR_OK)
		e = figures_hash(c->next, &c->hash);
	if (e == ERR_OK)
		e = fill_apps(c);
	if (e == ERR_OK)
		e = make_room(c);
	if (e == ERR_OK)
		e = add_apps(c);
	if (e == ERR_OK)
		e = add_searches(c);
	if (e == ERR_OK)
		e = match(c);
	if (e == ERR_OK)
		e = store_reserve(d->store, c->who_n + c->draft_n);
	return e == ERR_OK ? roster_add(d->roster, d->store, d->poller, c->who, c->who_n, &d->now) : e;
}

/* As if it had never begun. */
static void undo(struct change *c)
{
	struct roster *r = c->d->roster;

	for (size_t i = 0; c->app != NULL && i < c->next->app_n; i++) {
		struct next_app *a = &c->app[i];

		if (a->searched)
			poller_remove(c->d->poller, a->list_job);
		if (!a->fresh || a->number == SIZE_MAX)
			continue;
		poller_app_remove(c->d->poller, a->number);
		roster_app_done(&r->app[a->number]);
	}
}

static void release(struct change *c)
{
	for (size_t i = 0; i < c->filled_n; i++)
		roster_app_done(&c->app[i].filled);
	for (size_t slot = 0; c->row != NULL && slot < c->slots; slot++)
		store_draft_drop(c->row[slot].draft);
	free(c->who);
	free(c->row);
	free(c->by_number);
	free(c->app);
}

enum err adopt(struct daemon *d, struct conf *next, struct adopted *ret)
{
	struct change c = { .d = d, .next = next, .numbers = d->roster->app_n, .slots = d->roster->slots };
	const enum err e = prepare(&c);

	if (e != ERR_OK) {
		undo(&c);
		release(&c);
		return e;
	}
	adopt_commit(&c);
	release(&c);
	conf_free((struct conf *)d->conf);
	d->conf = next;
	look_apps(d);
	figures_adopt(d, c.hash);
	*ret = c.did;
	return ERR_OK;
}
