#include "exporters/web/notes.h"

#include <openssl/crypto.h>
#include <string.h>

/* Every note is looked at, so that the time tells nothing. */
bool notes_find(struct notes *n, const uint8_t digest[DIGEST], bool *ret_right)
{
	struct note *found = NULL;

	for (size_t i = 0; i < NOTES_MAX; i++)
		if (CRYPTO_memcmp(n->at[i].digest, digest, DIGEST) == 0 && n->at[i].used > 0)
			found = &n->at[i];
	if (found == NULL)
		return false;
	found->used = ++n->now;
	*ret_right = found->right;
	return true;
}

static bool goes_before(const struct note *a, const struct note *b)
{
	const bool a_kept = a->right && a->used > 0, b_kept = b->right && b->used > 0;

	return a_kept != b_kept ? b_kept : a->used < b->used;
}

void notes_add(struct notes *n, const uint8_t digest[DIGEST], bool right)
{
	struct note *to = &n->at[0];

	for (size_t i = 1; i < NOTES_MAX; i++)
		if (goes_before(&n->at[i], to))
			to = &n->at[i];
	memcpy(to->digest, digest, DIGEST);
	to->right = right;
	to->used = ++n->now;
}

void notes_forget_wrong(struct notes *n)
{
	for (size_t i = 0; i < NOTES_MAX; i++)
		if (!n->at[i].right)
			n->at[i].used = 0;
}
