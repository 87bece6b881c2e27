/* Lines of topics against a plain printf: ids, names and numbers of every length, buffers of every size, each
 * topic to go on from. Blocks are exactly as large as is said, so that ASan sees a byte too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/metric/sample.h"
#include "exporters/topic/inside.h"
#include "tests/unit/random.h"

#define CHECK assert_true

enum { NOW_S = 1700000000, TOPICS_MAX = 40, ID_MAX = 100, PAGE = 1 << 16 };

/* What the service tells, and with it what the lines must say. */
struct told {
	char id[ID_MAX], name[ID_MAX]; /* the id without what it begins with */
	enum topic_id kind;
	unsigned code;
	int64_t seq, created_s, last_s, read;
	bool muted, watcher_muted;
};

static const char labels[] = "sdkappid=\"1400000001\",community=\"@TGS#_a\"";
static const struct topic_place place = { { labels, sizeof(labels) - 1 }, { "@TGS#_a", 7 } };

static const char *const begins[ID_KINDS] = { "", "@TGS#_a", "@TGS#_a@TOPIC#_", "@TGS#_a@TOPIC#_@TOPIC#c" };

/* `len` bytes that differ from place to place. */
static void fill(char *at, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (char)('a' + (i + seed) % 26);
	at[len] = '\0';
}

static struct facts *tell(const struct told *t, size_t n)
{
	const struct topic_context c = {
		.community = "@TGS#_a",
		.observer = true,
		.silent_after_s = 3600,
		.keep_ms = 300000,
		.now = { .mono_ms = 1000000, .unix_s = NOW_S },
	};
	struct topic_answer a;
	struct why why = { "" };
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_str(&b, "{\"TopicAndSelfInfo\":[");
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b,
		        "%s{\"ErrorCode\":%u,\"TopicInfo\":{\"TopicId\":\"%s%s\",\"TopicName\":\"%s\",\"NextMsgSeq\":"
		        "%lld,"
		        "\"CreateTime\":%lld,\"LastMsgTime\":%lld,\"MuteAllMember\":\"%s\"},"
		        "\"SelfInfo\":{\"MsgSeq\":%lld,\"ShutUpTime\":%lld}}",
		        i > 0 ? "," : "", t[i].code, begins[t[i].kind], t[i].id, t[i].name, (long long)t[i].seq,
		        (long long)t[i].created_s, (long long)t[i].last_s, t[i].muted ? "On" : "Off",
		        (long long)t[i].read, t[i].watcher_muted ? (long long)NOW_S + 100 : 0LL);
	buf_str(&b, "]}");
	CHECK(b.status == ERR_OK);
	topic_decode(b.at, b.len, &c, NULL, &a, &why);
	buf_done(&b);
	if (a.facts == NULL)
		fail_msg("%s", why.text);
	CHECK(facts_topics(a.facts) == n);
	return a.facts;
}

/* Below 0: no line. A topic in error, never seen before, has its error alone. */
static long long value_of(const struct told *t, enum metric m)
{
	if (t->code != 0)
		return m == M_TOPIC_ERROR ? 1 : -1;
	switch (m) {
	case M_TOPIC_INFO:
		return 1; /* an empty name is one */
	case M_TOPIC_CREATED:
		return t->created_s > 0 ? t->created_s : -1;
	case M_TOPIC_LAST_MESSAGE:
		return t->last_s > 0 ? t->last_s : -1;
	case M_TOPIC_MESSAGES:
		return t->seq > 0 ? t->seq - 1 : -1;
	case M_TOPIC_MUTED:
		return t->muted;
	case M_TOPIC_OBSERVER_UNREAD:
		return t->seq > 0 ? t->seq - 1 - t->read : -1;
	case M_TOPIC_OBSERVER_MUTED:
		return t->watcher_muted;
	default:
		return -1;
	}
}

