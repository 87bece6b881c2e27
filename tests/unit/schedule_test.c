/* The heap against a list that is searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/schedule/plan.h"
#include "tests/unit/random.h"

#define CHECK assert_true

enum { TARGETS = 61 };

static struct plan *new_plan(size_t n, uint64_t seed)
{
	struct plan *p = NULL;

	CHECK(plan_new(n, seed, &p) == ERR_OK);
	return p;
}

static bool take_at(struct plan *p, int64_t mono_ms, size_t *ret_target)
{
	const struct now now = { .mono_ms = mono_ms };

	return plan_take(p, &now, ret_target);
}

static int64_t wait_at(const struct plan *p, int64_t mono_ms)
{
	const struct now now = { .mono_ms = mono_ms };

	return plan_wait_ms(p, &now);
}

static void an_empty_plan_has_nobody_due(void **state)
{
	size_t target = 77;
	struct plan *p = NULL;

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		p = new_plan(n, 1);
		CHECK(!take_at(p, INT64_MAX, &target) && target == 77);
		CHECK(plan_due_ms(p) == INT64_MAX && wait_at(p, 5) == INT64_MAX);
		plan_free(p);
	}
	plan_free(NULL);
}

static void a_target_is_due_at_its_time_and_not_before(void **state)
{
	struct plan *p = new_plan(2, 1);
	size_t target = 77;

	(void)state;
	plan_put(p, 1, 1000);
	CHECK(plan_due_ms(p) == 1000 && wait_at(p, 400) == 600 && wait_at(p, 5000) == 0);
	CHECK(!take_at(p, 999, &target) && target == 77);
	CHECK(take_at(p, 1000, &target) && target == 1);
	CHECK(!take_at(p, 1000, &target));
	plan_free(p);
}

static void ties_go_to_the_lower_number(void **state)
{
	static const size_t order[] = { 4, 0, 6, 2, 5, 1, 3 };
	struct plan *p = new_plan(7, 1);

	(void)state;
	for (size_t i = 0; i < 7; i++)
		plan_put(p, order[i], 10);
	for (size_t i = 0; i < 7; i++) {
		size_t target;

		CHECK(take_at(p, 10, &target) && target == i);
	}
	plan_free(p);
}

/* The whole room in a few lines: who of the planned has the earliest time, the lowest number. */
static size_t naive_first(const int64_t due_ms[TARGETS])
{
	size_t first = 0;

	for (size_t i = 1; i < TARGETS; i++)
		if (due_ms[i] < due_ms[first])
			first = i;
	return first;
}

static void random_operations_agree_with_a_naive_model(void **state)
{
	int64_t due_ms[TARGETS]; /* INT64_MAX: taken */
	struct plan *p = new_plan(TARGETS, 1);
	int64_t now_ms = -500;

	(void)state;
	random_start(7);
	for (size_t i = 0; i < TARGETS; i++)
		due_ms[i] = INT64_MAX;
	for (int round = 0; round < 200000; round++) {
		const size_t target = random_below(TARGETS), first = naive_first(due_ms);
		size_t taken = 0;

		CHECK(plan_due_ms(p) == due_ms[first]);
		if (due_ms[target] == INT64_MAX && random_below(2) == 0) {
			due_ms[target] = now_ms + (int64_t)random_below(40) - 8; /* few values: many ties */
			plan_put(p, target, due_ms[target]);
		} else if (due_ms[first] <= now_ms) {
			CHECK(take_at(p, now_ms, &taken) && taken == first);
			due_ms[first] = INT64_MAX;
		} else {
			CHECK(!take_at(p, now_ms, &taken));
			CHECK(wait_at(p, now_ms) == (due_ms[first] == INT64_MAX ? INT64_MAX : due_ms[first] - now_ms));
			now_ms += (int64_t)random_below(3);
		}
	}
	plan_free(p);
}

static void more_room_keeps_who_is_planned_and_a_clear_forgets_them(void **state)
{
	struct plan *p = new_plan(1, 1);
	size_t target;

	(void)state;
	plan_put(p, 0, 30);
	CHECK(plan_reserve(p, 200) == ERR_OK && plan_reserve(p, 3) == ERR_OK);
	for (size_t i = 1; i < 200; i++)
		plan_put(p, i, 20);
	for (size_t i = 1; i < 200; i++)
		CHECK(take_at(p, 30, &target) && target == i);
	CHECK(take_at(p, 30, &target) && target == 0);

	plan_put(p, 5, 1);
	plan_clear(p);
	CHECK(!take_at(p, 30, &target) && plan_due_ms(p) == INT64_MAX);
	plan_put(p, 5, 2);
	CHECK(plan_due_ms(p) == 2);
	plan_free(p);
}

