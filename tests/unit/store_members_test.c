#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/store_stage.h"

static size_t add(struct store *s, uint64_t key, const char *id)
{
	char labels[64];
	const int len = snprintf(labels, sizeof(labels), "sdkappid=\"1\",community=\"%s\"", id);
	const struct store_community c = {
		.key = key,
		.place = { { labels, (size_t)len }, { labels + 24, strlen(id) } },
		.settings = { 1000, 60000, span_of("community_name=\"x\"") },
		.stale_after_ms = 5000,
	};
	size_t slot;

	CHECK(store_add(s, &c, &slot) == ERR_OK);
	memset(labels, 'x', sizeof(labels)); /* the store has copies */
	return slot;
}

static bool is_id(const struct pin *p, size_t i, const char *id)
{
	const struct span at = pin_community(p, i)->place.community;

	return at.len == strlen(id) && memcmp(at.at, id, at.len) == 0;
}

static void a_page_is_in_the_order_of_keys_and_ties_of_ids(void **state)
{
	static const char *const want[] = { "a", "ab", "b", "z", "c" };
	struct store *s;
	struct pin *p;

	(void)state;
	CHECK(store_new(1, &s) == ERR_OK);
	(void)add(s, 7, "z");
	(void)add(s, 5, "b");
	p = pin_at(s, 0); /* the rest are merged into an order that exists */
	CHECK(pin_communities(p) == 2 && is_id(p, 0, "b"));
	store_unpin(p);
	(void)add(s, UINT64_MAX, "c");
	(void)add(s, 5, "ab");
	(void)add(s, 5, "a");
	p = pin_at(s, 0);
	CHECK(pin_communities(p) == 5);
	for (size_t i = 0; i < 5; i++)
		CHECK(is_id(p, i, want[i]));
	store_free(s); /* a pin outlives the store */
	CHECK(is_id(p, 4, "c"));
	store_unpin(p);
}

static void a_removed_community_ends_with_the_next_pin(void **state)
{
	struct store *s = open_store();
	struct health_app a = { 0 };
	struct pin *p, *q;

	(void)state;
	give(s, 0, 4, 1000);
	give(s, 1, 3, 1000);
	p = pin_at(s, 1000);
	store_remove(s, 0);
	q = pin_at(s, 1000);
	CHECK(pin_communities(q) == 2 && pin_community(q, 0)->key == 20);
	CHECK(facts_topics(pin_facts(q, 0)) == 3);
	pin_count(q, 0, &a);
	CHECK(a.communities[STATE_OK] == 0 && a.communities[STATE_PENDING] == 1 && a.topics_muted == 0);
	CHECK(pin_communities(p) == 3 && pin_community(p, 0)->key == 10);
	CHECK(facts_topics(pin_facts(p, 0)) == 4 && pin_health(p, 0)->last_poll_s == 1700000001);
	store_unpin(p);
	store_unpin(q);
	store_free(s);
}

static void a_slot_is_used_again_without_a_memory(void **state)
{
	struct store *s = open_store();
	struct pin *p;
	size_t slot;

	(void)state;
	give(s, 1, 4, 1000);
	poll_fails(s, 1, &gone, 2000);
	store_interval(s, 1, 99);
	store_remove(s, 1);
	slot = add(s, 15, "new");
	CHECK(slot == 1);
	CHECK(store_before(s, slot) == NULL && store_health(s, slot)->failures == 0);
	give(s, slot, 2, 3000);
	p = pin_at(s, 3000);
	CHECK(pin_communities(p) == 3 && is_id(p, 1, "new"));
	CHECK(facts_topics(pin_facts(p, 1)) == 2 && pin_settings(p, 1).interval_ms == 1000);
	store_unpin(p);
	store_free(s);
}

