/* A list that is not there at the moment, a folder that was not mounted, half of a file: all of them read
 * well, and take communities away with their facts and counters. */
#include <stdlib.h>
#include <string.h>

#include "agent/reload.h"

enum { FEW = 10 };

/* Of one app, or of all. */
struct loss {
	const struct conf_community *first; /* who goes */
	size_t n, of;
};

static bool grave(const struct loss *l)
{
	return l->n >= FEW && l->n > l->of / 2;
}

static int by_id(const void *l, const void *r)
{
	return strcmp(*(const char *const *)l, *(const char *const *)r);
}

/* Sorted; NULL without memory. */
static const char **ids_of(const struct conf_app *app)
{
	const char **ids = calloc(app->community_n + 1, sizeof(ids[0]));

	if (ids == NULL)
		return NULL;
	for (size_t i = 0; i < app->community_n; i++)
		ids[i] = app->community[i].id;
	qsort(ids, app->community_n, sizeof(ids[0]), by_id);
	return ids;
}

static const struct conf_app *same_app_in(const struct conf *c, const struct conf_app *app)
{
	for (size_t a = 0; a < c->app_n; a++)
		if (c->app[a].sdkappid == app->sdkappid)
			return &c->app[a];
	return NULL;
}

/* `now` is NULL when the app went as a whole. */
static enum err weigh(const struct conf_app *app, const struct conf_app *now, struct loss *ret)
{
	static const struct conf_app nobody = { .community_n = 0 };
	const struct conf_app *left = now != NULL ? now : &nobody;
	const char **ids = ids_of(left);
	struct loss l = { .of = app->community_n };

	if (ids == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < app->community_n; i++) {
		if (bsearch(&app->community[i].id, ids, left->community_n, sizeof(ids[0]), by_id) != NULL)
			continue;
		if (l.first == NULL)
			l.first = &app->community[i];
		l.n++;
	}
	free(ids);
	*ret = l;
	return ERR_OK;
}

static void tell(const struct conf *c, const struct loss *l, const char *of_app, struct buf *faults)
{
	const char *list = l->first->list;

	buf_fmt(faults,
	        "%s: this would take away %zu of the %zu communities%s%s; the first, '%s', stood in %s:%d; "
	        "if that is meant, say allow_shrink = true;\n",
	        c->path, l->n, l->of, of_app[0] != '\0' ? " of app " : "", of_app, l->first->id,
	        list != NULL ? list : c->path, l->first->line);
}

enum err shrink_check(const struct conf *before, const struct conf *next, struct buf *faults)
{
	struct loss all = { .n = 0 };
	size_t told = 0;

	if (next->allow_shrink)
		return ERR_OK;
	for (size_t a = 0; a < before->app_n; a++) {
		const struct conf_app *app = &before->app[a], *now = same_app_in(next, app);
		struct loss l;

		if (weigh(app, now, &l) != ERR_OK)
			return ERR_MEMORY;
		all.n += l.n;
		all.of += l.of;
		if (all.first == NULL)
			all.first = l.first;
		if (now != NULL && grave(&l)) { /* an app as a whole goes because somebody took it out */
			tell(before, &l, app->name, faults);
			told++;
		}
	}
	if (told == 0 && grave(&all))
		tell(before, &all, "", faults);
	return told > 0 || grave(&all) ? ERR_CONFIG : ERR_OK;
}
