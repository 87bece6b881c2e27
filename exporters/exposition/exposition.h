/* A pinned generation as a stream of text blocks, family by family in catalogue order, in text 0.0.4 or
 * OpenMetrics 1.0.0. Nothing is rendered before it is asked for, but for the small families (app, exporter),
 * which are written down when the exposition is opened, so that the whole body is one moment. */
#ifndef EXPORTERS_EXPOSITION_EXPOSITION_H
#define EXPORTERS_EXPOSITION_EXPOSITION_H

#include "exporters/store/store.h"

/* ---- what a reader wants: accept.c, coding.c and want.c, all pure ---- */

/* How names that are not [a-zA-Z0-9_:] would be written. All of ours are, so it is echoed and changes
 * nothing. */
enum escaping { ESCAPING_NONE, ESCAPING_ALLOW_UTF_8, ESCAPING_UNDERSCORES, ESCAPING_DOTS, ESCAPING_VALUES };

struct exposition_type {
	enum form form;
	enum escaping escaping; /* only with OpenMetrics */
};
/* What the Accept fields of a request, joined by commas, ask for (RFC 9110 12.5.1). Clauses that cannot be
 * read are as if they were not there; text is the answer to whoever accepts neither, so nobody hears 406. */
struct exposition_type exposition_accept(struct span accept);
const char *exposition_type_text(struct exposition_type t); /* the Content-Type; a constant */

enum coding { CODING_IDENTITY, CODING_GZIP };
/* The same for the Accept-Encoding fields (RFC 9110 12.5.3). Identity is the answer to whoever names nothing
 * that we have, so nobody hears 406 here either. */
enum coding exposition_coding(struct span accept_encoding);
const char *exposition_coding_text(enum coding c); /* the Content-Encoding; a constant, NULL: no field */

enum { EXPOSITION_EVERY_APP = -1 };

struct exposition_want {
	struct exposition_type type;
	enum coding coding;
	enum metric_scope level;   /* nothing finer, whatever the configuration says */
	int app;                   /* number of the only app whose series are shown, or EXPOSITION_EVERY_APP */
	struct metric_set metrics; /* the only ones that are shown */
	bool full;                 /* nothing was left out at the request's wish */

	const struct metric_set *enabled; /* these are for exposition_query alone */
	bool level_set, names_set;
};
/* Everything that is `enabled`, which is borrowed, in the text format, not compressed. */
struct exposition_want exposition_everything(const struct metric_set *enabled);
/* Narrows `w` by one pair of the request's query, decoded: level=WORD, app=NAME, name[]=METRIC (repeatable,
 * in the spelling of either format). Other keys are ignored. Of `apps` some may be NULL. Errors: ERR_CONFIG,
 * with a sentence in `why` for whoever asked. */
enum err exposition_query(struct exposition_want *w, const char *key, const char *value,
                          const char *const *apps, size_t app_n, struct why *why) MUST_USE;

/* ---- the stream ---- */
/* Deflated lines of the latest compressed bodies, so that the next one deflates only what changed. As large
 * as such a body, about a tenth of the text. It outlives every exposition it was given to. NULL: no memory.
 */
struct exposition_cache;
struct exposition_cache *exposition_cache_new(void);
void exposition_cache_free(struct exposition_cache *c); /* NULL is fine */

struct exposition;

struct exposition_parts {
	struct pin *pin;
	struct exposition_want want;
	const struct health_app *app; /* read during exposition_open only; without labels: not shown */
	size_t app_n;
	const struct health_exporter *exporter; /* may be NULL when none of its families is wanted */
	const struct health_probe *probe;       /* NULL: it is not the page of one */
	struct exposition_cache *cache;         /* of one store only; needed for CODING_GZIP */
};

/* Takes the pin, also when it fails. Errors: ERR_MEMORY, ERR_LIMIT (the small families alone pass 64 MiB). */
enum err exposition_open(const struct exposition_parts *parts, struct exposition **ret) MUST_USE;

/* Writes the next block, at most `room` bytes, into `at`; returns its length, 0 at the end, or
 * EXPOSITION_BROKEN: no memory to go on, the body must be cut off so that its reader notices. Any room above
 * 0 makes progress. Never blocks. Identity: whole lines when `room` is at least EXPOSITION_BLOCK_MIN. */
enum { EXPOSITION_BLOCK_MIN = 2 * SAMPLE_LINE_MAX };
#define EXPOSITION_BROKEN SIZE_MAX
size_t exposition_next(struct exposition *e, char *at, size_t room);

/* Length of the whole body, by rendering it once without keeping it. Identity only, and before the first
 * exposition_next. */
int64_t exposition_measure(struct exposition *e);

/* Series of the page by scope. False: it has not been read to its end, or the request left something out. */
bool exposition_series(const struct exposition *e, uint64_t ret[METRIC_SCOPES]);

void exposition_close(struct exposition *e); /* returns the pin; NULL is fine */

#endif
