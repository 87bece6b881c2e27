/* The ids in the files that communities_files mean. */
#include <stdlib.h>
#include <string.h>

#include "agent/config/inside.h"

enum { LISTED_MAX = 1000000, ID_MAX = 96 };

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

/* Faults of a list name the list, and where it is named. */
static void take_file(struct intake *in, const char *path, int named_line)
{
	struct faults *f = in->faults;
	const char *before = f->path;
	const size_t had = in->to->n, faults = f->n;
	char *text;
	size_t len;

	f->path = path;
	f->named_in = before;
	f->named_line = named_line;
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
	f->named_in = NULL;
}

size_t lists_read(struct conf *c, struct conf_app *app, const struct level *l, struct lists *ret,
                  struct faults *f)
{
	struct intake in = { .conf = c, .faults = f, .to = ret };

	*ret = (struct lists){ 0 };
	lists_find(c, app, l, f);
	for (size_t i = 0; i < app->list_files.n; i++)
		take_file(&in, app->list_files.at[i], level_line(l, "communities_files"));
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
