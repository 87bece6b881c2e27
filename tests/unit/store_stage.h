/* A store with three communities, and steps of polls at times of the test's own. */
#ifndef TESTS_UNIT_STORE_STAGE_H
#define TESTS_UNIT_STORE_STAGE_H

#include "exporters/store/inside.h"
#include "tests/unit/answers.h"

#define CHECK assert_true

enum { COMMUNITIES = 3 };

/* By key, so that the slots of open_store are the numbers of its pins. */
static const struct store_community community[COMMUNITIES] = {
	{ .app = 0, .key = 10, .stale_after_ms = 5000, .settings = { .interval_ms = 1000 } },
	{ .app = 1, .key = 20, .stale_after_ms = 5000, .settings = { .interval_ms = 1000 } },
	{ .app = 0, .key = 30, .stale_after_ms = 9000, .settings = { .interval_ms = 1000 } },
};
static const struct outcome fine = { CHAT_FINE, ERR_OK, 0 };
static const struct outcome broken = { CHAT_RETRY, ERR_RESET, 0 };
static const struct outcome gone = { CHAT_GONE, ERR_GONE, 10010 };

static inline struct store *open_store(void)
{
	struct store *s;

	CHECK(store_new(2, &s) == ERR_OK);
	for (size_t i = 0; i < COMMUNITIES; i++) {
		size_t slot;

		CHECK(store_add(s, &community[i], &slot) == ERR_OK && slot == i);
	}
	return s;
}

static inline struct now at(int64_t mono_ms)
{
	return (struct now){ .mono_ms = mono_ms, .unix_s = 1700000000 + mono_ms / 1000 };
}

static inline void give(struct store *s, size_t i, size_t topics, int64_t mono_ms)
{
	const struct now now = at(mono_ms);

	store_facts(s, i, answer_facts("@TGS#_a", topics, 1700000000), &now);
	store_ended(s, i, &fine, 1000, &now);
}

static inline void poll_fails(struct store *s, size_t i, const struct outcome *o, int64_t mono_ms)
{
	const struct now now = at(mono_ms);

	store_ended(s, i, o, 1000, &now);
}

static inline struct pin *pin_at(struct store *s, int64_t mono_ms)
{
	const struct now now = at(mono_ms);
	struct pin *p;

	CHECK(store_pin(s, &now, &p) == ERR_OK);
	return p;
}

#endif
