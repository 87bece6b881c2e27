/* What the files of this room share. */
#ifndef EXPORTERS_EXPOSITION_INSIDE_H
#define EXPORTERS_EXPOSITION_INSIDE_H

#include "exporters/exposition/exposition.h"

/* ---- lines.c: the lines of one family, community after community ---- */

/* A pin as one request sees it. */
struct view {
	struct pin *pin;
	enum metric_scope level;
	int app;
};

/* Where the next line comes from. */
struct place {
	size_t community, topic;
};

/* Writes lines of a TOPIC or COMMUNITY family from `at` on, up to community `end`, and moves `at` behind what
 * was written. They depend on nothing but the view and the facts and health of these communities. True when
 * all of them fitted; else `out` ends with a whole line, and its status is ERR_LIMIT. Adds to `lines` those
 * of a COMMUNITY family. */
bool lines_write(const struct view *v, enum metric m, struct place *at, size_t end, struct buf *out,
                 uint64_t *lines);

#endif
