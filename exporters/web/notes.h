/* What is known of names and passwords, by a digest of both: right, or wrong. */
#ifndef EXPORTERS_WEB_NOTES_H
#define EXPORTERS_WEB_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST = 32, NOTES_MAX = 100 };

struct note {
	uint8_t digest[DIGEST];
	bool right;
	uint64_t used; /* when, as `now` counts; 0: a free place */
};

/* Zeroed: empty. */
struct notes {
	struct note at[NOTES_MAX];
	uint64_t now; /* counts what is looked up */
};

/* False: nothing is known. */
bool notes_find(struct notes *n, const uint8_t digest[DIGEST], bool *ret_right);
/* When there is no room the one that was used longest ago makes some, a wrong one before any right one: a
 * flood of guesses must not make those work who are known. */
void notes_add(struct notes *n, const uint8_t digest[DIGEST], bool right);
void notes_forget_wrong(struct notes *n);

#endif
