/* Many names from one: "shop-{4}" and 7 give "shop-0007". */
#ifndef SIMULATOR_PATTERN_H
#define SIMULATOR_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* True when `pattern` has a place for a number: "{}", or "{1}" to "{9}" with the least width. */
bool pattern_has_place(const char *pattern);
/* A heap copy with the number in the first place, or without change when there is none. NULL when out of
 * memory. */
char *pattern_fill(const char *pattern, size_t number);

#endif
