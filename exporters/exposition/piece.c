#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "exporters/exposition/inside.h"

/* Raw deflate; the member around it is gzip.c's. Level 3, with a search that takes the first match:
 * lines so much alike deflate to a tenth at any level, and a page that changed must not cost more than it is
 * worth. */
enum { LEVEL = 3, RAW_WINDOW = -15, MEMORY = 7, FLUSH_ROOM = 64 };
enum { GOOD = 4, LAZY = 2, NICE = 258, CHAIN = 1 };

struct packer {
	z_stream z;
	unsigned char *out;
	size_t out_room;
	char text[PIECE_TEXT_MAX];
};

struct piece *piece_hold(struct piece *p)
{
	p->refs++;
	return p;
}

/* A slice may have many pieces: no recursion. */
void piece_drop(struct piece *p)
{
	while (p != NULL && --p->refs == 0) {
		struct piece *next = p->next;

		free(p);
		p = next;
	}
}

struct piece *piece_frame(const unsigned char *at, size_t len)
{
	struct piece *p = malloc(sizeof(*p) + len);

	if (p == NULL)
		return NULL;
	*p = (struct piece){ .refs = 1, .len = (uint32_t)len, .combine = (uint32_t)crc32_combine_gen(0) };
	if (len > 0)
		memcpy(p->at, at, len);
	return p;
}

struct packer *packer_new(void)
{
	struct packer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	if (deflateInit2(&p->z, LEVEL, Z_DEFLATED, RAW_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(p);
		return NULL;
	}
	p->out_room = deflateBound(&p->z, PIECE_TEXT_MAX) + FLUSH_ROOM;
	p->out = malloc(p->out_room);
	if (p->out == NULL) {
		packer_free(p);
		return NULL;
	}
	return p;
}

void packer_free(struct packer *p)
{
	if (p == NULL)
		return;
	(void)deflateEnd(&p->z);
	free(p->out);
	free(p);
}

char *packer_text(struct packer *p)
{
	return p->text;
}

/* A full flush ends on a byte and with an empty block, so that what follows stands alone. */
static size_t deflate_all(struct packer *p, const char *text, size_t len)
{
	(void)deflateReset(&p->z);
	(void)deflateTune(&p->z, GOOD, LAZY, NICE, CHAIN); /* a reset forgets it */
	p->z.next_in = (z_const Bytef *)text;
	p->z.avail_in = (uInt)len;
	p->z.next_out = p->out;
	p->z.avail_out = (uInt)p->out_room;
	if (deflate(&p->z, Z_FULL_FLUSH) != Z_OK || p->z.avail_in > 0 || p->z.avail_out == 0)
		abort(); /* out_room is deflateBound and more */
	return p->out_room - p->z.avail_out;
}

struct piece *packer_pack(struct packer *p, const char *text, size_t len)
{
	struct piece *made;

	if (len == 0)
		return piece_frame(NULL, 0);
	made = piece_frame(p->out, deflate_all(p, text, len));
	if (made == NULL)
		return NULL;
	made->text_len = (uint32_t)len;
	made->crc = (uint32_t)crc32_z(0, (const Bytef *)text, len);
	made->combine = (uint32_t)crc32_combine_gen((z_off_t)len);
	return made;
}
