#include <stdlib.h>
#include <string.h>

#include "agent/config/inside.h"

enum { BLOCK = 32 << 10 };

void *arena_take(struct conf_arena **a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	const size_t need = (size + align - 1) / align * align;
	struct conf_arena *block = *a;
	void *at;

	if (block == NULL || need > block->size - block->used) {
		const size_t room = need > BLOCK ? need : BLOCK;

		block = calloc(1, sizeof(*block) + room);
		if (block == NULL)
			return NULL;
		block->older = *a;
		block->size = room;
		*a = block;
	}
	at = block->at + block->used;
	block->used += need;
	return at;
}

char *arena_text(struct conf_arena **a, const char *text, size_t len)
{
	char *copy = arena_take(a, len + 1);

	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

void arena_free(struct conf_arena *a)
{
	while (a != NULL) {
		struct conf_arena *older = a->older;

		explicit_bzero(a->at, a->size);
		free(a);
		a = older;
	}
}
