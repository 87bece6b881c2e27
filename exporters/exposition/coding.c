/* Which content coding a reader is answered in. */
#include "exporters/exposition/clause.h"
#include "exporters/exposition/exposition.h"

enum { UNNAMED = -1, REFUSED = 0 };

/* What is refused in one place and wanted in another stays refused. */
static void note(int *weight, int more)
{
	if (*weight == UNNAMED || more == REFUSED || (*weight != REFUSED && more > *weight))
		*weight = more;
}

enum coding exposition_coding(struct span accept_encoding)
{
	int gzip = UNNAMED, identity = UNNAMED, star = UNNAMED;
	struct clause c;

	while (clause_next(&accept_encoding, &c)) {
		if (clause_is(c.name, "gzip") || clause_is(c.name, "x-gzip"))
			note(&gzip, c.weight);
		else if (clause_is(c.name, "identity"))
			note(&identity, c.weight);
		else if (clause_is(c.name, "*"))
			note(&star, c.weight);
	}
	if (gzip != UNNAMED)
		return gzip != REFUSED && gzip >= identity ? CODING_GZIP : CODING_IDENTITY;
	if (star != UNNAMED)
		return star != REFUSED && star > identity ? CODING_GZIP : CODING_IDENTITY;
	return identity == REFUSED ? CODING_GZIP : CODING_IDENTITY;
}

const char *exposition_coding_text(enum coding c)
{
	return c == CODING_GZIP ? "gzip" : NULL;
}
