/* Which files the entries of communities_files mean. */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/refusal.h"
#include "agent/config/inside.h"

enum { LISTS_MAX = 10000 };

#define MAGIC "*?["

/* An entry for glob(3): below the folder of the configuration file, in whose name nothing is a pattern. */
static const char *entry_below(struct conf *c, const char *entry, struct faults *f)
{
	const char *slash = strrchr(f->path, '/');
	const size_t folder = slash != NULL && entry[0] != '/' ? (size_t)(slash - f->path) + 1 : 0;
	char *full = arena_take(&c->arena, 2 * folder + strlen(entry) + 1), *at = full;

	f->no_memory |= full == NULL;
	if (full == NULL)
		return entry;
	for (size_t i = 0; i < folder; i++) {
		if (strchr(MAGIC "\\", f->path[i]) != NULL)
			*at++ = '\\';
		*at++ = f->path[i];
	}
	memcpy(at, entry, strlen(entry));
	return full;
}

struct paths {
	const char **at;
	size_t n;
};

static void take_found(struct conf *c, const glob_t *found, struct paths *p, struct faults *f)
{
	const char **more = reallocarray(p->at, p->n + found->gl_pathc + 1, sizeof(more[0]));

	f->no_memory |= more == NULL;
	if (more == NULL)
		return;
	p->at = more;
	for (size_t i = 0; i < found->gl_pathc; i++) {
		const char *path = found->gl_pathv[i];

		more[p->n] = arena_text(&c->arena, path, strlen(path));
		f->no_memory |= more[p->n] == NULL;
		p->n += more[p->n] != NULL;
	}
}

/* Whether something stands in it for more than itself. */
static bool is_pattern(const char *entry)
{
	for (; *entry != '\0'; entry++) {
		if (strchr(MAGIC, *entry) != NULL)
			return true;
		if (*entry == '\\' && entry[1] != '\0')
			entry++;
	}
	return false;
}

/* A folder that is not there holds nothing; one that cannot be read must not look like that, or a reload
 * would drop everybody who is listed in it. */
static int on_unread(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

/* The first of the folders `prefix` means that cannot be read; NULL: none. The caller frees. */
static char *unread_of(const char *prefix, int *ret_error)
{
	glob_t found = { 0 };
	char *ret = NULL;

	if (glob(prefix, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && ret == NULL; i++) {
			DIR *dir = opendir(found.gl_pathv[i]);

			if (dir == NULL && on_unread(NULL, errno)) {
				*ret_error = errno;
				ret = strdup(found.gl_pathv[i]);
			}
			if (dir != NULL)
				closedir(dir);
		}
	globfree(&found);
	return ret;
}

/* The folder that stopped glob(3), which hands its callback nothing of ours: looked for again, in every
 * folder of which it had to read the names. */
static char *unread(const char *below, int *ret_error)
{
	char *ret = NULL;

	for (const char *part = below; ret == NULL && *part != '\0';) {
		const char *end = part + strcspn(part, "/");
		const size_t folder = (size_t)(part - below); /* with the slash behind it */
		char *name = strndup(part, (size_t)(end - part));
		char *prefix = part == below ? strdup(".") : strndup(below, folder > 1 ? folder - 1 : folder);

		if (name != NULL && prefix != NULL && is_pattern(name))
			ret = unread_of(prefix, ret_error);
		free(name);
		free(prefix);
		part = end + (*end == '/');
	}
	return ret;
}

static void unread_fault(const char *entry, const char *below, const struct level *l, struct faults *f)
{
	int error = 0;
	char *folder = unread(below, &error);

	if (folder != NULL)
		fault_add(f, level_line(l, "communities_files"),
		          "%scommunities_files: '%.200s': cannot read the folder '%.200s': %s", l->where, entry,
		          folder, refusal_text(folder, error));
	else
		fault_add(f, level_line(l, "communities_files"),
		          "%scommunities_files: '%.200s': cannot read one of its folders", l->where, entry);
	free(folder);
}

/* `entry` as it is written, `below` as glob(3) takes it. */
static void find(struct conf *c, const char *entry, const char *below, const struct level *l, struct paths *p,
                 struct faults *f)
{
	const char *wrong = entry[0] == '\0' ? "an empty text is no file" : glob_fault(entry);
	const int line = level_line(l, "communities_files");
	glob_t found = { 0 };
	int status;

	if (wrong != NULL) {
		fault_add(f, line, "%scommunities_files: '%.200s': %s", l->where, entry, wrong);
		return;
	}
	errno = 0;
	status = glob(below, 0, on_unread, &found);
	f->no_memory |= status == GLOB_NOSPACE;
	if (status == 0 && p->n + found.gl_pathc > LISTS_MAX)
		fault_add(f, line, "%scommunities_files: '%.200s' means more than %d files", l->where, entry,
		          LISTS_MAX);
	else if (status == 0)
		take_found(c, &found, p, f);
	else if (status == GLOB_ABORTED)
		unread_fault(entry, below, l, f);
	else if (is_pattern(entry))
		fault_warn(f, line, "%scommunities_files: '%.200s' matches no file", l->where, entry);
	else
		fault_add(f, line, "%scommunities_files: cannot find '%.200s': %s", l->where, entry,
		          strerror(errno != 0 ? errno : ENOENT));
	globfree(&found);
}

static int by_text(const void *l, const void *r)
{
	return strcmp(*(const char *const *)l, *(const char *const *)r);
}

/* Sorted, each once. */
static void settle(struct conf *c, struct paths *p, struct conf_list *ret, struct faults *f)
{
	const char **at = arena_take(&c->arena, (p->n + 1) * sizeof(at[0]));
	size_t n = 0;

	f->no_memory |= at == NULL;
	if (at == NULL || p->n == 0)
		return;
	qsort(p->at, p->n, sizeof(p->at[0]), by_text);
	for (size_t i = 0; i < p->n; i++)
		if (n == 0 || strcmp(at[n - 1], p->at[i]) != 0)
			at[n++] = p->at[i];
	*ret = (struct conf_list){ at, n };
}

void lists_find(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f)
{
	const char **below = arena_take(&c->arena, (app->communities_files.n + 1) * sizeof(below[0]));
	struct paths p = { 0 };

	f->no_memory |= below == NULL;
	if (below == NULL)
		return;
	for (size_t i = 0; i < app->communities_files.n; i++) {
		const char *entry = app->communities_files.at[i];

		below[i] = entry_below(c, entry, f);
		find(c, entry, below[i], l, &p, f);
	}
	app->list_entries = (struct conf_list){ below, app->communities_files.n };
	if (f->path[0] == '/') /* then what is printed means the same in any folder */
		app->communities_files = app->list_entries;
	settle(c, &p, &app->list_files, f);
	free(p.at);
}
