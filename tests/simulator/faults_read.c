#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/simulator/call.h"
#include "tests/simulator/faults.h"
#include "tests/simulator/orders.h"

static const char *const kinds[FAULT_KIND_COUNT] = {
#define KIND(ID, NAME, STAGE, REFUSED) NAME,
	FAULT_KINDS(KIND)
#undef KIND
};

static const char *const shapes[SHAPES] = {
	[SHAPE_ARRAY_IS_OBJECT] = "array_is_object",
	[SHAPE_MISSING_ARRAY] = "missing_array",
	[SHAPE_STRING_NUMBERS] = "string_numbers",
	[SHAPE_NULL_ITEMS] = "null_items",
};

/* Reads members of the posted object; the first mistake sticks. */
struct reading {
	const struct json *object;
	struct fault *fault;
	struct why *why;
	enum err status;
	size_t seen; /* members asked for and found */
};

static const struct json *member(struct reading *r, const char *name)
{
	const struct json *j = json_get(r->object, name);

	r->seen += j != NULL;
	return j;
}

static void refuse(struct reading *r, const char *name, const char *wanted)
{
	if (r->status == ERR_OK)
		r->status = err_because(r->why, ERR_CONFIG, "'%s' must be %s", name, wanted);
}

static void read_int(struct reading *r, const char *name, bool required, int64_t max, int64_t *value)
{
	const struct json *j = member(r, name);
	int64_t n;

	if (j == NULL && !required)
		return;
	if (!json_int(j, &n) || n < 0 || n > max)
		refuse(r, name, "a whole number, not negative and not too large");
	else
		*value = n;
}

static void read_text(struct reading *r, const char *name, bool lines, char **value)
{
	const struct json *j = member(r, name);

	if (j == NULL)
		return;
	if (json_str(j) == NULL || strpbrk(json_str(j), lines ? "" : "\r\n") != NULL)
		refuse(r, name, lines ? "a text" : "a text of one line");
	else if ((*value = strdup(json_str(j))) == NULL)
		r->status = err_because(r->why, ERR_MEMORY, "out of memory");
}

static int read_word(struct reading *r, const char *name, const char *const *words, int n)
{
	const char *text = json_str(member(r, name));
	int i = 0;

	while (i < n && (text == NULL || strcmp(words[i], text) != 0))
		i++;
	if (i == n)
		refuse(r, name, "one of the words in README.md");
	return i < n ? i : 0;
}

static void read_base64(struct reading *r, const char *text, struct fault *f)
{
	size_t len = strlen(text), pad = 0;
	int n;

	f->body = malloc(len / 4 * 3 + 4);
	n = f->body != NULL && len % 4 == 0
	        ? EVP_DecodeBlock((unsigned char *)f->body, (const unsigned char *)text, (int)len)
	        : -1;
	if (n < 0) {
		refuse(r, "base64", "Base64 in groups of four characters");
		return;
	}
	/* OpenSSL counts the padding as bytes. */
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	f->body_len = (size_t)n - pad;
}

static void read_body(struct reading *r, const char *name)
{
	const char *base64 = json_str(member(r, "base64"));

	if (base64 != NULL) {
		read_base64(r, base64, r->fault);
	} else {
		read_text(r, name, true, &r->fault->body);
		r->fault->body_len = r->fault->body != NULL ? strlen(r->fault->body) : 0;
	}
}

static void read_error(struct reading *r)
{
	static const char *const levels[] = { "top", "item" };
	struct fault *f = r->fault;
	const struct json *bare = member(r, "bare");
	int64_t code = 0;

	read_int(r, "code", true, INT32_MAX, &code);
	f->code = (int)code;
	f->in_item = json_get(r->object, "level") != NULL && read_word(r, "level", levels, 2) == 1;
	f->items = -1;
	read_int(r, "items", false, INT32_MAX, &f->items);
	read_text(r, "topic", false, &f->topic);
	f->bare = bare != NULL && bare->kind == JSON_BOOL && bare->truth;
	if (bare != NULL && bare->kind != JSON_BOOL)
		refuse(r, "bare", "true or false");
	if (f->topic != NULL && !f->in_item)
		refuse(r, "level", "\"item\" when a topic is named");
	if (f->in_item && f->command == COMMANDS)
		f->command = COMMAND_GET_TOPIC; /* no other answer has elements with a code */
	if (f->in_item && f->command != COMMAND_GET_TOPIC)
		refuse(r, "command", "get_topic: no other answer has elements with a code");
}

