/* Names that stand twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/inside.h"

struct named {
	const char *name, *list; /* list: where it stands; NULL: the configuration file */
	int line;
	size_t index; /* what comes first there */
};

static int by_name(const void *left, const void *right)
{
	const struct named *l = left, *r = right;
	const int order = strcmp(l->name, r->name);

	return order != 0 ? order : (l->index > r->index) - (l->index < r->index);
}

/* The fault stands where the name stands again. */
static void report_again(const struct named *first, const struct named *again, const char *what,
                         struct faults *f)
{
	const char *config = f->path;

	if (again->list != NULL)
		f->path = again->list;
	if (first->list == again->list)
		fault_add(f, again->line, "%s '%.200s' stands here again; it is already in line %d", what,
		          again->name, first->line);
	else
		fault_add(f, again->line, "%s '%.200s' stands here again; it is already in %.200s:%d", what,
		          again->name, first->list != NULL ? first->list : config, first->line);
	f->path = config;
}

static void report_twice(struct named *at, size_t n, const char *what, struct faults *f)
{
	qsort(at, n, sizeof(*at), by_name);
	for (size_t i = 1; i < n; i++)
		if (at[i].name[0] != '\0' && strcmp(at[i - 1].name, at[i].name) == 0)
			report_again(&at[i - 1], &at[i], what, f);
}

static void apps_twice(const struct conf *c, struct named *at, struct faults *f)
{
	char(*id)[24] = calloc(c->app_n + 1, sizeof(*id));

	f->no_memory |= id == NULL;
	for (size_t i = 0; id != NULL && i < c->app_n; i++) {
		if (c->app[i].sdkappid != 0)
			(void)snprintf(id[i], sizeof(id[i]), "%lld", (long long)c->app[i].sdkappid);
		at[i] = (struct named){ id[i], NULL, c->app[i].line, i };
	}
	if (id != NULL)
		report_twice(at, c->app_n, "sdkappid", f);
	for (size_t i = 0; i < c->app_n; i++)
		at[i] = (struct named){ c->app[i].sdkappid != 0 ? c->app[i].name : "", NULL, c->app[i].line, i };
	report_twice(at, c->app_n, "app name", f);
	free(id);
}

void check_twice(const struct conf *c, struct faults *f)
{
	size_t most = c->app_n + 1;
	struct named *at;

	for (size_t a = 0; a < c->app_n; a++)
		if (c->app[a].community_n > most)
			most = c->app[a].community_n;
	at = calloc(most, sizeof(*at));
	f->no_memory |= at == NULL;
	if (at == NULL)
		return;
	apps_twice(c, at, f);
	for (size_t a = 0; a < c->app_n; a++) {
		const struct conf_app *app = &c->app[a];

		for (size_t i = 0; i < app->community_n; i++) {
			const struct conf_community *com = &app->community[i];

			at[i] = (struct named){ com->id, com->list, com->line, i };
		}
		report_twice(at, app->community_n, "community", f);
	}
	free(at);
}
