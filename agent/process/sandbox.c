#include "agent/process/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- the paths of a configuration ---- */
static void add_file(struct sandbox_paths *p, const char *path)
{
	if (path != NULL && path[0] != '\0')
		p->file[p->file_n++] = path;
}

enum err sandbox_paths(const struct conf *c, const struct web_file *w, struct sandbox_paths *ret)
{
	struct sandbox_paths p = { 0 };
	size_t files = 2 + (w != NULL ? w->path_n : 0), folders = 1;

	for (size_t a = 0; a < c->app_n; a++)
		files += 2 + c->app[a].list_entries.n + c->app[a].list_files.n;
	p.file = calloc(files, sizeof(p.file[0]));
	p.folder = calloc(folders, sizeof(p.folder[0]));
	if (p.file == NULL || p.folder == NULL) {
		sandbox_paths_done(&p);
		return ERR_MEMORY;
	}
	add_file(&p, c->path);
	add_file(&p, c->web_config_file);
	for (size_t i = 0; w != NULL && i < w->path_n; i++)
		add_file(&p, w->path[i]);
	for (size_t a = 0; a < c->app_n; a++) {
		const struct conf_app *app = &c->app[a];

		if (app->key.kind == KEY_FILE)
			add_file(&p, app->key.name);
		add_file(&p, app->ca_file);
		for (size_t i = 0; i < app->list_files.n; i++)
			add_file(&p, app->list_files.at[i]);
		for (size_t i = 0; i < app->list_entries.n; i++)
			add_file(&p, app->list_entries.at[i]);
	}
	if (getenv("CREDENTIALS_DIRECTORY") != NULL)
		p.folder[p.folder_n++] = getenv("CREDENTIALS_DIRECTORY");
	*ret = p;
	return ERR_OK;
}

void sandbox_paths_done(struct sandbox_paths *p)
{
	free(p->file);
	free(p->folder);
	*p = (struct sandbox_paths){ 0 };
}

/* ---- privileges ---- */
static int set_capabilities(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, 0 },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0 },
	};

	return (int)syscall(SYS_capset, &head, data);
}

static uint64_t permitted_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) != 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

/* A name that is there and closed to us; one that is not there, or is a pattern, is none. */
static bool is_shut(const char *path)
{
	return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 && errno == EACCES;
}

enum sandbox_state privileges_drop(const struct sandbox_paths *p, bool *ret_keeps_reading)
{
	const uint64_t reading = UINT64_C(1) << CAP_DAC_READ_SEARCH, had = permitted_capabilities();
	uint64_t kept = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return SANDBOX_REFUSED;
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* without the right to: nothing can be executed anyway */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (had == 0)
		return SANDBOX_ON; /* a service manager may have forbidden the call, too */
	if (set_capabilities(0, had) != 0)
		return SANDBOX_REFUSED;
	for (size_t i = 0; (had & reading) != 0 && kept == 0 && i < p->file_n; i++)
		if (is_shut(p->file[i]))
			kept = reading;
	*ret_keeps_reading = kept != 0;
	return set_capabilities(kept, kept) == 0 ? SANDBOX_ON : SANDBOX_REFUSED;
}

/* ---- all of it ---- */
static bool is_alone(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;

	if (dir == NULL)
		return true; /* no /proc: nothing here starts a thread before */
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n <= 3; /* ".", ".." and this one */
}

void sandbox_enter(const struct sandbox_paths *p, struct sandbox *ret)
{
	*ret = (struct sandbox){ .proc_fd = -1 };
	if (SANITIZED)
		return; /* their run-time libraries need more than the program */
	ret->privileges = privileges_drop(p, &ret->keeps_reading);
	ret->files = is_alone() ? files_confine(p, &ret->files_abi, &ret->proc_fd) : SANDBOX_REFUSED;
	ret->calls = calls_confine();
}

bool sandbox_whole(const struct sandbox *s)
{
	return s->privileges == SANDBOX_ON && s->calls == SANDBOX_ON &&
	       (s->files == SANDBOX_ON || s->files == SANDBOX_ABSENT);
}

const char *sandbox_word(enum sandbox_state s)
{
	static const char *const word[] = {
		[SANDBOX_OFF] = "off",
		[SANDBOX_ABSENT] = "not in this kernel",
		[SANDBOX_REFUSED] = "refused by the system",
		[SANDBOX_ON] = "on",
	};

	return word[s];
}
