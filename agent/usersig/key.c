/* Reading a secret key. With open and read, never stdio, whose buffer would keep a copy. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/refusal.h"
#include "agent/usersig/mint.h"

void key_wipe(struct key *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

static enum err read_fd(int fd, const char *path, struct key *k, struct why *why)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_because(why, ERR_KEY, "key file '%s' is not a regular file", path);
	k->len = 0;
	while (n > 0 && k->len < sizeof(k->at)) {
		n = read(fd, k->at + k->len, sizeof(k->at) - k->len);
		if (n > 0)
			k->len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		return err_because(why, ERR_KEY, "cannot read key file '%s': %s", path, strerror(errno));
	return ERR_OK;
}

static enum err read_file(const char *path, struct key *k, struct why *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang the loop */
	enum err e;

	if (fd < 0)
		return err_because(why, ERR_KEY, "cannot open key file '%s': %s", path, refusal_text(path, errno));
	e = read_fd(fd, path, k, why);
	close(fd);
	return e;
}

static enum err read_text(const char *text, struct key *k)
{
	k->len = strnlen(text, sizeof(k->at));
	memcpy(k->at, text, k->len);
	return ERR_OK;
}

static enum err credential_path(const char *name, char path[PATH_MAX], struct why *why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	int n;

	if (dir == NULL)
		return err_because(why, ERR_KEY,
		                   "credential '%s': CREDENTIALS_DIRECTORY is not set; is this a systemd service?",
		                   name);
	n = snprintf(path, PATH_MAX, "%s/%s", dir, name);
	if (n < 0 || n >= PATH_MAX)
		return err_because(why, ERR_KEY, "credential '%s': its path is too long", name);
	return ERR_OK;
}

/* One newline at the end is how editors write files; anything else that is not visible ASCII is a mistake. */
static enum err check_text(const struct key_source *source, struct key *k, struct why *why)
{
	const char *what = source->kind == KEY_INLINE ? "secret_key" : source->name;

	if (k->len > 0 && k->at[k->len - 1] == '\n')
		k->len--;
	if (k->len > 0 && k->at[k->len - 1] == '\r')
		k->len--;
	if (k->len == 0)
		return err_because(why, ERR_KEY, "the key in '%s' is empty", what);
	if (k->len > KEY_MAX)
		return err_because(why, ERR_KEY, "the key in '%s' is longer than %d bytes", what, KEY_MAX);
	for (size_t i = 0; i < k->len; i++)
		if (k->at[i] <= ' ' || k->at[i] > '~')
			return err_because(why, ERR_KEY,
			                   "the key in '%s' has a space or another odd character at byte %zu", what,
			                   i + 1);
	return ERR_OK;
}

enum err key_read(const struct key_source *source, struct key *ret, struct why *why)
{
	char path[PATH_MAX];
	enum err e = ERR_OK;

	memset(ret, 0, sizeof(*ret));
	switch (source->kind) {
	case KEY_FILE:
		e = read_file(source->name, ret, why);
		break;
	case KEY_CREDENTIAL:
		e = credential_path(source->name, path, why);
		if (e == ERR_OK)
			e = read_file(path, ret, why);
		break;
	case KEY_ENV:
		e = variable_read(source->name, ret, why);
		break;
	case KEY_INLINE:
		e = read_text(source->name, ret);
		break;
	}
	if (e == ERR_OK)
		e = check_text(source, ret, why);
	if (e != ERR_OK)
		key_wipe(ret);
	return e;
}

enum err key_check(const struct key_source *key, int *ret_loose, struct why *why)
{
	struct stat st;
	struct key k;
	const enum err e = key_read(key, &k, why);

	key_wipe(&k);
	if (ret_loose != NULL)
		*ret_loose =
			e == ERR_OK && key->kind == KEY_FILE && stat(key->name, &st) == 0 && (st.st_mode & 077) != 0;
	return e;
}
