/* Who owns a community, what a part of a budget is, and what is left of a configuration (agent/shard.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon.h"
#include "agent/roster_app.h"
#include "agent/shard.h"
#include "tests/unit/draw.h"

#define CHECK assert_true

enum { WORLD = 2000, TOTALS = 64, PROD = 1400000001, TEST = 1400000002 };

/* ---- owners ---- */
/* Made by another program from the description in shard.h: they may never change, or every update of the
 * program moves communities. */
static void owners_are_the_same_for_ever(void **state)
{
	static const unsigned totals[] = { 1, 2, 3, 4, 5, 8, 64, 1024 };
	static const struct {
		int64_t app;
		const char *id;
		unsigned owner[sizeof(totals) / sizeof(totals[0])];
	} row[] = {
		{ PROD, "@TGS#_@TGS#cQVLVHIM62CJ", { 0, 1, 1, 1, 4, 5, 42, 605 } },
		{ TEST, "@TGS#_@TGS#cQVLVHIM62CJ", { 0, 1, 2, 2, 2, 2, 34, 280 } },
		{ PROD, "@TGS#_shop", { 0, 0, 0, 0, 0, 0, 60, 325 } },
		{ TEST, "@TGS#_shop", { 0, 0, 0, 0, 0, 5, 9, 629 } },
		{ PROD, "@TGS#_a", { 0, 1, 2, 3, 3, 6, 11, 734 } },
		{ TEST, "@TGS#_a", { 0, 0, 0, 0, 0, 0, 0, 584 } },
		{ PROD, "@TGS#_b", { 0, 1, 1, 1, 4, 4, 59, 59 } },
		{ TEST, "@TGS#_b", { 0, 1, 1, 3, 3, 3, 3, 692 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (size_t t = 0; t < sizeof(totals) / sizeof(totals[0]); t++)
			assert_int_equal(row[i].owner[t], shard_owner(totals[t], roster_key(row[i].app, row[i].id)));
}

static void fill_world(uint64_t *key)
{
	uint64_t seed = draw_seed();

	for (size_t i = 0; i < WORLD; i++) {
		char id[64];

		(void)snprintf(id, sizeof(id), "@TGS#_%llx-%zu", (unsigned long long)draw(&seed, 0), i);
		key[i] = roster_key(PROD, id);
	}
}

/* Six standard deviations of so many that each take part with this probability: once in 500 million. */
static double scatter(double n, double p)
{
	return 6 * sqrt(n * p * (1 - p)) + 1;
}

static void shards_have_equal_parts(void **state)
{
	static uint64_t key[WORLD];

	(void)state;
	fill_world(key);
	for (unsigned total = 1; total <= TOTALS; total++) {
		const double expected = (double)WORLD / total;
		size_t has[TOTALS] = { 0 };

		for (size_t i = 0; i < WORLD; i++) {
			const unsigned owner = shard_owner(total, key[i]);

			CHECK(owner < total);
			has[owner]++;
		}
		for (unsigned s = 0; s < total; s++)
			CHECK(fabs((double)has[s] - expected) <= scatter(WORLD, 1.0 / total));
	}
}

static void one_shard_more_takes_its_part_and_moves_nobody_else(void **state)
{
	static uint64_t key[WORLD];

	(void)state;
	fill_world(key);
	for (unsigned total = 1; total < TOTALS; total++) {
		const double part = 1.0 / (total + 1);
		size_t moved = 0;

		for (size_t i = 0; i < WORLD; i++) {
			const unsigned before = shard_owner(total, key[i]), after = shard_owner(total + 1, key[i]);

			CHECK(after == before || after == total);
			moved += after != before;
		}
		CHECK(fabs((double)moved - WORLD * part) <= scatter(WORLD, part));
	}
}

static void an_id_of_two_apps_is_two_communities(void **state)
{
	size_t apart = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "@TGS#_%d", i);
		apart += shard_owner(3, roster_key(PROD, id)) != shard_owner(3, roster_key(TEST, id));
	}
	CHECK(apart > 150 && apart < 250);
}

/* ---- parts of a budget ---- */
static void parts_are_whole_calls(void **state)
{
	static const struct {
		unsigned total;
		int64_t budget, part;
	} row[] = {
		{ 1, 20000, 20000 }, { 1, 333, 333 },    { 2, 20000, 10000 }, { 3, 20000, 6000 }, { 4, 20500, 5000 },
		{ 20, 20000, 1000 }, { 21, 20000, 952 }, { 3, 500, 166 },     { 3, 800, 266 },    { 1024, 800, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct conf_shard s = { 0, row[i].total };

		assert_int_equal(row[i].part, shard_share(&s, row[i].budget));
	}
}

/* A sliding second of one process holds its budget, rounded up to whole calls. */
static void no_second_of_all_shards_holds_more_than_the_budget(void **state)
{
	uint64_t seed = draw_seed();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		const struct conf_shard s = { 0, 1 + (unsigned)draw(&seed, 200) };
		const int64_t budget = 1 + (int64_t)draw(&seed, 200000), part = shard_share(&s, budget);
		const int64_t second = (part + 999) / 1000 * s.total;

		CHECK(part >= 1);
		CHECK(part * s.total <= budget || part == 1);
		if (budget >= 1000 * (int64_t)s.total)
			CHECK(second <= (budget + 999) / 1000);
	}
}

static void lists_are_a_second_apart(void **state)
{
	(void)state;
	for (unsigned total = 1; total <= SHARDS_MAX; total++) {
		uint64_t before = 0;

		for (unsigned n = 0; n < total; n++) {
			const struct conf_shard s = { n, total };
			/* As poller_add places a newcomer that is alone. */
			const double span_ms = 2000.0 * 1000 / (double)shard_share(&s, 800);
			const uint64_t phase = shard_list_phase(&s);

			CHECK(n > 0 || phase == 0);
			if (n > 0)
				CHECK((double)(phase - before) / 18446744073709551616.0 * span_ms >
				      (total <= 800 ? 1249 : 900));
			before = phase;
		}
	}
}

/* ---- the flags ---- */
static void flags_say_which_shard(void **state)
{
	static const struct {
		const char *number, *total;
		unsigned want, want_total;
	} row[] = {
		{ NULL, NULL, 0, 1 },
		{ "0", "1", 0, 1 },
		{ "2", "3", 2, 3 },
		{ "1023", "1024", 1023, 1024 },
		{ "tencentchat-exporter-2", "3", 2, 3 },
		{ "a-0", "2", 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct conf_shard s = { 9, 9 };
		struct why why = { 0 };

		CHECK(shard_read(row[i].number, row[i].total, &s, &why) == ERR_OK);
		CHECK(s.number == row[i].want && s.total == row[i].want_total);
	}
}

static void wrong_flags_are_refused_with_what_is_allowed(void **state)
{
	static const struct {
		const char *number, *total, *why;
	} row[] = {
		{ "0", NULL, "flag '--shard' needs '--total-shards' as well" },
		{ NULL, "3", "flag '--total-shards' needs '--shard' as well" },
		{ "3", "3", "flag '--shard': '3' is not below '--total-shards', 3; the first shard is 0" },
		{ "pod-7", "3", "flag '--shard': 'pod-7' is not below '--total-shards', 3; the first shard is 0" },
		{ "-1", "3",
		  "flag '--shard': '-1' is neither a number nor the name of a pod, which ends in -NUMBER" },
		{ "pod", "3",
		  "flag '--shard': 'pod' is neither a number nor the name of a pod, which ends in -NUMBER" },
		{ "pod-", "3",
		  "flag '--shard': 'pod-' is neither a number nor the name of a pod, which ends in -NUMBER" },
		{ "1x", "3",
		  "flag '--shard': '1x' is neither a number nor the name of a pod, which ends in -NUMBER" },
		{ "99999999999999999999", "3",
		  "flag '--shard': '99999999999999999999' is neither a number nor the name of a pod, which ends in "
		  "-NUMBER" },
		{ "0", "0", "flag '--total-shards': '0' is not a number from 1 to 1024" },
		{ "0", "1025", "flag '--total-shards': '1025' is not a number from 1 to 1024" },
		{ "0", "+3", "flag '--total-shards': '+3' is not a number from 1 to 1024" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct conf_shard s = { 9, 9 };
		struct why why = { 0 };

		CHECK(shard_read(row[i].number, row[i].total, &s, &why) == ERR_CONFIG);
		assert_string_equal(row[i].why, why.text);
		CHECK(s.number == 9 && s.total == 9);
	}
}

/* ---- the configuration ---- */
enum { EACH = 100 };

static struct conf *read_world(void)
{
	struct buf text, said;
	struct conf *c = NULL;

	buf_init(&text, 1 << 20);
	buf_init(&said, 1 << 20);
	buf_str(&text, "apps = (");
	for (int a = 0; a < 2; a++) {
		buf_fmt(&text,
		        "%s { sdkappid = %d; identifier = \"admin\"; secret_key = \"k\"; region = \"singapore\"; "
		        "budget = %s; communities = ( ",
		        a > 0 ? "," : "", PROD + a, a > 0 ? "0.5" : "20.0");
		for (int i = 0; i < EACH; i++)
			buf_fmt(&text, "%s\"@TGS#_%03d\"", i > 0 ? "," : "", i);
		buf_str(&text, " ); }");
	}
	buf_str(&text, " );\n");
	CHECK(conf_read("x.cfg", text.at, text.len, &c, &said) == ERR_OK);
	buf_done(&said);
	buf_done(&text);
	return c;
}

static void a_whole_is_left_alone(void **state)
{
	struct conf *c = read_world();

	(void)state;
	CHECK(c->shard.number == 0 && c->shard.total == 1);
	CHECK(shard_narrow(c) == ERR_OK);
	for (size_t a = 0; a < 2; a++)
		CHECK(c->app[a].community_n == EACH);
	CHECK(fabs(c->app[0].budget - 20) < 1e-9 && fabs(c->app[1].budget - 0.5) < 1e-9);
	conf_free(c);
}

static void all_parts_together_are_the_whole(void **state)
{
	enum { TOTAL = 3 };
	struct conf *whole = read_world(), *part[TOTAL];
	size_t next[TOTAL] = { 0 };
	int64_t hash, of_part;

	(void)state;
	CHECK(figures_hash(whole, &hash) == ERR_OK);
	for (unsigned s = 0; s < TOTAL; s++) {
		part[s] = read_world();
		part[s]->shard = (struct conf_shard){ s, TOTAL };
		CHECK(shard_narrow(part[s]) == ERR_OK);
		CHECK(figures_hash(part[s], &of_part) == ERR_OK && of_part == hash);
		CHECK(fabs(part[s]->app[0].budget - 6) < 1e-9 && fabs(part[s]->app[1].budget - 0.166) < 1e-9);
		CHECK(part[s]->app[0].whole.community_n == EACH && fabs(part[s]->app[0].whole.budget - 20) < 1e-9);
	}
	for (size_t a = 0; a < 2; a++) {
		memset(next, 0, sizeof(next));
		for (size_t i = 0; i < EACH; i++) { /* in the order of the file, and each with one of them */
			const char *id = whole->app[a].community[i].id;
			const unsigned owner = shard_owner(TOTAL, roster_key(whole->app[a].sdkappid, id));
			const struct conf_app *its = &part[owner]->app[a];

			CHECK(next[owner] < its->community_n);
			assert_string_equal(id, its->community[next[owner]++].id);
		}
		for (unsigned s = 0; s < TOTAL; s++)
			assert_int_equal(part[s]->app[a].community_n, next[s]);
	}
	for (unsigned s = 0; s < TOTAL; s++)
		conf_free(part[s]);
	conf_free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_the_same_for_ever),
		cmocka_unit_test(shards_have_equal_parts),
		cmocka_unit_test(one_shard_more_takes_its_part_and_moves_nobody_else),
		cmocka_unit_test(an_id_of_two_apps_is_two_communities),
		cmocka_unit_test(parts_are_whole_calls),
		cmocka_unit_test(no_second_of_all_shards_holds_more_than_the_budget),
		cmocka_unit_test(lists_are_a_second_apart),
		cmocka_unit_test(flags_say_which_shard),
		cmocka_unit_test(wrong_flags_are_refused_with_what_is_allowed),
		cmocka_unit_test(a_whole_is_left_alone),
		cmocka_unit_test(all_parts_together_are_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
