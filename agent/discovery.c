#include "agent/discovery.h"

#include <stdlib.h>

#include "agent/base/log.h"
#include "agent/daemon.h"

static struct groups_filter filter_of(const struct conf_app *app)
{
	return (struct groups_filter){
		.include = app->discovery_include.at,
		.include_n = app->discovery_include.n,
		.exclude = app->discovery_exclude.at,
		.exclude_n = app->discovery_exclude.n,
	};
}

enum err discovery_open(struct daemon *d)
{
	enum err e = ERR_OK;

	d->discovery = calloc(d->roster->app_n + 1, sizeof(d->discovery[0]));
	if (d->discovery == NULL)
		return ERR_MEMORY;
	for (size_t a = 0; e == ERR_OK && a < d->roster->app_n; a++) {
		const struct conf_app *app = &d->conf->app[a];
		const struct job job = {
			.app = a,
			.command = CHAT_GET_APPID_GROUP_LIST,
			.subject = a,
			.period_ms = app->discovery_interval_ms,
			.phase_key = 0, /* the first list at once: without it there is nothing to poll */
		};
		size_t number;

		if (app->discovery_enabled)
			e = poller_add(d->poller, &job, 1, &d->now, &number);
	}
	return e;
}

static bool ask(void *arg, size_t a, bool first, struct buf *body)
{
	struct daemon *d = arg;
	struct discovery *x = &d->discovery[a];

	if (first) {
		groups_walk_begin(&x->walk);
		x->listing++;
		x->added = 0;
	}
	groups_ask(body, x->walk.next, x->walk.limit);
	return body->status == ERR_OK;
}

/* Everybody on a page who is wanted: marks those who are known, adds the others. */
static enum err take_page(struct daemon *d, size_t a, const struct groups_page *page, const struct now *now)
{
	const struct conf_app *app = &d->conf->app[a];
	const struct groups_filter filter = filter_of(app);
	struct discovery *x = &d->discovery[a];
	struct newcomer *who = calloc(page->n + 1, sizeof(who[0]));
	size_t n = 0;
	enum err e;

	if (who == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < page->n; i++) {
		struct member *m;

		if (!groups_wanted(page->id[i], &filter))
			continue;
		m = roster_find(d->roster, a, page->id[i]);
		if (m != NULL)
			m->listed = x->listing;
		else
			who[n++] = (struct newcomer){ a, &app->discovered, page->id[i], true, x->listing };
	}
	e = roster_add(d->roster, d->store, d->poller, who, n, now);
	x->added += e == ERR_OK ? n : 0;
	free(who);
	return e;
}

static size_t drop_unlisted(struct daemon *d, size_t a)
{
	size_t n = 0;

	for (size_t slot = 0; slot < d->roster->slots; slot++) {
		const struct member *m = d->roster->member[slot];

		if (m == NULL || m->app != a || !m->discovered || m->listed == d->discovery[a].listing)
			continue;
		roster_remove(d->roster, d->store, d->poller, slot);
		n++;
	}
	return n;
}

static void close_list(struct daemon *d, size_t a)
{
	const struct discovery *x = &d->discovery[a];
	const size_t dropped = drop_unlisted(d, a);

	if (x->added > 0 || dropped > 0)
		LOG(SAY_INFO, "communities_discovered", LOG_TEXT("app", d->conf->app[a].name),
		    LOG_INT("listed", (int64_t)x->walk.listed), LOG_INT("added", (int64_t)x->added),
		    LOG_INT("dropped", (int64_t)dropped), LOG_INT("known", (int64_t)d->roster->community_n));
}

/* Too many for one answer: the same page with fewer. */
static void ask_for_less(struct discovery *x, struct poll_answer *ret)
{
	ret->outcome.verdict = groups_walk_less(&x->walk) ? CHAT_MORE : CHAT_REFUSED;
}

static void take_usable(struct daemon *d, size_t a, const struct groups_page *page, const struct now *now,
                        struct poll_answer *ret)
{
	enum groups_step step;

	if (take_page(d, a, page, now) != ERR_OK) {
		ret->outcome = (struct outcome){ .verdict = CHAT_RETRY, .err = ERR_LOCAL_RESOURCE };
		(void)err_because(&ret->why, ERR_LOCAL_RESOURCE, "no memory for %zu communities", page->n);
		return;
	}
	step = groups_walk_page(&d->discovery[a].walk, page, &ret->why);
	if (step == GROUPS_BROKEN)
		ret->outcome = (struct outcome){ .verdict = CHAT_RETRY, .err = ERR_SCHEMA };
	else if (step == GROUPS_MORE)
		ret->outcome.verdict = CHAT_MORE;
	else
		close_list(d, a);
}

static void answer(void *arg, size_t a, const struct reply *r, const struct now *now, struct tally *t,
                   struct poll_answer *ret)
{
	struct daemon *d = arg;
	struct groups_page page;

	(void)t;
	if (r->err != ERR_OK) {
		ret->outcome = polls_transport_outcome(r);
		if (r->err == ERR_TOO_LARGE)
			ask_for_less(&d->discovery[a], ret);
		return;
	}
	groups_decode(r->body, r->len, &page, &ret->why);
	ret->outcome = page.outcome;
	if (page.outcome.err == ERR_OK)
		take_usable(d, a, &page, now, ret);
	else if (page.outcome.verdict == CHAT_MORE)
		ask_for_less(&d->discovery[a], ret);
	groups_page_done(&page);
}

static void ended(void *arg, size_t a, const struct poll_end *end, const struct now *now)
{
	struct daemon *d = arg;
	struct discovery *x = &d->discovery[a];
	const bool failed = end->outcome.err != ERR_OK;

	(void)now;
	if (failed && !x->failing)
		LOG(SAY_WARN, "discovery_failed", LOG_TEXT("app", d->conf->app[a].name),
		    LOG_TEXT("reason", err_label(end->outcome.err)), LOG_INT("code", end->outcome.code),
		    LOG_TEXT("why", end->why.text[0] != '\0' ? end->why.text : err_text(end->outcome.err)),
		    LOG_TEXT("effect", "the communities of the list before stay"));
	if (!failed && x->failing)
		LOG(SAY_INFO, "discovery_recovered", LOG_TEXT("app", d->conf->app[a].name));
	x->failing = failed;
}

struct poller_sink discovery_sink(struct daemon *d)
{
	return (struct poller_sink){ .arg = d, .ask = ask, .answer = answer, .ended = ended };
}
