/* The store against a model that is simple and slow, over random steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exporters/store/store.h"
#include "tests/unit/answers.h"
#include "tests/unit/draw.h"

#define CHECK assert_true

enum { APPS = 3, MEMBERS = 500, IDS = 400, KEYS = 12, PINS = 4, STEPS = 20000 };

struct member {
	bool there;
	size_t slot, app;
	uint64_t key;
	char text[96]; /* the labels, the last of which is the id, and the info label */
	size_t labels_len, info_len;
	int64_t first_interval_ms, stale_after_ms;
	struct facts *facts; /* a reference of our own */
	int64_t fresh_ms, interval_ms;
	bool ended;
	struct health_community health;
};

/* What a pin must say for ever. */
struct seen {
	struct pin *pin; /* NULL: none */
	struct member row[MEMBERS];
	size_t n;
	struct health_app app[APPS];
};

struct world {
	struct store *store;
	struct member member[MEMBERS];
	struct seen seen[PINS];
	int64_t lag_ms[APPS];
	struct now now;
	uint64_t seed;
};

/* ---- steps ---- */
enum { ID_AT = 24 }; /* sdkappid="N",community=" */
static struct store_community community_of(const struct member *m)
{
	return (struct store_community){
		.app = m->app,
		.key = m->key,
		.place = { { m->text, m->labels_len }, { m->text + ID_AT, m->labels_len - ID_AT - 1 } },
		.settings = { m->first_interval_ms, 60000, { m->text + m->labels_len, m->info_len } },
		.stale_after_ms = m->stale_after_ms,
	};
}

static bool is_twin(const struct member *a, const struct member *b)
{
	return a != b && a->there && a->labels_len == b->labels_len &&
	       memcmp(a->text, b->text, a->labels_len) == 0;
}

/* A community that is not there yet; few keys, so that ties are common. */
static void describe(struct world *w, struct member *m)
{
	bool used;

	do {
		m->app = draw(&w->seed, APPS);
		m->labels_len = (size_t)snprintf(m->text, sizeof(m->text), "sdkappid=\"%zu\",community=\"@TGS#%u\"",
		                                 m->app, (unsigned)draw(&w->seed, IDS));
		used = false;
		for (size_t i = 0; i < MEMBERS; i++)
			used = used || is_twin(&w->member[i], m);
	} while (used);
	m->info_len = (size_t)snprintf(m->text + m->labels_len, sizeof(m->text) - m->labels_len, "n=\"%u\"",
	                               (unsigned)draw(&w->seed, 999));
	m->key = draw(&w->seed, KEYS) << 60;
	m->first_interval_ms = m->interval_ms = 1000 + (int64_t)draw(&w->seed, 3) * 1000;
	m->stale_after_ms = 3000 + (int64_t)draw(&w->seed, 9000);
}

static void come_or_go(struct world *w, struct member *m)
{
	struct store_community c;

	if (m->there) {
		store_remove(w->store, m->slot);
		facts_drop(m->facts);
		*m = (struct member){ 0 };
		return;
	}
	describe(w, m);
	c = community_of(m);
	CHECK(store_add(w->store, &c, &m->slot) == ERR_OK);
	for (size_t i = 0; i < MEMBERS; i++)
		CHECK(!w->member[i].there || w->member[i].slot != m->slot);
	m->there = true;
}

static void change(struct world *w, struct member *m)
{
	struct store_community c;

	describe(w, m);
	c = community_of(m);
	CHECK(store_change(w->store, m->slot, &c) == ERR_OK);
}

static void give_facts(struct world *w, struct member *m)
{
	struct facts *f =
		answer_facts("@TGS#", draw(&w->seed, 5), w->now.unix_s - (int64_t)draw(&w->seed, 100000));

	facts_drop(m->facts);
	m->facts = facts_hold(f);
	m->fresh_ms = w->now.mono_ms;
	m->ended = false;
	store_facts(w->store, m->slot, f, &w->now);
}

static void end_poll(struct world *w, struct member *m)
{
	static const struct outcome outcome[] = {
		{ CHAT_FINE, ERR_OK, 0 },
		{ CHAT_RETRY, ERR_TIMEOUT, 0 },
		{ CHAT_GONE, ERR_GONE, 10010 },
	};
	const struct outcome *o = &outcome[draw(&w->seed, 3)];
	const int64_t took_us = (int64_t)draw(&w->seed, 1000000);

	health_note(&m->health, o, took_us, &w->now);
	m->ended = m->ended || o->err == ERR_GONE;
	store_ended(w->store, m->slot, o, took_us, &w->now);
}

/* ---- pins ---- */
static int by_place(const void *left, const void *right)
{
	const struct member *l = left, *r = right;
	const size_t longer = l->labels_len > r->labels_len ? l->labels_len : r->labels_len;
	const int id = memcmp(l->text + ID_AT, r->text + ID_AT, longer - ID_AT); /* a quote is below any digit */

	if (l->key != r->key)
		return l->key < r->key ? -1 : 1;
	return id != 0 ? id : (l->app > r->app) - (l->app < r->app);
}