/* The plain way. Notes where the line of each topic begins. */
static void write_plainly(const struct told *t, size_t n, enum metric m, struct buf *out,
                          size_t begin[TOPICS_MAX + 1])
{
	for (size_t i = 0; i < n; i++) {
		const long long value = value_of(&t[i], m);

		begin[i] = out->len;
		if (value < 0)
			continue;
		buf_fmt(out, "%s{%s,topic=\"%s%s\"", metric_info(m)->family.at, labels, begins[t[i].kind], t[i].id);
		if (m == M_TOPIC_INFO)
			buf_fmt(out, ",topic_name=\"%s\"", t[i].name);
		if (m == M_TOPIC_ERROR)
			buf_fmt(out, ",code=\"%u\"", t[i].code);
		buf_fmt(out, "} %lld\n", value);
	}
	begin[n] = out->len;
	CHECK(out->status == ERR_OK);
}

/* One call with so much room; what it wrote is what the plain page has there. Returns where to go on. */
static size_t write_some(const struct facts *f, enum metric m, size_t from, size_t room,
                         const struct buf *want, const size_t *begin)
{
	char *block = malloc(room > 0 ? room : 1);
	struct buf out;
	size_t next;

	CHECK(block != NULL);
	buf_wrap(&out, block, room);
	next = topic_samples(f, m, &place, 0, from, &out);
	CHECK(next >= from && next <= f->topic_n && (next == f->topic_n || out.status == ERR_LIMIT));
	CHECK(out.len == begin[next] - begin[from]);
	CHECK(memcmp(block, want->at + begin[from], out.len) == 0);
	free(block);
	return next;
}

/* What a line takes at most behind its last text: TEXT_STEP, and 32 for a label of its own. */
enum { RESERVE = 64 };

static void check_family(const struct told *t, size_t n, enum metric m, size_t step)
{
	static char page[PAGE];
	size_t begin[TOPICS_MAX + 1];
	struct facts *f = tell(t, n);
	struct buf want;

	buf_wrap(&want, page, sizeof(page));
	write_plainly(t, n, m, &want, begin);
	for (size_t from = 0; from < n; from++) {
		const size_t rest = want.len - begin[from];

		for (size_t room = 0; room < rest + RESERVE; room += step)
			(void)write_some(f, m, from, room, &want, begin);
		CHECK(write_some(f, m, from, rest + RESERVE, &want, begin) == n);
	}
	facts_drop(f);
}

static void buffers_of_every_size_end_with_a_whole_line(void **state)
{
	struct told t[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		t[i] = (struct told){
			.kind = (enum topic_id)(i % ID_KINDS), .code = i == 3 ? 10002 : 0, .seq = 1000 * i + 2, .read = i
		};
		t[i].created_s = 99999998 + i;
		t[i].last_s = i == 2 ? 0 : NOW_S;
		fill(t[i].id, 5 + 17 * i, i);
		fill(t[i].name, 40 - 10 * i, i);
	}
	for (int m = 0; m < TOPIC_FAMILIES; m++)
		check_family(t, 5, (enum metric)m, 1);
}

static void ids_and_names_of_every_length_are_copied(void **state)
{
	static struct told t[TOPICS_MAX];

	(void)state;
	for (unsigned first = 0; first < ID_MAX - 1; first += TOPICS_MAX / ID_KINDS) {
		size_t n = 0;

		for (unsigned len = first; len < first + TOPICS_MAX / ID_KINDS && len < ID_MAX - 1; len++)
			for (int kind = 0; kind < ID_KINDS; kind++, n++) {
				t[n] = (struct told){ .kind = (enum topic_id)kind, .seq = 1, .last_s = 1 };
				fill(t[n].id, len + (kind == ID_WHOLE), 0); /* an id is not empty */
				fill(t[n].name, ID_MAX - 1 - len, 0);
			}
		for (int m = 0; m < TOPIC_FAMILIES; m++)
			check_family(t, n, (enum metric)m, 997);
	}
}

