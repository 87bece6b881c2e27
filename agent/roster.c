#include "agent/roster.h"

#include <stdlib.h>
#include <string.h>

#include "agent/roster_app.h"

enum { LABELS_MAX = 64 << 10, SLOTS_MIN = 64 };

/* ---- life ---- */
enum err roster_new(const struct conf *c, uint64_t seed, struct roster **ret)
{
	struct roster *r = calloc(1, sizeof(*r));
	enum err e;

	if (r == NULL)
		return ERR_MEMORY;
	e = roster_app_room(r, c->app_n);
	for (; e == ERR_OK && r->app_n < c->app_n; r->app_n++)
		e = roster_app_fill(c, &c->app[r->app_n], seed, &r->app[r->app_n]);
	if (e != ERR_OK) {
		roster_free(r);
		return e;
	}
	*ret = r;
	return ERR_OK;
}

static void member_free(struct member *m)
{
	if (m == NULL)
		return;
	topic_poll_free(m->poll);
	history_attempts_free(m->attempts);
	free(m);
}

void roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->slots; i++)
		member_free(r->member[i]);
	for (size_t a = 0; a < r->app_n; a++)
		roster_app_done(&r->app[a]);
	free(r->app);
	free(r->index);
	free(r->member);
	free(r);
}

/* ---- finding ---- */
static size_t place_of(const struct roster *r, uint64_t key)
{
	return (size_t)key & (r->places - 1);
}

static void index_put(struct roster *r, size_t slot)
{
	size_t at = place_of(r, r->member[slot]->key);

	while (r->index[at] != 0)
		at = (at + 1) & (r->places - 1);
	r->index[at] = (uint32_t)slot + 1;
}

/* Closes the gap at `at`, so that nobody behind it gets lost. */
static void index_close(struct roster *r, size_t at)
{
	size_t next = at;

	for (;;) {
		size_t home;

		next = (next + 1) & (r->places - 1);
		if (r->index[next] == 0)
			break;
		home = place_of(r, r->member[r->index[next] - 1]->key);
		if (((next - home) & (r->places - 1)) < ((next - at) & (r->places - 1)))
			continue;
		r->index[at] = r->index[next];
		at = next;
	}
	r->index[at] = 0;
}

static void index_drop(struct roster *r, size_t slot)
{
	size_t at = place_of(r, r->member[slot]->key);

	while (r->index[at] != (uint32_t)slot + 1)
		at = (at + 1) & (r->places - 1);
	index_close(r, at);
}

static enum err index_reserve(struct roster *r, size_t communities)
{
	uint32_t *wider;
	size_t places = r->places > 0 ? r->places : SLOTS_MIN;

	while (places < 2 * communities)
		places *= 2;
	if (places == r->places)
		return ERR_OK;
	wider = calloc(places, sizeof(wider[0]));
	if (wider == NULL)
		return ERR_MEMORY;
	free(r->index);
	r->index = wider;
	r->places = places;
	for (size_t i = 0; i < r->slots; i++)
		if (r->member[i] != NULL)
			index_put(r, i);
	return ERR_OK;
}

struct member *roster_find(const struct roster *r, size_t app, const char *id)
{
	const uint64_t key = roster_key(r->app[app].conf->sdkappid, id);

	for (size_t at = r->places > 0 ? place_of(r, key) : 0; r->places > 0 && r->index[at] != 0;
	     at = (at + 1) & (r->places - 1)) {
		struct member *m = r->member[r->index[at] - 1];

		if (m->key == key && m->app == app && strcmp(m->id, id) == 0)
			return m;
	}
	return NULL;
}

/* ---- adding ---- */

/* The identity labels, then the info labels, in one buffer; the spans point into it. */
static enum err label(const struct roster *r, const struct member *m, const struct conf_community *conf,
                      struct buf *b, struct store_community *c)
{
	const size_t id_quote = strlen("\"");
	size_t value, labels;

	*c = (struct store_community){
		.app = m->app,
		.key = m->key,
		.settings = { .interval_ms = conf->interval_ms, .silent_after_ms = conf->silent_after_ms },
		.stale_after_ms = conf->stale_after_ms,
	};
	(void)metric_level(conf->level, &c->level); /* the loader lets no other word pass */
	buf_reset(b);
	buf_span(b, r->app[m->app].labels);
	value = b->len + strlen(",community=\"");
	label_add(b, "community", span_of(m->id), 0);
	labels = b->len;
	buf_str(b, ",");
	label_add(b, "community_name", span_of(conf->name), SAMPLE_LABEL_MAX);
	for (size_t l = 0; l < conf->label_n; l++)
		label_add(b, conf->labels[l].key, span_of(conf->labels[l].value), SAMPLE_LABEL_MAX);
	if (b->status != ERR_OK)
		return ERR_MEMORY;
	c->place.labels = (struct span){ b->at, labels };
	c->place.community = (struct span){ b->at + value, labels - value - id_quote };
	c->settings.info = (struct span){ b->at + labels + 1, b->len - labels - 1 };
	return ERR_OK;
}

struct card *roster_draft(const struct roster *r, const struct member *m, const struct conf_community *c)
{
	struct store_community is;
	struct card *card = NULL;
	struct buf b;

