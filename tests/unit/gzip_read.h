/* Compressed bodies, read with zlib. */
#ifndef TESTS_UNIT_GZIP_READ_H
#define TESTS_UNIT_GZIP_READ_H

#include "exporters/exposition/exposition.h"

/* Reads `e` to its end in blocks of `room` bytes, checks that it is one gzip member with nothing behind it,
 * and appends what it holds to `out`. Returns the number of compressed bytes. */
size_t gzip_read(struct exposition *e, size_t room, struct buf *out);
/* The same for a body that is at hand. */
void gzip_inflate(char *at, size_t len, struct buf *out);

#endif
