/* Random worlds, changed at random, on pages of both forms, all levels and filters, against the model of
 * exposition_world.c. TCE_ROUNDS sets how many worlds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/exposition/exposition.h"
#include "tests/unit/exposition_world.h"
#include "tests/unit/gzip_read.h"
#include "tests/unit/random.h"

#define CHECK assert_true

enum { ROUNDS = 300, STEPS = 12, PAGES = 4, PAGE_MAX = 1 << 20 };

static struct world world;
static struct world_page want_page, have_page;
static struct tally tally;
static struct store *store;
static struct exposition_cache *cache; /* as long as the store */
static struct metric_set enabled;
static uint64_t max_series, floor_before, chosen;
static const struct now now = { .mono_ms = 1000, .unix_s = WORLD_NOW_S };

/* ---- making a world ---- */
static bool one_in(uint64_t n)
{
	return random_below(n) == 0;
}

static int told(int value_)
{
	return one_in(5) ? -1 : value_;
}

static void make_topic(struct world_topic *t, size_t number)
{
	static const int code[] = { 10007, 10010, 11000 };

	*t = (struct world_topic){
		.name = told((int)random_below(100)),
		.created = told((int)(1600000000 + random_below(100))),
		.last = told(one_in(3) ? 0 : (int)(WORLD_NOW_S - random_below(one_in(2) ? 5 : 7200))),
		.muted = told((int)random_below(2)),
		.seq = told((int)(1 + random_below(1000))),
		.read = told((int)random_below(1000)),
		.shut = told((int)random_below(2)),
		.error = one_in(8) ? code[random_below(3)] : 0,
	};
	if (t->error != 0)
		t->last = -1;
	(void)snprintf(t->id, sizeof(t->id), one_in(6) ? "!own_%zu_%d" : "@TOPIC#_%zu_%d", number,
	               (int)random_below(1000));
}

static void add_number(struct buf *b, const char *key, int value_)
{
	if (value_ >= 0)
		buf_fmt(b, ",\"%s\":%d", key, value_);
}

static void add_element(struct buf *b, const struct world_community *c, const struct world_topic *t)
{
	buf_fmt(b, "{\"ErrorCode\":%d,\"TopicInfo\":{\"TopicId\":\"%s%s\"", t->error,
	        t->id[0] == '!' ? "" : c->id, t->id[0] == '!' ? t->id + 1 : t->id);
	if (t->error == 0) {
		if (t->name >= 0)
			buf_fmt(b, ",\"TopicName\":\"name \\\"%d\\\"\"", t->name);
		add_number(b, "CreateTime", t->created);
		add_number(b, "LastMsgTime", t->last);
		add_number(b, "NextMsgSeq", t->seq);
		if (t->muted >= 0)
			buf_fmt(b, ",\"MuteAllMember\":\"%s\"", t->muted > 0 ? "On" : "Off");
	}
	buf_str(b, "},\"SelfInfo\":{\"x\":0");
	add_number(b, "MsgSeq", t->read);
	add_number(b, "ShutUpTime", t->shut);
	buf_str(b, "}}");
}

static struct facts *facts_of(const struct world_community *c)
{
	const struct topic_context context = { .community = c->id,
		                                   .observer = world.observer,
		                                   .silent_after_s = WORLD_SILENT_S,
		                                   .keep_ms = 1000,
		                                   .now = now };
	struct topic_answer a;
	struct why why;
	struct buf b;
	size_t len;
	char *json;

	buf_init(&b, PAGE_MAX);
	buf_str(&b, "{\"ErrorCode\":0,\"TopicAndSelfInfo\":[");
	for (size_t i = 0; i < c->topic_n; i++) {
		buf_str(&b, i > 0 ? "," : "");
		add_element(&b, c, &c->topic[i]);
	}
	buf_str(&b, "]}");
	json = buf_take(&b, &len);
	topic_decode(json, len, &context, NULL, &a, &why);
	free(json);
	CHECK(a.facts != NULL && facts_topics(a.facts) == c->topic_n);
	return a.facts;
}

