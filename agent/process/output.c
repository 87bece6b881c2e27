#include "agent/process/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0644 };

static enum err fail(const struct output *o, const char *what, struct why *why)
{
	return err_because(why, ERR_SYSTEM, "cannot %s '%.120s': %s", what,
	                   o->path != NULL ? o->path : "standard output", strerror(errno));
}

static enum err open_beside(struct output *o, struct why *why)
{
	struct stat old;

	if (stat(o->path, &old) == 0 && !S_ISREG(old.st_mode))
		return err_because(why, ERR_SYSTEM, "cannot write '%.120s': it is there, and no regular file",
		                   o->path);
	if (asprintf(&o->beside, "%s.XXXXXX", o->path) < 0) {
		o->beside = NULL;
		return err_because(why, ERR_MEMORY, "cannot write '%.120s': out of memory", o->path);
	}
	o->fd = mkostemp(o->beside, O_CLOEXEC);
	if (o->fd >= 0)
		return ERR_OK;
	(void)fail(o, "write", why);
	free(o->beside);
	o->beside = NULL;
	return ERR_SYSTEM;
}

enum err output_open(const char *path, struct output *ret, struct why *why)
{
	struct output o = { .path = path, .fd = STDOUT_FILENO };
	enum err e = path != NULL ? open_beside(&o, why) : ERR_OK;

	if (e == ERR_OK)
		*ret = o;
	return e;
}

enum err output_add(struct output *o, const char *at, size_t len, struct why *why)
{
	while (len > 0) {
		const ssize_t n = write(o->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(o, "write", why);
		at += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

/* The name is safe, too, once its folder is. A file system that cannot do that has no more to give. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, slash > path ? (size_t)(slash - path) : 1);
	const int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(folder);
}

enum err output_commit(struct output *o, struct why *why)
{
	const int fd = o->fd;

	if (o->path == NULL)
		return ERR_OK;
	if (fchmod(fd, MODE) != 0 || fsync(fd) != 0)
		return fail(o, "write", why);
	o->fd = -1;
	if (close(fd) != 0 || rename(o->beside, o->path) != 0)
		return fail(o, "write", why);
	free(o->beside);
	o->beside = NULL;
	sync_folder(o->path);
	return ERR_OK;
}

void output_done(struct output *o)
{
	if (o->path == NULL)
		return;
	if (o->fd >= 0)
		close(o->fd);
	if (o->beside != NULL)
		(void)unlink(o->beside);
	free(o->beside);
	*o = (struct output){ .fd = -1 };
}
