#include "agent/base/near.h"

#include <stdint.h>
#include <string.h>

/* Levenshtein, one row. */
static size_t distance(const char *a, const char *b)
{
	const size_t n = strlen(b);
	size_t row[NEAR_NAME_MAX];

	if (n >= NEAR_NAME_MAX || strnlen(a, NEAR_TYPED_MAX) == NEAR_TYPED_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			const size_t swap = diagonal + (a[i - 1] != b[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = swap < least ? swap : least;
		}
	}
	return row[n];
}

size_t near_edits(const char *typed, const char *name)
{
	const size_t len = strlen(typed), n = strlen(name);

	if (len >= 4 && strncmp(typed, name, len) == 0)
		return 1;
	if (n >= 3 && strncmp(typed, name, n) == 0)
		return 2;
	return distance(typed, name);
}
