#include <stdlib.h>
#include <string.h>

#include "exporters/metric/sample.h"
#include "exporters/topic/field.h"
#include "exporters/topic/inside.h"

enum {
	UNREAD_UNKNOWN = -1,
	NAME_ROOM = 2 * SAMPLE_LABEL_MAX, /* a name that a topic in error keeps, escaped */
	ERRORS_MAX =
		sizeof(((struct topic_answer *)NULL)->errors) / sizeof(((struct topic_answer *)NULL)->errors[0])
};

/* ---- one topic ---- */
static bool add_text(struct intake *in, struct span s, size_t max, uint32_t *ret_at, uint16_t *ret_len)
{
	struct buf *text = &in->draft->text;
	const size_t start = text->len;

	label_escape(text, s, max);
	if (text->status != ERR_OK || text->len - start > UINT16_MAX)
		return false;
	*ret_at = (uint32_t)start;
	*ret_len = (uint16_t)(text->len - start);
	return true;
}

/* A topic id usually begins with its community's id and the marks, so only the rest is kept. */
static bool take_id(struct intake *in, const char *id, struct topic *t)
{
	const char *const start[] = { in->c->community, TOPIC_MARK, TOPIC_MARK_MADE };
	unsigned kind = ID_WHOLE;

	for (size_t n; kind < ID_MADE; kind++, id += n) {
		n = strlen(start[kind]);
		if (n == 0 || strncmp(id, start[kind], n) != 0)
			break;
	}
	t->flags = (uint16_t)((t->flags & ~(unsigned)TOPIC_ID_KIND) | kind);
	return add_text(in, span_of(id), 0, &t->id_at, &t->id_len);
}

/* An element of the list. Its own error and id: either may be missing. */
struct element {
	const cJSON *field[FIELD_COUNT];
	int code;       /* 0 when missing: the topic's facts say whether it is fine */
	const char *id; /* NULL: none that can be used */
};

static void take_mute(struct intake *in, const struct element *e, struct topic *t)
{
	const char *word;
	int64_t flag;

	if (json_text(e->field[FIELD_MUTE], &word, &in->answer->doubtful)) {
		if (strcmp(word, "On") != 0 && strcmp(word, "Off") != 0) {
			in->answer->doubtful++;
			return;
		}
		flag = word[1] == 'n';
	} else if (!json_int(e->field[FIELD_MUTE_FLAG], 1, &flag, &in->answer->doubtful)) {
		return;
	}
	t->flags |= (uint16_t)(TOPIC_MUTE_KNOWN | (flag == 1 ? TOPIC_MUTED : 0));
}

static void take_info(struct intake *in, const struct element *e, struct topic *t)
{
	const char *name;
	uint32_t name_at; /* behind the id: topic_name */
	int64_t value;

	if (json_text(e->field[FIELD_NAME], &name, &in->answer->doubtful) &&
	    add_text(in, span_of(name), SAMPLE_LABEL_MAX, &name_at, &t->name_len))
		t->flags |= TOPIC_NAMED;
	if (json_int(e->field[FIELD_CREATED], UINT32_MAX, &value, &in->answer->doubtful))
		t->created_s = (uint32_t)value;
	if (json_int(e->field[FIELD_LAST_MESSAGE], UINT32_MAX, &value, &in->answer->doubtful)) {
		t->last_message_s = (uint32_t)value;
		t->flags |= TOPIC_LAST_KNOWN;
	}
	if (json_int(e->field[FIELD_SEQUENCE], INT64_MAX, &value, &in->answer->doubtful)) {
		t->next_seq = value;
		if (value == 0)
			in->answer->doubtful++; /* the first message gets 1 */
	}
	take_mute(in, e, t);
}

/* The counter never falls but for a topic that was created anew, not even over an answer that does not tell
 * it. */
static void hold_sequence(struct intake *in, const struct topic *old, struct topic *t)
{
	if (old == NULL || t->next_seq >= old->next_seq || topic_is_anew(old, t))
		return;
	if (t->next_seq == 0) {
		t->next_seq = old->next_seq;
		t->flags |= TOPIC_SEQ_UNTOLD | (old->flags & TOPIC_HELD);
		return;
	}
	t->next_seq = old->next_seq;
	t->flags |= TOPIC_HELD;
	if ((old->flags & TOPIC_HELD) == 0)
		in->answer->lowered++;
}

static void take_observer(struct intake *in, const struct element *e, struct topic *t, int64_t *ret_unread)
{
	int64_t read_seq, muted;

	if (!in->c->observer)
		return;
	if (json_int(e->field[FIELD_SELF_MUTED], INT64_MAX, &muted, &in->answer->doubtful))
		t->flags |= (uint16_t)(TOPIC_WATCHED | (muted > 0 ? TOPIC_WATCHER_MUTED : 0));
	if (json_int(e->field[FIELD_SELF_READ], INT64_MAX, &read_seq, &in->answer->doubtful))
		*ret_unread = t->next_seq > read_seq + 1 ? t->next_seq - 1 - read_seq : 0;
}

static void count_error(struct topic_answer *a, int code)
{
	size_t i = 0;

	while (i < a->error_n && a->errors[i].code != code)
		i++;
	if (i == ERRORS_MAX) {
		i = ERRORS_MAX - 1; /* more kinds of codes than anybody has seen: the rest is "other" */
		a->errors[i].code = -1;
	}
	if (i == a->error_n)
		a->errors[a->error_n++].code = code;
	a->errors[i].n++;
}

