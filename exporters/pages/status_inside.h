/* What the writers of the status pages share. */
#ifndef EXPORTERS_PAGES_STATUS_INSIDE_H
#define EXPORTERS_PAGES_STATUS_INSIDE_H

#include "exporters/pages/status.h"

/* Of facts that may be NULL; below 0: not known. A COMMUNITY family, and how long the topic is quiet that has
 * been so for the longest, in seconds. */
int64_t status_fact(const struct facts *f, enum metric m);
int64_t status_idle_s(const struct facts *f, const struct now *now);

/* ---- status_order.c ---- */
/* What a community is ordered by: the lowest first, equals by their places. */
struct order_key {
	uint64_t key;
	uint32_t i; /* in the pin */
};
struct ordering {
	struct order_key *at, *room; /* room: as large */
	const char **name;           /* by number in the pin; NULL when names are not what counts */
	size_t shared;               /* bytes that all names begin with */
	bool reverse;                /* of names; numbers are made so */
};
void order_numbers(const struct ordering *o, size_t n);
/* The name of the community of number `i`, which will be at[n]. */
void order_take_name(struct ordering *o, size_t n, size_t i, const char *name);
/* As far as the places from `first` to `end` need it. */
void order_names(const struct ordering *o, size_t n, size_t first, size_t end);

/* One more key=value of a query that begins with "?", percent-encoded. */
void status_pair(struct buf *out, const char *key, const char *value);
/* The query of this community's topics from number `from` on. */
void status_community_query(const struct status_row *r, size_t from, struct buf *out);

/* ---- status_json_out.c: members of an object; a comma where one is needed ---- */
void object_key(struct buf *out, const char *key);
void object_text(struct buf *out, const char *key, const char *text); /* NULL: no member */
void object_span(struct buf *out, const char *key, struct span text);
void object_truth(struct buf *out, const char *key, bool value);
void object_number(struct buf *out, const char *key, int64_t value); /* below 0: no member */
/* value / 10^digits, exactly; below 0: no member. */
void object_decimal(struct buf *out, const char *key, int64_t value, int digits);
/* What is known of a community, as members of the object that is open. */
void object_row(struct buf *out, const struct status_source *s, const struct status_row *r);

/* ---- status_text_out.c: for terminals ---- */
/* Text that may be anything, in at most `columns` columns; what a terminal would obey instead of show stands
 * there as its number, "<U+202E>". Cut at a whole character, with "…" as the last one. Returns the columns.
 */
size_t text_plain(struct buf *out, struct span text, size_t columns);
/* The same, with blanks up to `columns`. */
void text_padded(struct buf *out, struct span text, size_t columns);
/* To the right of `columns`; "-" when it is below 0. */
void text_number(struct buf *out, int64_t value, int columns);
void text_span(struct buf *out, int64_t seconds, int columns);
/* value / 1000 with one digit. */
void text_milli(struct buf *out, int64_t value, int columns);
/* "api_error 10015" */
void text_reason(struct buf *out, enum err reason, int code);

#endif