static void poll(size_t slot)
{
	static const struct outcome fine = { CHAT_FINE, ERR_OK, 0 }, late = { CHAT_RETRY, ERR_TIMEOUT, 0 };
	struct world_community *c = &world.community[slot];

	c->failing = one_in(6) && !c->failing;
	c->polled = true;
	if (!c->failing) {
		c->topic_n = random_below(WORLD_TOPICS + 1);
		for (size_t i = 0; i < c->topic_n; i++)
			if (c->topic[i].id[0] == '\0' || one_in(3))
				make_topic(&c->topic[i], i);
		c->facts = c->ever_fine = true;
		store_facts(store, slot, facts_of(c), &now);
	}
	store_ended(store, slot, c->failing ? &late : &fine, 2000000, &now);
}

static void add_community(size_t i)
{
	struct world_community *c = &world.community[i];
	char labels[128];
	struct store_community is = { .settings = { 60000, WORLD_SILENT_S * 1000,
		                                        span_of("community_name=\"c\"") },
		                          .stale_after_ms = 300000 };
	size_t slot;
	int len;

	*c = (struct world_community){ .app = random_below(WORLD_APPS),
		                           .level = one_in(3) ? (int)random_below(3) : 0 };
	(void)snprintf(c->id, sizeof(c->id), "@TGS#_%zu", i);
	len = snprintf(labels, sizeof(labels), "sdkappid=\"%zu\",community=\"%s\"", c->app + 1, c->id);
	is.app = c->app;
	is.key = random_below(1000) << 54;
	is.level = (enum metric_scope)c->level;
	is.place =
		(struct topic_place){ { labels, (size_t)len }, { labels + len - 1 - strlen(c->id), strlen(c->id) } };
	CHECK(store_add(store, &is, &slot) == ERR_OK && slot == i);
}

static void make_world(void)
{
	unsigned families = 0;

	world = (struct world){ .community_n = 1 + random_below(WORLD_COMMUNITIES), .observer = one_in(2) };
	CHECK(store_new(WORLD_APPS, &store) == ERR_OK);
	cache = exposition_cache_new();
	CHECK(cache != NULL);
	for (int m = 0; m < METRIC_COUNT; m++)
		enabled.has[m] = !one_in(6);
	for (int m = 0; m < TOPIC_FAMILIES; m++)
		families |= (unsigned)enabled.has[m] << m;
	max_series = one_in(3) ? 0 : random_below(120);
	floor_before = chosen = 0;
	store_cap(store, max_series, families);
	for (size_t i = 0; i < world.community_n; i++)
		add_community(i);
}

/* ---- the cap ---- */
/* Topic series above a floor, and what the next quieter topic would add (0: there is none). */
static uint64_t series_above(uint64_t floor, unsigned *ret_next)
{
	uint64_t n = 0, best = 0;

	*ret_next = 0;
	for (size_t i = 0; i < world.community_n; i++) {
		const struct world_community *c = &world.community[i];

		for (size_t t = 0; c->facts && c->level == 0 && t < c->topic_n; t++) {
			const uint64_t rank = world_rank(c, &c->topic[t]);
			const unsigned weight = world_series(&world, &c->topic[t], enabled.has);

			n += rank >= floor ? weight : 0;
			if (rank < floor && rank >= best && weight > 0) {
				best = rank;
				*ret_next = weight;
			}
		}
	}
	return n;
}

/* The floor stays while the series above it are within the band. Else it is the least that leaves nine
 * tenths. */
