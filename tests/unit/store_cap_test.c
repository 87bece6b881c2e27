/* Which topics have series of their own when there are more than the cap allows. Topics of answer_facts have
 * five series each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/store_stage.h"

enum { EACH = 5, ALL = (1 << TOPIC_FAMILIES) - 1 };
enum { T0 = 1700000000 };

static void give_at(struct store *s, size_t i, size_t topics, int64_t last_s)
{
	const struct now now = at(1000);

	store_facts(s, i, answer_facts("@TGS#_a", topics, last_s), &now);
	store_ended(s, i, &fine, 1000, &now);
}

static struct store_fold fold(struct store *s)
{
	struct pin *p = pin_at(s, 1000);
	const struct store_fold f = *pin_fold(p);

	store_unpin(p);
	return f;
}

/* How many topics of community i are shown. */
static size_t shown(struct store *s, size_t i)
{
	struct pin *p = pin_at(s, 1000);
	const size_t n = (size_t)facts_above(pin_facts(p, i), pin_fold(p)->floor, 0).topics;

	store_unpin(p);
	return n;
}

static void without_a_cap_nothing_is_folded(void **state)
{
	struct store *s = open_store();
	struct store_fold f;

	(void)state;
	give_at(s, 0, 1000, T0);
	f = fold(s);
	CHECK(f.floor == 0 && f.topics == 0 && f.capped == 0);
	store_cap(s, 0, ALL);
	f = fold(s);
	CHECK(f.floor == 0 && f.shown == 1000 * EACH && f.leveled == 0 && f.other == 0);
	store_cap(s, 1000 * EACH, ALL);
	f = fold(s);
	CHECK(f.floor == 0 && f.topics == 0 && f.shown == 1000 * EACH);
	store_free(s);
}

static void the_quietest_are_folded_first(void **state)
{
	struct store *s = open_store();
	struct store_fold f;

	(void)state;
	store_cap(s, 100 * EACH, ALL);
	give_at(s, 0, 60, T0);
	give_at(s, 1, 60, T0 + 1000);
	f = fold(s);
	CHECK(f.shown == 90 * EACH && f.topics == 30 && f.capped == 30 * EACH);
	CHECK(shown(s, 0) == 30 && shown(s, 1) == 60);
	CHECK(f.floor > (uint64_t)(T0 + 29) << 32 && f.floor < (uint64_t)(T0 + 31) << 32);
	store_free(s);
}

static void topics_of_the_same_second_are_told_apart(void **state)
{
	static const size_t cap[] = { 1, 7, 50, 333, 600, 999 };

	(void)state;
	for (size_t i = 0; i < sizeof(cap) / sizeof(cap[0]); i++) {
		struct store *s = open_store();
		char json[64 * 1000] = "{\"TopicAndSelfInfo\":[";
		const struct now now = at(1000);
		const struct topic_context c = { .community = "@TGS#_a", .keep_ms = 1000, .now = now };
		size_t len = strlen(json);
		struct topic_answer a;
		struct why why;
		struct store_fold f;

		for (int t = 0; t < 1000; t++)
			len +=
				(size_t)snprintf(json + len, sizeof(json) - len,
			                     "%s{\"TopicInfo\":{\"TopicId\":\"t%d\",\"LastMsgTime\":0,\"NextMsgSeq\":1}}",
			                     t > 0 ? "," : "", t);
		memcpy(json + len, "]}", 3);
		topic_decode(json, len + 2, &c, NULL, &a, &why);
		CHECK(a.facts != NULL);
		store_facts(s, 0, a.facts, &now);
		store_cap(s, cap[i], ALL);
		f = fold(s);
		CHECK(f.shown <= cap[i] * 9 / 10 && f.shown + 1 + cap[i] / 50 >= cap[i] * 9 / 10);
		CHECK(f.topics == 1000 - f.shown);
		store_free(s);
	}
}

static void what_is_shown_stays_until_the_cap_is_passed(void **state)
{
	struct store *s = open_store();
	struct store_fold first, f;

	(void)state;
	store_cap(s, 100 * EACH, ALL);
	give_at(s, 0, 200, T0);
	first = fold(s);
	CHECK(first.shown == 90 * EACH);
	/* Ten more talk: the band is full, and the floor stays. */
	give_at(s, 1, 10, T0 + 500);
	f = fold(s);
	CHECK(f.floor == first.floor && f.shown == 100 * EACH && shown(s, 0) == 90);
	/* One more: the ten quietest of them go, and one. */
	give_at(s, 2, 1, T0 + 600);
	f = fold(s);
	CHECK(f.floor > first.floor && f.shown == 90 * EACH);
	CHECK(shown(s, 0) == 79 && shown(s, 1) == 10 && shown(s, 2) == 1);
	/* Eleven vanish: still within the band, so nobody comes back. */
	give_at(s, 1, 0, T0);
	CHECK(fold(s).floor == f.floor && shown(s, 0) == 79);
	store_free(s);
}

