/* Keys in environment variables. Whoever may look at /proc/PID/environ sees the block the process was started
 * with, and unsetenv leaves its bytes there. So a key moves out of it when it is read first, to a page of its
 * own that no dump has. As the environment they come from, the keys that were moved are the process's. */
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/usersig/mint.h"

enum { NAME_MAX_BYTES = 256 };

struct moved {
	struct moved *next;
	char name[NAME_MAX_BYTES];
	struct key key;
};

static struct moved *moved_keys;

static struct moved *find(const char *name)
{
	for (struct moved *m = moved_keys; m != NULL; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static struct moved *new_page(const char *name)
{
	struct moved *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		return NULL;
	(void)madvise(m, sizeof(*m), MADV_DONTDUMP);
	(void)mlock(m, sizeof(*m)); /* best effort: out of the swap */
	memcpy(m->name, name, strlen(name) + 1);
	m->next = moved_keys;
	moved_keys = m;
	return m;
}

enum err variable_read(const char *name, struct key *ret, struct why *why)
{
	struct moved *m = find(name);
	char *value = getenv(name);

	if (value == NULL && m == NULL)
		return err_because(why, ERR_KEY, "environment variable '%s' is not set", name);
	if (value != NULL) {
		if (m == NULL)
			m = strlen(name) < sizeof(m->name) ? new_page(name) : NULL;
		if (m == NULL)
			return err_because(why, ERR_KEY, "environment variable '%s' cannot be kept", name);
		m->key.len = strnlen(value, sizeof(m->key.at));
		memcpy(m->key.at, value, m->key.len);
		OPENSSL_cleanse(value, strlen(value));
		(void)unsetenv(name);
	}
	*ret = m->key;
	return ERR_OK;
}
