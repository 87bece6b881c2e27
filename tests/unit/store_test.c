#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/store_stage.h"

static void facts_are_shown_until_they_are_stale(void **state)
{
	struct store *s = open_store();
	struct pin *p;

	(void)state;
	give(s, 0, 4, 1000);
	p = pin_at(s, 5999);
	CHECK(pin_facts(p, 0) != NULL && facts_topics(pin_facts(p, 0)) == 4);
	store_unpin(p);
	p = pin_at(s, 6000); /* nothing happened but time */
	CHECK(pin_facts(p, 0) == NULL);
	CHECK(store_before(s, 0) != NULL); /* but the next answer is compared with them */
	store_unpin(p);
	store_free(s);
}

static void a_failed_poll_changes_health_only(void **state)
{
	struct store *s = open_store();
	struct pin *p;

	(void)state;
	give(s, 0, 4, 1000);
	poll_fails(s, 0, &broken, 3000);
	poll_fails(s, 0, &broken, 4000);
	p = pin_at(s, 4000);
	CHECK(pin_facts(p, 0) != NULL);
	CHECK(pin_health(p, 0)->failures == 2);
	CHECK(pin_health(p, 0)->reason == ERR_RESET);
	CHECK(pin_health(p, 0)->last_success_s == 1700000001);
	CHECK(pin_health(p, 0)->last_poll_s == 1700000004);
	store_unpin(p);
	give(s, 0, 4, 5000);
	CHECK(store_health(s, 0)->failures == 0);
	store_free(s);
}

static void a_deleted_community_ends_at_once_and_can_return(void **state)
{
	struct store *s = open_store();
	struct pin *p;

	(void)state;
	give(s, 0, 4, 1000);
	poll_fails(s, 0, &gone, 2000);
	p = pin_at(s, 2000);
	CHECK(pin_facts(p, 0) == NULL);
	store_unpin(p);
	give(s, 0, 2, 3000);
	p = pin_at(s, 3000);
	CHECK(pin_facts(p, 0) != NULL && facts_topics(pin_facts(p, 0)) == 2);
	store_unpin(p);
	store_free(s);
}

static void a_pin_stays_as_it_was(void **state)
{
	struct store *s = open_store();
	struct pin *p, *q;

	(void)state;
	give(s, 0, 4, 1000);
	p = pin_at(s, 1000);
	q = pin_at(s, 1000);
	CHECK(p == q); /* shared while nothing changes */
	give(s, 0, 7, 2000);
	poll_fails(s, 1, &broken, 2000);
	CHECK(facts_topics(pin_facts(p, 0)) == 4);
	CHECK(pin_health(p, 1)->last_poll_s == 0);
	store_unpin(p);
	CHECK(facts_topics(pin_facts(q, 0)) == 4);
	store_unpin(q);
	p = pin_at(s, 2000);
	CHECK(p != NULL && facts_topics(pin_facts(p, 0)) == 7);
	store_unpin(p);
	store_free(s);
}

static void communities_and_topics_are_counted_by_app(void **state)
{
	struct store *s = open_store();
	struct health_app a = { 0 };
	struct pin *p;

	(void)state;
	p = pin_at(s, 500);
	pin_count(p, 0, &a);
	CHECK(a.communities[STATE_PENDING] == 2 && a.topics_open == 0);
	store_unpin(p);

	give(s, 0, 4, 1000); /* topics 0 and 3 are muted */
	give(s, 2, 2, 1000);
	poll_fails(s, 2, &broken, 2000);
	p = pin_at(s, 2000);
	pin_count(p, 0, &a);
	CHECK(a.communities[STATE_OK] == 1 && a.communities[STATE_FAILING] == 1 &&
	      a.communities[STATE_PENDING] == 0);
	CHECK(a.topics_muted == 3 && a.topics_open == 3 && a.topics_unknown == 0);
	for (int i = 0; i < IDLE_BUCKETS; i++)
		CHECK(a.topics_idle[i] ==
		      facts_idle(store_before(s, 0))[i] + (uint64_t)facts_idle(store_before(s, 2))[i]);
	pin_count(p, 1, &a);
	CHECK(a.communities[STATE_PENDING] == 1 && a.topics_muted == 0);
	store_unpin(p);

	poll_fails(s, 0, &gone, 3000);
	p = pin_at(s, 20000);
	pin_count(p, 0, &a);
	CHECK(a.communities[STATE_GONE] == 1 && a.communities[STATE_STALE] == 1);
	CHECK(a.topics_muted == 0 && a.topics_open == 0);
	store_unpin(p);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_shown_until_they_are_stale),
		cmocka_unit_test(a_failed_poll_changes_health_only),
		cmocka_unit_test(a_deleted_community_ends_at_once_and_can_return),
		cmocka_unit_test(a_pin_stays_as_it_was),
		cmocka_unit_test(communities_and_topics_are_counted_by_app),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
