/* What the files of this room share. */
#ifndef EXPORTERS_EXPOSITION_INSIDE_H
#define EXPORTERS_EXPOSITION_INSIDE_H

#include "exporters/exposition/exposition.h"

/* ---- lines.c: the lines of one family, community after community ---- */

/* A pin as one request sees it. */
struct view {
	struct pin *pin;
	enum metric_scope level;
	int app;
};

/* Where the next line comes from. */
struct place {
	size_t community, topic;
};

/* Writes lines of a TOPIC or COMMUNITY family from `at` on, up to community `end`, and moves `at` behind what
 * was written. They depend on nothing but the view and the facts and health of these communities. True when
 * all of them fitted; else `out` ends with a whole line, and its status is ERR_LIMIT. Adds to `lines` those
 * of a COMMUNITY family. */
bool lines_write(const struct view *v, enum metric m, struct place *at, size_t end, struct buf *out,
                 uint64_t *lines);
/* What the lines of one community depend on, mixed into `seed`: with the same seed the same number means the
 * same lines, when every app is shown. */
uint64_t lines_stamp(const struct view *v, enum metric m, size_t community, uint64_t seed);

/* ---- a body under way ---- */
struct cursor {
	int metric; /* METRIC_COUNT: only the small families are left */
	struct place at;
	bool headed;    /* the family's header has been sent */
	size_t small;   /* bytes of the small families sent */
	uint64_t lines; /* of community families */
};

struct exposition {
	struct view view;
	struct metric_set metrics; /* to show */
	enum form form;
	bool full;
	struct buf small; /* app and exporter families, and the end mark; rendered when opened */
	uint64_t small_series[METRIC_SCOPES];
	struct cursor at;
	struct gzip *gzip; /* NULL: the body is sent as it is */
	size_t spill_sent, spill_len;
	char spill[EXPOSITION_BLOCK_MIN]; /* a block for a caller with less room than that */
};
/* Whether the family the cursor stands in has lines of communities to show. */
bool exposition_is_streamed(const struct exposition *e);
/* On to the next family. */
void exposition_advance(struct exposition *e);

/* ---- plain.c ---- */
/* The next block; `room` is at least EXPOSITION_BLOCK_MIN. */
size_t plain_next(struct exposition *e, char *at, size_t room);

/* ---- gzip.c: the same body as one gzip member, spliced from pieces ---- */
struct gzip;
struct gzip *gzip_new(const struct exposition *e, struct exposition_cache *cache); /* NULL: no memory */
/* The next block, or EXPOSITION_BROKEN: no memory for it. */
size_t gzip_next(struct exposition *e, char *at, size_t room);
void gzip_free(struct gzip *g); /* NULL is fine */

/* ---- piece.c: text, deflated ---- */
/* The text of a piece, at most: what zlib takes without moving its window, which makes it three times faster.
 */
enum { PIECE_TEXT_MAX = 60 << 10 };
/* A whole number of deflate blocks that refer to nothing before them and end on a byte: pieces can be sent
 * one behind the other, whatever they hold. Immutable but for `next`; counted references. */
struct piece {
	unsigned refs;
	uint32_t len;          /* of the deflated bytes */
	uint32_t text_len;     /* of what they hold */
	uint32_t crc, combine; /* CRC-32 of that, and zlib's operator for its length */
	uint32_t lines;        /* of a COMMUNITY family */
	struct piece *next;    /* the rest of the same slice; a reference */
	unsigned char at[];
};
struct piece *piece_hold(struct piece *p);
void piece_drop(struct piece *p); /* NULL is fine */
/* Bytes of a gzip member that hold no text. NULL: no memory. */
struct piece *piece_frame(const unsigned char *at, size_t len);

struct packer;
struct packer *packer_new(void); /* NULL: no memory */
void packer_free(struct packer *p);
/* Room for the text of a piece, the packer's own. */
char *packer_text(struct packer *p);
/* Deflates up to PIECE_TEXT_MAX bytes, of packer_text or anywhere else. NULL: no memory. */
struct piece *packer_pack(struct packer *p, const char *text, size_t len);

/* ---- slices.c: the pieces that were made last ---- */
struct packer *cache_packer(struct exposition_cache *c);
/* Communities of one family that are deflated together: those whose keys begin with the same `bits` bits.
 * Since keys are hashes, slices hold about the same number; who comes or goes changes one of them. */
struct slice {
	size_t number, end; /* end: the first community behind it */
	uint64_t stamp;     /* what its lines depend on */
};
/* How many bits that is on a page, by its communities or its topics; not the same every time near a limit. */
unsigned cache_bits(struct exposition_cache *c, enum metric_scope scope, const struct view *v);
struct slice cache_slice(const struct view *v, enum metric m, unsigned bits, size_t first);
/* A reference to the first piece of these lines; NULL: they were not made, or something changed. */
struct piece *cache_find(struct exposition_cache *c, enum metric m, unsigned bits, const struct slice *s);
/* Takes the reference. Kept until another takes its place. */
void cache_keep(struct exposition_cache *c, enum metric m, unsigned bits, const struct slice *s,
                struct piece *first);
/* A reference to the header of a family as a piece. NULL: no memory. */
struct piece *cache_header(struct exposition_cache *c, enum metric m, enum form form);

#endif
