/* One number for everything that a configuration is made of, to see that it changed. That of the loader is of
 * the very bytes it took: what somebody writes a moment later must look like a change. */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/inside.h"

enum { CHUNK = 64 << 10, FILE_MAX = 16 << 20 };

/* FNV-1a: nobody has to be kept from making two files of the same number. */
static uint64_t mix(uint64_t h, const void *at, size_t len)
{
	const unsigned char *byte = at;

	for (size_t i = 0; i < len; i++)
		h = (h ^ byte[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* As fingerprint_file, of what stands there now: no more of it than the loader would take. */
static uint64_t mix_file(uint64_t h, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not wait */
	char chunk[CHUNK];
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	h = mix(h, path, strlen(path) + 1);
	if (fd < 0)
		return mix(h, "?", 1);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		n = 0;
	while (n > 0 && len <= FILE_MAX) {
		n = read(fd, chunk, sizeof(chunk));
		if (n > 0)
			h = mix(h, chunk, (size_t)n);
		len += n > 0 ? (size_t)n : 0;
	}
	explicit_bzero(chunk, sizeof(chunk)); /* an inline key may stand in it */
	close(fd);
	return mix(h, &len, sizeof(len));
}

uint64_t fingerprint_file(uint64_t h, const char *path, const char *text, size_t len)
{
	h = mix(h, path, strlen(path) + 1);
	h = mix(h, text, len);
	return mix(h, &len, sizeof(len));
}

static int by_text(const void *l, const void *r)
{
	return strcmp(*(const char *const *)l, *(const char *const *)r);
}

/* What the entries of an app mean now, in the order in which lists.c reads it: sorted, each file once. */
static uint64_t mix_lists(uint64_t h, const struct conf_app *app)
{
	glob_t found = { 0 };

	for (size_t i = 0; i < app->list_entries.n; i++)
		(void)glob(app->list_entries.at[i], i > 0 ? GLOB_APPEND : 0, NULL, &found);
	if (found.gl_pathc > 0)
		qsort(found.gl_pathv, found.gl_pathc, sizeof(found.gl_pathv[0]), by_text);
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (i == 0 || strcmp(found.gl_pathv[i - 1], found.gl_pathv[i]) != 0)
			h = mix_file(h, found.gl_pathv[i]);
	globfree(&found);
	return h;
}

/* Not with the rest: it is read later, and a flag may name another. */
static uint64_t mix_web(uint64_t h, const struct conf *c)
{
	return c->web_config_file[0] != '\0' ? mix_file(h, c->web_config_file) : h;
}

void fingerprint_close(struct conf *c)
{
	c->fingerprint = mix_web(c->read_fingerprint, c);
}

uint64_t conf_fingerprint(const struct conf *c)
{
	uint64_t h = 0;

	for (size_t a = 0; a < c->app_n; a++)
		h = mix_lists(h, &c->app[a]);
	return mix_web(c->path != NULL ? mix_file(h, c->path) : h, c);
}

void conf_set_web_file(struct conf *c, const char *path)
{
	c->web_config_file = path;
	fingerprint_close(c);
}
