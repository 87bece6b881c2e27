/* One number for everything that a configuration is made of, to see that it changed. */
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/conf.h"

enum { CHUNK = 64 << 10, FILE_MAX = 16 << 20 };

/* FNV-1a: nobody has to be kept from making two files of the same number. */
static uint64_t mix(uint64_t h, const void *at, size_t len)
{
	const unsigned char *byte = at;

	for (size_t i = 0; i < len; i++)
		h = (h ^ byte[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Its name and, when it is one, its bytes: no more of it than the loader would take. */
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

static uint64_t mix_pattern(uint64_t h, const char *pattern)
{
	glob_t found = { 0 };

	h = mix(h, pattern, strlen(pattern) + 1);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			h = mix_file(h, found.gl_pathv[i]);
	globfree(&found);
	return h;
}

uint64_t conf_fingerprint(const struct conf *c)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	if (c->path != NULL)
		h = mix_file(h, c->path);
	if (c->web_config_file[0] != '\0')
		h = mix_file(h, c->web_config_file);
	for (size_t a = 0; a < c->app_n; a++)
		for (size_t i = 0; i < c->app[a].list_entries.n; i++)
			h = mix_pattern(h, c->app[a].list_entries.at[i]);
	return h;
}
