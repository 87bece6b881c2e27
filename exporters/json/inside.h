/* What the files of this room share: the guard on its way through a text. */
#ifndef EXPORTERS_JSON_INSIDE_H
#define EXPORTERS_JSON_INSIDE_H

#include "exporters/json/json.h"

struct guard {
	char *start, *at, *end;
	uint32_t values, repaired;
	bool escaped; /* the latest string has an escape in it */
	enum err err;
	const char *what; /* is wrong at .at */

	/* What is not wanted is left out by moving what stands behind it, late and in long pieces: the text from
	 * .start to .out is in its place, and what is wanted from .kept to .at has yet to follow. */
	const struct json_names *wanted; /* NULL: everything is */
	uint64_t lengths;                /* bit n: a wanted name has n bytes, modulo 64 */
	size_t next;                     /* the wanted name that is tried first */
	bool unwanted;                   /* .at is inside of something that will be left out */
	char *out, *kept;
};

bool guard_refuse(struct guard *g, enum err e, const char *what);
/* False, and refused as cut, at the end of the text. */
static inline bool guard_more(struct guard *g)
{
	return g->at < g->end || guard_refuse(g, ERR_TRUNCATED, "the text ends");
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- string.c ---- */
/* The string whose opening quote is at .at; afterwards .at is behind the closing one. Sets .escaped. */
bool guard_string(struct guard *g);

/* ---- sift.c ---- */
void sift_begin(struct guard *g, const struct json_names *wanted);
/* Whether somebody will ask for a member of this name: the latest string, without its quotes. */
bool sift_wants(struct guard *g, const char *name, size_t len);
/* Leaves out what stands between `from` and `to`; calls come in the order of the text. */
void sift_cut(struct guard *g, const char *from, char *to);
/* Length of what is left. */
size_t sift_end(struct guard *g);

#endif
