/* A strict JSON reader (RFC 8259) that keeps numbers as they were written, and a writer.
 *
 * Reader: one text becomes a tree; depth and size are capped; strings must be UTF-8 without NUL; a
 * name twice in one object is refused. Nothing is shared with the program under test, on purpose.
 * Writer: members in order, commas by itself, bytes from 0x80 on as they come, so that a scenario
 * can send broken UTF-8. */
#ifndef SIMULATOR_JSON_H
#define SIMULATOR_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_kind kind;
	bool truth;
	char *text; /* a text, or a number as it was written */
	char *name; /* of a member of an object, else NULL */
	struct json *child, *next;
};

enum err json_parse(const char *at, size_t len, struct json **ret, struct why *why) MUST_USE;
void json_free(struct json *j);
/* A copy of one value and everything in it; NULL when out of memory. */
struct json *json_copy(const struct json *j);

/* The member `name` of an object; NULL when absent or `object` is no object. */
const struct json *json_get(const struct json *object, const char *name);
/* The text of a JSON_TEXT, else NULL. */
const char *json_str(const struct json *j);
/* False unless `j` is a whole number that fits. */
bool json_int(const struct json *j, int64_t *ret);
bool json_uint(const struct json *j, uint64_t *ret);
bool json_real(const struct json *j, double *ret);
size_t json_count(const struct json *list);
/* The first member of an object whose name is none of `names`, which ends with NULL; NULL when there is none.
 */
const char *json_stranger(const struct json *object, const char *const *names);

struct json_out {
	struct buf *buf;
	bool comma;          /* something stands before */
	bool quoted_numbers; /* numbers are written as strings */
};

/* `name` is NULL inside an array and at the top. */
void json_open(struct json_out *o, const char *name, char bracket);
void json_close(struct json_out *o, char bracket);
void json_put_text(struct json_out *o, const char *name, const char *text);
void json_put_int(struct json_out *o, const char *name, int64_t number);
void json_put_uint(struct json_out *o, const char *name, uint64_t number);
void json_put_real(struct json_out *o, const char *name, double number);
void json_put_bool(struct json_out *o, const char *name, bool truth);
void json_put_null(struct json_out *o, const char *name);

#endif