/* What nearly begins as most do. */
static void ids_that_nearly_have_the_mark_are_whole(void **state)
{
	static const char *const rest[] = { "@TOPIC#", "@TOPIC#_", "@topic#_1", "@TOPIC#_@TOPIC#_", "#" };
	static struct told t[TOPICS_MAX];
	const enum topic_id kind[] = { ID_AFTER_COMMUNITY, ID_WHOLE };
	size_t n = 0;

	(void)state;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++, n++) {
			t[n] = (struct told){ .kind = kind[k], .seq = 1 };
			(void)snprintf(t[n].id, ID_MAX, "%s", rest[i]);
		}
	check_family(t, n, M_TOPIC_MESSAGES, 97);
}

static void numbers_of_every_length_are_written(void **state)
{
	static struct told t[TOPICS_MAX];
	size_t n = 0;

	(void)state;
	for (int64_t power = 1; power <= INT64_C(1000000000000000);
	     power *= 10) /* all that JSON's doubles hold */
		for (int64_t less = 0; less < 2; less++, n++) {
			t[n] = (struct told){ .seq = power + 1 - less };
			t[n].created_s = power <= UINT32_MAX ? power - less : UINT32_MAX;
			fill(t[n].id, n + 1, 0);
		}
	for (int m = 0; m < TOPIC_FAMILIES; m++)
		check_family(t, n, (enum metric)m, 97);
}

static void a_floor_leaves_out_what_is_below(void **state)
{
	static struct told t[TOPICS_MAX];
	static char all[PAGE], some[PAGE];
	struct facts *f;

	(void)state;
	random_start(20261);
	for (unsigned i = 0; i < TOPICS_MAX; i++) {
		t[i] = (struct told){ .kind = ID_AFTER_MARK, .seq = 5, .last_s = (int64_t)random_below(6) };
		fill(t[i].id, i, i);
	}
	f = tell(t, TOPICS_MAX);
	for (uint32_t k = 0; k < f->topic_n; k++) {
		const uint64_t floor = topic_rank(&f->topic[k]);
		struct buf want, have;

		buf_wrap(&want, all, sizeof(all));
		buf_wrap(&have, some, sizeof(some));
		for (uint32_t i = 0; i < f->topic_n; i++)
			if (topic_rank(&f->topic[i]) >= floor)
				buf_fmt(&want, "%s{%s,topic=\"%s%s\"} 4\n", metric_info(M_TOPIC_MESSAGES)->family.at, labels,
				        begins[ID_AFTER_MARK], t[i].id);
		CHECK(topic_samples(f, M_TOPIC_MESSAGES, &place, floor, 0, &have) == f->topic_n);
		CHECK(have.len == want.len && memcmp(all, some, want.len) == 0);
	}
	facts_drop(f);
}

static void a_buffer_that_grows_and_one_that_failed(void **state)
{
	static struct told t[TOPICS_MAX];
	static char page[PAGE];
	size_t begin[TOPICS_MAX + 1];
	struct buf want, grown;
	struct facts *f;

	(void)state;
	for (unsigned i = 0; i < TOPICS_MAX; i++) {
		t[i] = (struct told){ .seq = i + 1 };
		fill(t[i].id, i + 1, 0);
	}
	f = tell(t, TOPICS_MAX);
	buf_wrap(&want, page, sizeof(page));
	write_plainly(t, TOPICS_MAX, M_TOPIC_MESSAGES, &want, begin);
	buf_init(&grown, PAGE);
	CHECK(topic_samples(f, M_TOPIC_MESSAGES, &place, 0, 0, &grown) == TOPICS_MAX);
	CHECK(grown.len == want.len && memcmp(grown.at, page, want.len) == 0);
	grown.status = ERR_LIMIT;
	CHECK(topic_samples(f, M_TOPIC_MESSAGES, &place, 0, 7, &grown) == 7 && grown.len == want.len);
	buf_done(&grown);
	facts_drop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_of_every_size_end_with_a_whole_line),
		cmocka_unit_test(ids_and_names_of_every_length_are_copied),
		cmocka_unit_test(ids_that_nearly_have_the_mark_are_whole),
		cmocka_unit_test(numbers_of_every_length_are_written),
		cmocka_unit_test(a_floor_leaves_out_what_is_below),
		cmocka_unit_test(a_buffer_that_grows_and_one_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