static void jitter_stays_in_its_span_and_reaches_both_ends(void **state)
{
	struct plan *p = new_plan(1, 99), *same = new_plan(1, 99), *other = new_plan(1, 100);
	bool seen[7] = { false }, differs = false;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		const int64_t jitter = plan_jitter(p, 7);

		CHECK(jitter >= 0 && jitter < 7);
		CHECK(plan_jitter(same, 7) == jitter); /* the seed decides */
		differs = differs || plan_jitter(other, 7) != jitter;
		seen[jitter] = true;
	}
	CHECK(differs);
	for (int i = 0; i < 7; i++)
		CHECK(seen[i]);
	CHECK(plan_jitter(p, 0) == 0 && plan_jitter(p, -5) == 0 && plan_jitter(p, 1) == 0);
	for (int i = 0; i < 1000; i++)
		CHECK(plan_jitter(p, INT64_MAX) >= 0);
	plan_free(p);
	plan_free(same);
	plan_free(other);
}

static void a_slot_is_on_the_grid_after_the_time_and_stable(void **state)
{
	(void)state;
	random_start(11);
	for (int round = 0; round < 100000; round++) {
		const uint64_t key = random_below(UINT64_MAX) << 20 ^ random_below(1 << 20);
		const int64_t period_ms = 1 + (int64_t)random_below(round % 2 ? 100 : 86400000);
		const int64_t after_ms = (int64_t)random_below(UINT64_C(1) << 41) - (INT64_C(1) << 40);
		const int64_t slot_ms = plan_slot(key, period_ms, after_ms);
		const int64_t phase_ms =
			(int64_t)((long double)key / 18446744073709551616.0L * (long double)period_ms);

		CHECK(slot_ms > after_ms && slot_ms <= after_ms + period_ms);
		CHECK((slot_ms - phase_ms) % period_ms == 0);
		CHECK(plan_slot(key, period_ms, slot_ms - 1) == slot_ms);
		CHECK(plan_slot(key, period_ms, slot_ms) == slot_ms + period_ms);
		CHECK(plan_slot(key, period_ms, after_ms + (int64_t)random_below((uint64_t)(slot_ms - after_ms))) ==
		      slot_ms);
	}
	CHECK(plan_slot(0, 60000, 0) == 60000 && plan_slot(0, 60000, -1) == 0);
	CHECK(plan_slot(UINT64_MAX, 60000, 0) == 59999 && plan_slot(UINT64_C(1) << 63, 60000, 0) == 30000);
}

/* Every third is taken, the others are due at another time; what is left comes in the new order. */
static int64_t revised(void *arg, size_t target, int64_t due_ms)
{
	int64_t *due = arg;

	CHECK(due[target] == due_ms);
	due[target] = target % 3 == 0 ? PLAN_TAKE : (due_ms * 7919) % 1000;
	return due[target];
}

static void a_revised_plan_has_the_new_order(void **state)
{
	struct plan *p = new_plan(TARGETS, 1);
	int64_t due[TARGETS], last_ms = INT64_MIN;
	size_t n = 0, target;

	(void)state;
	for (size_t i = 0; i < TARGETS; i++) {
		due[i] = (int64_t)(i * 389 % 1009);
		plan_put(p, i, due[i]);
	}
	plan_revise(p, revised, due);
	while (plan_peek(p, &target)) {
		CHECK(target % 3 != 0 && plan_due_ms(p) == due[target] && due[target] >= last_ms);
		last_ms = due[target];
		plan_drop(p);
		n++;
	}
	CHECK(n == TARGETS - (TARGETS + 2) / 3);
	plan_revise(p, revised, due);
	CHECK(plan_due_ms(p) == INT64_MAX);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_plan_has_nobody_due),
		cmocka_unit_test(a_target_is_due_at_its_time_and_not_before),
		cmocka_unit_test(ties_go_to_the_lower_number),
		cmocka_unit_test(random_operations_agree_with_a_naive_model),
		cmocka_unit_test(more_room_keeps_who_is_planned_and_a_clear_forgets_them),
		cmocka_unit_test(jitter_stays_in_its_span_and_reaches_both_ends),
		cmocka_unit_test(a_slot_is_on_the_grid_after_the_time_and_stable),
		cmocka_unit_test(a_revised_plan_has_the_new_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
