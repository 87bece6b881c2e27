/* cJSON on an arena. Its allocation hooks are process-wide and know no context, so the arena is the one
 * static thing in this room; outside of a parse the hooks are malloc and free, and other users of cJSON
 * notice nothing. */
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "exporters/json/json.h"

enum { CHUNK = 256 << 10, ARENA_MAX = 64 << 20 };

struct chunk {
	struct chunk *older;
	size_t room;
	_Alignas(max_align_t) char at[];
};

static struct {
	bool hooked, active;
	char *at, *end;       /* what is left of the newest chunk */
	struct chunk *newest; /* the oldest one is kept from answer to answer */
	size_t total;
} arena;

static void arena_use(struct chunk *c)
{
	arena.newest = c;
	arena.at = c != NULL ? c->at : NULL;
	arena.end = c != NULL ? c->at + c->room : NULL;
}

static bool arena_grow(size_t n)
{
	const size_t room = n > CHUNK ? n : CHUNK;
	struct chunk *c;

	if (arena.total + room > ARENA_MAX)
		return false;
	c = malloc(sizeof(*c) + room);
	if (c == NULL)
		return false;
	c->older = arena.newest;
	c->room = room;
	arena.total += room;
	arena_use(c);
	return true;
}

static void *arena_take(size_t n)
{
	const size_t unit = sizeof(max_align_t);
	void *at;

	if (!arena.active)
		return malloc(n);
	if (n > ARENA_MAX)
		return NULL;
	n = (n + unit - 1) / unit * unit;
	if ((size_t)(arena.end - arena.at) < n && !arena_grow(n))
		return NULL;
	at = arena.at;
	arena.at += n;
	return at;
}

static void arena_give(void *at)
{
	if (!arena.active)
		free(at);
}

const struct cJSON *json_parse(const char *json, size_t len)
{
	cJSON_Hooks hooks = { arena_take, arena_give };

	if (!arena.hooked)
		cJSON_InitHooks(&hooks);
	arena.hooked = true;
	arena.active = true;
	return cJSON_ParseWithLength(json, len);
}

void json_drop(void)
{
	arena.active = false;
	while (arena.newest != NULL && (arena.newest->older != NULL || arena.newest->room > CHUNK)) {
		struct chunk *c = arena.newest;

		arena.newest = c->older;
		arena.total -= c->room;
		free(c);
	}
	arena_use(arena.newest);
}
