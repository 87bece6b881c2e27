#include "tests/simulator/pattern.h"

#include <string.h>

#include "agent/base/buf.h"

enum { FILLED_MAX = 8192 };

/* The first place and its length; NULL when there is none. */
static const char *place_find(const char *pattern, size_t *ret_len)
{
	for (const char *at = strchr(pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
		size_t len = at[1] >= '1' && at[1] <= '9' ? 3 : 2;

		if (at[len - 1] == '}') {
			*ret_len = len;
			return at;
		}
	}
	return NULL;
}

bool pattern_has_place(const char *pattern)
{
	size_t len;

	return place_find(pattern, &len) != NULL;
}

char *pattern_fill(const char *pattern, size_t number)
{
	size_t len = 0;
	const char *place = place_find(pattern, &len);
	struct buf b;

	buf_init(&b, FILLED_MAX);
	if (place == NULL) {
		buf_str(&b, pattern);
	} else {
		buf_add(&b, pattern, (size_t)(place - pattern));
		buf_fmt(&b, "%0*zu", len == 3 ? place[1] - '0' : 1, number);
		buf_str(&b, place + len);
	}
	return buf_take(&b, &len);
}
