#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "exporters/history/history.h"

#define CHECK assert_true

enum { MINUTE_MS = 60000, START_MS = 12345 };

static size_t told(const struct history_app *h, struct history_minute ret[HISTORY_MINUTES])
{
	memset(ret, 0xff, HISTORY_MINUTES * sizeof(ret[0]));
	return history_app_minutes(h, ret);
}

static void a_minute_is_known_when_it_is_over(void **state)
{
	struct history_app *h = history_app_new();
	struct history_minute m[HISTORY_MINUTES];
	struct history_totals t = { .calls = 100, .failed = 10, .throttled = 1 };

	(void)state;
	CHECK(told(NULL, m) == 0 && told(h, m) == 0);
	history_app_note(h, &t, START_MS); /* what was before is not of this minute */
	t = (struct history_totals){ .calls = 107, .failed = 12, .throttled = 2, .peak = 3 };
	history_app_note(h, &t, START_MS + MINUTE_MS - 1);
	CHECK(told(h, m) == 0);
	t = (struct history_totals){ .calls = 108, .failed = 12, .throttled = 2, .peak = 4 };
	history_app_note(h, &t, START_MS + MINUTE_MS);
	CHECK(told(h, m) == 1);
	CHECK(m[0].calls == 8 && m[0].failed == 2 && m[0].throttled == 1 && m[0].peak == 4);
	t.calls = 118;
	history_app_note(h, &t, START_MS + 2 * MINUTE_MS);
	CHECK(told(h, m) == 2 && m[0].calls == 8 && m[1].calls == 10 && m[1].failed == 0);
	history_app_free(h);
}

/* Minute i has i + 1 calls. */
static void the_ring_holds_the_last_sixty(void **state)
{
	for (size_t all = 1; all <= 3 * HISTORY_MINUTES; all++) {
		struct history_app *h = history_app_new();
		struct history_minute m[HISTORY_MINUTES];
		struct history_totals t = { 0 };
		const size_t known = all < HISTORY_MINUTES ? all : HISTORY_MINUTES;

		history_app_note(h, &t, START_MS);
		for (size_t i = 0; i < all; i++) {
			t.calls += i + 1;
			history_app_note(h, &t, START_MS + (int64_t)(i + 1) * MINUTE_MS);
		}
		CHECK(told(h, m) == known);
		for (size_t i = 0; i < known; i++)
			CHECK(m[i].calls == all - known + i + 1);
		history_app_free(h);
	}
	(void)state;
}

static void a_machine_that_slept_leaves_empty_minutes(void **state)
{
	static const int64_t slept[] = { 2, 3, 59, 60, 61, 62, 119, 120, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(slept) / sizeof(slept[0]); i++) {
		struct history_app *h = history_app_new();
		struct history_minute m[HISTORY_MINUTES];
		struct history_totals t = { 0 };
		const size_t known = slept[i] < HISTORY_MINUTES ? (size_t)slept[i] : HISTORY_MINUTES;

		history_app_note(h, &t, START_MS);
		t = (struct history_totals){ .calls = 5, .peak = 2 };
		history_app_note(h, &t, START_MS + 1000);
		t.peak = 0; /* too long ago for who looks a minute back */
		history_app_note(h, &t, START_MS + slept[i] * MINUTE_MS);
		CHECK(told(h, m) == known);
		for (size_t k = 0; k < known; k++) {
			const bool first = k == 0 && slept[i] <= HISTORY_MINUTES;

			CHECK(m[k].calls == (first ? 5 : 0) && m[k].peak == (first ? 2 : 0));
		}
		history_app_free(h);
	}
}

static void absurd_steps_are_bounded(void **state)
{
	struct history_app *h = history_app_new();
	struct history_minute m[HISTORY_MINUTES];
	struct history_totals t = { .failed = 7 };

	(void)state;
	history_app_note(h, &t, START_MS);
	t = (struct history_totals){ .calls = UINT64_MAX, .failed = 3, .throttled = UINT32_MAX };
	history_app_note(h, &t, START_MS + MINUTE_MS);
	CHECK(told(h, m) == 1);
	CHECK(m[0].calls == UINT32_MAX && m[0].failed == 0 && m[0].throttled == UINT32_MAX);
	history_app_free(h);
	history_app_free(NULL);
}

static void the_last_ten_attempts_come_latest_first(void **state)
{
	struct history_attempts *a = NULL;
	struct history_attempt got[HISTORY_ATTEMPTS];

	(void)state;
	CHECK(history_attempts_read(NULL, got) == 0);
	for (int n = 1; n <= 3 * HISTORY_ATTEMPTS; n++) {
		const struct history_attempt t = { .end_s = 1700000000 + n, .code = n };
		const size_t known = n < HISTORY_ATTEMPTS ? (size_t)n : HISTORY_ATTEMPTS;

		history_attempts_note(&a, &t);
		CHECK(a != NULL && history_attempts_read(a, got) == known);
		for (size_t i = 0; i < known; i++)
			CHECK(got[i].code == n - (int)i && got[i].end_s == 1700000000 + n - (int)i);
	}
	history_attempts_free(a);
	history_attempts_free(NULL);
}

static void an_attempt_comes_back_as_it_was(void **state)
{
	const struct history_attempt most = {
		.end_s = UINT32_MAX,
		.dns_us = UINT32_MAX,
		.connect_us = UINT32_MAX - 1,
		.tls_us = UINT32_MAX - 2,
		.first_us = UINT32_MAX - 3,
		.total_us = UINT32_MAX - 4,
		.bytes = UINT32_MAX - 5,
		.status = UINT16_MAX,
		.reason = ERR_COUNT - 1,
		.sent = UINT8_MAX,
		.code = INT32_MIN,
	};
	struct history_attempts *a = NULL;
	struct history_attempt got[HISTORY_ATTEMPTS];

	(void)state;
	history_attempts_note(&a, &most);
	CHECK(history_attempts_read(a, got) == 1);
	CHECK(got[0].end_s == most.end_s && got[0].dns_us == most.dns_us && got[0].connect_us == most.connect_us);
	CHECK(got[0].tls_us == most.tls_us && got[0].first_us == most.first_us &&
	      got[0].total_us == most.total_us);
	CHECK(got[0].bytes == most.bytes && got[0].status == most.status && got[0].reason == most.reason);
	CHECK(got[0].sent == most.sent && got[0].code == most.code);
	history_attempts_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_minute_is_known_when_it_is_over),
		cmocka_unit_test(the_ring_holds_the_last_sixty),
		cmocka_unit_test(a_machine_that_slept_leaves_empty_minutes),
		cmocka_unit_test(absurd_steps_are_bounded),
		cmocka_unit_test(the_last_ten_attempts_come_latest_first),
		cmocka_unit_test(an_attempt_comes_back_as_it_was),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
