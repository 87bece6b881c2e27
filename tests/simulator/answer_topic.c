#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulator/answer.h"

/* What one get_topic asks, and how it is answered. */
struct question {
	struct world *world;
	struct community *community;
	const struct style *style;
	const struct json *ids;        /* NULL: all topics */
	uint32_t fields;               /* FIELD_BIT of each field to send */
	const struct account *account; /* NULL: reads nothing */
	const struct fault *fault;
	double now_s;
};

static const struct {
	const char *name;
	bool filtered;
} fields[FIELDS] = {
#define FIELD(ID, NAME, FILTERED) { NAME, FILTERED },
#include "tests/simulator/field.def"
#undef FIELD
};

static bool sends(const struct question *q, uint32_t bit)
{
	return (q->fields & bit) != 0;
}

/* Which fields a ResponseFilter leaves. Unknown names are ignored; an empty filter is none. */
static uint32_t filter_fields(const struct json *filter)
{
	uint32_t left = 0;

	for (int i = 0; i < FIELDS; i++)
		if (!fields[i].filtered || filter == NULL || filter->child == NULL)
			left |= (uint32_t)1 << i;
	for (const struct json *j = filter != NULL ? filter->child : NULL; j != NULL; j = j->next) {
		for (int i = 0; i < FIELDS; i++)
			if (fields[i].filtered && strcmp(fields[i].name, j->text) == 0)
				left |= (uint32_t)1 << i;
		if (strcmp(j->text, "ShutUpAllFlag") == 0)
			left |= FIELD_BIT(MUTE_ALL_MEMBER);
	}
	return left;
}

/* An absent member, or an array of texts. */
static bool is_text_array(const struct json *j)
{
	if (j == NULL)
		return true;
	if (j->kind != JSON_ARRAY)
		return false;
	for (const struct json *t = j->child; t != NULL; t = t->next)
		if (t->kind != JSON_TEXT)
			return false;
	return true;
}

static bool read_question(struct call *c, struct question *q)
{
	const struct json *group = json_get(c->json, "GroupId"), *from = json_get(c->json, "From_Account");
	const struct json *filter = json_get(c->json, "ResponseFilter");

	q->ids = json_get(c->json, "TopicIdList");
	if (json_str(group) == NULL || *json_str(group) == '\0') {
		call_refuse(c, 10004, "GroupId is missing or not a string");
	} else if (json_str(from) == NULL || *json_str(from) == '\0') {
		call_refuse(c, 10004, "From_Account is missing or not a string");
	} else if (!is_text_array(q->ids)) {
		call_refuse(c, 10004, "TopicIdList is not an array of strings");
	} else if (!is_text_array(filter)) {
		call_refuse(c, 10004, "ResponseFilter is not an array of strings");
	} else {
		q->fields = filter_fields(filter);
		if (q->ids != NULL && q->ids->child == NULL)
			q->ids = NULL;
		return true;
	}
	return false;
}

static bool find_subject(struct call *c, struct question *q)
{
	const char *from = json_str(json_get(c->json, "From_Account"));

	q->community = app_community(c->app, c->community_id);
	if (q->community == NULL || q->community->deleted) {
		call_refuse(c, 10010, "the group does not exist or has been deleted");
		return false;
	}
	if (!q->community->recipe->topics_enabled) {
		call_refuse(c, 11000, "the group does not support the community topic feature");
		return false;
	}
	if (q->community->error_code != 0) {
		call_refuse(c, q->community->error_code, "as the scenario says");
		return false;
	}
	q->account = app_account(c->app, from);
	if (q->account == NULL && c->app->account_n > 0 && !app_has_identifier(c->app, from)) {
		call_refuse(c, c->app->unknown_account_code, "From_Account does not exist");
		return false;
	}
	q->style = &q->community->recipe->style;
	q->fields &= ~q->style->absent;
	return true;
}

static void put_no_unread(struct json_out *o, const struct topic_state *s)
{
	json_open(o, "NoUnreadSeqList", '[');
	for (int64_t seq = s->next_seq - 1; seq > 0 && seq > s->next_seq - 3; seq--)
		json_put_int(o, NULL, seq);
	json_close(o, ']');
}

