/* Answers of get_topic, as a hostile or broken service could send them: guard, decoder, facts and samples.
 *
 * The input is one character of flags and then up to ANSWERS_MAX answers of one community, one poll a minute,
 * with the byte 0x1e between them. Flags are the low bits: 1 the observer is on, 2 the answers come an hour
 * apart, 4 the community's id does not begin the topic ids. "0" is a good first character. */
#include <string.h>

#include "exporters/json/json.h"
#include "exporters/metric/sample.h"
#include "exporters/topic/field.h"
#include "exporters/topic/inside.h"
#include "tests/fuzz/line.h"

enum { ANSWERS_MAX = 8, SEPARATOR = 0x1e, COMPARED_MAX = 200 };

static const enum metric shown[] = {
	M_TOPIC_INFO,
	M_TOPIC_CREATED,
	M_TOPIC_LAST_MESSAGE,
	M_TOPIC_MESSAGES,
	M_TOPIC_MUTED,
	M_TOPIC_OBSERVER_UNREAD,
	M_TOPIC_OBSERVER_MUTED,
	M_TOPIC_ERROR,
	M_COMMUNITY_TOPICS,
	M_COMMUNITY_TOPICS_MUTED,
	M_COMMUNITY_TOPICS_FAILED,
	M_COMMUNITY_TOPICS_NEVER,
	M_COMMUNITY_TOPICS_SILENT,
	M_COMMUNITY_TOPICS_FOLDED,
	M_COMMUNITY_MESSAGES,
	M_COMMUNITY_LAST_MESSAGE,
};

/* Exactly as large as the text, so that ASan sees a read past its end. */
static char *copy(const char *at, size_t len)
{
	char *to = malloc(len > 0 ? len : 1);

	MUST(to != NULL);
	if (len > 0)
		memcpy(to, at, len);
	return to;
}

/* ---- guard ---- */
/* Proper beginnings of an object are cut answers and nothing else. */
static void check_beginning(const char *json, size_t len)
{
	size_t start = 0, end = len;
	uint32_t repaired;
	char *begin;

	while (start < len && strchr(" \t\r\n", json[start]) != NULL)
		start++;
	while (end > 0 && json[end - 1] != '}')
		end--;
	if (end == 0 || json[start] != '{')
		return;
	end = (size_t)(unsigned char)json[len / 2] * 31 % end; /* any place will do, if it is always the same */
	begin = copy(json, end);
	MUST(json_guard(begin, end, &repaired, NULL) == ERR_TRUNCATED);
	free(begin);
}

/* The next member that is asked for; of an array all are. */
static const cJSON *next_asked(const cJSON *child)
{
	for (; child != NULL && child->string != NULL; child = child->next)
		for (int f = 0; f < FIELD_COUNT; f++)
			if (strcmp(child->string, field_name((enum field)f)) == 0)
				return child;
	return child;
}

static bool same_fields(const cJSON *a, const cJSON *b)
{
	const cJSON *x = next_asked(a->child), *y = next_asked(b->child);

	for (; x != NULL && y != NULL; x = next_asked(x->next), y = next_asked(y->next))
		if ((x->string == NULL) != (y->string == NULL) ||
		    (x->string != NULL && strcmp(x->string, y->string) != 0) || !same_fields(x, y))
			return false;
	return x == NULL && y == NULL && a->type == b->type &&
	       memcmp(&a->valuedouble, &b->valuedouble, sizeof(a->valuedouble)) == 0 &&
	       (a->valuestring == NULL || strcmp(a->valuestring, b->valuestring) == 0);
}

/* What a sift leaves of `text`, which passed the guard, says the same to who asks for the fields only. */
static void check_sift(const char *text, size_t len)
{
	char *left = copy(text, len);
	cJSON *whole = cJSON_ParseWithLength(text, len);
	const cJSON *some;
	uint32_t repaired;
	struct why why;

	MUST(json_sift(left, &len, field_names(true), &repaired, &why) == ERR_OK && repaired == 0);
	MUST(json_guard(left, len, &repaired, &why) == ERR_OK && repaired == 0);
	some = json_parse(left, len);
	MUST(whole != NULL && some != NULL && same_fields(whole, some));
	json_drop();
	cJSON_Delete(whole);
	free(left);
}

static void check_guard(const char *json, size_t len)
{
	char *text = copy(json, len), *again;
	uint32_t repaired;
	struct why why = { "" };
	const enum err e = json_guard(text, len, &repaired, &why);

	MUST(e == ERR_OK || e == ERR_JSON || e == ERR_TRUNCATED);
	MUST((e == ERR_OK) == (why.text[0] == '\0'));
	MUST(repaired <= len);
	if (repaired == 0)
		MUST(len == 0 || memcmp(text, json, len) == 0);
	if (e == ERR_OK) {
		MUST(text_is_valid(text, len));
		again = copy(text, len);
		MUST(json_guard(again, len, &repaired, &why) == ERR_OK && repaired == 0);
		free(again);
		MUST(json_parse(text, len) != NULL);
		json_drop();
		check_sift(text, len);
		check_beginning(json, len);
	}
	free(text);
}

