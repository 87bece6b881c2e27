#include "agent/discovery.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/daemon.h"
#include "agent/shard.h"

enum { IDS_A_TURN = 500 };

static struct groups_filter filter_of(const struct conf_app *app)
{
	return (struct groups_filter){
		.include = app->discovery_include.at,
		.include_n = app->discovery_include.n,
		.exclude = app->discovery_exclude.at,
		.exclude_n = app->discovery_exclude.n,
	};
}

enum err discovery_room(struct daemon *d, size_t n)
{
	struct discovery *more;

	if (n <= d->discovery_room && d->discovery != NULL)
		return ERR_OK;
	more = reallocarray(d->discovery, n + 1, sizeof(more[0]));
	if (more == NULL)
		return ERR_MEMORY;
	memset(more + d->discovery_room, 0, (n + 1 - d->discovery_room) * sizeof(more[0]));
	d->discovery = more;
	d->discovery_room = n;
	return ERR_OK;
}

struct job discovery_job(const struct conf *c, const struct conf_app *app, size_t a)
{
	return (struct job){
		.app = a,
		.command = CHAT_GET_APPID_GROUP_LIST,
		.subject = a,
		.period_ms = app->discovery_interval_ms,
		/* The first list at once: without it there is nothing to poll. */
		.phase_key = shard_list_phase(&c->shard),
	};
}

enum err discovery_open(struct daemon *d)
{
	enum err e = discovery_room(d, d->roster->app_n);

	for (size_t a = 0; e == ERR_OK && a < d->roster->app_n; a++) {
		struct roster_app *app = &d->roster->app[a];
		const struct job job = discovery_job(d->conf, app->conf, a);

		if (!app->conf->discovery_enabled)
			continue;
		e = poller_add(d->poller, &job, 1, &d->now, &app->list_job);
		app->listing = e == ERR_OK;
	}
	return e;
}

static void page_done(struct discovery *x)
{
	groups_page_done(&x->page);
	x->taken = 0;
	x->last = false;
}

bool discovery_wants(const struct conf_app *app, const char *id)
{
	const struct groups_filter filter = filter_of(app);

	return app->discovery_enabled && groups_wanted(id, &filter);
}

bool discovery_lists(const struct daemon *d, const struct member *m)
{
	return m->listed > 0 && m->listed + 1 >= d->discovery[m->app].listing;
}

void discovery_forget(struct daemon *d, size_t a)
{
	const uint32_t listing = d->discovery[a].listing;

	page_done(&d->discovery[a]);
	d->discovery[a] = (struct discovery){ .listing = listing };
}

void discovery_close(struct daemon *d)
{
	for (size_t a = 0; d->discovery != NULL && a < d->discovery_room; a++)
		page_done(&d->discovery[a]);
	free(d->discovery);
	d->discovery = NULL;
}

/* A wanted one that another shard has is none of ours. */
static bool takes(const struct daemon *d, size_t a, const struct groups_filter *filter, const char *id)
{
	return groups_wanted(id, filter) && shard_has(&d->conf->shard, d->roster->app[a].conf->sdkappid, id);
}

static bool ask(void *arg, size_t a, bool first, struct buf *body)
{
	struct daemon *d = arg;
	struct discovery *x = &d->discovery[a];

	if (first) {
		groups_walk_begin(&x->walk);
		page_done(x); /* of a list whose rest found no turn in all that time */
		x->listing++;
		x->added = 0;
		x->spoiled = false;
	}
	groups_ask(body, x->walk.next, x->walk.limit);
	return body->status == ERR_OK;
}

/* The next of the page who are wanted: marks those who are known, adds the others. */
static enum err take_some(struct daemon *d, size_t a)
{
	const struct conf_app *app = d->roster->app[a].conf;
	const struct groups_filter filter = filter_of(app);
	struct discovery *x = &d->discovery[a];
	struct newcomer who[IDS_A_TURN];
	const size_t left = x->page.n - x->taken, end = x->taken + (left < IDS_A_TURN ? left : IDS_A_TURN);
	size_t n = 0;
	enum err e;

	for (; x->taken < end; x->taken++) {
		const char *id = x->page.id[x->taken];
		struct member *m;

		if (!takes(d, a, &filter, id))
			continue;
		m = roster_find(d->roster, a, id);
		if (m != NULL)
			m->listed = x->listing;
		else
			who[n++] = (struct newcomer){ a, &app->discovered, id, true, x->listing, x->crowd };
	}
	e = roster_add(d->roster, d->store, d->poller, who, n, &d->now);
	x->added += e == ERR_OK ? n : 0;
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
	struct discovery *x = &d->discovery[a];
	const size_t dropped = drop_unlisted(d, a);

