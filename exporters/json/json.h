/* Answers as JSON: the guard that every answer passes first, the tree of cJSON behind it, and accessors that
 * take nothing on trust. Knows no command. */
#ifndef EXPORTERS_JSON_JSON_H
#define EXPORTERS_JSON_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"

enum { JSON_DEPTH_MAX = 32, JSON_VALUES_MAX = 200000, JSON_NUMBER_MAX = 63 };

/* One linear pass over an answer before cJSON sees it. Checks the whole JSON grammar, depth and the number of
 * values, and repairs in place, without changing the length, what would blind a community: invalid UTF-8 and
 * control bytes in strings become '?', \u0000 and lone surrogates become \uFFFD, a number of more than
 * JSON_NUMBER_MAX bytes becomes null. Source of the traps: measured behaviour of cJSON 1.7.15, which drops
 * the document for a lone surrogate, cuts strings at \u0000 and passes invalid UTF-8 on; without Debian's
 * patches it drops the document for a long number too. Errors: ERR_JSON; ERR_TRUNCATED when the text is a
 * proper beginning of JSON. `why` names the byte. */
enum err json_guard(char *json, size_t len, uint32_t *ret_repaired, struct why *why) MUST_USE;

/* Names of members, unescaped; each is NUL-terminated too. */
struct json_names {
	const struct span *name;
	size_t n;
};

/* The same, and leaves out what nobody will ask for: members of objects, at any depth, whose name is not
 * among the wanted ones. A name with an escape in it stays. What is left moves together, and *len becomes its
 * length; that counts on success only. The checks and repairs are of the whole answer. */
enum err json_sift(char *json, size_t *len, const struct json_names *wanted, uint32_t *ret_repaired,
                   struct why *why) MUST_USE;

/* A tree in an arena that is reset for each answer; at most one at a time, until json_drop. NULL: out of
 * memory, or more than 64 MiB of nodes. For text that passed the guard. */
const cJSON *json_parse(const char *json, size_t len);
void json_drop(void);

/* Members of `o`, which may be NULL or no object. Of two with the same name the first counts. Absent and null
 * are the same: NULL. */
const cJSON *json_member(const cJSON *o, const char *key);
/* All of these at once; ret has one for each name. */
void json_members(const cJSON *o, const struct json_names *names, const cJSON **ret);

/* What a member holds. NULL is "not there"; so is a wrong type or range, and that is counted in *doubtful. */
/* A whole number 0 .. max; above 2^53 nothing is exact, and so nothing is taken. */
bool json_int(const cJSON *v, int64_t max, int64_t *ret, uint32_t *doubtful);
bool json_text(const cJSON *v, const char **ret, uint32_t *doubtful);
/* ErrorCode; unlike other numbers it may be negative. */
bool json_code(const cJSON *v, int *ret, uint32_t *doubtful);
/* A whole number 0 .. 2^64 - 1 without loss, in digits only, or a string of them: member `key` of the object
 * `root`, which json_parse made of exactly this text. */
bool json_exact(const char *json, size_t len, const cJSON *root, const char *key, uint64_t *ret,
                uint32_t *doubtful);

#endif
