#include "tests/simulator/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A look for a name walks the object, so the number of names is bounded too. */
enum { DEPTH_MAX = 32, NODES_MAX = 1 << 20, NAMES_MAX = 1000 };

struct reader {
	const char *at, *end;
	int depth;
	size_t nodes;
	struct why *why;
};

static enum err refuse(struct reader *r, const char *what)
{
	return err_because(r->why, ERR_JSON, "%s", what);
}

static void skip_space(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

static bool take(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four hex digits after \u; -1 when they are not. */
static long read_unit(struct reader *r)
{
	long unit = 0;

	if (r->end - r->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = digit_of(*r->at++);
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static void put_utf8(struct buf *out, unsigned long code)
{
	char bytes[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if (n == 1) {
		bytes[0] = (char)code;
	} else {
		for (size_t i = n - 1; i > 0; i--, code >>= 6)
			bytes[i] = (char)(0x80 | (code & 0x3f));
		bytes[0] = (char)((0xf00 >> n) | code);
	}
	buf_add(out, bytes, n);
}

static enum err read_escape(struct reader *r, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = r->at < r->end ? *r->at++ : '\0';
	const char *found = c != '\0' ? strchr(from, c) : NULL;
	long unit, low;

	if (found != NULL) {
		buf_add(out, &to[found - from], 1);
		return ERR_OK;
	}
	if (c != 'u')
		return refuse(r, "an unknown escape");
	unit = read_unit(r);
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return refuse(r, "a bad \\u escape");
	if (unit >= 0xd800 && unit <= 0xdbff) {
		low = take(r, "\\u") ? read_unit(r) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return refuse(r, "half a surrogate pair");
		unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(out, (unsigned long)unit);
	return ERR_OK;
}

/* Length of the well-formed UTF-8 sequence at `at` (RFC 3629), 0 when there is none. */
static size_t utf8_len(const char *at, const char *end)
{
	unsigned char first = (unsigned char)*at, low = 0x80, high = 0xbf;
	size_t n = first < 0x80   ? 1
	           : first < 0xc2 ? 0
	           : first < 0xe0 ? 2
	           : first < 0xf0 ? 3
	           : first < 0xf5 ? 4
	                          : 0;

	if (n == 0 || (size_t)(end - at) < n)
		return 0;
	if (first == 0xe0)
		low = 0xa0;
	if (first == 0xed)
		high = 0x9f;
	if (first == 0xf0)
		low = 0x90;
	if (first == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)at[i];
		if (c < low || c > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

static enum err read_text(struct reader *r, char **ret)
{
	struct buf out;
	enum err e = ERR_OK;
	size_t len;

	buf_init(&out, (size_t)(r->end - r->at) + 1);
	r->at++;
	while (e == ERR_OK && r->at < r->end && *r->at != '"') {
		if (*r->at == '\\') {
			r->at++;
			e = read_escape(r, &out);
		} else if ((unsigned char)*r->at < 0x20 || (len = utf8_len(r->at, r->end)) == 0) {
			e = refuse(r, "a byte that may not stand in a string");
		} else {
			buf_add(&out, r->at, len);
			r->at += len;
		}
	}
	if (e == ERR_OK && r->at == r->end)
		e = refuse(r, "a string without an end");
	if (e == ERR_OK) {
		r->at++;
		*ret = buf_take(&out, &len);
		if (*ret == NULL)
			e = err_because(r->why, ERR_MEMORY, "out of memory");
	}
	buf_done(&out);
	return e;
}

static size_t skip_digits(struct reader *r)
{
	const char *from = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return (size_t)(r->at - from);
}

static enum err read_number(struct reader *r, char **ret)
{
	const char *from = r->at;
	bool whole;

	(void)take(r, "-");
	whole = take(r, "0") || skip_digits(r) > 0;
	if (whole && take(r, "."))
		whole = skip_digits(r) > 0;
	if (whole && (take(r, "e") || take(r, "E"))) {
		if (!take(r, "+"))
			(void)take(r, "-");
		whole = skip_digits(r) > 0;
	}
	if (!whole)
		return refuse(r, "neither a value nor a number");
	*ret = strndup(from, (size_t)(r->at - from));
	return *ret != NULL ? ERR_OK : err_because(r->why, ERR_MEMORY, "out of memory");
}

static enum err read_value(struct reader *r, struct json **ret);

/* The members of a list, up to its closing bracket. */
static enum err read_members(struct reader *r, struct json *list)
{
	const char *closing = list->kind == JSON_OBJECT ? "}" : "]";
	struct json **tail = &list->child;
	char *name = NULL;
	int names = 0;
	enum err e = ERR_OK;

	r->at++;
	skip_space(r);
	if (take(r, closing))
		return ERR_OK;
	for (;;) {
		skip_space(r);
		if (list->kind == JSON_OBJECT) {
			if (r->at == r->end || *r->at != '"')
				e = refuse(r, "a member without a name");
			else
				e = read_text(r, &name);
			skip_space(r);
			if (e == ERR_OK && ++names > NAMES_MAX)
				e = refuse(r, "too many names in one object");
			if (e == ERR_OK && json_get(list, name) != NULL)
				e = refuse(r, "a name twice in one object");
			if (e == ERR_OK && !take(r, ":"))
				e = refuse(r, "no colon after a name");
			if (e != ERR_OK)
				break;
		}
		e = read_value(r, tail);
		if (e != ERR_OK)
			break;
		(*tail)->name = name;
		name = NULL;
		tail = &(*tail)->next;
		skip_space(r);
		if (take(r, closing))
			break;
		if (!take(r, ",")) {
			e = refuse(r, "no comma between two values");
			break;
		}
	}
	free(name);
	return e;
}

static enum err read_list(struct reader *r, struct json *list)
{
	enum err e;

	if (r->depth == DEPTH_MAX)
		return refuse(r, "nested too deeply");
	r->depth++;
	e = read_members(r, list);
	r->depth--;
	return e;
}

static enum err read_value(struct reader *r, struct json **ret)
{
	struct json *j;
	enum err e = ERR_OK;

	if (++r->nodes > NODES_MAX)
		return refuse(r, "too many values");
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return err_because(r->why, ERR_MEMORY, "out of memory");
	skip_space(r);
	if (r->at == r->end) {
		e = refuse(r, "the text ends too early");
	} else if (*r->at == '{' || *r->at == '[') {
		j->kind = *r->at == '{' ? JSON_OBJECT : JSON_ARRAY;
		e = read_list(r, j);
	} else if (*r->at == '"') {
		j->kind = JSON_TEXT;
		e = read_text(r, &j->text);
	} else if (take(r, "true") || take(r, "false")) {
		j->kind = JSON_BOOL;
		j->truth = r->at[-2] == 'u';
	} else if (!take(r, "null")) {
		j->kind = JSON_NUMBER;
		e = read_number(r, &j->text);
	}
	if (e != ERR_OK) {
		json_free(j);
		return e;
	}
	*ret = j;
	return ERR_OK;
}

enum err json_parse(const char *at, size_t len, struct json **ret, struct why *why)
{
	struct reader r = { .at = at, .end = at + len, .why = why };
	struct json *j = NULL;
	enum err e = len > 0 ? read_value(&r, &j) : refuse(&r, "an empty text");

	if (e != ERR_OK)
		return e;
	skip_space(&r);
	if (r.at != r.end) {
		json_free(j);
		return refuse(&r, "something stands after the value");
	}
	*ret = j;
	return ERR_OK;
}
