/* One moment of everything, for a scrape or a page. */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon.h"

enum { LAG_STEP_MS = 10000 }; /* each change costs the next pin a copy of everything */

void look_apps(struct daemon *d)
{
	d->page_app_n = 0;
	for (size_t a = 0; a < d->app_room; a++) {
		const struct conf_app *c = a < d->roster->app_n ? d->roster->app[a].conf : NULL;

		d->app_name[a] = c != NULL ? c->name : NULL;
		if (c == NULL) {
			d->app_health[a] = (struct health_app){ 0 };
			history_app_free(d->history[a]);
			d->history[a] = NULL;
		} else {
			d->page_app[d->page_app_n++] = (struct page_app){ c->name, &d->app_health[a] };
		}
	}
}

enum err look_room(struct daemon *d, size_t n)
{
	struct history_app **history;
	struct health_app *health;
	struct page_app *page;
	const char **name;

	if (n <= d->app_room && d->app_name != NULL)
		return ERR_OK;
	page = reallocarray(d->page_app, n + 1, sizeof(page[0]));
	d->page_app = page != NULL ? page : d->page_app;
	name = reallocarray(d->app_name, n + 1, sizeof(name[0]));
	d->app_name = name != NULL ? name : d->app_name;
	history = reallocarray(d->history, n + 1, sizeof(history[0]));
	d->history = history != NULL ? history : d->history;
	health = page != NULL && name != NULL && history != NULL
	             ? reallocarray(d->app_health, n + 1, sizeof(health[0]))
	             : NULL;
	if (health == NULL)
		return ERR_MEMORY;
	d->app_health = health;
	memset(health + d->app_room, 0, (n - d->app_room) * sizeof(health[0]));
	memset(history + d->app_room, 0, (n - d->app_room) * sizeof(history[0]));
	d->app_room = n;
	look_apps(d); /* the pages point into what may have moved */
	return ERR_OK;
}

void look_close(struct daemon *d)
{
	for (size_t a = 0; d->history != NULL && a < d->app_room; a++)
		history_app_free(d->history[a]);
	free(d->history);
	free(d->app_name);
	free(d->page_app);
	free(d->app_health);
}

static enum health_up up_of(const struct daemon *d, const struct poller_view *v)
{
	if (v->signing_failed || v->barred)
		return UP_NO;
	if (v->last_ok_ms >= 0)
		return d->now.mono_ms - v->last_ok_ms <= v->longest_ms + d->conf->timeout_ms + v->late_ms ? UP_YES
		                                                                                          : UP_NO;
	return tally_finished(v->lane[CHAT_GET_TOPIC].tally) > 0 ? UP_NO : UP_UNKNOWN;
}

static void fill_app(struct daemon *d, size_t a, const struct poller_view *v)
{
	const struct roster_app *r = &d->roster->app[a];
	struct health_app *h = &d->app_health[a];

	*h = (struct health_app){
		.labels = r->labels,
		.info = r->info,
		.up = up_of(d, v),
		.inflight = v->inflight,
		.skew_known = v->skew_known,
		.skew_s = v->skew_s,
		.usersig_expiry_s = signer_expiry_s(r->poll.signer),
		.usersig_renewals = signer_renewals(r->poll.signer),
		.late_ms = v->late_ms,
		.sweep_ms = v->sweep_ms,
		.alive_s = v->alive_s,
	};
	for (int c = 0; c < CHAT_COMMANDS; c++) {
		const struct poller_lane *l = &v->lane[c];

		h->tally[c] = l->tally;
		h->quota[c] = (struct health_quota){ l->budget_milli, l->in_force_milli, l->required_milli, l->peak };
	}
}

enum err daemon_look(struct daemon *d, struct pin **ret)
{
	enum err e;

	for (size_t a = 0; a < d->roster->app_n; a++) {
		struct poller_view v;

		if (d->roster->app[a].conf == NULL)
			continue;
		poller_app_view(d->poller, a, &d->now, &v);
		fill_app(d, a, &v);
		store_lag(d->store, a, v.late_ms / LAG_STEP_MS * LAG_STEP_MS);
	}
	e = store_pin(d->store, &d->now, ret);
	for (size_t a = 0; e == ERR_OK && a < d->roster->app_n; a++)
		if (d->roster->app[a].conf != NULL)
			pin_count(*ret, a, &d->app_health[a]);
	if (e == ERR_OK)
		figures_take(d, *ret);
	return e;
}
