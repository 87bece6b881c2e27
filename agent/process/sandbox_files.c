/* Landlock without a library: two structures of the kernel's interface and three calls. The structures are
 * ours, because the headers of Debian 12 end before the network; the kernel takes a longer one as long as
 * what it does not know is 0. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/process/sandbox.h"

struct ruleset {
	uint64_t files, network, scoped;
};

struct __attribute__((packed)) path_rule {
	uint64_t access;
	int32_t fd;
};

enum {
	ASK_VERSION = 1,
	RULE_PATH = 1,
	READ_FILE = 1 << 2,
	READ_FOLDER = 1 << 3,
	BIND_TCP = 1 << 0,
	FOREIGN_ABSTRACT_SOCKETS = 1 << 0,
	FOREIGN_SIGNALS = 1 << 1,
};

/* Of everything that version `abi` of the interface can refuse. */
static struct ruleset everything(int abi)
{
	static const uint64_t files[] = { 0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff };
	const int last = sizeof(files) / sizeof(files[0]) - 1;
	struct ruleset r = { .files = files[abi < last ? abi : last] };

	if (abi >= 4)
		r.network = BIND_TCP;
	if (abi >= 6)
		r.scoped = FOREIGN_ABSTRACT_SOCKETS | FOREIGN_SIGNALS;
	return r;
}

/* What is not there needs no rule. Returns the descriptor the rule was made with, which the caller closes. */
static int allow(int set, const char *path)
{
	struct path_rule rule = { .access = READ_FILE, .fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;

	if (rule.fd < 0)
		return -1;
	if (fstat(rule.fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.access |= READ_FOLDER;
	(void)syscall(SYS_landlock_add_rule, set, RULE_PATH, &rule, 0);
	return rule.fd;
}

static void allow_and_close(int set, const char *path)
{
	const int fd = allow(set, path);

	if (fd >= 0)
		close(fd);
}

/* Not the root: that would be everything. */
static void allow_folder(int set, const char *path)
{
	if (strcmp(path, "/") != 0)
		allow_and_close(set, path);
}

/* Where links on the way to a file stand, so that they may be swapped for others that lead beside them. */
static void allow_links(int set, const char *path)
{
	char part[PATH_MAX], folder[PATH_MAX];
	struct stat st;

	for (const char *slash = strchr(path + (path[0] == '/'), '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		if (snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path) >= (int)sizeof(part))
			return;
		if (lstat(part, &st) != 0 || !S_ISLNK(st.st_mode))
			continue;
		memcpy(folder, part, sizeof(folder));
		allow_folder(set, dirname(folder));
	}
}

/* The folder a file stands in, so that it may be replaced by another; of a pattern, the folder above the
 * first part that is one. A link may lead elsewhere, to where it leads now. */
static void allow_around(int set, const char *path)
{
	char text[PATH_MAX], real[PATH_MAX];
	const size_t plain = strcspn(path, "*?[\\");

	if (snprintf(text, sizeof(text), "%.*s%s", (int)plain, path, path[plain] != '\0' ? "x" : "") >=
	    (int)sizeof(text))
		return;
	allow_and_close(set, path);
	allow_links(set, text);
	allow_folder(set, dirname(text));
	if (realpath(path, real) != NULL)
		allow_folder(set, dirname(real));
}

/* Where the C library, OpenSSL, GnuTLS and the resolver look. */
static void allow_system(int set)
{
	static const char *const at[] = {
		"/etc", "/usr", "/lib", "/lib64", "/run", "/dev/null", "/dev/urandom", "/sys/devices/system/cpu",
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		allow_and_close(set, at[i]);
}

enum sandbox_state files_confine(const struct sandbox_paths *p, int *ret_abi, int *ret_proc_fd)
{
	const int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
	struct ruleset r;
	int set, proc;

	if (abi < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? SANDBOX_ABSENT : SANDBOX_REFUSED;
	r = everything(abi);
	set = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (set < 0)
		return SANDBOX_REFUSED;
	allow_system(set);
	for (size_t i = 0; i < p->file_n; i++)
		allow_around(set, p->file[i]);
	for (size_t i = 0; i < p->folder_n; i++)
		allow_and_close(set, p->folder[i]);
	/* Under memory pressure the kernel forgets /proc/self and makes another, to which no rule applies; it
	 * does not while somebody holds it. */
	proc = allow(set, "/proc/self");
	if (syscall(SYS_landlock_restrict_self, set, 0) != 0) {
		close(set);
		if (proc >= 0)
			close(proc);
		return SANDBOX_REFUSED;
	}
	close(set);
	*ret_abi = abi;
	*ret_proc_fd = proc;
	return SANDBOX_ON;
}
