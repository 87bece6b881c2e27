#include "tests/simulator/simulator.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t read_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct moment moment_read(void)
{
	return (struct moment){ .mono_ms = read_ms(CLOCK_MONOTONIC), .unix_ms = read_ms(CLOCK_REALTIME) };
}

double simulator_world_s(const struct simulator *s, const struct moment *m)
{
	return (double)(m->mono_ms - s->start_mono_ms) / 1000;
}

static bool write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);
		if (n < 0 && errno != EINTR)
			return false;
		text += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

enum err simulator_write_file(const struct simulator *s, const char *name, const char *text, unsigned mode,
                              struct why *why)
{
	char path[PATH_MAX], beside[PATH_MAX];
	int fd = -1;
	bool done = false;

	if (snprintf(path, sizeof(path), "%s/%s", s->directory, name) >= (int)sizeof(path) ||
	    snprintf(beside, sizeof(beside), "%s/.%s.new", s->directory, name) >= (int)sizeof(beside)) {
		errno = ENAMETOOLONG;
	} else {
		(void)unlink(beside);
		fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	}
	if (fd >= 0) {
		done = write_all(fd, text);
		done = close(fd) == 0 && done && rename(beside, path) == 0;
	}
	return done ? ERR_OK
	            : err_because(why, ERR_SYSTEM, "cannot write '%s' in '%.100s': %s", name, s->directory,
	                          strerror(errno));
}

void simulator_remove_file(const struct simulator *s, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", s->directory, name) < (int)sizeof(path))
		(void)unlink(path);
}

enum err simulator_write_key(const struct simulator *s, const struct app *a, struct why *why)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%" PRIu64 ".key", a->sdkappid);
	return simulator_write_file(s, name, a->key, 0600, why);
}
