#include "tests/simulator/faults.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/simulator/call.h"

enum { BODY_MAX = 64 * 1024 * 1024 };

static const struct {
	const char *name;
	enum fault_stage stage;
} kinds[FAULT_KIND_COUNT] = {
#define KIND(ID, NAME, STAGE) { NAME, STAGE_##STAGE },
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

const char *fault_name(const struct fault *f)
{
	return f != NULL ? kinds[f->kind].name : "";
}

static void fault_free(struct fault *f)
{
	if (f == NULL)
		return;
	free(f->community);
	free(f->location);
	free(f->body);
	free(f->topic);
	free(f);
}

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

static void read_text(struct reading *r, const char *name, char **value)
{
	const struct json *j = member(r, name);

	if (j == NULL)
		return;
	if (json_str(j) == NULL)
		refuse(r, name, "a text");
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
		read_text(r, name, &r->fault->body);
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
	read_text(r, "topic", &f->topic);
	f->bare = bare != NULL && bare->kind == JSON_BOOL && bare->truth;
	if (bare != NULL && bare->kind != JSON_BOOL)
		refuse(r, "bare", "true or false");
	if (f->topic != NULL && !f->in_item)
		refuse(r, "level", "\"item\" when a topic is named");
}

static void read_details(struct reading *r)
{
	struct fault *f = r->fault;
	int64_t status = 0, retry_after_s = -1;

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
		read_int(r, "status", true, 599, &status);
		read_int(r, "retry_after", false, INT32_MAX, &retry_after_s);
		read_text(r, "location", &f->location);
		read_body(r, "body");
		if (status < 200)
			refuse(r, "status", "200 to 599");
		if (f->location != NULL && strpbrk(f->location, "\r\n") != NULL)
			refuse(r, "location", "one line");
		f->status = (int)status;
		f->retry_after_s = (int)retry_after_s;
		break;
	case FAULT_BODY:
		read_body(r, "text");
		if (f->body == NULL)
			refuse(r, "text", "given, or 'base64'");
		break;
	case FAULT_ERROR:
		read_error(r);
		break;
	case FAULT_SHAPE:
		f->shape = (enum fault_shape)read_word(r, "shape", shapes, SHAPES);
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
	read_text(r, "community", &f->community);
	if (json_get(r->object, "command") != NULL)
		f->command = (enum command)read_word(r, "command", commands, COMMANDS);
	read_int(r, "count", false, INT64_MAX, &f->count);
	if (f->count == 0)
		refuse(r, "count", "above 0");
	if (probability != NULL &&
	    (!json_real(probability, &f->probability) || f->probability < 0 || f->probability > 1))
		refuse(r, "probability", "a number from 0 to 1");
}

static enum err fault_read(const struct json *j, struct fault *f, struct why *why)
{
	struct reading r = { .object = j, .fault = f, .why = why };
	const char *kind = json_str(member(&r, "kind"));
	int k = 0;

	while (k < FAULT_KIND_COUNT && (kind == NULL || strcmp(kinds[k].name, kind) != 0))
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

void faults_init(struct faults *f, uint64_t seed)
{
	*f = (struct faults){ .random = seed };
}

bool faults_remove(struct faults *f, uint64_t id)
{
	size_t kept = 0, before = f->n;

	for (size_t i = 0; i < f->n; i++) {
		if (id == 0 || f->list[i]->id == id)
			fault_free(f->list[i]);
		else
			f->list[kept++] = f->list[i];
	}
	f->n = kept;
	return id == 0 || kept < before;
}

void faults_done(struct faults *f)
{
	(void)faults_remove(f, 0);
	free(f->list);
	f->list = NULL;
	f->cap = 0;
}

enum err faults_add(struct faults *f, const struct json *j, uint64_t *ret_id, struct why *why)
{
	struct fault *fault;
	enum err e;

	if (j == NULL || j->kind != JSON_OBJECT)
		return err_because(why, ERR_CONFIG, "a fault is a JSON object");
	if (f->n == FAULTS_MAX)
		return err_because(why, ERR_LIMIT, "no more than %d faults at once", FAULTS_MAX);
	if (f->n == f->cap) {
		size_t cap = f->cap > 0 ? f->cap * 2 : 16;
		struct fault **list = realloc(f->list, cap * sizeof(struct fault *));
		if (list == NULL)
			return err_because(why, ERR_MEMORY, "out of memory");
		f->list = list;
		f->cap = cap;
	}
	fault = calloc(1, sizeof(*fault));
	e = fault != NULL ? fault_read(j, fault, why) : err_because(why, ERR_MEMORY, "out of memory");
	if (e != ERR_OK) {
		fault_free(fault);
		return e;
	}
	fault->id = ++f->last_id;
	f->list[f->n++] = fault;
	*ret_id = fault->id;
	return ERR_OK;
}

void faults_show(const struct faults *f, struct json_out *o)
{
	json_open(o, "faults", '[');
	for (size_t i = 0; i < f->n; i++) {
		const struct fault *fault = f->list[i];

		json_open(o, NULL, '{');
		json_put_uint(o, "id", fault->id);
		json_put_text(o, "kind", kinds[fault->kind].name);
		if (fault->sdkappid != 0)
			json_put_uint(o, "sdkappid", fault->sdkappid);
		if (fault->community != NULL)
			json_put_text(o, "community", fault->community);
		if (fault->command != COMMANDS)
			json_put_text(o, "command", command_name(fault->command));
		if (fault->count >= 0)
			json_put_int(o, "count", fault->count);
		json_put_real(o, "probability", fault->probability);
		json_put_uint(o, "hits", fault->hits);
		json_close(o, '}');
	}
	json_close(o, ']');
}

/* The body is by far the largest part and is copied whole: a fault may be removed while its answer is sent.
 */
static struct fault *fault_copy(const struct fault *f)
{
	struct fault *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return NULL;
	*copy = *f;
	copy->community = NULL;
	copy->location = f->location != NULL ? strdup(f->location) : NULL;
	copy->topic = f->topic != NULL ? strdup(f->topic) : NULL;
	copy->body = f->body != NULL ? malloc(f->body_len + 1) : NULL;
	if ((f->location != NULL && copy->location == NULL) || (f->topic != NULL && copy->topic == NULL) ||
	    (f->body != NULL && copy->body == NULL)) {
		fault_free(copy);
		return NULL;
	}
	if (copy->body != NULL)
		memcpy(copy->body, f->body, f->body_len);
	return copy;
}

static bool fault_matches(struct faults *f, const struct fault *fault, uint64_t sdkappid,
                          const char *community, enum command command)
{
	if (fault->sdkappid != 0 && fault->sdkappid != sdkappid)
		return false;
	if (fault->community != NULL && (community == NULL || strcmp(fault->community, community) != 0))
		return false;
	if (fault->command != COMMANDS && fault->command != command)
		return false;
	return fault->probability >= 1 || mix_fraction(f->random++, 7) < fault->probability;
}

enum err faults_draw(struct faults *f, uint64_t sdkappid, const char *community, enum command command,
                     struct faults_hit *ret)
{
	struct faults_hit hit = { 0 };
	size_t kept = 0;
	bool lost = false;

	for (size_t i = 0; i < f->n; i++) {
		struct fault *fault = f->list[i];
		enum fault_stage stage = kinds[fault->kind].stage;
		struct fault **place = stage == STAGE_ANSWER ? &hit.answer : &hit.wire;
		bool taken =
			(stage == STAGE_DELAY || *place == NULL) && fault_matches(f, fault, sdkappid, community, command);

		if (taken && stage == STAGE_DELAY)
			hit.delay_ms += fault->ms;
		else if (taken)
			lost = (*place = fault_copy(fault)) == NULL || lost;
		fault->hits += taken;
		if (taken && fault->count > 0 && --fault->count == 0)
			fault_free(fault);
		else
			f->list[kept++] = fault;
	}
	f->n = kept;
	if (lost) {
		faults_release(&hit);
		return ERR_MEMORY;
	}
	*ret = hit;
	return ERR_OK;
}

void faults_release(struct faults_hit *h)
{
	fault_free(h->answer);
	fault_free(h->wire);
	*h = (struct faults_hit){ 0 };
}
