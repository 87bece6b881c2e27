/* The nearest name to a mistyped one. */
#include <stdio.h>
#include <string.h>

#include "agent/base/near.h"
#include "agent/config/inside.h"

enum { ALLOWED_ROOM = 512 };

struct guess {
	const char *name; /* the mistyped one */
	size_t best;      /* edits to the nearest name */
	char nearest[KEY_ROOM];
	struct buf all; /* every name that is allowed here, "a, b, c" */
};

static void consider(struct guess *g, const char *name)
{
	const size_t d = near_edits(g->name, name);

	if (d < g->best) {
		g->best = d;
		(void)snprintf(g->nearest, sizeof(g->nearest), "%s", name);
	}
	buf_fmt(&g->all, "%s%s", g->all.len > 0 ? ", " : "", name);
}

/* Every name allowed below `prefix` once; the rows of one group stand together in the table. */
static void consider_all(struct guess *g, enum option_scope scope, const char *prefix)
{
	const size_t skip = strlen(prefix);
	char name[KEY_ROOM], last[KEY_ROOM] = "";

	for (size_t i = 0; i < OPTIONS; i++) {
		const char *rest = options[i].key + skip;

		if (options[i].scope != scope || strncmp(options[i].key, prefix, skip) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, "."), rest);
		if (strcmp(name, last) != 0)
			consider(g, name);
		memcpy(last, name, sizeof(last));
	}
	if (skip == 0)
		consider(g, scope_nested(scope));
}

/* A key of the table, or one of the groups it stands in, which has the mistyped name. */
static void consider_elsewhere(struct guess *g, const char *where, const char *key)
{
	for (const char *part = key; g->best > 0; part++) {
		const size_t len = strcspn(part, "."), path = (size_t)(part - key) + len;

		if (len == strlen(g->name) && memcmp(part, g->name, len) == 0 && (*where != '\0' || part > key)) {
			g->best = 0;
			(void)snprintf(g->nearest, sizeof(g->nearest), "%s%.*s", where, (int)path, key);
		}
		part += len;
		if (*part == '\0')
			return;
	}
}

/* The right name in the wrong place of a scope. */
static void consider_scope(struct guess *g, enum option_scope scope)
{
	static const char *const where[] = { "", "apps[].", "apps[].communities[]." };

	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].scope == scope)
			consider_elsewhere(g, where[scope], options[i].key);
	consider_elsewhere(g, where[scope], scope_nested(scope));
}

void unknown_key(const struct level *l, const char *prefix, const config_setting_t *s, struct faults *f)
{
	struct guess g = { .name = config_setting_name(s), .best = strlen(config_setting_name(s)) / 3 + 2 };
	char room[ALLOWED_ROOM];

	buf_wrap(&g.all, room, sizeof(room) - 1);
	consider_all(&g, l->scope, prefix);
	consider_scope(&g, l->scope);
	for (enum option_scope scope = SCOPE_ROOT; scope <= SCOPE_COMMUNITY; scope++)
		consider_scope(&g, scope);
	room[g.all.len] = '\0';
	fault_add(f, config_setting_source_line(s), "%s%s%.40s: unknown key; %s%s%sallowed here: %s", l->where,
	          prefix, g.name, g.nearest[0] != '\0' ? "did you mean '" : "", g.nearest,
	          g.nearest[0] != '\0' ? "'? " : "", room);
}