static void put_self(const struct question *q, struct json_out *o, const struct topic *t,
                     const struct topic_state *s)
{
	const struct account *a = q->account;
	int64_t read = 0, shut_up = 0, last = s->next_seq > 0 ? s->next_seq - 1 : 0;

	if (a != NULL && a->read_lag >= 0)
		read = last > a->read_lag ? last - a->read_lag : 0;
	if (a != NULL && a->muted)
		shut_up = (int64_t)floor(q->world->start_unix_s + q->now_s) + 3600;
	json_open(o, "SelfInfo", '{');
	if (sends(q, FIELD_BIT(SHUT_UP_TIME)))
		json_put_int(o, "ShutUpTime", t->shut_up >= 0 ? t->shut_up : shut_up);
	if (sends(q, FIELD_BIT(MSG_SEQ)))
		json_put_int(o, "MsgSeq", t->read_seq >= 0 ? t->read_seq : read);
	if (sends(q, FIELD_BIT(MSG_FLAG)))
		json_put_text(o, "MsgFlag", q->style->msg_flag);
	if (q->style->no_unread)
		put_no_unread(o, s);
	json_close(o, '}');
}

/* A text of as many bytes as the scenario wants. */
static void put_custom(const struct question *q, struct json_out *o)
{
	size_t len = q->community->recipe->custom_len;
	char *text = malloc(len + 1);

	if (text == NULL) {
		o->buf->status = ERR_MEMORY;
		return;
	}
	for (size_t i = 0; i < len; i++)
		text[i] = "custom "[i % 7];
	text[len] = '\0';
	json_put_text(o, "CustomString", text);
	free(text);
}

static void put_mute(const struct question *q, struct json_out *o, bool muted)
{
	if (q->style->mute != MUTE_FLAG)
		json_put_text(o, "MuteAllMember", muted ? "On" : "Off");
	if (q->style->mute != MUTE_WORD)
		json_put_int(o, "ShutUpAllFlag", muted);
}

/* Fields that no page of the service names, some of them shaped to trip a careless reader. */
static void put_extra(struct json_out *o, const struct topic_state *s)
{
	json_put_text(o, "TopicType", "Public");
	json_put_int(o, "MemberNum", 12);
	json_put_uint(o, "LastMsgSeq", s->next_seq > 0 ? (uint64_t)s->next_seq - 1 : 0);
	json_open(o, "LastMsg", '{');
	json_put_int(o, "MsgSeq", s->next_seq - 1);
	json_put_int(o, "LastMsgTime", 1);
	json_put_text(o, "TopicId", "not a topic");
	json_open(o, "MsgBody", '[');
	json_open(o, NULL, '{');
	json_put_null(o, "MsgContent");
	json_close(o, '}');
	json_close(o, ']');
	json_close(o, '}');
}

static void put_ids(const struct question *q, struct json_out *o, const char *topic_id)
{
	if (sends(q, FIELD_BIT(GROUP_ID)))
		json_put_text(o, q->style->group_id_small ? "GroupId" : "GroupID", q->community->id);
	if (sends(q, FIELD_BIT(TOPIC_ID)))
		json_put_text(o, "TopicId", topic_id);
}

static void put_info(const struct question *q, struct json_out *o, const struct topic *t,
                     const struct topic_state *s)
{
	json_open(o, "TopicInfo", '{');
	if (sends(q, FIELD_BIT(TOPIC_NAME)))
		json_put_text(o, "TopicName", t->name);
	put_ids(q, o, t->id);
	if (sends(q, FIELD_BIT(FACE_URL)))
		json_put_text(o, "FaceUrl", "https://faces.example/topic.png");
	if (sends(q, FIELD_BIT(NEXT_MSG_SEQ)))
		json_put_int(o, "NextMsgSeq", s->next_seq);
	if (sends(q, FIELD_BIT(NOTIFICATION)))
		json_put_text(o, "Notification", "Be kind.");
	if (sends(q, FIELD_BIT(INTRODUCTION)))
		json_put_text(o, "Introduction", "A place to talk.");
	if (sends(q, FIELD_BIT(CREATE_TIME)))
		json_put_int(o, "CreateTime", s->create_time);
	if (sends(q, FIELD_BIT(LAST_MSG_TIME)))
		json_put_int(o, "LastMsgTime", s->last_time);
	if (sends(q, FIELD_BIT(MUTE_ALL_MEMBER)))
		put_mute(q, o, s->muted);
	if (sends(q, FIELD_BIT(CUSTOM_STRING)))
		put_custom(q, o);
	if (q->style->extra)
		put_extra(o, s);
	json_close(o, '}');
}

static void put_item_head(const struct question *q, struct json_out *o, int code)
{
	json_open(o, NULL, '{');
	json_put_int(o, "ErrorCode", code);
	if (sends(q, FIELD_BIT(ERROR_INFO)))
		json_put_text(o, "ErrorInfo", code == 0 ? q->style->error_info : "the topic cannot be read");
}

/* An element that failed: its ids and nothing else, or not even them. */
static void put_failed_item(const struct question *q, struct json_out *o, const char *topic_id, int code,
                            bool bare)
{
	put_item_head(q, o, code);
	if (!bare) {
		json_open(o, "TopicInfo", '{');
		put_ids(q, o, topic_id);
		json_close(o, '}');
	}
	json_close(o, '}');
}