static void coming_and_going_without_a_scrape_takes_no_more_memory(void **state)
{
	struct store *s = open_store();
	size_t highest = 0;
	struct pin *p;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		const size_t slot = add(s, (uint64_t)i, "guest");

		highest = slot > highest ? slot : highest;
		store_remove(s, slot);
	}
	CHECK(highest == COMMUNITIES);
	CHECK(s->entry_room <= 64 && s->newcomer_room <= 64);
	p = pin_at(s, 0);
	CHECK(pin_communities(p) == COMMUNITIES);
	store_unpin(p);
	store_free(s);
}

static void changed_settings_keep_facts_and_health(void **state)
{
	struct store_community c = community[0];
	struct store *s = open_store();
	struct pin *p, *q;

	(void)state;
	give(s, 0, 4, 1000);
	p = pin_at(s, 1000);
	c.key = 25; /* not what happens, but the order must follow */
	c.app = 1;
	c.settings = (struct health_settings){ 3000, 5, span_of("team=\"emea\"") };
	CHECK(store_change(s, 0, &c) == ERR_OK);
	q = pin_at(s, 1000);
	CHECK(pin_communities(q) == 3 && pin_community(q, 1)->key == 25);
	CHECK(pin_settings(q, 1).interval_ms == 3000 && pin_settings(q, 1).info.len == 11);
	CHECK(pin_facts(q, 1) == store_before(s, 0) && pin_health(q, 1)->last_success_s == 1700000001);
	CHECK(pin_settings(p, 0).interval_ms == 1000 && pin_settings(p, 0).info.len == 0);
	store_unpin(p);
	store_unpin(q);
	store_free(s);
}

static void a_pin_keeps_the_interval_it_saw(void **state)
{
	struct store *s = open_store();
	struct pin *p, *q;

	(void)state;
	p = pin_at(s, 0);
	store_interval(s, 2, 1000);
	q = pin_at(s, 0);
	CHECK(p == q); /* nothing changed */
	store_unpin(q);
	store_interval(s, 2, 1500);
	q = pin_at(s, 0);
	CHECK(pin_settings(p, 2).interval_ms == 1000);
	CHECK(pin_settings(q, 2).interval_ms == 1500);
	store_unpin(p);
	store_unpin(q);
	store_free(s);
}

static bool shows(struct store *s, size_t i, int64_t mono_ms)
{
	struct pin *p = pin_at(s, mono_ms);
	const bool shown = pin_facts(p, i) != NULL;

	store_unpin(p);
	return shown;
}

static void an_app_that_cannot_keep_up_keeps_its_facts_longer(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < COMMUNITIES; i++)
		give(s, i, 1, 1000);
	CHECK(!shows(s, 0, 6000));
	store_lag(s, 0, 2000);
	CHECK(shows(s, 0, 9999) && !shows(s, 0, 10000)); /* 1000 + 5000 + 2 * 2000 */
	CHECK(!shows(s, 1, 6000));                       /* the other app */
	store_lag(s, 0, 0);
	CHECK(!shows(s, 0, 6000));
	store_free(s);
}

static void a_store_without_communities_is_fine(void **state)
{
	struct store *s;
	struct pin *p;

	(void)state;
	CHECK(store_new(0, &s) == ERR_OK);
	p = pin_at(s, 0);
	CHECK(pin_communities(p) == 0);
	store_unpin(p);
	store_free(s);
	CHECK(store_new(1, &s) == ERR_OK);
	(void)add(s, 1, "never pinned");
	store_free(s);
	store_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_in_the_order_of_keys_and_ties_of_ids),
		cmocka_unit_test(a_removed_community_ends_with_the_next_pin),
		cmocka_unit_test(a_slot_is_used_again_without_a_memory),
		cmocka_unit_test(coming_and_going_without_a_scrape_takes_no_more_memory),
		cmocka_unit_test(changed_settings_keep_facts_and_health),
		cmocka_unit_test(a_pin_keeps_the_interval_it_saw),
		cmocka_unit_test(an_app_that_cannot_keep_up_keeps_its_facts_longer),
		cmocka_unit_test(a_store_without_communities_is_fine),
	};

	return cmocka_run_group_tests_name("store members", tests, NULL, NULL);
}