	x->whole = true;
	if (x->added > 0 || dropped > 0)
		LOG(SAY_INFO, "communities_discovered", LOG_TEXT("app", d->roster->app[a].conf->name),
		    LOG_INT("listed", (int64_t)x->walk.listed), LOG_INT("added", (int64_t)x->added),
		    LOG_INT("dropped", (int64_t)dropped), LOG_INT("known", (int64_t)d->roster->community_n));
}

bool discovery_busy(const struct daemon *d, size_t a)
{
	return d->discovery[a].page.id != NULL;
}

/* The rest of the page, as much as a turn has time for. */
static void go_on(struct daemon *d, size_t a)
{
	struct discovery *x = &d->discovery[a];

	if (x->taken < x->page.n && take_some(d, a) != ERR_OK) {
		if (!x->spoiled)
			LOG(SAY_WARN, "discovery_failed", LOG_TEXT("app", d->roster->app[a].conf->name),
			    LOG_TEXT("reason", err_label(ERR_LOCAL_RESOURCE)),
			    LOG_TEXT("why", "no memory for all communities"),
			    LOG_TEXT("effect", "the next list adds the others"));
		x->spoiled = true;
	}
	if (x->taken < x->page.n)
		return;
	if (x->last && !x->spoiled)
		close_list(d, a);
	page_done(x);
}

void discovery_turn(struct daemon *d)
{
	for (size_t a = 0; a < d->roster->app_n; a++)
		if (discovery_busy(d, a))
			go_on(d, a);
}

/* Too many for one answer: the same page with fewer. */
static void ask_for_less(struct discovery *x, struct poll_answer *ret)
{
	ret->outcome.verdict = groups_walk_less(&x->walk) ? CHAT_MORE : CHAT_REFUSED;
}

static void take_usable(struct daemon *d, size_t a, const struct groups_page *page, struct poll_answer *ret)
{
	const struct groups_filter filter = filter_of(d->roster->app[a].conf);
	struct discovery *x = &d->discovery[a];
	enum groups_step step;

	while (discovery_busy(d, a)) /* the page before: there was more than a second for it */
		go_on(d, a);
	x->page = *page;
	x->crowd = 0;
	for (size_t i = 0; !x->whole && i < page->n; i++)
		x->crowd += takes(d, a, &filter, page->id[i]);
	step = groups_walk_page(&x->walk, page, &ret->why);
	if (step == GROUPS_BROKEN)
		ret->outcome = (struct outcome){ .verdict = CHAT_RETRY, .err = ERR_SCHEMA };
	else if (step == GROUPS_MORE)
		ret->outcome.verdict = CHAT_MORE;
	x->last = step == GROUPS_DONE;
	go_on(d, a);
}

static void answer(void *arg, size_t a, const struct reply *r, const struct now *now, struct tally *t,
                   struct poll_answer *ret)
{
	struct daemon *d = arg;
	struct groups_page page;

	(void)t;
	(void)now;
	if (r->err != ERR_OK) {
		ret->outcome = polls_transport_outcome(r);
		if (r->err == ERR_TOO_LARGE)
			ask_for_less(&d->discovery[a], ret);
		return;
	}
	groups_decode(r->body, r->len, &page, &ret->why);
	ret->outcome = page.outcome;
	if (page.outcome.err == ERR_OK) {
		take_usable(d, a, &page, ret);
		return;
	}
	if (page.outcome.verdict == CHAT_MORE)
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
		LOG(SAY_WARN, "discovery_failed", LOG_TEXT("app", d->roster->app[a].conf->name),
		    LOG_TEXT("reason", err_label(end->outcome.err)), LOG_INT("code", end->outcome.code),
		    LOG_TEXT("why", end->why.text[0] != '\0' ? end->why.text : err_text(end->outcome.err)),
		    LOG_TEXT("effect", "the communities of the list before stay"));
	if (!failed && x->failing)
		LOG(SAY_INFO, "discovery_recovered", LOG_TEXT("app", d->roster->app[a].conf->name));
	x->failing = failed;
}

struct poller_sink discovery_sink(struct daemon *d)
{
	return (struct poller_sink){ .arg = d, .ask = ask, .answer = answer, .ended = ended };
}
