/* Which families a poll changed: what facts_follow says, held against the lines themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/topic/inside.h"
#include "tests/unit/answers.h"
#include "tests/unit/random.h"

#define CHECK assert_true

enum { NOW_S = 1700000000, TOPICS_MAX = 12, FAMILIES_ALL = (1 << TOPIC_FAMILIES) - 1 };

static const struct topic_place place = {
	{ "sdkappid=\"1\",community=\"@TGS#_a\"", 30 },
	{ "@TGS#_a", 7 },
};

static struct facts *decode(const char *elements, bool observer, const struct facts *before)
{
	const struct topic_context c = {
		.community = "@TGS#_a",
		.observer = observer,
		.silent_after_s = 3600,
		.keep_ms = 300000,
		.now = { .mono_ms = 1000000, .unix_s = NOW_S },
	};

	return answer_decode(elements, &c, before);
}

/* Bit m: family m has a new revision, at every floor that matters. */
static unsigned anew(const struct facts *f, uint64_t floor, uint64_t revision)
{
	unsigned m = 0;

	for (int i = 0; i < TOPIC_FAMILIES; i++)
		m |= (unsigned)(facts_revision(f, (enum metric)i, floor) == revision) << i;
	return m;
}

/* ---- one change at a time ---- */
#define FIRST                                                                                               \
	"{\"TopicInfo\":{\"TopicId\":\"@TGS#_a@TOPIC#_1\",\"TopicName\":\"n\",\"NextMsgSeq\":5,\"CreateTime\":" \
	"1,"                                                                                                    \
	"\"LastMsgTime\":9,\"MuteAllMember\":\"Off\"},\"SelfInfo\":{\"MsgSeq\":2,\"ShutUpTime\":0}}"