/* ---- facts ---- */
static void check_facts(const struct facts *f, const struct topic_context *c, const struct topic_answer *a)
{
	const struct topic_mutes mutes = facts_mutes(f);
	uint64_t coded = 0;

	MUST(mutes.muted + mutes.open + mutes.unknown == facts_topics(f));
	MUST(f->fine <= facts_topics(f));
	MUST(f->muted <= f->mute_known && f->mute_known <= f->fine);
	MUST(f->never + f->silent <= f->last_known && f->last_known <= f->fine);
	MUST(f->poll_s == c->now.unix_s);
	MUST(facts_bytes(f) >= facts_topics(f) * sizeof(struct topic));
	for (size_t i = 0; i < a->error_n; i++) {
		MUST(a->errors[i].code != 0 && a->errors[i].n > 0);
		coded += a->errors[i].n;
	}
	MUST(coded == f->failed && f->failed >= facts_topics(f) - f->fine);
	for (size_t i = 0; i < f->topic_n; i++) {
		const struct topic *t = &f->topic[i];

		MUST((size_t)t->id_at + t->id_len + t->name_len <= f->text_len);
		MUST(t->next_seq >= 0 && t->last_message_s <= f->last_message_s);
	}
}

/* Counters fall only for a topic created anew. */
static void check_counters(const struct facts *now, const struct facts *before)
{
	MUST(now->messages >= before->messages);
	if (now->topic_n > COMPARED_MAX || before->topic_n > COMPARED_MAX)
		return;
	for (size_t i = 0; i < now->topic_n; i++) {
		for (size_t j = 0; j < before->topic_n; j++) {
			const struct topic *t = &now->topic[i], *old = &before->topic[j];

			if (topic_compare(now, t, before, old) != 0 || t->next_seq == 0)
				continue;
			MUST(t->next_seq >= old->next_seq || t->created_s != old->created_s);
		}
	}
}

/* ---- samples ---- */
static void render_topics(const struct facts *f, enum metric m, const struct topic_place *at, size_t room,
                          struct buf *all)
{
	static char piece[4 * SAMPLE_LINE_MAX];
	size_t from = 0;

	MUST(room <= sizeof(piece));
	do {
		const size_t start = from;
		struct buf out;

		buf_wrap(&out, piece, room);
		from = topic_samples(f, m, at, 0, start, &out);
		MUST(from <= facts_topics(f) && (from > start || from == facts_topics(f)));
		buf_span(all, buf_view(&out));
	} while (from < facts_topics(f));
}

static void render(const struct facts *f, const struct topic_place *at, size_t room, struct buf *all)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		if (metric_info(shown[i])->scope == METRIC_TOPIC)
			render_topics(f, shown[i], at, room, all);
		else
			topic_community_sample(f, shown[i], at, 0, all);
	}
	MUST(all->status == ERR_OK);
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

/* The page does not depend on how large its pieces are. */
static void check_samples(const struct facts *f, const struct topic_place *at, struct buf *page)
{
	struct buf pieces;

	buf_init(&pieces, SIZE_MAX / 4);
	render(f, at, 4 * SAMPLE_LINE_MAX, page);
	render(f, at, SAMPLE_LINE_MAX, &pieces);
	MUST(same(page, &pieces));
	MUST(lines_are_valid(page->at, page->len));
	buf_done(&pieces);
}

/* ---- one answer ---- */
static void decode(const char *json, size_t len, const struct topic_context *c, const struct facts *before,
                   struct topic_answer *ret)
{
	char *text = copy(json, len);
	struct why why = { "" };

	topic_decode(text, len, c, before, ret, &why);
	MUST((ret->outcome.err == ERR_OK) == (ret->facts != NULL));
	MUST((ret->outcome.err == ERR_OK) == (why.text[0] == '\0'));
	MUST((ret->outcome.err == ERR_OK) == (ret->outcome.verdict == CHAT_FINE));
	MUST(ret->outcome.err != ERR_LOCAL_RESOURCE);
	MUST(text_is_valid(why.text, strlen(why.text)));
	free(text);
}

static struct facts *check_answer(const char *json, size_t len, const struct topic_context *c,
                                  const struct topic_place *at, struct facts *before)
{
	struct topic_answer once, twice;
	struct buf page, again;

	check_guard(json, len);
	decode(json, len, c, before, &once);
	decode(json, len, c, before, &twice);
	MUST(once.outcome.err == twice.outcome.err && once.doubtful == twice.doubtful);
	if (once.facts == NULL)
		return before;
	check_facts(once.facts, c, &once);
	if (before != NULL)
		check_counters(once.facts, before);
	buf_init(&page, SIZE_MAX / 4);
	buf_init(&again, SIZE_MAX / 4);
	check_samples(once.facts, at, &page);
	render(twice.facts, at, 4 * SAMPLE_LINE_MAX, &again);
	MUST(same(&page, &again));
	buf_done(&page);
	buf_done(&again);
	facts_drop(twice.facts);
	facts_drop(before);
	return once.facts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data, *end = text + len;
	const unsigned flags = len > 0 ? data[0] : 0;
	struct topic_context c = {
		.community = (flags & 4) != 0 ? "other" : "@TGS#_c",
		.observer = (flags & 1) != 0,
		.silent_after_s = 86400,
		.keep_ms = 300000,
		.now = { .mono_ms = 1000000, .unix_s = 1700000000 },
	};
	const struct topic_place at = { span_of("sdkappid=\"1400000001\",community=\"@TGS#_c\""),
		                            span_of(c.community) };
	struct facts *facts = NULL;

	if (len > 0)
		text++;
	for (int n = 0; n < ANSWERS_MAX && text <= end; n++) {
		const char *stop = text < end ? memchr(text, SEPARATOR, (size_t)(end - text)) : NULL;

		if (stop == NULL)
			stop = end;
		facts = check_answer(text, (size_t)(stop - text), &c, &at, facts);
		c.now.mono_ms += (flags & 2) != 0 ? 3600000 : 60000;
		c.now.unix_s += (flags & 2) != 0 ? 3600 : 60;
		text = stop + 1;
	}
	facts_drop(facts);
	return 0;
}