static void who_comes_back_when_there_is_room(void **state)
{
	struct store *s = open_store();

	(void)state;
	store_cap(s, 100 * EACH, ALL);
	give_at(s, 0, 60, T0);
	give_at(s, 1, 60, T0 + 1000);
	CHECK(fold(s).shown == 90 * EACH);
	give_at(s, 1, 51, T0 + 1000);
	CHECK(fold(s).shown == 81 * EACH && shown(s, 0) == 30); /* 8 tenths are used */
	give_at(s, 1, 49, T0 + 1000);
	CHECK(fold(s).shown == 90 * EACH && shown(s, 0) == 41);
	give_at(s, 1, 20, T0 + 1000);
	CHECK(fold(s).floor == 0 && fold(s).topics == 0 && shown(s, 0) == 60);
	store_free(s);
}

static void a_folded_topic_that_talks_is_shown_at_once(void **state)
{
	struct store *s = open_store();

	(void)state;
	store_cap(s, 100 * EACH, ALL);
	give_at(s, 0, 5, T0 - 100000);
	give_at(s, 1, 120, T0);
	CHECK(shown(s, 0) == 0 && fold(s).shown == 90 * EACH);
	give_at(s, 0, 5, T0 + 5000);
	CHECK(shown(s, 0) == 5 && shown(s, 1) == 90 && fold(s).shown == 95 * EACH);
	store_free(s);
}

static void levels_and_disabled_families_count_apart(void **state)
{
	struct store *s = open_store();
	struct store_community quiet = community[1];
	struct store_fold f;

	(void)state;
	store_cap(s, 100 * EACH, ALL & ~(1u << M_TOPIC_INFO));
	give_at(s, 0, 100, T0);
	give_at(s, 1, 100, T0);
	f = fold(s);
	CHECK(f.shown > 440 && f.shown <= 450 && f.capped == 800 - f.shown && f.leveled == 0 && f.other == 200);
	quiet.level = METRIC_COMMUNITY;
	CHECK(store_change(s, 1, &quiet) == ERR_OK);
	f = fold(s);
	CHECK(f.floor == 0 && f.shown == 400 && f.capped == 0 && f.leveled == 400 && f.other == 100);
	store_free(s);
}

static void a_pin_keeps_its_floor(void **state)
{
	struct store *s = open_store();
	struct pin *p;
	uint64_t floor;

	(void)state;
	store_cap(s, 100 * EACH, ALL);
	give_at(s, 0, 120, T0);
	p = pin_at(s, 1000);
	floor = pin_fold(p)->floor;
	give_at(s, 1, 120, T0 + 1000);
	CHECK(fold(s).floor > floor && pin_fold(p)->floor == floor);
	store_unpin(p);
	store_cap(s, 0, ALL);
	CHECK(fold(s).floor == 0);
	store_free(s);
}

/* While topics talk, some all the time and some now and then, the floor moves rarely. */
static void the_floor_moves_rarely(void **state)
{
	enum { TOPICS = 2000, CAP = TOPICS / 2, STEPS_ = 400 };
	struct store *s = open_store();
	uint64_t floor = 0;
	size_t moves = 0;

	(void)state;
	store_cap(s, CAP * EACH, ALL);
	for (int step = 0; step < STEPS_; step++) {
		struct store_fold f;

		/* Community 0 talks slowly, 1 in steps, 2 not at all. */
		give_at(s, 0, TOPICS / 4, T0 + step);
		give_at(s, 1, TOPICS / 4, T0 + step / 20 * 20);
		give_at(s, 2, TOPICS / 2, T0 - 100000);
		f = fold(s);
		CHECK(f.shown <= CAP * EACH && f.shown >= CAP * EACH * 8 / 10 - EACH);
		moves += f.floor != floor;
		floor = f.floor;
	}
	CHECK(moves < STEPS_ / 20);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_cap_nothing_is_folded),
		cmocka_unit_test(the_quietest_are_folded_first),
		cmocka_unit_test(topics_of_the_same_second_are_told_apart),
		cmocka_unit_test(what_is_shown_stays_until_the_cap_is_passed),
		cmocka_unit_test(who_comes_back_when_there_is_room),
		cmocka_unit_test(a_folded_topic_that_talks_is_shown_at_once),
		cmocka_unit_test(levels_and_disabled_families_count_apart),
		cmocka_unit_test(a_pin_keeps_its_floor),
		cmocka_unit_test(the_floor_moves_rarely),
	};

	return cmocka_run_group_tests_name("store_cap", tests, NULL, NULL);
}
