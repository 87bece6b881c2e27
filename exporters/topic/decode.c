#include <stdlib.h>
#include <string.h>

#include "exporters/json/json.h"
#include "exporters/metric/sample.h"
#include "exporters/topic/inside.h"

enum {
	UNREAD_UNKNOWN = -1,
	NAME_ROOM = 2 * SAMPLE_LABEL_MAX, /* a name that a topic in error keeps, escaped */
	ERRORS_MAX =
		sizeof(((struct topic_answer *)NULL)->errors) / sizeof(((struct topic_answer *)NULL)->errors[0])
};

struct decoder {
	const struct topic_context *c;
	const struct facts *before;
	struct topic_answer *answer;
	struct draft draft;
	struct finder finder;
};

/* ---- one topic ---- */
static bool add_text(struct decoder *d, struct span s, size_t max, uint32_t *ret_at, uint16_t *ret_len)
{
	struct buf *text = &d->draft.text;
	const size_t start = text->len;

	label_escape(text, s, max);
	if (text->status != ERR_OK || text->len - start > UINT16_MAX)
		return false;
	*ret_at = (uint32_t)start;
	*ret_len = (uint16_t)(text->len - start);
	return true;
}

/* A topic id usually repeats its community's id, so only what follows is kept. */
static bool take_id(struct decoder *d, const char *id, struct topic *t)
{
	const size_t shared = strlen(d->c->community), len = strlen(id);
	struct span s = { id, len };

	if (len == 0 || len > TOPIC_ID_MAX) {
		d->answer->doubtful++;
		return false;
	}
	if (shared > 0 && strncmp(id, d->c->community, shared) == 0)
		s = (struct span){ id + shared, len - shared };
	else
		t->flags |= TOPIC_OWN_ID;
	return add_text(d, s, 0, &t->id_at, &t->id_len);
}

static void take_mute(struct decoder *d, const cJSON *info, struct topic *t)
{
	const char *word;
	int64_t flag;

	if (json_text(info, "MuteAllMember", &word, &d->answer->doubtful)) {
		if (strcmp(word, "On") != 0 && strcmp(word, "Off") != 0) {
			d->answer->doubtful++;
			return;
		}
		flag = word[1] == 'n';
	} else if (!json_int(info, "ShutUpAllFlag", 1, &flag, &d->answer->doubtful)) { /* the older name */
		return;
	}
	t->flags |= (uint16_t)(TOPIC_MUTE_KNOWN | (flag == 1 ? TOPIC_MUTED : 0));
}

static void take_info(struct decoder *d, const cJSON *info, struct topic *t)
{
	const char *name;
	int64_t value;

	if (json_text(info, "TopicName", &name, &d->answer->doubtful) &&
	    add_text(d, span_of(name), SAMPLE_LABEL_MAX, &t->name_at, &t->name_len))
		t->flags |= TOPIC_NAMED;
	if (json_int(info, "CreateTime", UINT32_MAX, &value, &d->answer->doubtful))
		t->created_s = (uint32_t)value;
	if (json_int(info, "LastMsgTime", UINT32_MAX, &value, &d->answer->doubtful)) {
		t->last_message_s = (uint32_t)value;
		t->flags |= TOPIC_LAST_KNOWN;
	}
	if (json_int(info, "NextMsgSeq", INT64_MAX, &value, &d->answer->doubtful)) {
		t->next_seq = value;
		if (value == 0)
			d->answer->doubtful++; /* the first message gets 1 */
	}
	take_mute(d, info, t);
}

/* The counter never falls but for a topic that was created anew, not even over an answer that does not tell
 * it. */
static void hold_sequence(struct decoder *d, const struct topic *old, struct topic *t)
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
		d->answer->lowered++;
}