/* Seconds or a date, as RFC 9110 10.2.3 allows. */
static void read_retry_after(struct reading *r)
{
	const struct json *j = json_get(r->object, "retry_after");
	int64_t seconds = 0;
	char text[24];
	struct buf b;

	if (j == NULL || j->kind != JSON_NUMBER) {
		read_text(r, "retry_after", false, &r->fault->retry_after);
		return;
	}
	read_int(r, "retry_after", true, INT32_MAX, &seconds);
	buf_wrap(&b, text, sizeof(text));
	buf_fmt(&b, "%d", (int)seconds);
	r->fault->retry_after = strdup(buf_text(&b));
}

static void read_status(struct reading *r)
{
	int64_t status = 0;

	read_int(r, "status", true, 599, &status);
	read_retry_after(r);
	read_text(r, "location", false, &r->fault->location);
	read_body(r, "body");
	if (status < 200)
		refuse(r, "status", "200 to 599");
	r->fault->status = (int)status;
}

static void read_change(struct reading *r)
{
	const struct json *body = member(r, "body");

	read_text(r, "path", false, &r->fault->path);
	if (r->status == ERR_OK && r->fault->path == NULL && (r->fault->path = strdup("/world")) == NULL)
		r->status = err_because(r->why, ERR_MEMORY, "out of memory");
	if (r->status == ERR_OK && !order_known(r->fault->path))
		refuse(r, "path", "one that takes orders, see README.md");
	if (body == NULL)
		refuse(r, "body", "what would be posted to that path");
	else if ((r->fault->order = json_copy(body)) == NULL)
		r->status = err_because(r->why, ERR_MEMORY, "out of memory");
}

static void read_details(struct reading *r)
{
	struct fault *f = r->fault;

	switch (f->kind) {
	case FAULT_DELAY:
		read_int(r, "ms", true, 86400000, &f->ms);
		break;
	case FAULT_SLOW:
		read_int(r, "bytes_per_second", true, INT32_MAX, &f->bytes);
		if (f->bytes == 0)
			refuse(r, "bytes_per_second", "above 0");
		break;
	case FAULT_TRUNCATE:
		read_int(r, "at", true, INT32_MAX, &f->bytes);
		break;
	case FAULT_OVERSIZE:
		read_int(r, "bytes", true, INT64_MAX, &f->bytes);
		break;
	case FAULT_STATUS:
		read_status(r);
		break;
	case FAULT_BODY:
		read_body(r, "text");
		read_text(r, "encoding", false, &f->encoding);
		if (f->body == NULL)
			refuse(r, "text", "given, or 'base64'");
		break;
	case FAULT_ERROR:
		read_error(r);
		break;
	case FAULT_SHAPE:
		f->shape = (enum fault_shape)read_word(r, "shape", shapes, SHAPES);
		break;
	case FAULT_CHANGE:
		read_change(r);
		break;
	default:
		break;
	}
}

static void read_aim(struct reading *r)
{
	static const char *const commands[] = { "get_topic", "get_appid_group_list", "other" };
	struct fault *f = r->fault;
	const struct json *probability = member(r, "probability");
	int64_t sdkappid = 0;

	f->count = -1;
	f->probability = 1;
	f->command = COMMANDS;
	read_int(r, "sdkappid", false, UINT32_MAX, &sdkappid);
	f->sdkappid = (uint64_t)sdkappid;
	read_text(r, "community", false, &f->community);
	if (json_get(r->object, "command") != NULL)
		f->command = (enum command)read_word(r, "command", commands, COMMANDS);
	read_int(r, "after", false, INT64_MAX, &f->after);
	read_int(r, "count", false, INT64_MAX, &f->count);
	if (f->count == 0)
		refuse(r, "count", "above 0");
	if (probability != NULL &&
	    (!json_real(probability, &f->probability) || f->probability < 0 || f->probability > 1))
		refuse(r, "probability", "a number from 0 to 1");
}

enum err fault_read(const struct json *j, struct fault *f, struct why *why)
{
	struct reading r = { .object = j, .fault = f, .why = why };
	const char *kind = json_str(member(&r, "kind"));
	int k = 0;

	while (k < FAULT_KIND_COUNT && (kind == NULL || strcmp(kinds[k], kind) != 0))
		k++;
	if (k == FAULT_KIND_COUNT)
		return err_because(why, ERR_CONFIG, "'kind' must be one of the kinds in README.md");
	f->kind = (enum fault_kind)k;
	read_aim(&r);
	read_details(&r);
	if (r.status == ERR_OK && r.seen != json_count(j))
		r.status = err_because(why, ERR_CONFIG, "a member that '%s' does not have", kind);
	return r.status;
}
