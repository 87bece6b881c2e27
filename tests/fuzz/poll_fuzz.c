/* A poll of several calls, with whatever answers come.
 *
 * The input is one character of flags and then answers with the byte 0x1e between them, each the answer to
 * the next question; the answer "!" is one that was too large to fetch. When they run out the last one is
 * given again and again. Flags are the low bits: 1 the observer is on, 2 topics are named, 4 a failed attempt
 * is asked again, not given up, 8 the community is known to need its ids listed first. "0" is a good first
 * character. */
#include <string.h>

#include "exporters/json/json.h"
#include "exporters/topic/inside.h"
#include "tests/fuzz/line.h"

enum { SEPARATOR = 0x1e, POLLS_MAX = 6, RETRIES_MAX = 3, BODY_MAX = 4 << 20 };

static const char *const named[] = { "@TGS#_c@TOPIC#_1", "@TGS#_c@TOPIC#_2", "\"\\", "@TGS#_c@TOPIC#_3" };

struct script {
	const char *at, *end;
	const char *last;
	size_t last_len;
	bool ended;
};

static void next_answer(struct script *s)
{
	const char *stop;

	s->ended = s->at > s->end;
	if (s->ended)
		return;
	stop = s->at < s->end ? memchr(s->at, SEPARATOR, (size_t)(s->end - s->at)) : NULL;
	if (stop == NULL)
		stop = s->end;
	s->last = s->at;
	s->last_len = (size_t)(stop - s->at);
	s->at = stop + 1;
}

/* ---- the question ---- */
/* It is JSON, and the same when it is asked again. */
static void ask(const struct topic_poll *p, struct buf *ret)
{
	struct buf again;
	uint32_t repaired;

	buf_init(&again, BODY_MAX);
	buf_reset(ret);
	topic_poll_ask(p, ret);
	topic_poll_ask(p, &again);
	MUST(ret->status == ERR_OK && ret->len == again.len && memcmp(ret->at, again.at, ret->len) == 0);
	MUST(json_guard(again.at, again.len, &repaired, NULL) == ERR_OK && repaired == 0);
	buf_done(&again);
}

/* ---- the answer ---- */
static void check_result(const struct topic_answer *a, const struct why *why)
{
	MUST((a->facts != NULL) == (a->outcome.verdict == CHAT_FINE));
	MUST(a->outcome.verdict != CHAT_FINE || a->outcome.err == ERR_OK);
	MUST(a->outcome.err != ERR_OK || a->outcome.verdict == CHAT_FINE || a->outcome.verdict == CHAT_MORE);
	MUST((a->outcome.err == ERR_OK) == (why->text[0] == '\0'));
	MUST(text_is_valid(why->text, strlen(why->text)));
	MUST(a->outcome.err != ERR_LOCAL_RESOURCE);
}

static void take(struct topic_poll *p, const struct script *s, const struct topic_context *c,
                 const struct facts *before, struct topic_answer *ret)
{
	char *text = malloc(s->last_len > 0 ? s->last_len : 1); /* of this size, so that ASan sees its end */
	struct why why = { "" };

	MUST(text != NULL);
	if (s->last_len > 0)
		memcpy(text, s->last, s->last_len);
	if (s->last_len == 1 && *text == '!')
		topic_poll_too_large(p, ret, &why);
	else
		topic_poll_take(p, text, s->last_len, c, before, ret, &why);
	free(text);
	check_result(ret, &why);
}

/* ---- the poll ---- */
static void check_facts(const struct facts *f, const struct facts *before, bool is_named)
{
	uint64_t idle = 0;

	for (size_t i = 0; i < IDLE_BUCKETS; i++)
		idle += facts_idle(f)[i];
	MUST(idle <= facts_topics(f) && f->fine <= facts_topics(f));
	MUST(f->fine + f->failed >= facts_topics(f));
	MUST(!is_named || facts_topics(f) <= sizeof(named) / sizeof(named[0]));
	MUST(before == NULL || f->messages - before->messages == (int64_t)facts_new_messages(f) ||
	     f->messages == INT64_MAX);
}

/* Facts of the poll when it was complete. A poll ends: at worst every id is asked for alone, after the batch
 * it stood in was halved with and without a filter. */
static struct facts *poll(struct script *s, const struct topic_question *q, struct topic_way *way,
                          struct topic_context *c, const struct facts *before, bool retry)
{
	struct topic_poll *p = topic_poll_new(q, way);
	struct topic_answer a = { 0 };
	struct buf question, asked;
	unsigned goes_on = 0, failed = 0;

	MUST(p != NULL);
	buf_init(&question, BODY_MAX);
	buf_init(&asked, BODY_MAX);
	do {
		ask(p, &question);
		if (failed > 0 && a.outcome.verdict != CHAT_MORE)
			MUST(question.len == asked.len && memcmp(question.at, asked.at, asked.len) == 0);
		buf_reset(&asked);
		buf_span(&asked, buf_view(&question));
		next_answer(s);
		take(p, s, c, before, &a);
		c->now.mono_ms += 1000;
		c->now.unix_s += 1;
		goes_on += a.outcome.verdict == CHAT_MORE ? 1 : 0;
		failed += a.outcome.verdict != CHAT_MORE && a.facts == NULL ? 1 : 0;
		MUST(goes_on <= p->asked.n + 24);
	} while (a.facts == NULL && (a.outcome.verdict == CHAT_MORE || (retry && failed <= RETRIES_MAX)));
	buf_done(&question);
	buf_done(&asked);
	topic_poll_free(p);
	return a.facts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const unsigned flags = len > 0 ? data[0] : 0;
	const char *text = (const char *)data;
	struct script s = { .at = len > 0 ? text + 1 : text, .end = text + len, .last = "" };
	const bool is_named = (flags & 2) != 0;
	const struct topic_question q = {
		.community = "@TGS#_c",
		.account = "admin",
		.topics = is_named ? named : NULL,
		.topic_n = is_named ? sizeof(named) / sizeof(named[0]) : 0,
	};
	struct topic_way way = { .step = (flags & 8) != 0 ? STEP_IDS : STEP_WHOLE };
	struct topic_context c = {
		.community = q.community,
		.observer = (flags & 1) != 0,
		.silent_after_s = 86400,
		.keep_ms = 300000,
		.now = { .mono_ms = 1000000, .unix_s = 1700000000 },
	};
	struct facts *facts = NULL;

	for (int n = 0; n < POLLS_MAX && !s.ended; n++) {
		struct facts *f = poll(&s, &q, &way, &c, facts, (flags & 4) != 0);

		if (f == NULL)
			continue;
		check_facts(f, facts, is_named);
		facts_drop(facts);
		facts = f;
	}
	facts_drop(facts);
	return 0;
}
