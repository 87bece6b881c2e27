#include "agent/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 256 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_wrap(struct buf *b, char *at, size_t room)
{
	*b = (struct buf){ .at = at, .cap = room, .max = room, .borrowed = true };
}

/* Makes room for `n` more bytes, or fails for good. */
static bool buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;
	char *at;

	if (b->status != ERR_OK)
		return false;
	if (n <= b->cap - b->len)
		return true;
	if (n > b->max - b->len || b->borrowed) {
		b->status = ERR_LIMIT;
		return false;
	}
	while (cap < b->len + n)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	at = realloc(b->at, cap);
	if (at == NULL) {
		b->status = ERR_MEMORY;
		return false;
	}
	b->at = at;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *src, size_t n)
{
	if (n == 0 || !buf_grow(b, n))
		return;
	memcpy(b->at + b->len, src, n);
	b->len += n;
}

void buf_span(struct buf *b, struct span s)
{
	buf_add(b, s.at, s.len);
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap, again;
	int n;

	if (b->status != ERR_OK)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0) {
		b->status = ERR_LIMIT;
	} else if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
	} else if (buf_grow(b, (size_t)n + 1)) {
		/* The NUL that vsnprintf writes stands in the reserved byte and is not content. */
		(void)vsnprintf(b->at + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

char *buf_room(struct buf *b, size_t n)
{
	return buf_grow(b, n) ? b->at + b->len : NULL;
}

void buf_rewind(struct buf *b, size_t len)
{
	b->len = len;
	b->status = ERR_OK;
}

void buf_reset(struct buf *b)
{
	buf_rewind(b, 0);
}

const char *buf_text(struct buf *b)
{
	if (!buf_grow(b, 1))
		return "";
	b->at[b->len] = '\0';
	return b->at;
}

char *buf_take(struct buf *b, size_t *ret_len)
{
	char *at = NULL;

	if (!b->borrowed && buf_grow(b, 1)) {
		b->at[b->len] = '\0';
		at = b->at;
		*ret_len = b->len;
		b->at = NULL;
	}
	buf_done(b);
	return at;
}

void buf_done(struct buf *b)
{
	if (!b->borrowed)
		free(b->at);
	buf_init(b, b->max);
}

struct span span_of(const char *s)
{
	return (struct span){ .at = s, .len = s != NULL ? strlen(s) : 0 };
}

struct span buf_view(const struct buf *b)
{
	return (struct span){ .at = b->at, .len = b->len };
}