/* The code a fault puts on element `position`; 0 when it leaves it alone. */
static int fault_code(const struct fault *f, const char *topic_id, int64_t position)
{
	if (f == NULL || f->kind != FAULT_ERROR || !f->in_item)
		return 0;
	if (f->topic != NULL)
		return strcmp(f->topic, topic_id) == 0 ? f->code : 0;
	return f->items < 0 || position < f->items ? f->code : 0;
}

static void put_item(const struct question *q, struct json_out *o, const struct topic *t, int64_t position)
{
	struct topic_state s = topic_at(q->world, q->community, t, q->now_s);
	int code = fault_code(q->fault, t->id, position);

	if (q->fault != NULL && q->fault->kind == FAULT_SHAPE && q->fault->shape == SHAPE_NULL_ITEMS) {
		json_put_null(o, NULL);
	} else if (code != 0) {
		put_failed_item(q, o, t->id, code, q->fault->bare);
	} else if (t->error_code != 0) {
		put_failed_item(q, o, t->id, t->error_code, false);
	} else {
		put_item_head(q, o, 0);
		if (sends(q, FIELD_BIT(SELF_INFO)))
			put_self(q, o, t, &s);
		put_info(q, o, t, &s);
		json_close(o, '}');
	}
}

static int64_t put_all(const struct question *q, struct json_out *o, int64_t most)
{
	int64_t n = 0;

	for (size_t i = 0; i < q->community->topic_n && n < most; i++) {
		const struct topic *t = &q->community->topics[i];
		if (t->born_s <= q->now_s && q->now_s < t->dies_s)
			put_item(q, o, t, n++);
	}
	return n;
}

static int64_t put_asked(const struct question *q, struct json_out *o, int64_t most)
{
	int64_t n = 0;

	for (const struct json *id = q->ids->child; id != NULL && n < most; id = id->next) {
		const struct topic *t = community_topic(q->community, id->text);
		bool exists = t != NULL && t->born_s <= q->now_s && q->now_s < t->dies_s;

		if (exists)
			put_item(q, o, t, n++);
		else if (!q->style->unknown_missing)
			put_failed_item(q, o, id->text, 110003, false);
	}
	return n;
}

static void put_items(const struct question *q, struct json_out *o, int64_t most)
{
	const struct fault *f = q->fault;
	size_t before = o->buf->len;
	bool comma = o->comma,
		 as_object = f != NULL && f->kind == FAULT_SHAPE && f->shape == SHAPE_ARRAY_IS_OBJECT;
	int64_t n = 0;

	if (f != NULL && f->kind == FAULT_SHAPE && f->shape == SHAPE_MISSING_ARRAY)
		return;
	json_open(o, "TopicAndSelfInfo", as_object ? '{' : '[');
	if (!as_object)
		n = q->ids != NULL ? put_asked(q, o, most) : put_all(q, o, most);
	json_close(o, as_object ? '}' : ']');
	if (n == 0 && q->ids == NULL && q->style->empty_absent && !as_object && o->buf->status == ERR_OK) {
		buf_rewind(o->buf, before);
		o->comma = comma;
	}
}

void answer_topics(struct world *w, struct call *c, double now_s, const struct fault *f)
{
	struct question q = { .world = w, .now_s = now_s, .fault = f };
	struct json_out o = { .buf = &c->answer };
	bool top = f != NULL && f->kind == FAULT_ERROR && !f->in_item;
	int64_t most = INT64_MAX;

	if (!read_question(c, &q))
		return;
	if (top && f->items < 0) {
		call_refuse(c, f->code, "put in by hand");
		return;
	}
	if (!find_subject(c, &q))
		return;
	if (community_advance(w, q.community, now_s) != ERR_OK) {
		call_refuse(c, 10002, "the simulator is out of memory");
		return;
	}
	o.quoted_numbers = f != NULL && f->kind == FAULT_SHAPE && f->shape == SHAPE_STRING_NUMBERS;
	if (top) {
		/* The same object goes on after the refusal's three fields. */
		call_refuse(c, f->code, "put in by hand");
		buf_rewind(&c->answer, c->answer.len - 1);
		o.comma = true;
		most = f->items;
	} else {
		call_answer_begin(c, &o, q.style);
	}
	put_items(&q, &o, most);
	json_close(&o, '}');
	if (c->answer.status == ERR_MEMORY)
		call_refuse(c, 10002, "the simulator is out of memory");
	else if (c->answer.status != ERR_OK || c->answer.len > ANSWER_CAP)
		call_refuse(c, 10018, "the answer is larger than 1 MiB");
}
