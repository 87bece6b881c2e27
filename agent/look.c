/* One moment of everything, for a scrape or a page. */
#include <string.h>

#include "agent/daemon.h"

enum { LAG_STEP_MS = 10000 }; /* each change costs the next pin a copy of everything */

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
	struct health_app *h = &d->app_health[a];

	*h = (struct health_app){
		.labels = d->roster->app_labels[a],
		.info = d->roster->app_info[a],
		.up = up_of(d, v),
		.inflight = v->inflight,
		.skew_known = v->skew_known,
		.skew_s = v->skew_s,
		.usersig_expiry_s = signer_expiry_s(d->roster->app[a].signer),
		.usersig_renewals = signer_renewals(d->roster->app[a].signer),
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

		poller_app_view(d->poller, a, &d->now, &v);
		fill_app(d, a, &v);
		store_lag(d->store, a, v.late_ms / LAG_STEP_MS * LAG_STEP_MS);
	}
	e = store_pin(d->store, &d->now, ret);
	for (size_t a = 0; e == ERR_OK && a < d->roster->app_n; a++)
		pin_count(*ret, a, &d->app_health[a]);
	if (e == ERR_OK)
		figures_take(d, *ret);
	return e;
}
