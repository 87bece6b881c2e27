#include "agent/forecast_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/forecast.h"
#include "agent/roster_app.h"

enum { ANSWER_MAX = 64 << 20, LABELS_MAX = 64 << 10, TAIL = 11, TOOK_US = 123456, DAY_S = 86400 };

struct now forecast_now(void)
{
	return (struct now){ .mono_ms = INT64_C(1000000000), .unix_s = INT64_C(1760000000) };
}

/* 64 bits that look random, of any number; splitmix64. */
static uint64_t mix(uint64_t a)
{
	uint64_t z = (a + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* What the service puts at the end of the ids it makes: five bits a character. */
static void tail_of(uint64_t bits, char at[TAIL + 1])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (int i = 0; i < TAIL; i++)
		at[i] = digits[bits >> 5 * i & 31];
	at[TAIL] = '\0';
}

void forecast_id(unsigned number, char at[FORECAST_ID_MAX])
{
	char tail[TAIL + 1];

	tail_of(mix(number), tail);
	(void)snprintf(at, FORECAST_ID_MAX, "@TGS#_@TGS#c%s", tail);
}

/* Ids have no control characters. */
static void put_json(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		buf_fmt(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void put_topic(struct buf *out, const char *community, uint64_t bits)
{
	const int64_t now_s = forecast_now().unix_s;
	char tail[TAIL + 1];

	tail_of(bits, tail);
	buf_str(out, "{\"ErrorCode\":0,\"TopicInfo\":{\"TopicId\":\"");
	put_json(out, community);
	buf_fmt(out, "@TOPIC#_@TOPIC#c%s\",\"TopicName\":\"topic %06u\",", tail, (unsigned)(bits % 1000000));
	buf_fmt(out, "\"MuteAllMember\":\"%s\",\"NextMsgSeq\":%u,", bits % 8 == 0 ? "On" : "Off",
	        (unsigned)(bits % 100000 + 1));
	buf_fmt(out, "\"LastMsgTime\":%" PRId64 ",\"CreateTime\":%" PRId64 "},",
	        now_s - (int64_t)(bits % (10 * DAY_S)), now_s - (int64_t)(bits % (1000 * DAY_S)));
	buf_fmt(out, "\"SelfInfo\":{\"MsgSeq\":%u,\"ShutUpTime\":0}}", (unsigned)(bits % 90000));
}

/* What the service would say about a community whose key is `key`. */
static void put_answer(struct buf *out, const char *community, uint64_t key, size_t topics)
{
	buf_str(out, "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\",\"TopicAndSelfInfo\":[");
	for (size_t i = 0; i < topics; i++) {
		buf_str(out, i > 0 ? "," : "");
		put_topic(out, community, mix(key + i));
	}
	buf_str(out, "]}");
}

static enum err add(struct store *s, int64_t sdkappid, const char *id, const struct conf_community *c,
                    size_t *ret_slot)
{
	struct store_community card = {
		.key = roster_key(sdkappid, id),
		.settings = { .interval_ms = c->interval_ms, .silent_after_ms = c->silent_after_ms },
		.stale_after_ms = c->stale_after_ms,
	};
	struct buf labels, info;
	size_t value;
	enum err e = ERR_MEMORY;

	buf_init(&labels, LABELS_MAX);
	buf_init(&info, LABELS_MAX);
	buf_fmt(&labels, "sdkappid=\"%" PRId64 "\"", sdkappid);
	value = labels.len + strlen(",community=\"");
	label_add(&labels, "community", span_of(id), 0);
	label_add(&info, "community_name", span_of(c->name), SAMPLE_LABEL_MAX);
	for (size_t i = 0; i < c->label_n; i++)
		label_add(&info, c->labels[i].key, span_of(c->labels[i].value), SAMPLE_LABEL_MAX);
	card.place.labels = buf_view(&labels);
	if (labels.status == ERR_OK)
		card.place.community = (struct span){ labels.at + value, labels.len - value - strlen("\"") };
	card.settings.info = buf_view(&info);
	(void)metric_level(c->level, &card.level); /* the loader lets no other word pass */
	if (labels.status == ERR_OK && info.status == ERR_OK)
		e = store_add(s, &card, ret_slot);
	buf_done(&info);
	buf_done(&labels);
	return e;
}

enum err forecast_poll(struct store *s, int64_t sdkappid, const char *id, const struct conf_community *c)
{
	const struct now now = forecast_now();
	const struct topic_context context = {
		.community = id,
		.observer = c->observer,
		.silent_after_s = c->silent_after_ms / 1000,
		.keep_ms = c->stale_after_ms,
		.now = now,
	};
	struct topic_answer a = { 0 };
	struct why why = { 0 };
	struct buf answer;
	size_t slot;
	enum err e = add(s, sdkappid, id, c, &slot);

	if (e != ERR_OK)
		return e;
	buf_init(&answer, ANSWER_MAX);
	put_answer(&answer, id, roster_key(sdkappid, id), c->topics.n > 0 ? c->topics.n : FORECAST_TOPICS);
	if (answer.status == ERR_OK)
		topic_decode(answer.at, answer.len, &context, NULL, &a, &why);
	buf_done(&answer);
	if (a.facts == NULL)
		return ERR_MEMORY;
	store_facts(s, slot, a.facts, &now);
	store_ended(s, slot, &a.outcome, TOOK_US, &now);
	return ERR_OK;
}
