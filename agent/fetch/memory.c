/* libcurl's memory. It says "out of memory" of other things as well, and of a lack of memory it often says
 * something else, so refusals are counted. Its allocators know no context: the count is the one static thing
 * in this room. Resolver threads allocate too. */
#include <stdlib.h>
#include <string.h>

#include "agent/fetch/inside.h"

static unsigned refused;

unsigned memory_refused(void)
{
	return __atomic_load_n(&refused, __ATOMIC_RELAXED);
}

static void *granted(void *at)
{
	if (at == NULL)
		__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
	return at;
}

static void *on_malloc(size_t n)
{
	return granted(malloc(n));
}

static void *on_calloc(size_t n, size_t size)
{
	return granted(calloc(n, size));
}

static void *on_realloc(void *at, size_t n)
{
	return granted(realloc(at, n));
}

static char *on_strdup(const char *text)
{
	return granted(strdup(text));
}

CURLcode memory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, on_malloc, free, on_realloc, on_strdup, on_calloc);
}
