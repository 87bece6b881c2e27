#include <fnmatch.h>
#include <inttypes.h>

#include "exporters/groups/groups.h"

void groups_walk_begin(struct groups_walk *w)
{
	*w = (struct groups_walk){ .limit = GROUPS_PAGE };
}

static enum groups_step broken(enum err e)
{
	(void)e; /* ERR_SCHEMA; `why` says more */
	return GROUPS_BROKEN;
}

/* Communities that come and go while the pages are read make the sum differ from TotalCount by a few. A list
 * that ends before half of them is not such a difference, and removing the rest would be wrong. */
static bool is_cut_short(const struct groups_walk *w, const struct groups_page *p)
{
	return p->total > 0 && w->listed < (uint64_t)p->total - (uint64_t)p->total / 2;
}

static enum groups_step finish(struct groups_walk *w, const struct groups_page *p, struct why *why)
{
	w->pages++;
	if (is_cut_short(w, p))
		return broken(err_because(why, ERR_SCHEMA, "the listing ends after %" PRIu64 " of %" PRId64 " ids",
		                          w->listed, p->total));
	return GROUPS_DONE;
}

enum groups_step groups_walk_page(struct groups_walk *w, const struct groups_page *p, struct why *why)
{
	w->listed += p->listed;
	if (w->listed > GROUPS_IDS_MAX)
		return broken(err_because(why, ERR_SCHEMA, "the listing has more than %d ids", GROUPS_IDS_MAX));
	if (p->next == 0)
		return finish(w, p, why);
	for (uint32_t i = 0; i < w->pages; i++)
		if (w->seen[i] == p->next)
			return broken(
				err_because(why, ERR_SCHEMA, "the listing leads to Next %" PRIu64 " again", p->next));
	if (w->pages + 1 == GROUPS_PAGES_MAX)
		return broken(err_because(why, ERR_SCHEMA, "the listing has more than %d pages", GROUPS_PAGES_MAX));
	w->seen[w->pages++] = p->next;
	w->next = p->next;
	return GROUPS_MORE;
}

bool groups_walk_less(struct groups_walk *w)
{
	if (w->limit / 2 < GROUPS_LEAST)
		return false;
	w->limit /= 2;
	return true;
}

static bool matches_one(const char *id, const char *const *glob, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fnmatch(glob[i], id, 0) == 0)
			return true;
	return false;
}

bool groups_wanted(const char *id, const struct groups_filter *f)
{
	return (f->include_n == 0 || matches_one(id, f->include, f->include_n)) &&
	       !matches_one(id, f->exclude, f->exclude_n);
}
