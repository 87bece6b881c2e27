#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "exporters/health/health.h"

static void read_memory(struct health_process *p)
{
	char text[128] = "";
	char *rest = text;
	const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	const int64_t page = sysconf(_SC_PAGESIZE);
	ssize_t n;

	p->virtual_bytes = p->resident_bytes = -1;
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	p->virtual_bytes = strtoll(rest, &rest, 10) * page;
	p->resident_bytes = strtoll(rest, &rest, 10) * page;
}

static int64_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int64_t n = -3; /* ".", ".." and the directory's own */

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static int64_t us_of(const struct timeval *t)
{
	return (int64_t)t->tv_sec * 1000000 + t->tv_usec;
}

void health_process_read(struct health_process *p)
{
	struct rusage use;
	struct rlimit fds;

	p->cpu_us = getrusage(RUSAGE_SELF, &use) == 0 ? us_of(&use.ru_utime) + us_of(&use.ru_stime) : -1;
	p->max_fds = -1;
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0 && fds.rlim_cur != RLIM_INFINITY)
		p->max_fds = (int64_t)fds.rlim_cur;
	p->open_fds = count_fds();
	read_memory(p);
}