static void check_fold(const struct store_fold *f)
{
	unsigned next;
	const uint64_t all = series_above(0, &next), stays = series_above(floor_before, &next),
				   shown = series_above(f->floor, &next);

	CHECK(f->shown == shown && f->capped == all - shown);
	CHECK(max_series == 0 || shown <= max_series);
	if (max_series == 0 || all <= (floor_before == 0 ? max_series : max_series * 9 / 10)) {
		CHECK(f->floor == 0);
	} else if (stays <= max_series && stays + max_series / 10 >= chosen) {
		CHECK(f->floor == floor_before);
	} else {
		CHECK(shown <= max_series * 9 / 10);
		CHECK(f->floor == 0 || shown + next > max_series * 9 / 10);
		chosen = shown;
	}
	floor_before = f->floor;
}

/* ---- reading a page ---- */
static struct exposition *open_page(const struct exposition_want *want)
{
	static struct health_app app[WORLD_APPS];
	static struct health_exporter exporter;
	struct exposition_parts parts = {
		.want = *want, .app = app, .app_n = WORLD_APPS, .exporter = &exporter, .cache = cache
	};
	struct exposition *e;

	for (size_t a = 0; a < WORLD_APPS; a++)
		app[a] = (struct health_app){ .labels = span_of(a == 0 ? "sdkappid=\"1\"" : "sdkappid=\"2\""),
			                          .tally = { &tally, &tally } };
	CHECK(store_pin(store, &now, &parts.pin) == ERR_OK);
	CHECK(exposition_open(&parts, &e) == ERR_OK);
	return e;
}

static char *read_page(struct exposition *e)
{
	const size_t room = 1 + random_below(100000);
	const int64_t measured = exposition_measure(e);
	char *block = malloc(room);
	struct buf b;
	size_t n, len;
	char *page;

	CHECK(block != NULL);
	buf_init(&b, PAGE_MAX);
	while ((n = exposition_next(e, block, room)) > 0)
		buf_add(&b, block, n);
	free(block);
	page = buf_take(&b, &len);
	CHECK(page != NULL && (int64_t)len == measured);
	return page;
}

/* The same page compressed, whatever is kept of those before. */
static void check_gzip(const struct exposition_want *want, const char *page)
{
	struct exposition_want gzip = *want;
	uint64_t series[METRIC_SCOPES];
	struct exposition *e;
	struct buf b;

	gzip.coding = CODING_GZIP;
	e = open_page(&gzip);
	buf_init(&b, PAGE_MAX);
	gzip_read(e, 1 + random_below(5000), &b);
	assert_string_equal(buf_text(&b), page);
	buf_done(&b);
	CHECK(exposition_series(e, series) == want->full);
	if (want->full)
		CHECK(series[METRIC_TOPIC] + series[METRIC_COMMUNITY] == want_page.n);
	exposition_close(e);
}

/* A header for each family in the order of the catalogue, in the spelling of the form; its samples behind it.
 */
static void check_header(const char *line, const struct exposition_want *want, int *metric)
{
	const char *name = line + strlen("# TYPE ");
	const size_t len = strcspn(name, " ");
	enum metric m;
	char text[128];

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, name);
	CHECK(metric_find(text, &m) && (int)m > *metric && want->metrics.has[m] &&
	      metric_info(m)->scope >= want->level);
	CHECK(metric_family(m, want->type.form).len == len);
	*metric = (int)m;
}

static void take_sample(const char *line, const struct exposition_want *want, int metric)
{
	const struct span family = metric_info((enum metric)metric)->family;
	char app[32];

	CHECK(strncmp(line, family.at, family.len) == 0);
	(void)snprintf(app, sizeof(app), "sdkappid=\"%d\"", want->app + 1);
	CHECK(metric_info((enum metric)metric)->scope == METRIC_EXPORTER || want->app < 0 ||
	      strstr(line, app) != NULL);
	if (metric_info((enum metric)metric)->scope > METRIC_COMMUNITY)
		return;
	CHECK(have_page.n < WORLD_LINES);
	(void)snprintf(have_page.line[have_page.n++], WORLD_LINE, "%s", line);
}

