#include "exporters/pages/pack.h"

#include <string.h>
#include <zlib.h>

enum {
	FIELD_MAX = 16 << 10, /* no head is longer */
	WORTH = 1400,         /* below it everything is in one packet anyway */
	LEVEL = 1,            /* a page is full of repetitions: more effort makes little of it smaller */
	GZIP_BITS = 15 + 16,
};

/* "gzip;q=0" and "gzip;q=0.000" refuse it. */
static bool has_weight(const char *rest)
{
	const char *q = strstr(rest, "q=");
	const char *end = rest + strcspn(rest, ",");

	if (q == NULL || q > end)
		return true;
	q += 2;
	return q[strspn(q, "0.")] >= '1' && q[strspn(q, "0.")] <= '9';
}

bool pack_lists(const struct web_request *q, const char *field, const char *word)
{
	const size_t len = strlen(word);
	char text[FIELD_MAX];
	struct buf list;
	const char *at;

	buf_wrap(&list, text, sizeof(text));
	web_headers(q, field, &list);
	for (at = buf_text(&list); *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
		at += strspn(at, " \t");
		if (strncmp(at, word, len) == 0 && (at[len] == '\0' || strchr(" \t,;", at[len]) != NULL))
			return has_weight(at + len);
	}
	return false;
}

static bool deflate_whole(struct buf *from, struct buf *to)
{
	z_stream z = { .next_in = (unsigned char *)from->at, .avail_in = (unsigned)from->len };
	size_t room;
	bool fine;

	if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	room = deflateBound(&z, from->len);
	buf_init(to, room + 1); /* and the NUL that a body ends with */
	z.next_out = (unsigned char *)buf_room(to, room);
	z.avail_out = (unsigned)room;
	fine = z.next_out != NULL && deflate(&z, Z_FINISH) == Z_STREAM_END;
	to->len = fine ? z.total_out : 0;
	(void)deflateEnd(&z);
	if (!fine)
		buf_done(to);
	return fine;
}

void pack_body(const struct web_request *q, struct web_reply *reply)
{
	struct buf packed;

	if (reply->body.status != ERR_OK || reply->body.len < WORTH || !pack_lists(q, "Accept-Encoding", "gzip"))
		return;
	if (!deflate_whole(&reply->body, &packed))
		return;
	buf_done(&reply->body);
	reply->body = packed;
	reply->encoding = "gzip";
}
