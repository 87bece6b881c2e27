/* How far a mistyped name is from one that exists. */
#ifndef AGENT_BASE_NEAR_H
#define AGENT_BASE_NEAR_H

#include <stddef.h>

enum { NEAR_NAME_MAX = 96 }; /* bytes of a name with its NUL */

/* Edits that turn `typed` into `name`: characters to add, to drop or to replace. A name that is not finished,
 * or that goes on, is near however much is missing. SIZE_MAX when `name` is NEAR_NAME_MAX or longer. */
size_t near_edits(const char *typed, const char *name);

#endif