/* A topic in error shows what it had for a while, except when it was deleted. */
static void keep_old(struct intake *in, const struct topic *old, int code, struct topic *t, int64_t *unread)
{
	const uint32_t now_s = (uint32_t)(in->c->now.mono_ms / 1000);
	const struct topic id = *t;

	if (old == NULL || code == 10010 || code == 110003 || now_s - old->good_s > in->c->keep_ms / 1000)
		return;
	*t = *old;
	t->id_at = id.id_at;
	t->id_len = id.id_len;
	t->name_len = 0;
	if ((old->flags & TOPIC_NAMED) != 0) {
		t->name_len = old->name_len;
		buf_span(&in->draft->text, topic_name(in->before, old));
	}
	if (!in->c->observer || in->before->unread == NULL)
		t->flags &= (uint16_t) ~(TOPIC_WATCHED | TOPIC_WATCHER_MUTED);
	else
		*unread = in->before->unread[old - in->before->topic];
}

static void read_element(struct intake *in, const cJSON *json, struct element *ret)
{
	uint32_t *doubtful = &in->answer->doubtful;
	size_t len;

	fields_of(json, ret->field);
	ret->code = 0;
	ret->id = NULL;
	(void)json_code(ret->field[FIELD_CODE], &ret->code, doubtful);
	if (ret->code == 0 && ret->field[FIELD_ID] == NULL)
		++*doubtful;
	if (!json_text(ret->field[FIELD_ID], &ret->id, doubtful))
		return;
	len = strlen(ret->id);
	if (len > 0 && len <= TOPIC_ID_MAX)
		return;
	++*doubtful;
	ret->id = NULL;
}

static void count_failed(struct intake *in, int code)
{
	count_error(in->answer, code);
	in->draft->failed++;
}

static void take_element(struct intake *in, const cJSON *json)
{
	struct draft *draft = in->draft;
	struct topic t = { 0 };
	const struct topic *old;
	int64_t unread = UNREAD_UNKNOWN;
	struct element e;

	read_element(in, json, &e);
	if (e.id != NULL && in->asked != NULL && !asked_match(in->asked, e.id)) {
		in->answer->doubtful++;
		return;
	}
	if (e.code != 0)
		count_failed(in, e.code);
	if (e.id == NULL || !take_id(in, e.id, &t))
		return;
	old = finder_find(&in->finder, &(struct facts){ .text = draft->text.at }, &t);
	if (e.code != 0) {
		keep_old(in, old, e.code, &t, &unread);
		t.error_row = (uint8_t)(chat_row(e.code) + 1);
	} else {
		t.good_s = (uint32_t)(in->c->now.mono_ms / 1000);
		take_info(in, &e, &t);
		hold_sequence(in, old, &t);
		take_observer(in, &e, &t, &unread);
	}
	draft->unread[draft->n] = unread;
	draft->topic[draft->n++] = t;
}

/* ---- all of them ---- */
static enum err count_elements(struct intake *in, const cJSON *list, size_t *ret_objects, struct why *why)
{
	const cJSON *element;
	size_t n = 0, objects = 0;

	cJSON_ArrayForEach(element, list)
	{
		n++;
		objects += cJSON_IsObject(element) ? 1 : 0;
	}
	if (n > 0 && objects == 0)
		return err_because(why, ERR_SCHEMA, "no element of TopicAndSelfInfo is an object");
	in->answer->doubtful += (uint32_t)(n - objects);
	*ret_objects = objects;
	return ERR_OK;
}

enum err intake_topics(struct intake *in, const cJSON *list, struct why *why)
{
	const cJSON *element;
	size_t objects, most;
	enum err e = count_elements(in, list, &objects, why);

	if (e != ERR_OK)
		return e;
	most = in->asked != NULL ? in->asked->to - in->asked->from : objects;
	/* Escaping doubles at worst, and a topic in error keeps its name. */
	if (draft_reserve(in->draft, most, in->len * 2 + 1 + objects * NAME_ROOM) != ERR_OK)
		return ERR_LOCAL_RESOURCE;
	if (in->asked != NULL)
		asked_rewind(in->asked);
	cJSON_ArrayForEach(element, list) if (cJSON_IsObject(element)) take_element(in, element);
	if (in->draft->text.status != ERR_OK || in->finder.blind ||
	    (in->asked != NULL && in->asked->status != ERR_OK))
		return ERR_LOCAL_RESOURCE;
	return ERR_OK;
}

/* A community of which no id can be read is not an empty one. */
static enum err take_ids(struct intake *in, const cJSON *list, struct asked *ret, struct why *why)
{
	const cJSON *json;
	bool nameless = false;

	cJSON_ArrayForEach(json, list)
	{
		struct element e = { .code = 0 };
		enum err added = ERR_OK;

		if (cJSON_IsObject(json))
			read_element(in, json, &e);
		if (e.id != NULL)
			added = asked_add(ret, e.id);
		else if (e.code != 0)
			count_failed(in, e.code);
		else
			nameless = true;
		if (added != ERR_OK)
			return added;
	}
	if (nameless && ret->n == 0)
		return err_because(why, ERR_SCHEMA, "no element of TopicAndSelfInfo has a TopicId");
	return ERR_OK;
}

enum err intake_ids(struct intake *in, const cJSON *list, struct asked *ret, struct why *why)
{
	size_t objects;
	uint32_t twice = 0;
	enum err e = count_elements(in, list, &objects, why);

	asked_done(ret);
	if (e == ERR_OK)
		e = take_ids(in, list, ret, why);
	if (e == ERR_LIMIT) {
		in->answer->outcome = (struct outcome){ .verdict = CHAT_MORE, .err = ERR_TOO_LARGE };
		return err_because(why, ERR_TOO_LARGE, "more topic ids than this program takes");
	}
	if (e == ERR_OK)
		e = asked_settle(ret, &twice);
	in->answer->doubtful += twice;
	return e == ERR_MEMORY ? ERR_LOCAL_RESOURCE : e;
}