static void a_change_shows_in_its_own_families(void **state)
{
	static const struct {
		const char *elements;
		unsigned families;
	} row[] = {
		{ FIRST, 0 },
		{ "{\"TopicInfo\":{\"TopicId\":\"@TGS#_a@TOPIC#_1\",\"TopicName\":\"m\",\"NextMsgSeq\":5,"
		  "\"CreateTime\":1,\"LastMsgTime\":9,\"MuteAllMember\":\"Off\"},"
		  "\"SelfInfo\":{\"MsgSeq\":2,\"ShutUpTime\":0}}",
		  1 << M_TOPIC_INFO },
		{ "{\"TopicInfo\":{\"TopicId\":\"@TGS#_a@TOPIC#_1\",\"TopicName\":\"n\",\"NextMsgSeq\":6,"
		  "\"CreateTime\":1,\"LastMsgTime\":10,\"MuteAllMember\":\"Off\"},"
		  "\"SelfInfo\":{\"MsgSeq\":3,\"ShutUpTime\":0}}",
		  1 << M_TOPIC_MESSAGES | 1 << M_TOPIC_LAST_MESSAGE },
		{ "{\"TopicInfo\":{\"TopicId\":\"@TGS#_a@TOPIC#_1\",\"TopicName\":\"n\",\"NextMsgSeq\":5,"
		  "\"CreateTime\":1,\"LastMsgTime\":9,\"MuteAllMember\":\"On\"},"
		  "\"SelfInfo\":{\"MsgSeq\":1,\"ShutUpTime\":4294967295}}",
		  1 << M_TOPIC_MUTED | 1 << M_TOPIC_OBSERVER_UNREAD | 1 << M_TOPIC_OBSERVER_MUTED },
		{ FIRST ",{\"ErrorCode\":10010,\"TopicInfo\":{\"TopicId\":\"other\"}}", 1 << M_TOPIC_ERROR },
		{ FIRST ",{\"TopicInfo\":{\"TopicId\":\"other\",\"TopicName\":\"n\"}}", 1 << M_TOPIC_INFO },
		{ "{\"TopicInfo\":{\"TopicId\":\"@TOPIC#_1\",\"TopicName\":\"n\",\"NextMsgSeq\":5,\"CreateTime\":1,"
		  "\"LastMsgTime\":9,\"MuteAllMember\":\"Off\"},\"SelfInfo\":{\"MsgSeq\":2,\"ShutUpTime\":0}}",
		  FAMILIES_ALL & ~(1u << M_TOPIC_ERROR) },
		{ "", FAMILIES_ALL & ~(1u << M_TOPIC_ERROR) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct facts *before = decode(FIRST, true, NULL), *f = decode(row[i].elements, true, before);

		facts_follow(before, NULL, 1);
		facts_follow(f, before, 2);
		CHECK(anew(before, 0, 1) == FAMILIES_ALL);
		CHECK(anew(f, 0, 2) == row[i].families && anew(f, 0, 1) == (FAMILIES_ALL & ~row[i].families));
		CHECK(anew(f, TOPIC_NONE, 2) == row[i].families);
		facts_drop(before);
		facts_drop(f);
	}
}

static void where_topics_are_folded_a_message_changes_every_family(void **state)
{
	static const char muted[] =
		"{\"TopicInfo\":{\"TopicId\":\"x\",\"LastMsgTime\":9,\"MuteAllMember\":\"On\"}}";
	static const char open[] =
		"{\"TopicInfo\":{\"TopicId\":\"x\",\"LastMsgTime\":9,\"MuteAllMember\":\"Off\"}}";
	static const char moved[] =
		"{\"TopicInfo\":{\"TopicId\":\"x\",\"LastMsgTime\":10,\"MuteAllMember\":\"Off\"}}";
	struct facts *a = decode(muted, false, NULL), *b = decode(open, false, a), *c = decode(moved, false, b);
	const uint64_t floor = UINT64_C(10) << 32;

	(void)state;
	CHECK(facts_revision(a, M_TOPIC_MUTED, 0) == 0);
	facts_follow(a, NULL, 1);
	facts_follow(b, a, 2);
	facts_follow(c, b, 3);
	CHECK(anew(b, floor, 2) == 1 << M_TOPIC_MUTED && anew(b, 0, 2) == 1 << M_TOPIC_MUTED);
	CHECK(anew(c, floor, 3) == FAMILIES_ALL && anew(c, 0, 3) == 1 << M_TOPIC_LAST_MESSAGE);
	facts_drop(a);
	facts_drop(b);
	facts_drop(c);
}

static void who_watches_no_more_has_no_unread(void **state)
{
	struct facts *a = decode(FIRST, true, NULL), *b = decode(FIRST, false, a);
	const unsigned watched = 1 << M_TOPIC_OBSERVER_UNREAD | 1 << M_TOPIC_OBSERVER_MUTED;

	(void)state;
	facts_follow(a, NULL, 1);
	facts_follow(b, a, 2);
	CHECK(anew(b, 0, 2) == watched);
	facts_drop(a);
	facts_drop(b);
}

/* ---- against the lines ---- */
/* A topic as the service would tell it; few values, so that much stays the same. */
struct told {
	unsigned id, name, seq, created, last, mute, self, error;
};

static struct told draw_topic(unsigned id)
{
	return (struct told){ id,
		                  (unsigned)random_below(3),
		                  (unsigned)random_below(3),
		                  (unsigned)random_below(3),
		                  (unsigned)random_below(4),
		                  (unsigned)random_below(3),
		                  (unsigned)random_below(4),
		                  (unsigned)random_below(16) };
}

/* Usually one field of one topic; at times one comes, goes or changes places. */
static void change(struct told *t, size_t *n)
{
	const size_t i = *n > 0 ? random_below(*n) : 0;
	struct told one;

	switch (random_below(12)) {
	case 0:
		if (*n < TOPICS_MAX)
			t[(*n)++] = draw_topic(100 + (unsigned)random_below(1000));
		break;
	case 1:
		if (*n > 0)
			memmove(&t[i], &t[i + 1], (--*n - i) * sizeof(t[0]));
		break;
	case 2:
		if (*n > 0) {
			one = t[i];
			t[i] = t[0];
			t[0] = one;
		}
		break;
	default:
		if (*n > 0) {
			unsigned *const field[] = { &t[i].name, &t[i].seq,  &t[i].created, &t[i].last,
				                        &t[i].mute, &t[i].self, &t[i].error };

			*field[random_below(sizeof(field) / sizeof(field[0]))] = (unsigned)random_below(4);
		}
		break;
	}
}

static struct facts *tell(const struct told *t, size_t n, bool observer, const struct facts *before)
{
	static const char *const mute[] = { "", ",\"MuteAllMember\":\"On\"", ",\"MuteAllMember\":\"Off\"", "" };
	static const char *const self[] = { "", ",\"SelfInfo\":{\"MsgSeq\":1,\"ShutUpTime\":0}",
		                                ",\"SelfInfo\":{\"MsgSeq\":2,\"ShutUpTime\":4294967295}",
		                                ",\"SelfInfo\":{\"MsgSeq\":1}" };
	char text[1 << 14];
	struct buf b;

	buf_wrap(&b, text, sizeof(text));
	for (size_t i = 0; i < n; i++) {
		buf_fmt(&b, "%s{\"ErrorCode\":%d,\"TopicInfo\":{\"TopicId\":\"%s@TOPIC#_%u\"", i > 0 ? "," : "",
		        t[i].error == 1   ? 10010
		        : t[i].error == 2 ? 10002
		                          : 0,
		        t[i].id % 2 == 0 ? "@TGS#_a" : "", t[i].id);
		if (t[i].name > 0)
			buf_fmt(&b, ",\"TopicName\":\"%u\"", t[i].name);
		if (t[i].seq > 0)
			buf_fmt(&b, ",\"NextMsgSeq\":%u", t[i].seq);
		if (t[i].created > 0)
			buf_fmt(&b, ",\"CreateTime\":%u", t[i].created);
		buf_fmt(&b, ",\"LastMsgTime\":%u%s}%s}", t[i].last, mute[t[i].mute], self[t[i].self]);
	}
	CHECK(b.status == ERR_OK);
	return decode(buf_text(&b), observer, before);
}

static bool same_lines(const struct facts *a, const struct facts *b, enum metric m, uint64_t floor)
{
	static char left[1 << 14], right[1 << 14];
	struct buf l, r;

	buf_wrap(&l, left, sizeof(left));
	buf_wrap(&r, right, sizeof(right));
	CHECK(topic_samples(a, m, &place, floor, 0, &l) == a->topic_n);
	CHECK(topic_samples(b, m, &place, floor, 0, &r) == b->topic_n);
	return l.len == r.len && memcmp(left, right, l.len) == 0;
}

static bool same_topics(const struct facts *a, const struct facts *b)
{
	bool same = a->topic_n == b->topic_n;

	for (size_t i = 0; same && i < a->topic_n; i++)
		same = topic_compare(a, &a->topic[i], b, &b->topic[i]) == 0;
	return same;
}

/* Never the same revision for other lines, at any floor. */
static void compare(const struct facts *a, const struct facts *b)
{
	uint64_t floor[2 * TOPICS_MAX + 2] = { 0, TOPIC_NONE };
	size_t floor_n = 2;

	for (size_t i = 0; i < b->topic_n; i++) {
		floor[floor_n++] = topic_rank(&b->topic[i]);
		floor[floor_n++] = topic_rank(&b->topic[i]) + 1;
	}
	for (int m = 0; m < TOPIC_FAMILIES; m++)
		for (size_t i = 0; i < floor_n; i++) {
			const enum metric family = (enum metric)m;
			const bool kept = facts_revision(a, family, floor[i]) == facts_revision(b, family, floor[i]);

			CHECK(!kept || same_lines(a, b, family, floor[i]));
		}
}

/* Another revision than a moment ago only for other lines, while the topics are the same ones. */
static void compare_next(const struct facts *a, const struct facts *b, uint64_t changes[TOPIC_FAMILIES])
{
	for (int m = 0; m < TOPIC_FAMILIES; m++) {
		const enum metric family = (enum metric)m;
		const bool kept = facts_revision(a, family, 0) == facts_revision(b, family, 0);

		CHECK(kept || !same_topics(a, b) || !same_lines(a, b, family, 0));
		changes[m] += !kept;
	}
}

enum { STEPS = 4000, KEPT = 4 };

static void revisions_say_what_the_lines_say(void **state)
{
	struct told t[TOPICS_MAX];
	size_t n = 6;
	uint64_t changes[TOPIC_FAMILIES] = { 0 };
	struct facts *past[KEPT] = { NULL }; /* the latest first: a page may be some polls old */

	(void)state;
	random_start(20260);
	for (size_t i = 0; i < n; i++)
		t[i] = draw_topic((unsigned)i);
	for (uint64_t step = 1; step <= STEPS; step++) {
		struct facts *f;

		change(t, &n);
		f = tell(t, n, random_below(8) != 0, past[0]);
		facts_follow(f, past[0], step);
		for (size_t i = 0; i < KEPT && past[i] != NULL; i++)
			compare(past[i], f);
		if (past[0] != NULL)
			compare_next(past[0], f, changes);
		facts_drop(past[KEPT - 1]);
		memmove(&past[1], &past[0], (KEPT - 1) * sizeof(past[0]));
		past[0] = f;
	}
	for (int m = 0; m < TOPIC_FAMILIES; m++)
		CHECK(changes[m] > STEPS / 50 && changes[m] < STEPS / 2);
	for (size_t i = 0; i < KEPT; i++)
		facts_drop(past[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_shows_in_its_own_families),
		cmocka_unit_test(where_topics_are_folded_a_message_changes_every_family),
		cmocka_unit_test(who_watches_no_more_has_no_unread),
		cmocka_unit_test(revisions_say_what_the_lines_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
