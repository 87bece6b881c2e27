/* The language of manual pages. */
#ifndef DEPLOY_DOCS_ROFF_H
#define DEPLOY_DOCS_ROFF_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"

/* Text that stands for itself; `literal`: every hyphen in it is a minus, as in a flag or a path. */
void roff_plain(struct buf *out, const char *text, size_t len, bool literal);
/* The same, and Markdown's `code` becomes bold. */
void roff_text(struct buf *out, const char *text, size_t len);
void roff_line(struct buf *out, const char *text);
void roff_head(struct buf *out, const char *title, const char *section, const char *what);
/* A term and what it means. */
void roff_item(struct buf *out, const char *term, const char *meaning);
/* What `write` writes, in lines that are not too long. */
void roff_page(struct buf *out, void (*write)(struct buf *));

#endif