static void take_observer(struct decoder *d, const cJSON *self, struct topic *t, int64_t *ret_unread)
{
	int64_t read_seq, muted;

	if (!d->c->observer)
		return;
	if (json_int(self, "ShutUpTime", INT64_MAX, &muted, &d->answer->doubtful))
		t->flags |= (uint16_t)(TOPIC_WATCHED | (muted > 0 ? TOPIC_WATCHER_MUTED : 0));
	if (json_int(self, "MsgSeq", INT64_MAX, &read_seq, &d->answer->doubtful))
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
static void keep_old(struct decoder *d, const struct topic *old, int code, struct topic *t, int64_t *unread)
{
	const uint32_t now_s = (uint32_t)(d->c->now.mono_ms / 1000);
	const struct topic id = *t;

	if (old == NULL || code == 10010 || code == 110003 || now_s - old->good_s > d->c->keep_ms / 1000)
		return;
	*t = *old;
	t->id_at = id.id_at;
	t->id_len = id.id_len;
	t->name_len = 0;
	if ((old->flags & TOPIC_NAMED) != 0) {
		t->name_at = (uint32_t)d->draft.text.len;
		t->name_len = old->name_len;
		buf_add(&d->draft.text, d->before->text + old->name_at, old->name_len);
	}
	if (!d->c->observer || d->before->unread == NULL)
		t->flags &= (uint16_t) ~(TOPIC_WATCHED | TOPIC_WATCHER_MUTED);
	else
		*unread = d->before->unread[old - d->before->topic];
}

static void take_element(struct decoder *d, const cJSON *element)
{
	const cJSON *info = json_member(element, "TopicInfo"), *self = json_member(element, "SelfInfo");
	struct draft *draft = &d->draft;
	struct topic t = { 0 };
	const struct topic *old;
	const char *id;
	int64_t unread = UNREAD_UNKNOWN;
	int code = 0;

	if (!json_code(element, &code, &d->answer->doubtful))
		code = 0; /* missing: the topic's facts say whether it is fine */
	if (code != 0) {
		count_error(d->answer, code);
		draft->failed++;
	}
	if (code == 0 && json_member(info, "TopicId") == NULL)
		d->answer->doubtful++;
	if (!json_text(info, "TopicId", &id, &d->answer->doubtful) || !take_id(d, id, &t))
		return;
	old = finder_find(&d->finder, &(struct facts){ .text = draft->text.at }, &t);
	if (code != 0) {
		keep_old(d, old, code, &t, &unread);
		t.error_row = (uint8_t)(chat_row(code) + 1);
	} else {
		t.good_s = (uint32_t)(d->c->now.mono_ms / 1000);
		take_info(d, info, &t);
		hold_sequence(d, old, &t);
		take_observer(d, self, &t, &unread);
	}
	draft->unread[draft->n] = unread;
	draft->topic[draft->n++] = t;
}

/* ---- the answer ---- */
static enum err take_list(struct decoder *d, const cJSON *list, struct why *why)
{
	const cJSON *element;
	size_t n = 0, objects = 0;
	uint32_t twice;
	enum err e;

	cJSON_ArrayForEach(element, list)
	{
		n++;
		objects += cJSON_IsObject(element) ? 1 : 0;
	}
	if (n > 0 && objects == 0)
		return err_because(why, ERR_SCHEMA, "no element of TopicAndSelfInfo is an object");
	d->answer->doubtful += (uint32_t)(n - objects);
	d->draft.text.max += n * NAME_ROOM;
	d->draft.topic = calloc(n + 1, sizeof(d->draft.topic[0]));
	d->draft.unread = calloc(n + 1, sizeof(d->draft.unread[0]));
	if (d->draft.topic == NULL || d->draft.unread == NULL)
		return ERR_LOCAL_RESOURCE;
	cJSON_ArrayForEach(element, list) if (cJSON_IsObject(element)) take_element(d, element);
	if (d->draft.text.status != ERR_OK)
		return ERR_LOCAL_RESOURCE;
	e = facts_seal(&d->draft, d->c, d->before, &twice, &d->answer->facts);
	if (e != ERR_OK)
		return ERR_LOCAL_RESOURCE;
	d->answer->doubtful += twice;
	return ERR_OK;
}

static enum err take_answer(struct decoder *d, const cJSON *root, struct why *why)
{
	const cJSON *list = json_member(root, "TopicAndSelfInfo");
	int code = 0;

	if (!cJSON_IsObject(root))
		return err_because(why, ERR_SCHEMA, "the answer is not an object");
	/* With elements the top-level code is documented as meaningless; without them it is all there is. */
	if (cJSON_IsArray(list) && list->child != NULL)
		return take_list(d, list, why);
	if (!json_code(root, &code, &d->answer->doubtful) && json_member(root, "ErrorCode") != NULL)
		return err_because(why, ERR_SCHEMA, "ErrorCode is not an integer");
	if (code != 0) {
		d->answer->outcome = chat_judge(code);
		return err_because(why, d->answer->outcome.err, "ErrorCode %d: %s", code,
		                   chat_code(chat_row(code))->text);
	}
	if (list != NULL && !cJSON_IsArray(list))
		return err_because(why, ERR_SCHEMA, "TopicAndSelfInfo is not an array");
	if (list == NULL && json_member(root, "ErrorCode") == NULL)
		return err_because(why, ERR_SCHEMA, "the answer has neither ErrorCode nor TopicAndSelfInfo");
	return take_list(d, list, why);
}

void topic_decode(char *json, size_t len, const struct topic_context *c, const struct facts *before,
                  struct topic_answer *ret, struct why *why)
{
	struct decoder d = { .c = c, .before = before, .answer = ret, .finder = { .in = before } };
	const cJSON *root;
	enum err e;

	*ret = (struct topic_answer){ 0 };
	buf_init(&d.draft.text, len * 2 + 1); /* escaping doubles at worst; take_list adds for kept names */
	e = json_guard(json, len, &ret->repaired, why);
	if (e == ERR_OK) {
		root = json_parse(json, len);
		e = root != NULL ? take_answer(&d, root, why) : ERR_LOCAL_RESOURCE;
		json_drop();
	}
	if (e == ERR_LOCAL_RESOURCE)
		(void)err_because(why, e, "no memory for an answer of %zu bytes", len);
	if (e != ERR_OK && ret->outcome.err == ERR_OK)
		ret->outcome = (struct outcome){ .verdict = CHAT_RETRY, .err = e };
	finder_done(&d.finder);
	free(d.draft.topic);
	free(d.draft.unread);
	buf_done(&d.draft.text);
}
