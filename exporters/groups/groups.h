/* get_appid_group_list and nothing else: its question, its answer, the way through its pages, and which of
 * the communities in it are wanted. Pure functions: no clock, no I/O, no state but what is passed. Source:
 * the service's page about that command. */
#ifndef EXPORTERS_GROUPS_GROUPS_H
#define EXPORTERS_GROUPS_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/chat/chat.h"

enum {
	GROUPS_PAGE = 10000, /* the most ids a page can have */
	GROUPS_LEAST = 1250, /* and the fewest that are asked for */
	GROUPS_ID_MAX = 96,  /* bytes of an id */
	GROUPS_PAGES_MAX = 200,
	GROUPS_IDS_MAX = 1000000,
};

/* The JSON body of the request for the page that `next` leads to (0: the first), of at most `limit` ids. */
void groups_ask(struct buf *out, uint64_t next, uint32_t limit);

/* What one answer gave. */
struct groups_page {
	const char **id; /* sorted by strcmp, each once; the texts are the page's own */
	size_t n;
	uint64_t next;          /* leads to the next page; 0: this was the last one */
	int64_t total;          /* TotalCount; -1: not told */
	uint32_t listed;        /* elements of the list, fine or not */
	uint32_t doubtful;      /* elements without a usable id, and fields of a wrong type */
	uint32_t repaired;      /* bytes the guard had to replace */
	struct outcome outcome; /* of the whole answer; ERR_OK when usable */
	char *text;
};

/* Checks, repairs (in place) and decodes an answer. An id is 1 to GROUPS_ID_MAX bytes of UTF-8 without
 * control characters; other elements are skipped. A Next that is there and cannot be read exactly is
 * ERR_SCHEMA, so that it is never taken for the end; so is a list without any usable id, and no list at all,
 * unless TotalCount says 0. The result always describes the answer, with no ids unless it is usable; out of
 * memory is ERR_LOCAL_RESOURCE in .outcome. `why` explains a failure. */
void groups_decode(char *json, size_t len, struct groups_page *ret, struct why *why);
void groups_page_done(struct groups_page *p);

/* ---- the way through the pages ---- */
/* One listing. It is whole only when groups_walk_page said GROUPS_DONE: whoever removes what was not listed
 * waits for that. A page that failed changes nothing and may be asked for again. */
struct groups_walk {
	uint64_t next; /* what to ask with */
	uint32_t limit;
	uint32_t pages;                  /* taken so far */
	uint64_t listed;                 /* elements on them */
	uint64_t seen[GROUPS_PAGES_MAX]; /* every Next so far; a page may not lead to one of them again */
};
enum groups_step { GROUPS_MORE, GROUPS_DONE, GROUPS_BROKEN };

void groups_walk_begin(struct groups_walk *w);
/* Takes a usable page. GROUPS_BROKEN, with `why`: Next repeats, there are more than GROUPS_PAGES_MAX pages or
 * GROUPS_IDS_MAX ids, or the end comes before half of TotalCount was listed. The walk is over then. */
enum groups_step groups_walk_page(struct groups_walk *w, const struct groups_page *p,
                                  struct why *why) MUST_USE;
/* The answer would have been too large (CHAT_MORE): asks for half from here on; false: less makes no sense.
 */
bool groups_walk_less(struct groups_walk *w) MUST_USE;

/* ---- which communities ---- */
/* Globs as fnmatch(3) has them, without flags: `*` matches any bytes, `@`, `#`, `_` and `/` stand for
 * themselves. Borrowed. */
struct groups_filter {
	const char *const *include; /* include_n 0: every id */
	size_t include_n;
	const char *const *exclude; /* wins over include */
	size_t exclude_n;
};
bool groups_wanted(const char *id, const struct groups_filter *f);

#endif
