#include "tests/unit/gzip_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#define CHECK assert_true

enum { GZIP_ONLY = 31, TEXT = 32 << 10 };

/* Returns zlib's last word. */
static int inflate_block(z_stream *z, char *at, size_t len, struct buf *out)
{
	char text[TEXT];
	int status = Z_OK;

	z->next_in = (Bytef *)at;
	z->avail_in = (uInt)len;
	do {
		z->next_out = (Bytef *)text;
		z->avail_out = sizeof(text);
		status = inflate(z, Z_NO_FLUSH);
		buf_add(out, text, sizeof(text) - z->avail_out);
	} while (status == Z_OK && z->avail_out == 0);
	CHECK(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR);
	CHECK(z->avail_in == 0);
	return status;
}

size_t gzip_read(struct exposition *e, size_t room, struct buf *out)
{
	char *block = malloc(room);
	z_stream z = { 0 };
	int status = Z_OK;
	size_t n, sum = 0;

	CHECK(block != NULL && inflateInit2(&z, GZIP_ONLY) == Z_OK);
	while ((n = exposition_next(e, block, room)) > 0) {
		CHECK(n <= room && status != Z_STREAM_END);
		status = inflate_block(&z, block, n, out);
		sum += n;
	}
	CHECK(status == Z_STREAM_END && out->status == ERR_OK);
	(void)inflateEnd(&z);
	free(block);
	return sum;
}

void gzip_inflate(char *at, size_t len, struct buf *out)
{
	z_stream z = { 0 };

	CHECK(inflateInit2(&z, GZIP_ONLY) == Z_OK);
	CHECK(inflate_block(&z, at, len, out) == Z_STREAM_END && out->status == ERR_OK);
	(void)inflateEnd(&z);
}