static bool is_shown(const struct world *w, const struct member *m)
{
	const int64_t keep_ms = m->stale_after_ms + 2 * w->lag_ms[m->app];

	return m->facts != NULL && !m->ended && w->now.mono_ms < m->fresh_ms + keep_ms;
}

static void see(const struct world *w, struct seen *s)
{
	s->n = 0;
	memset(s->app, 0, sizeof(s->app));
	for (size_t i = 0; i < MEMBERS; i++)
		if (w->member[i].there)
			s->row[s->n++] = w->member[i];
	qsort(s->row, s->n, sizeof(s->row[0]), by_place);
	for (size_t i = 0; i < s->n; i++) {
		struct member *m = &s->row[i];
		struct health_app *a = &s->app[m->app];
		struct topic_mutes mutes;

		m->facts = is_shown(w, m) ? facts_hold(m->facts) : NULL;
		a->communities[health_state(&m->health, m->facts != NULL)]++;
		if (m->facts == NULL)
			continue;
		mutes = facts_mutes(m->facts);
		a->topics_muted += mutes.muted;
		a->topics_open += mutes.open;
		for (int b = 0; b < IDLE_BUCKETS; b++)
			a->topics_idle[b] += facts_idle(m->facts)[b];
	}
}

static bool same(struct span a, struct span b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static void check_row(const struct pin *p, size_t i, const struct member *m)
{
	const struct store_community *c = pin_community(p, i), want = community_of(m);
	const struct health_settings set = pin_settings(p, i);
	const struct health_community *h = pin_health(p, i);

	CHECK(c->key == m->key && c->app == m->app && c->stale_after_ms == m->stale_after_ms);
	CHECK(set.interval_ms == m->interval_ms && set.silent_after_ms == want.settings.silent_after_ms);
	CHECK(same(c->place.labels, want.place.labels) && same(c->place.community, want.place.community));
	CHECK(same(set.info, want.settings.info));
	CHECK(pin_facts(p, i) == m->facts);
	CHECK(h->last_poll_s == m->health.last_poll_s && h->failures == m->health.failures);
	CHECK(h->reason == m->health.reason && h->took_us == m->health.took_us);
}

static void check_pin(const struct seen *s)
{
	CHECK(pin_communities(s->pin) == s->n);
	for (size_t i = 0; i < s->n; i++)
		check_row(s->pin, i, &s->row[i]);
	for (size_t a = 0; a < APPS; a++) {
		struct health_app got = { 0 };

		pin_count(s->pin, a, &got);
		CHECK(memcmp(got.communities, s->app[a].communities, sizeof(got.communities)) == 0);
		CHECK(memcmp(got.topics_idle, s->app[a].topics_idle, sizeof(got.topics_idle)) == 0);
		CHECK(got.topics_muted == s->app[a].topics_muted && got.topics_open == s->app[a].topics_open);
	}
}

static void give_back(struct seen *s)
{
	check_pin(s);
	store_unpin(s->pin);
	for (size_t i = 0; i < s->n; i++)
		facts_drop(s->row[i].facts);
	s->pin = NULL;
}

static void pin_or_give_back(struct world *w)
{
	struct seen *s = &w->seen[draw(&w->seed, PINS)];

	if (s->pin != NULL) {
		give_back(s);
		return;
	}
	CHECK(store_pin(w->store, &w->now, &s->pin) == ERR_OK);
	see(w, s);
	check_pin(s);
}

/* ---- the test ---- */
static void step(struct world *w)
{
	struct member *m = &w->member[draw(&w->seed, MEMBERS)];
	const uint64_t what = draw(&w->seed, 100);

	if (what < 10) {
		w->now.mono_ms += (int64_t)draw(&w->seed, 300);
		w->now.unix_s = 1700000000 + w->now.mono_ms / 1000;
	} else if (what < 20) {
		pin_or_give_back(w);
	} else if (what < 22) {
		const size_t app = draw(&w->seed, APPS);

		w->lag_ms[app] = (int64_t)draw(&w->seed, 6000);
		store_lag(w->store, app, w->lag_ms[app]);
	} else if (what < 45 || !m->there) {
		come_or_go(w, m);
	} else if (what < 52) {
		change(w, m);
	} else if (what < 60) {
		m->interval_ms = (int64_t)draw(&w->seed, 9000);
		store_interval(w->store, m->slot, m->interval_ms);
	} else if (what < 80) {
		give_facts(w, m);
	} else {
		end_poll(w, m);
	}
	CHECK(!m->there || store_before(w->store, m->slot) == m->facts);
}

static void it_does_what_the_model_does(void **state)
{
	static struct world w;

	(void)state;
	w.seed = draw_seed();
	w.now = (struct now){ 1000, 1700000001 };
	CHECK(store_new(APPS, &w.store) == ERR_OK);
	for (int i = 0; i < STEPS; i++)
		step(&w);
	store_free(w.store); /* before the last pins */
	for (size_t i = 0; i < PINS; i++)
		if (w.seen[i].pin != NULL)
			give_back(&w.seen[i]);
	for (size_t i = 0; i < MEMBERS; i++)
		facts_drop(w.member[i].facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_does_what_the_model_does),
	};

	return cmocka_run_group_tests_name("store model", tests, NULL, NULL);
}
