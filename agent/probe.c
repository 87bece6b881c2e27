/* /probe: who is asked about, and who asks. */
#include "agent/probe.h"

#include <stdlib.h>
#include <string.h>

enum {
	OFFSET_MS = 500, /* the answer must be there before its reader gives up */
	DEADLINE_MIN_MS = 500,
	DEADLINE_MAX_MS = 30000,
	PLACES_PART = 4, /* of all connections, so many wait for probes at most: a quarter */
};

/* ---- what is asked for ---- */
struct asked {
	const char *app, *community;
	bool twice;
};

static void note_pair(void *arg, const char *key, const char *value)
{
	struct asked *a = arg;
	const char **at = strcmp(key, "app") == 0         ? &a->app
	                  : strcmp(key, "community") == 0 ? &a->community
	                                                  : NULL;

	if (at == NULL)
		return;
	a->twice = a->twice || *at != NULL;
	*at = value;
}

static void refuse(struct web_reply *reply, unsigned status, const char *text)
{
	reply->status = status;
	buf_str(&reply->body, text);
}

/* Where there is one app it need not be named. */
static bool find_app(const struct daemon *d, const char *name, size_t *ret)
{
	const bool only = name == NULL && roster_apps(d->roster) == 1;

	for (size_t a = 0; a < d->roster->app_n; a++)
		if (d->roster->app[a].conf != NULL && (only || (name != NULL && strcmp(d->app_name[a], name) == 0))) {
			*ret = a;
			return true;
		}
	return false;
}

/* Whoever has this id, else the only one of this name. *ret_many: several have it. Ids are compared as well,
 * since roster_find needs memory. */
static const struct member *search(const struct daemon *d, size_t app, const char *word, bool *ret_many)
{
	const struct member *named = NULL;

	for (size_t slot = 0; slot < d->roster->slots; slot++) {
		const struct member *m = d->roster->member[slot];

		if (m == NULL || m->app != app)
			continue;
		if (strcmp(m->id, word) == 0) {
			*ret_many = false;
			return m;
		}
		if (strcmp(m->conf->name, word) != 0)
			continue;
		*ret_many = *ret_many || named != NULL;
		named = m;
	}
	return named;
}

/* NULL: `reply` says why not. */
static const struct member *find_member(struct daemon *d, size_t app, const char *word,
                                        struct web_reply *reply)
{
	const struct member *m = roster_find(d->roster, app, word);
	bool many = false;

	if (m != NULL)
		return m;
	if (!status_may_list(d)) {
		refuse(reply, 503, "too many searches at once, try again in a second\n");
		reply->retry_after_s = 1;
		return NULL;
	}
	m = search(d, app, word, &many);
	if (m == NULL)
		refuse(reply, 404, "no such community is known in this app; # must be written as %23\n");
	else if (many)
		refuse(reply, 400, "several communities have that name; use the id\n");
	return many ? NULL : m;
}

/* NULL: `reply` says why not. */
static const struct member *read_request(struct daemon *d, const struct web_request *q,
                                         struct web_reply *reply)
{
	struct asked a = { 0 };
	size_t app;

	web_queries(q, note_pair, &a);
	if (a.twice)
		refuse(reply, 400, "app= and community= may each be given once\n");
	else if (a.community == NULL || a.community[0] == '\0')
		refuse(reply, 400, "community= must be the id of a community, with # as %23, or its name\n");
	else if (!find_app(d, a.app, &app))
		refuse(reply, 400, "app= must be the name of a configured app\n");
	else
		return find_member(d, app, a.community, reply);
	return NULL;
}

static int64_t deadline_ms(const struct daemon *d, const struct web_request *q)
{
	const int64_t told_ms = web_header_ms(q, "X-Prometheus-Scrape-Timeout-Seconds");
	int64_t ms = told_ms > 0 ? told_ms - OFFSET_MS : d->conf->timeout_ms;

	if (ms < DEADLINE_MIN_MS)
		ms = DEADLINE_MIN_MS;
	return ms < DEADLINE_MAX_MS ? ms : DEADLINE_MAX_MS;
}

/* ---- who asks ---- */
static void on_gone(void *arg)
{
	struct probe_reader *r = arg;
	struct probe_reader **link = &r->probe->reader;
	struct probe *p = r->probe;

	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
	p->daemon->probe_readers--;
	free(r);
	if (p->reader == NULL)
		probe_drop(p);
}

static bool has_place(const struct daemon *d)
{
	return d->probe_readers < d->fixed.max_connections / PLACES_PART || d->probe_readers == 0;
}

static void refuse_busy(struct web_reply *reply, int64_t wait_ms)
{
	refuse(reply, 429, "no budget for a probe before the deadline\n");
	reply->retry_after_s = wait_ms > 1000 ? (int)((wait_ms + 999) / 1000) : 1;
}

/* False: `reply` says why not. */
static bool find_probe(struct daemon *d, const struct member *m, int64_t patience_ms, struct web_reply *reply,
                       struct probe **ret)
{
	const int64_t wait_ms = poller_probe_wait_ms(d->poller, m->app, &d->now);
	enum err e;

	*ret = probe_under_way(d, m->app, m->id);
	if (*ret != NULL)
		return true;
	e = wait_ms > patience_ms ? ERR_LIMIT : probe_start(d, m, ret);
	if (e == ERR_LIMIT) {
		refuse_busy(reply, wait_ms);
	} else if (e != ERR_OK) {
		refuse(reply, 503, "out of memory, try again in a second\n");
		reply->retry_after_s = 1;
	}
	return e == ERR_OK;
}

static struct probe_reader *reader_new(struct probe *p, const struct web_request *q, int64_t patience_ms)
{
	const int64_t now_ms = p->daemon->now.mono_ms;
	struct probe_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	*r = (struct probe_reader){
		.probe = p,
		.next = p->reader,
		.type = answers_type(q),
		.coding = answers_coding(q),
		.http10 = q->http10,
		.began_ms = now_ms,
		.end_ms = now_ms + patience_ms,
		.later = web_later(q, on_gone, r),
	};
	if (r->later == NULL) {
		free(r);
		return NULL;
	}
	p->reader = r;
	p->daemon->probe_readers++;
	return r;
}

void answer_probe(void *arg, const struct web_request *q, struct web_reply *reply)
{
	struct daemon *d = arg;
	const struct member *m = read_request(d, q, reply);
	const int64_t patience_ms = deadline_ms(d, q);
	struct probe *p;

	if (m == NULL)
		return;
	if (d->stopping) {
		refuse(reply, 503, "stopping\n");
	} else if (!has_place(d)) {
		refuse_busy(reply, 0);
	} else if (find_probe(d, m, patience_ms, reply, &p) && reader_new(p, q, patience_ms) == NULL) {
		refuse(reply, 503, "out of memory, try again in a second\n");
		reply->retry_after_s = 1;
		if (p->reader == NULL)
			probe_drop(p);
	}
}