static void split_page(char *page, const struct exposition_want *want)
{
	int metric = -1, ends = 0;
	char *save = NULL;

	have_page.n = 0;
	for (char *line = strtok_r(page, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		CHECK(ends == 0);
		if (strcmp(line, "# EOF") == 0)
			ends++;
		else if (strncmp(line, "# TYPE ", 7) == 0)
			check_header(line, want, &metric);
		else if (strncmp(line, "# HELP ", 7) != 0)
			take_sample(line, want, metric);
	}
	CHECK(ends == (want->type.form == FORM_OPENMETRICS));
}

static int by_text(const void *left, const void *right)
{
	return strcmp(left, right);
}

static void compare(void)
{
	qsort(want_page.line, want_page.n, WORLD_LINE, by_text);
	qsort(have_page.line, have_page.n, WORLD_LINE, by_text);
	for (size_t i = 0; i < want_page.n && i < have_page.n; i++)
		assert_string_equal(have_page.line[i], want_page.line[i]);
	assert_int_equal(have_page.n, want_page.n);
}

/* ---- asking for one ---- */
static struct exposition_want draw_want(void)
{
	static const char *const level[] = { "topic", "community", "app" }, *const app[] = { "one", "two" };
	struct exposition_want w = exposition_everything(&enabled);
	struct why why;

	w.type.form = one_in(2) ? FORM_TEXT : FORM_OPENMETRICS;
	if (one_in(2))
		CHECK(exposition_query(&w, "level", level[random_below(3)], app, WORLD_APPS, &why) == ERR_OK);
	if (one_in(3))
		CHECK(exposition_query(&w, "app", app[random_below(2)], app, WORLD_APPS, &why) == ERR_OK);
	for (uint64_t n = one_in(3) ? random_below(5) : 0; n > 0; n--) {
		const enum metric m = (enum metric)random_below(M_COMMUNITY_LAST_ERROR + 5);

		CHECK(exposition_query(&w, "name[]", metric_info(m)->family.at, app, WORLD_APPS, &why) == ERR_OK);
	}
	return w;
}

static void check_page(const struct exposition_want *want)
{
	struct exposition *e = open_page(want);
	uint64_t series[METRIC_SCOPES];
	char *page = read_page(e);
	const struct world_want model = { (int)want->level, want->app, want->metrics.has, floor_before };

	world_expect(&world, &model, &want_page);
	check_gzip(want, page);
	split_page(page, want);
	free(page);
	compare();
	CHECK(exposition_series(e, series) == want->full);
	if (want->full)
		CHECK(series[METRIC_TOPIC] + series[METRIC_COMMUNITY] == want_page.n);
	exposition_close(e);
}

static void every_page_has_exactly_the_series_of_its_world(void **state)
{
	const char *rounds = getenv("TCE_ROUNDS"), *seed = getenv("TCE_SEED");
	uint64_t folded = 0;

	(void)state;
	random_start(seed != NULL ? strtoull(seed, NULL, 10) : 4);
	for (long round = rounds != NULL ? strtol(rounds, NULL, 10) : ROUNDS; round > 0; round--) {
		make_world();
		for (int step = 0; step < STEPS; step++) {
			struct pin *p;

			for (uint64_t n = random_below(4); n > 0; n--)
				poll(random_below(world.community_n));
			CHECK(store_pin(store, &now, &p) == ERR_OK);
			check_fold(pin_fold(p));
			folded += pin_fold(p)->capped > 0;
			store_unpin(p);
			for (int i = 0; i < PAGES; i++) {
				const struct exposition_want want = draw_want();

				check_page(&want);
			}
		}
		store_free(store);
		exposition_cache_free(cache);
	}
	CHECK(folded > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_has_exactly_the_series_of_its_world),
	};

	return cmocka_run_group_tests_name("exposition_world", tests, NULL, NULL);
}
