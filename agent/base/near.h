/* How far a mistyped name is from one that exists. */
#ifndef AGENT_BASE_NEAR_H
#define AGENT_BASE_NEAR_H

#include <stddef.h>

enum {
	NEAR_NAME_MAX = 96,                 /* bytes of a name with its NUL */
	NEAR_TYPED_MAX = 2 * NEAR_NAME_MAX, /* of what was typed: longer ones are near nothing, and cost time */
};

/* Edits that turn `typed` into `name`: characters to add, to drop or to replace. A name that is not finished,
 * or that goes on, is near however much is missing. SIZE_MAX when either is too long. */
size_t near_edits(const char *typed, const char *name);

#endif
