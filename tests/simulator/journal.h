/* What was asked, for tests to read back: the last calls one by one, counts over all of them, and the times
 * of a million. */
#ifndef SIMULATOR_JOURNAL_H
#define SIMULATOR_JOURNAL_H

#include <stdint.h>

#include "tests/simulator/json.h"
#include "tests/simulator/ticks.h"
#include "tests/simulator/world.h"

enum {
	JOURNAL_RING = 65536,
	JOURNAL_QUESTIONS = 4096, /* of the newest calls the body is kept as well */
	JOURNAL_QUESTION_MAX = 16384,
	JOURNAL_CODES_MAX = 128
};

struct journal_entry {
	uint64_t id;              /* from 1, without gaps */
	int64_t mono_ms, unix_ms; /* when the whole request was there */
	int64_t duration_ms;      /* -1: not finished yet */
	uint64_t sdkappid, connection, bytes;
	enum command command;
	size_t topics_asked;
	int status, code;                              /* status 0: no answer was sent */
	char community[WORLD_ID_MAX + 1], account[64]; /* see journal_text */
	const char *fault;                             /* a static text */
	const char *question;                          /* the body, copied by journal_add; NULL: not to be told */
};

struct journal;

struct journal *journal_new(void); /* NULL when out of memory */
void journal_free(struct journal *j);
/* Copies a text from a request, cut at a character; NULL is empty. */
void journal_text(char *to, size_t room, const char *from);
/* Keeps a copy under the next id, which it returns. */
uint64_t journal_add(struct journal *j, const struct journal_entry *e);
void journal_finish(struct journal *j, uint64_t id, int64_t duration_ms, uint64_t bytes);
/* Entries with an id above `since`, at most `limit`. */
void journal_show(const struct journal *j, uint64_t since, uint64_t limit, struct json_out *o);
const struct ticks *journal_ticks(const struct journal *j);
void journal_show_stats(const struct journal *j, struct json_out *o);

#endif
