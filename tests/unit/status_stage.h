/* A store with communities of two apps for the tests of the status pages, and what the program would say of
 * them. Their places on the page are the other way round than their slots. */
#ifndef TESTS_UNIT_STATUS_STAGE_H
#define TESTS_UNIT_STATUS_STAGE_H

#include "exporters/pages/status.h"
#include "tests/unit/answers.h"

#define CHECK assert_true

enum { NOW_S = 1795660000, APPS = 3, ID_ROOM = 100, TOPICS_MAX = 40 };

/* A community by slot. */
struct staged {
	char id[ID_ROOM];
	char name[ID_ROOM * 2]; /* "": none */
	bool discovered;
	int64_t next_poll_s;
	struct history_attempts *attempts;
};

struct stage {
	size_t n;
	struct staged *who;
	struct store *store;
	struct pin *pin;
	struct tally tally;
	struct health_app health;
	struct health_exporter exporter;
	struct status_app app[APPS]; /* the second one is nobody */
	struct status_source source;
	const char *curl;
};

static inline void stage_member(void *arg, size_t i, bool curl, struct status_member *ret)
{
	const struct stage *s = arg;
	const struct staged *w = &s->who[pin_slot(s->pin, i)];

	*ret = (struct status_member){
		.id = w->id,
		.name = w->name[0] != '\0' ? w->name : NULL,
		.discovered = w->discovered,
		.next_poll_s = w->next_poll_s,
		.attempts = w->attempts,
		.curl = curl ? s->curl : NULL,
	};
}

/* Every third one is of the third app. */
static inline size_t stage_app(size_t slot)
{
	return slot % 3 == 2 ? 2 : 0;
}

static inline void stage_add(struct stage *s, size_t slot)
{
	struct buf labels;
	struct store_community c = {
		.app = stage_app(slot),
		.key = s->n - slot,
		.stale_after_ms = 1000000,
		.settings = { .interval_ms = 60000, .silent_after_ms = 3600000 },
	};
	size_t given;

	buf_init(&labels, 4096);
	buf_str(&labels, "community=\"");
	label_escape(&labels, span_of(s->who[slot].id), 0);
	c.place.labels = buf_view(&labels);
	c.place.community = (struct span){ labels.at + 11, labels.len - 11 };
	CHECK(store_add(s->store, &c, &given) == ERR_OK && given == slot);
	buf_done(&labels);
}

static inline struct stage *stage_new(size_t n)
{
	struct stage *s = calloc(1, sizeof(*s));

	s->n = n;
	s->who = calloc(n, sizeof(s->who[0]));
	CHECK(store_new(APPS, &s->store) == ERR_OK);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(s->who[i].id, ID_ROOM, "@TGS#_%zu", i);
		s->who[i].next_poll_s = -1;
	}
	s->health = (struct health_app){ .tally = { &s->tally, &s->tally }, .sweep_ms = -1 };
	for (size_t a = 0; a < APPS; a += 2)
		s->app[a] = (struct status_app){ .name = a == 0 ? "prod" : "test \"two\"",
			                             .sdk_app_id = 1400000001 + a,
			                             .health = &s->health };
	return s;
}

/* After who is named. */
static inline void stage_fill(struct stage *s)
{
	for (size_t i = 0; i < s->n; i++)
		stage_add(s, i);
}

static inline void stage_free(struct stage *s)
{
	store_unpin(s->pin);
	store_free(s->store);
	for (size_t i = 0; i < s->n; i++)
		history_attempts_free(s->who[i].attempts);
	free(s->who);
	free(s);
}

static inline struct now stage_now(int64_t later_s)
{
	return (struct now){ .mono_ms = 5000000 + later_s * 1000, .unix_s = NOW_S + later_s };
}

/* A poll ends `later_s` behind NOW_S (below 0: before). */
static inline void stage_end(struct stage *s, size_t slot, enum err e, int code, int64_t later_s)
{
	const struct now now = stage_now(later_s);
	const struct outcome o = { .err = e, .code = code };

	store_ended(s->store, slot, &o, 1234567, &now);
}

/* A usable answer with these elements. */
static inline void stage_answer(struct stage *s, size_t slot, const char *elements, int64_t later_s)
{
	const struct topic_context c = {
		.community = s->who[slot].id, .silent_after_s = 3600, .keep_ms = 300000, .now = stage_now(later_s)
	};

	store_facts(s->store, slot, answer_decode(elements, &c, store_before(s->store, slot)), &c.now);
	stage_end(s, slot, ERR_OK, 0, later_s);
}

/* So many topics, of which some are muted; the last message of topic t was t * step_s before NOW_S, and so
 * many messages were sent in each. */
static inline void stage_topics(struct stage *s, size_t slot, size_t topics, size_t muted, int64_t step_s,
                                int64_t messages, int64_t later_s)
{
	struct buf b;

	buf_init(&b, 64 << 10);
	for (size_t t = 0; t < topics; t++)
		buf_fmt(
			&b,
			"%s{\"TopicInfo\":{\"TopicId\":\"%s@TOPIC#_%zu\",\"TopicName\":\"name %zu\",\"NextMsgSeq\":%lld,"
			"\"CreateTime\":1600000000,\"LastMsgTime\":%lld,\"MuteAllMember\":\"%s\"}}",
			t > 0 ? "," : "", s->who[slot].id, t, t, (long long)messages + 1,
			(long long)(NOW_S - (int64_t)t * step_s), t < muted ? "On" : "Off");
	stage_answer(s, slot, buf_text(&b), later_s);
	buf_done(&b);
}

/* Everything as of NOW_S. */
static inline const struct status_source *stage_open(struct stage *s)
{
	const struct now now = stage_now(0);

	store_unpin(s->pin);
	CHECK(store_pin(s->store, &now, &s->pin) == ERR_OK);
	s->source = (struct status_source){
		.pin = s->pin,
		.now = now,
		.version = "1.2.3",
		.telemetry_path = "/metrics",
		.started_s = NOW_S - 7300,
		.exporter = &s->exporter,
		.app = s->app,
		.app_n = APPS,
		.arg = s,
		.member = stage_member,
	};
	return &s->source;
}

#endif
