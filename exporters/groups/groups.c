#include "exporters/groups/groups.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/utf8.h"
#include "exporters/json/json.h"

void groups_ask(struct buf *out, uint64_t next, uint32_t limit)
{
	buf_fmt(out, "{\"Limit\":%" PRIu32 ",\"Next\":%" PRIu64 ",\"GroupType\":\"Community\"}", limit, next);
}

/* ---- ids ---- */
static bool is_control(const char *s, size_t len)
{
	const unsigned char first = (unsigned char)s[0];

	return (len == 1 && (first < 0x20 || first == 0x7f)) ||
	       (len == 2 && first == 0xc2 && (unsigned char)s[1] < 0xa0); /* U+0080 .. U+009F */
}

/* What the guard puts in the place of a byte or an escape it had to repair. */
static bool is_patch(const char *s, size_t len)
{
	return (len == 1 && s[0] == '?') || (len == 3 && memcmp(s, "\xef\xbf\xbd", 3) == 0);
}

/* On an answer with repairs, an id that may hold one is not the id of anything. */
static bool is_usable(const char *id, bool repaired)
{
	const size_t len = strlen(id);

	if (len == 0 || len > GROUPS_ID_MAX)
		return false;
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_char(id + i, len - i);
		if (n == 0 || is_control(id + i, n) || (repaired && is_patch(id + i, n)))
			return false;
	}
	return true;
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* `text` holds the ids, each with its NUL. */
static enum err seal(struct groups_page *p, struct buf *text, size_t n)
{
	size_t len, kept = 0;

	if (n == 0)
		return text->status == ERR_OK ? ERR_OK : ERR_LOCAL_RESOURCE;
	p->text = buf_take(text, &len);
	p->id = malloc(n * sizeof(p->id[0]));
	if (p->text == NULL || p->id == NULL)
		return ERR_LOCAL_RESOURCE;
	for (const char *at = p->text; at < p->text + len; at += strlen(at) + 1)
		p->id[p->n++] = at;
	qsort(p->id, p->n, sizeof(p->id[0]), by_text);
	for (size_t i = 0; i < p->n; i++)
		if (kept == 0 || strcmp(p->id[i], p->id[kept - 1]) != 0)
			p->id[kept++] = p->id[i];
	p->n = kept;
	return ERR_OK;
}

static enum err take_ids(struct groups_page *p, const cJSON *list, size_t len, struct why *why)
{
	const cJSON *element;
	struct buf text;
	const char *id;
	size_t n = 0;
	enum err e;

	buf_init(&text, len + 1); /* an id and its NUL are shorter than its string in the answer */
	cJSON_ArrayForEach(element, list)
	{
		const cJSON *own = json_member(element, "GroupId");

		p->listed++;
		if (!cJSON_IsObject(element) || own == NULL) {
			p->doubtful++;
		} else if (json_text(own, &id, &p->doubtful)) {
			if (is_usable(id, p->repaired > 0)) {
				buf_add(&text, id, strlen(id) + 1);
				n++;
			} else {
				p->doubtful++;
			}
		}
	}
	if (p->listed > 0 && n == 0)
		e = err_because(why, ERR_SCHEMA, "no element of GroupIdList has a usable GroupId");
	else
		e = seal(p, &text, n);
	buf_done(&text);
	return e;
}

/* ---- the answer ---- */
static enum err take_code(struct groups_page *p, const cJSON *root, struct why *why)
{
	const cJSON *own = json_member(root, "ErrorCode");
	int code = 0;

	if (!json_code(own, &code, &p->doubtful) && own != NULL)
		return err_because(why, ERR_SCHEMA, "ErrorCode is not an integer");
	if (code == 0)
		return ERR_OK;
	p->outcome = chat_judge(code);
	return err_because(why, p->outcome.err, "ErrorCode %d: %s", code, chat_code(chat_row(code))->text);
}

static enum err take_answer(struct groups_page *p, const char *json, size_t len, const cJSON *root,
                            struct why *why)
{
	const cJSON *list = json_member(root, "GroupIdList");
	enum err e;

	if (!cJSON_IsObject(root))
		return err_because(why, ERR_SCHEMA, "the answer is not an object");
	e = take_code(p, root, why);
	if (e != ERR_OK)
		return e;
	if (!json_exact(json, len, root, "Next", &p->next, &p->doubtful) &&
	    cJSON_GetObjectItemCaseSensitive(root, "Next") != NULL)
		return err_because(why, ERR_SCHEMA, "Next is not an unsigned integer of 64 bits");
	if (!json_int(json_member(root, "TotalCount"), INT64_MAX, &p->total, &p->doubtful))
		p->total = -1;
	if (list == NULL && p->total != 0)
		return err_because(why, ERR_SCHEMA, "the answer has no GroupIdList");
	if (list != NULL && !cJSON_IsArray(list))
		return err_because(why, ERR_SCHEMA, "GroupIdList is not an array");
	return take_ids(p, list, len, why);
}

void groups_decode(char *json, size_t len, struct groups_page *ret, struct why *why)
{
	const cJSON *root;
	enum err e;

	*ret = (struct groups_page){ .total = -1 };
	e = json_guard(json, len, &ret->repaired, why);
	if (e == ERR_OK) {
		root = json_parse(json, len);
		e = root != NULL ? take_answer(ret, json, len, root, why) : ERR_LOCAL_RESOURCE;
		json_drop();
	}
	if (e == ERR_OK)
		return;
	groups_page_done(ret);
	ret->next = 0;
	if (e == ERR_LOCAL_RESOURCE)
		(void)err_because(why, e, "no memory for an answer of %zu bytes", len);
	if (ret->outcome.err == ERR_OK)
		ret->outcome = (struct outcome){ .verdict = CHAT_RETRY, .err = e };
}

void groups_page_done(struct groups_page *p)
{
	free(p->id);
	free(p->text);
	p->id = NULL;
	p->text = NULL;
	p->n = 0;
}