	buf_init(&b, LABELS_MAX);
	if (label(r, m, c, &b, &is) == ERR_OK)
		card = store_draft(&is);
	buf_done(&b);
	return card;
}

enum err roster_card(const struct roster *r, const struct member *m, struct buf *texts,
                     struct store_community *ret)
{
	buf_init(texts, LABELS_MAX);
	return label(r, m, m->conf, texts, ret);
}

static enum err member_room(struct roster *r, size_t slot)
{
	size_t slots = r->slots > 0 ? r->slots : SLOTS_MIN;
	struct member **more;

	while (slots <= slot)
		slots *= 2;
	if (slots == r->slots)
		return ERR_OK;
	more = reallocarray(r->member, slots, sizeof(more[0]));
	if (more == NULL)
		return ERR_MEMORY;
	memset(more + r->slots, 0, (slots - r->slots) * sizeof(more[0]));
	r->member = more;
	r->slots = slots;
	return ERR_OK;
}

static struct member *member_new(const struct newcomer *w, uint64_t key)
{
	const size_t len = strlen(w->id);
	struct member *m = malloc(sizeof(*m) + len + 1);

	if (m == NULL)
		return NULL;
	*m = (struct member){
		.conf = w->conf, .app = w->app, .key = key, .listed = w->listed, .discovered = w->discovered
	};
	memcpy(m->id, w->id, len + 1);
	return m;
}

/* Into the store; the member takes its slot. */
static enum err add_member(struct roster *r, struct store *s, struct buf *b, struct member *m)
{
	struct store_community c;
	enum err e = label(r, m, m->conf, b, &c);

	if (e == ERR_OK)
		e = store_add(s, &c, &m->slot);
	if (e != ERR_OK)
		return e;
	if (member_room(r, m->slot) != ERR_OK) {
		store_remove(s, m->slot);
		return ERR_MEMORY;
	}
	r->member[m->slot] = m;
	index_put(r, m->slot);
	r->community_n++;
	return ERR_OK;
}

struct job roster_job(const struct member *m, const struct conf_community *c)
{
	return (struct job){
		.app = m->app,
		.command = CHAT_GET_TOPIC,
		.subject = m->slot,
		.period_ms = c->interval_ms,
		.period_min_ms = c->adaptive_min_ms,
		.period_max_ms = c->adaptive_max_ms,
		.phase_key = m->key,
	};
}

static enum err add_one(struct roster *r, struct store *s, const struct newcomer *w, uint64_t key,
                        struct buf *b, struct job *job)
{
	struct member *m = member_new(w, key);
	enum err e = m != NULL ? add_member(r, s, b, m) : ERR_MEMORY;

	if (e != ERR_OK) {
		member_free(m);
		return e;
	}
	*job = roster_job(m, m->conf);
	job->crowd = w->crowd;
	return ERR_OK;
}

static void forget(struct roster *r, struct store *s, size_t slot)
{
	index_drop(r, slot);
	store_remove(s, slot);
	member_free(r->member[slot]);
	r->member[slot] = NULL;
	r->community_n--;
}

/* Pages and polls are in the order of the keys. Who is added in it stands in memory as a scrape reads it. */
struct turn {
	uint64_t key;
	const struct newcomer *who;
};

static int by_key(const void *a, const void *b)
{
	const struct turn *l = a, *r = b;

	return l->key != r->key ? (l->key > r->key) - (l->key < r->key) : (l->who > r->who) - (l->who < r->who);
}

static struct turn *in_turn(const struct roster *r, const struct newcomer *who, size_t n)
{
	struct turn *turn = calloc(n + 1, sizeof(turn[0]));

	for (size_t i = 0; turn != NULL && i < n; i++)
		turn[i] = (struct turn){ roster_key(r->app[who[i].app].conf->sdkappid, who[i].id), &who[i] };
	if (turn != NULL)
		qsort(turn, n, sizeof(turn[0]), by_key);
	return turn;
}

enum err roster_add(struct roster *r, struct store *s, struct poller *p, const struct newcomer *who, size_t n,
                    const struct now *now)
{
	struct turn *turn = in_turn(r, who, n);
	struct job *job = calloc(n + 1, sizeof(job[0]));
	size_t *number = calloc(n + 1, sizeof(number[0]));
	size_t added = 0;
	struct buf b;
	enum err e = ERR_MEMORY;

	buf_init(&b, LABELS_MAX);
	if (turn != NULL && job != NULL && number != NULL)
		e = index_reserve(r, r->community_n + n);
	while (e == ERR_OK && added < n) {
		e = add_one(r, s, turn[added].who, turn[added].key, &b, &job[added]);
		added += e == ERR_OK;
	}
	if (e == ERR_OK)
		e = poller_add(p, job, n, now, number);
	for (size_t i = 0; i < added; i++) {
		if (e == ERR_OK)
			r->member[job[i].subject]->job = number[i];
		else
			forget(r, s, job[i].subject);
	}
	buf_done(&b);
	free(number);
	free(job);
	free(turn);
	return e;
}

void roster_remove(struct roster *r, struct store *s, struct poller *p, size_t slot)
{
	poller_remove(p, r->member[slot]->job);
	forget(r, s, slot);
}
