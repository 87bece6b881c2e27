/* Bytes that grow up to a hard cap.
 *
 * - `at[0 .. len)` is the content; it is not NUL-terminated unless buf_text says so.
 * - The first failure sticks in .status (ERR_MEMORY, or ERR_LIMIT at the cap) and turns every
 *   later call into a no-op, so callers append freely and check once, at the end.
 * - An append is whole or absent: a string that does not fit leaves `len` where it was. */
#ifndef AGENT_BASE_BUF_H
#define AGENT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/err.h"

struct buf {
	char *at;
	size_t len, cap, max;
	bool borrowed; /* `at` belongs to somebody else and never grows */
	enum err status;
};

/* Bytes that belong to somebody else. */
struct span {
	const char *at;
	size_t len;
};

void buf_init(struct buf *b, size_t max);            /* allocates nothing, cannot fail */
void buf_wrap(struct buf *b, char *at, size_t room); /* writes into the caller's memory */
void buf_add(struct buf *b, const void *src, size_t n);
void buf_span(struct buf *b, struct span s);
void buf_str(struct buf *b, const char *s);
/* May ask for one byte more than it adds, because printf ends with a NUL. */
void buf_fmt(struct buf *b, const char *fmt, ...) FORMAT(2, 3);

/* `n` writable bytes at the end, NULL after a failure. The caller writes up to `n` of them and adds what it
 * wrote to `len` itself. For hot loops. */
char *buf_room(struct buf *b, size_t n);

/* Back to `len` bytes and healthy: drops the half-written line that did not fit.
 * `len` must be a length the buffer had before. */
void buf_rewind(struct buf *b, size_t len);
void buf_reset(struct buf *b); /* empty and healthy again, memory kept */

/* The content as a C string, borrowed until the next call; "" after a failure. Like buf_take it needs a byte
 * for the NUL: content that reaches the cap is a failure. */
const char *buf_text(struct buf *b);

/* The content leaves the buffer, NUL-terminated; the caller frees it. NULL after a failure.
 * Not for a wrapped buffer. */
char *buf_take(struct buf *b, size_t *ret_len);
void buf_done(struct buf *b);

struct span span_of(const char *s); /* a C string without its NUL; NULL is empty */
struct span buf_view(const struct buf *b);

#endif
