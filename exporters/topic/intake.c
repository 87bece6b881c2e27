#include <string.h>

#include "exporters/topic/field.h"
#include "exporters/topic/inside.h"

/* Whether topics were there so lately that an answer without any list is no news of an empty community. The
 * service may leave an empty list out; a renamed one must not look like it. */
static bool had_topics(const struct intake *in)
{
	return in->before != NULL && in->before->topic_n > 0 &&
	       in->c->now.unix_s - in->before->poll_s <= in->c->keep_ms / 1000;
}

static enum err judge(const struct intake *in, const cJSON *root, const cJSON **ret_list, struct why *why)
{
	struct topic_answer *a = in->answer;
	const cJSON *list = json_member(root, field_name(FIELD_LIST));
	const cJSON *own_code = json_member(root, field_name(FIELD_CODE));
	int code = 0;

	*ret_list = list;
	if (!cJSON_IsObject(root))
		return err_because(why, ERR_SCHEMA, "the answer is not an object");
	/* With elements the top-level code is documented as meaningless; without them it is all there is. */
	if (cJSON_IsArray(list) && list->child != NULL)
		return ERR_OK;
	if (!json_code(own_code, &code, &a->doubtful) && own_code != NULL)
		return err_because(why, ERR_SCHEMA, "ErrorCode is not an integer");
	if (code != 0) {
		a->outcome = chat_judge(code);
		return err_because(why, a->outcome.err, "ErrorCode %d: %s", code, chat_code(chat_row(code))->text);
	}
	if (list != NULL && !cJSON_IsArray(list))
		return err_because(why, ERR_SCHEMA, "TopicAndSelfInfo is not an array");
	if (list == NULL && own_code == NULL)
		return err_because(why, ERR_SCHEMA, "the answer has neither ErrorCode nor TopicAndSelfInfo");
	if (list == NULL && in->asked == NULL && had_topics(in))
		return err_because(why, ERR_SCHEMA,
		                   "TopicAndSelfInfo is missing, and the community had topics a moment ago");
	return ERR_OK;
}

enum err intake_open(struct intake *in, char *json, size_t len, const cJSON **ret_list, struct why *why)
{
	const cJSON *root;
	enum err e;

	in->len = len;
	e = json_sift(json, &len, field_names(in->c->observer), &in->answer->repaired, why);
	if (e != ERR_OK)
		return e;
	root = json_parse(json, len);
	return root != NULL ? judge(in, root, ret_list, why) : ERR_LOCAL_RESOURCE;
}

void intake_close(struct intake *in, enum err e, struct why *why)
{
	json_drop();
	finder_done(&in->finder);
	if (e == ERR_LOCAL_RESOURCE)
		(void)err_because(why, e, "no memory for an answer of %zu bytes", in->len);
	if (e != ERR_OK && in->answer->outcome.err == ERR_OK)
		in->answer->outcome = (struct outcome){ .verdict = CHAT_RETRY, .err = e };
}

/* ---- what a filter leaves ---- */
enum need {
	NEED_ID = 1,
	NEED_NAME = 2,
	NEED_SEQUENCE = 4,
	NEED_CREATED = 8,
	NEED_LAST_MESSAGE = 16,
	NEED_MUTE = 32,
	NEED_OBSERVER = 64,
};

/* The needs that one element meets. */
static unsigned met_by(const cJSON *const field[FIELD_COUNT])
{
	static const struct {
		enum field field;
		enum need need;
	} row[] = {
		{ FIELD_ID, NEED_ID },
		{ FIELD_NAME, NEED_NAME },
		{ FIELD_SEQUENCE, NEED_SEQUENCE },
		{ FIELD_CREATED, NEED_CREATED },
		{ FIELD_LAST_MESSAGE, NEED_LAST_MESSAGE },
		{ FIELD_MUTE, NEED_MUTE },
		{ FIELD_MUTE_FLAG, NEED_MUTE },
		{ FIELD_SELF_MUTED, NEED_OBSERVER },
		{ FIELD_SELF_READ, NEED_OBSERVER },
	};
	unsigned met = 0;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (field[row[i].field] != NULL)
			met |= row[i].need;
	return met;
}

bool intake_lacks(const struct intake *in, const cJSON *list)
{
	unsigned missing = NEED_ID | NEED_NAME | NEED_SEQUENCE | NEED_CREATED | NEED_LAST_MESSAGE | NEED_MUTE |
	                   (in->c->observer ? NEED_OBSERVER : 0);
	const cJSON *element;
	uint32_t doubtful = 0;
	bool fine = false, refused = false;

	cJSON_ArrayForEach(element, list)
	{
		const cJSON *field[FIELD_COUNT];
		int code = 0;

		fields_of(element, field);
		if (json_code(field[FIELD_CODE], &code, &doubtful) && code != 0) {
			refused = refused || code == CODE_WRONG_PARAMETER;
			continue;
		}
		fine = true;
		missing &= ~met_by(field);
		if (missing == 0)
			return false;
	}
	return fine || refused; /* refused topic by topic */
}
