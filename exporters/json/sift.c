/* Leaves members out of a text while the guard walks through it: of what an answer says about a topic, half
 * is never asked for, and what the tree does not hold costs nothing. */
#include <string.h>

#include "exporters/json/inside.h"

void sift_begin(struct guard *g, const struct json_names *wanted)
{
	g->wanted = wanted;
	g->out = g->kept = g->start;
	for (size_t i = 0; wanted != NULL && i < wanted->n; i++)
		g->lengths |= (uint64_t)1 << (wanted->name[i].len & 63);
}

/* Members come in the same order again and again, so the name after the latest one is tried first. */
static bool find(struct guard *g, const char *name, size_t len)
{
	const struct json_names *w = g->wanted;
	size_t at = g->next;

	for (size_t i = 0; i < w->n; i++) {
		at = at < w->n ? at : 0;
		if (w->name[at].len == len && memcmp(w->name[at].at, name, len) == 0) {
			g->next = at + 1;
			return true;
		}
		at++;
	}
	return false;
}

/* An escape can spell any name: the tree will tell. */
bool sift_wants(struct guard *g, const char *name, size_t len)
{
	if (g->wanted == NULL || g->escaped)
		return true;
	return (g->lengths >> (len & 63) & 1) != 0 && find(g, name, len);
}

void sift_cut(struct guard *g, const char *from, char *to)
{
	const size_t n = (size_t)(from - g->kept);

	if (g->out != g->kept)
		memmove(g->out, g->kept, n);
	g->out += n;
	g->kept = to;
}

size_t sift_end(struct guard *g)
{
	sift_cut(g, g->end, g->end);
	return (size_t)(g->out - g->start);
}
