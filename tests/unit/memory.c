#include "tests/unit/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct {
	size_t left; /* allocations until one fails; 0: none will */
	enum memory_failing how;
	bool failing, failed;
	size_t blocks;
} memory;

void memory_fail(size_t nth, enum memory_failing how)
{
	memory.left = nth;
	memory.how = how;
	memory.failing = memory.failed = false;
}

bool memory_heal(void)
{
	memory.left = 0;
	memory.failing = false;
	return memory.failed;
}

size_t memory_blocks(void)
{
	return memory.blocks;
}

static bool fails(void)
{
	const bool now = memory.left > 0 && --memory.left == 0;

	memory.failing = memory.failing || (now && memory.how == MEMORY_FROM_THEN_ON);
	if (!now && !memory.failing)
		return false;
	memory.failed = true;
	errno = ENOMEM;
	return true;
}

static void *count(void *at)
{
	memory.blocks += at != NULL;
	return at;
}

/* ---- what the linker puts in the place of each function, and what it calls the original ---- */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *at, size_t n);
void *__real_reallocarray(void *at, size_t n, size_t size);
char *__real_strdup(const char *s);
void __real_free(void *at);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t n);
void *__wrap_reallocarray(void *at, size_t n, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *at);

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : count(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *at, size_t n)
{
	if (fails())
		return NULL;
	return at == NULL ? count(__real_realloc(at, n)) : __real_realloc(at, n);
}

void *__wrap_reallocarray(void *at, size_t n, size_t size)
{
	if (fails())
		return NULL;
	return at == NULL ? count(__real_reallocarray(at, n, size)) : __real_reallocarray(at, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : count(__real_strdup(s));
}

void __wrap_free(void *at)
{
	memory.blocks -= at != NULL;
	__real_free(at);
}
