/* The store without memory: an error that changes nothing, and the next try is fine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int calls_left = -1; /* allocations that succeed; below 0: all */

static bool refuses(void)
{
	if (calls_left == 0)
		return true;
	if (calls_left > 0)
		calls_left--;
	return false;
}

static void *some_malloc(size_t n)
{
	return refuses() ? NULL : malloc(n);
}

static void *some_calloc(size_t n, size_t size)
{
	return refuses() ? NULL : calloc(n, size);
}

static void *some_realloc(void *at, size_t n)
{
	return refuses() ? NULL : realloc(at, n);
}

#include "tests/unit/answers.h"

#define malloc  some_malloc
#define calloc  some_calloc
#define realloc some_realloc
#include "exporters/store/order.c"
#include "exporters/store/pin.c"
#include "exporters/store/store.c"
#undef malloc
#undef calloc
#undef realloc

#define CHECK assert_true

enum { MEMBERS = 300 };

static const struct now now = { .mono_ms = 1000, .unix_s = 1700000001 };

static struct store *open_store(void)
{
	struct store *s = NULL;

	for (int n = 0; s == NULL; n++) {
		calls_left = n;
		CHECK((store_new(1, &s) == ERR_OK) == (s != NULL));
	}
	calls_left = -1;
	return s;
}

static size_t add(struct store *s, uint64_t key)
{
	const struct store_community c = { .key = key, .stale_after_ms = 5000 };
	size_t slot = SIZE_MAX;
	int n = 0;

	do {
		calls_left = n++;
		CHECK(slot == SIZE_MAX);
	} while (store_add(s, &c, &slot) != ERR_OK);
	calls_left = -1;
	return slot;
}

/* How often it failed before it went well. */
static int pin(struct store *s, struct pin **ret)
{
	int n = 0;

	for (;; n++) {
		calls_left = n;
		if (store_pin(s, &now, ret) == ERR_OK)
			break;
	}
	calls_left = -1;
	return n;
}

static void check(const struct pin *p, size_t n, size_t shown)
{
	struct health_app a;

	CHECK(pin_communities(p) == n);
	for (size_t i = 1; i < n; i++)
		CHECK(pin_community(p, i - 1)->key < pin_community(p, i)->key);
	pin_count(p, 0, &a);
	CHECK(a.communities[STATE_OK] == shown && a.communities[STATE_PENDING] == n - shown);
	CHECK(a.topics_muted == shown);
}

static void every_allocation_may_fail(void **state)
{
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 };
	const struct store_community changed = { .key = 1000, .stale_after_ms = 5000 };
	struct store *s;
	struct pin *p, *q;

	(void)state;
	s = open_store();
	for (uint64_t i = 0; i < MEMBERS; i++) {
		const size_t slot = add(s, (i * 7 + 3) % MEMBERS);

		store_facts(s, slot, answer_facts("@TGS#", 1, 1700000000), &now);
		store_ended(s, slot, &fine, 1000, &now);
	}
	CHECK(pin(s, &p) >= 3);
	check(p, MEMBERS, MEMBERS);
	store_remove(s, 5);
	calls_left = 0;
	CHECK(store_change(s, 6, &changed) == ERR_MEMORY);
	CHECK(store_pin(s, &now, &q) == ERR_MEMORY);
	calls_left = -1;
	CHECK(store_change(s, 6, &changed) == ERR_OK);
	(void)add(s, 2000);
	CHECK(pin(s, &q) >= 3);
	check(q, MEMBERS, MEMBERS - 1);
	CHECK(pin_community(q, MEMBERS - 2)->key == 1000);
	check(p, MEMBERS, MEMBERS);
	store_unpin(q);
	store_ended(s, 7, &fine, 1000, &now);
	CHECK(pin(s, &q) == 2); /* what a failed try has made is kept */
	check(q, MEMBERS, MEMBERS - 1);
	store_unpin(p);
	store_unpin(q);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests_name("store memory", tests, NULL, NULL);
}
