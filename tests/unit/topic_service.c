#include "tests/unit/topic_service.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/json/json.h"

void service_id(size_t i, char ret[64])
{
	(void)snprintf(ret, 64, "%s@TOPIC#_\"%05zu", i % 7 == 3 ? "other" : SERVICE_COMMUNITY, i);
}

struct service_question {
	bool list, filter;
	bool *asked;        /* by topic */
	const cJSON *names; /* ResponseFilter */
	size_t list_n;
};

static bool brings(const struct service *s, const struct service_question *q, const char *field)
{
	const cJSON *name;

	if (!q->filter)
		return true;
	if (s->drops != NULL && strcmp(s->drops, field) == 0)
		return false;
	cJSON_ArrayForEach(name, q->names) if (strcmp(name->valuestring, field) == 0) return true;
	return false;
}

static void put_fill(struct buf *out, const char *field, int n)
{
	char *at;

	buf_fmt(out, ",\"%s\":\"", field);
	at = buf_room(out, (size_t)n + 1);
	if (at == NULL)
		abort();
	memset(at, 'x', (size_t)n);
	at[n] = '"';
	out->len += (size_t)n + 1;
}

static void put_info(struct buf *out, const struct service *s, const struct service_question *q, size_t i)
{
	const struct service_topic *t = &s->topic[i];
	char id[64];

	service_id(i, id);
	id[strlen(id) - 6] = '\0'; /* the quote must be written escaped */
	buf_fmt(out, "\"TopicInfo\":{\"GroupID\":\"%s\"", SERVICE_COMMUNITY);
	if (!s->idless || !q->filter)
		buf_fmt(out, ",\"TopicId\":\"%s\\\"%05zu\"", id, i);
	if (t->code == 0 && brings(s, q, "TopicName"))
		put_fill(out, "TopicName", t->name);
	if (t->code == 0 && brings(s, q, "NextMsgSeq"))
		buf_fmt(out, ",\"NextMsgSeq\":%lld", (long long)t->seq);
	if (t->code == 0 && brings(s, q, "CreateTime"))
		buf_fmt(out, ",\"CreateTime\":%u", t->created);
	if (t->code == 0 && brings(s, q, "LastMsgTime"))
		buf_fmt(out, ",\"LastMsgTime\":%u", t->last);
	if (t->code == 0 && brings(s, q, "MuteAllMember"))
		buf_str(out, t->muted ? ",\"MuteAllMember\":\"On\"" : ",\"MuteAllMember\":\"Off\"");
	if (brings(s, q, "FaceUrl"))
		buf_str(out, ",\"FaceUrl\":\"https://faces.example/1\"");
	if (brings(s, q, "CustomString"))
		put_fill(out, "CustomString", t->custom);
	buf_str(out, "}");
}

static void put_element(struct buf *out, const struct service *s, const struct service_question *q, size_t i)
{
	const struct service_topic *t = &s->topic[i];

	if (out->at[out->len - 1] == '}')
		buf_str(out, ",");
	buf_fmt(out, "{\"ErrorCode\":%d,\"ErrorInfo\":\"ok\",", t->code);
	if (q->filter && s->drops != NULL && strcmp(s->drops, "SelfInfo") == 0)
		buf_str(out, "\"SelfInfo\":{}");
	else
		buf_fmt(out, "\"SelfInfo\":{\"ShutUpTime\":%d,\"MsgSeq\":%lld}", t->muted ? 9 : 0,
		        (long long)t->seq / 2);
	if (!t->bare) {
		buf_str(out, ",");
		put_info(out, s, q, i);
	}
	buf_str(out, "}");
}

static void put_elements(struct buf *out, const struct service *s, const struct service_question *q)
{
	bool extra = s->extra, again = s->again && !q->list;

	buf_str(out, "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"TopicAndSelfInfo\":[");
	for (size_t k = 0; k < s->n; k++) {
		const size_t i = s->backwards ? s->n - 1 - k : k;

		if (s->topic[i].gone)
			continue;
		if (q->list && !q->asked[i] && !(extra && !s->topic[i].bare && s->topic[i].code == 0))
			continue;
		if (q->list && !q->asked[i])
			extra = false;
		put_element(out, s, q, i);
		if (again && s->topic[i].code == 0)
			put_element(out, s, q, i);
		again = again && s->topic[i].code != 0;
	}
	buf_str(out, "]}");
}

static void read_list(struct service *s, const cJSON *list, struct service_question *q)
{
	const cJSON *id;

	cJSON_ArrayForEach(id, list)
	{
		const size_t len = strlen(id->valuestring);
		const size_t i = len > 5 ? strtoul(id->valuestring + len - 5, NULL, 10) : SIZE_MAX;
		char is[64];

		q->list_n++;
		if (i >= s->n)
			continue;
		service_id(i, is);
		if (strcmp(is, id->valuestring) == 0)
			q->asked[i] = true;
	}
	q->list = q->list_n > 0;
}

/* W everything, F filtered, N or U the ids alone (by NextMsgSeq, FaceUrl), B ids with a filter, b ids
 * without. */
static char kind_of(const struct service_question *q)
{
	if (q->filter && cJSON_GetArraySize(q->names) == 1)
		return q->names->child->valuestring[0] == 'N' ? 'N' : 'U';
	if (q->list)
		return q->filter ? 'B' : 'b';
	return q->filter ? 'F' : 'W';
}

void service_answer(struct service *s, const struct buf *question, struct buf *ret)
{
	struct service_question q = { .asked = calloc(SERVICE_TOPICS, sizeof(bool)) };
	const cJSON *root, *name;
	bool refused = false;
	int code = s->fail;

	s->fail = 0;
	s->calls++;
	if (s->before_call != NULL)
		s->before_call(s);
	root = json_parse(question->at, question->len);
	if (root == NULL || q.asked == NULL)
		abort();
	q.names = json_member(root, "ResponseFilter");
	q.filter = q.names != NULL;
	read_list(s, json_member(root, "TopicIdList"), &q);
	cJSON_ArrayForEach(name, q.names) refused =
		refused || (s->refuses != NULL && strcmp(name->valuestring, s->refuses) == 0);
	refused = refused || (s->list_max > 0 && q.list_n > s->list_max);
	s->kind = kind_of(&q);
	buf_reset(ret);
	put_elements(ret, s, &q);
	json_drop();
	free(q.asked);
	if (code == 0 && refused)
		code = 10004;
	if (code == 0 && s->cap > 0 && ret->len > s->cap)
		code = 10018;
	if (code == 0)
		return;
	buf_reset(ret);
	buf_fmt(ret, "{\"ActionStatus\":\"FAIL\",\"ErrorCode\":%d,\"ErrorInfo\":\"no\"}", code);
}
