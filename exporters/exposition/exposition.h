/* A pinned generation as a stream of text blocks, family by family in catalogue order, text format 0.0.4.
 * Nothing is rendered before it is asked for, but for the small families (app, exporter), which are written
 * down when the exposition is opened, so that the whole body is one moment. */
#ifndef EXPORTERS_EXPOSITION_EXPOSITION_H
#define EXPORTERS_EXPOSITION_EXPOSITION_H

#include "exporters/store/store.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition;

struct exposition_parts {
	struct pin *pin;
	const struct health_app *app; /* read during exposition_open only */
	size_t app_n;
	const struct health_exporter *exporter;
};

/* Takes the pin, also when it fails. Errors: ERR_MEMORY, ERR_LIMIT (the small families alone pass 64 MiB). */
enum err exposition_open(const struct exposition_parts *parts, struct exposition **ret) MUST_USE;

/* Writes the next block, at most `room` bytes, into `at`; returns its length, 0 at the end. Whole lines when
 * `room` is at least EXPOSITION_BLOCK_MIN; any room above 0 makes progress. Never blocks. */
enum { EXPOSITION_BLOCK_MIN = 2 * SAMPLE_LINE_MAX };
size_t exposition_next(struct exposition *e, char *at, size_t room);

/* Length of the whole body, by rendering it once without keeping it. Before the first exposition_next only.
 */
int64_t exposition_measure(struct exposition *e);

void exposition_close(struct exposition *e); /* returns the pin; NULL is fine */

#endif
