/* communities_files: which files an app's entries mean, and the ids in them. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/refusal.h"
#include "agent/config/inside.h"

enum { LISTS_MAX = 10000, LISTED_MAX = 1000000, ID_MAX = 96 };

#define SPECIAL "*?[\\"

/* One id of a list. */
struct listed {
	const char *id, *list;
	int line;
};

/* All that the lists of one app hold. */
struct intake {
	struct conf *conf;
	struct faults *faults;
	struct lists *to;
	size_t room;
	bool told; /* that there are too many */
};

/* ---- which files ---- */
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
		if (strchr(SPECIAL, f->path[i]) != NULL)
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

/* A folder that is not there holds nothing; one that cannot be read must not look like that, or a reload
 * would drop everybody who is listed in it. glob(3) hands its callback nothing of ours. */
static int unread_error;
static char unread[256];

static int on_unread(const char *path, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return 0;
	unread_error = error;
	(void)snprintf(unread, sizeof(unread), "%s", path);
	return -1;
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
		fault_add(f, line, "%scommunities_files: '%.200s': cannot read the folder '%.200s': %s", l->where,
		          entry, unread, refusal_text(unread, unread_error));
	else if (strpbrk(entry, SPECIAL) != NULL)
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

static void find_all(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f)
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
	app->communities_files.at = below;
	app->list_entries = app->communities_files;
	settle(c, &p, &app->list_files, f);
	free(p.at);
}

/* ---- what stands in them ---- */
static void keep(struct intake *in, const char *id, int line)
{
	struct lists *to = in->to;

	if (to->n == in->room) {
		const size_t room = in->room > 0 ? 2 * in->room : 256;
		struct listed *more = reallocarray(to->at, room, sizeof(more[0]));

		in->faults->no_memory |= more == NULL;
		if (more == NULL)
			return;
		to->at = more;
		in->room = room;
	}
	to->at[to->n++] = (struct listed){ id, in->faults->path, line };
}

static void take_line(struct intake *in, const char *at, size_t len, int line)
{
	struct faults *f = in->faults;
	const size_t blanks = strspn(at, " \t");
	char *id;

	if (len > 0 && at[len - 1] == '\r')
		len--;
	if (len == 0 || at[0] == '#' || blanks >= len)
		return;
	if (blanks > 0 || at[len - 1] == ' ' || at[len - 1] == '\t') {
		fault_add(f, line,
		          "blanks in front of the id or behind it; a line holds one community id and nothing else");
		return;
	}
	if (in->to->n == LISTED_MAX) {
		if (!in->told)
			fault_add(f, line, "more than %d communities in the lists of one app", LISTED_MAX);
		in->told = true;
		return;
	}
	if (at[0] == '"' || at[len - 1] == '"' || at[len - 1] == ',')
		fault_warn(
			f, line,
			"this looks like a line of the configuration file; here an id stands without quotes and commas");
	id = arena_text(&in->conf->arena, at, len);
	f->no_memory |= id == NULL;
	if (id != NULL && option_text_ok(id, "the community id", line, ID_MAX, f))
		keep(in, id, line);
}

/* `text` ends with a NUL that does not count. */
static void take_text(struct intake *in, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* editors put it in front of UTF-8 */
	const char *const end = text + len;
	const size_t skip = len >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
	int line = 1;

	if (memchr(text, '\0', len) != NULL) {
		fault_add(in->faults, 0, "not a text file: a NUL byte stands in it");
		return;
	}
	for (const char *at = text + skip; at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (stop == NULL)
			stop = end;
		take_line(in, at, (size_t)(stop - at), line);
		at = stop + 1;
	}
}

/* Faults of a list name the list. */
static void take_file(struct intake *in, const char *path)
{
	struct faults *f = in->faults;
	const char *before = f->path;
	const size_t had = in->to->n, faults = f->n;
	char *text;
	size_t len;

	f->path = path;
	text = text_read(f, &len);
	if (text != NULL) {
		in->conf->read_fingerprint = fingerprint_file(in->conf->read_fingerprint, path, text, len);
		text[len] = '\0';
		take_text(in, text, len);
	}
	free(text);
	if (in->to->n == had && f->n == faults)
		fault_warn(f, 0, "this list names nobody");
	f->path = before;
}

size_t lists_read(struct conf *c, struct conf_app *app, const struct level *l, struct lists *ret,
                  struct faults *f)
{
	struct intake in = { .conf = c, .faults = f, .to = ret };

	*ret = (struct lists){ 0 };
	find_all(c, app, l, f);
	for (size_t i = 0; i < app->list_files.n; i++)
		take_file(&in, app->list_files.at[i]);
	return ret->n;
}

void lists_fill(const struct lists *lists, const struct conf_app *app, struct conf_community *com)
{
	for (size_t i = 0; i < lists->n; i++) {
		com[i] = app->discovered;
		com[i].id = lists->at[i].id;
		com[i].list = lists->at[i].list;
		com[i].line = lists->at[i].line;
	}
}

void lists_done(struct lists *lists)
{
	free(lists->at);
	*lists = (struct lists){ 0 };
}
