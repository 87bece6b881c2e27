#include "agent/config/conf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/config/inside.h"

enum { TEXT_MAX = 48 << 20 }; /* what 16 MiB can grow to when every number gets its L */

/* The text pass kept most of the causes away. */
static void parse_fault(const config_t *tree, struct faults *f)
{
	const char *text = config_error_text(tree);
	const int line = config_error_line(tree);

	if (strncmp(text, "duplicate", 9) == 0)
		fault_add(f, line, "this setting stands in its group already; remove one of the two");
	else
		fault_add(f, line,
		          "%s; look for a missing value, ',' or bracket, or one too many, here or in the line above",
		          text);
}

static void parse(const char *text, struct faults *f, struct conf **ret)
{
	config_t tree;

	config_init(&tree);
	if (config_read_string(&tree, text) != CONFIG_TRUE)
		parse_fault(&tree, f);
	else
		*ret = walk(&tree, f);
	f->no_memory |= *ret == NULL && f->n == 0;
	config_destroy(&tree);
}

enum err conf_read(const char *path, const char *text, size_t len, struct conf **ret, struct buf *faults)
{
	struct faults f = { .path = path, .out = faults };
	struct conf *c = NULL;
	struct buf clean;

	buf_init(&clean, TEXT_MAX);
	if (text_pass(&f, text, len, &clean)) {
		const char *whole = buf_text(&clean);

		if (clean.status == ERR_OK)
			parse(whole, &f, &c);
		else
			f.no_memory = true;
	}
	if (clean.cap > 0)
		explicit_bzero(clean.at, clean.cap); /* an inline key may stand in it */
	buf_done(&clean);
	faults_close(&f);
	if (c != NULL && f.n == 0 && !f.no_memory) {
		c->shard.total = 1;
		c->path = arena_text(&c->arena, path, strlen(path));
		f.no_memory = c->path == NULL;
	}
	if (c != NULL && f.n == 0 && !f.no_memory) {
		*ret = c;
		return ERR_OK;
	}
	if (f.n == 0)
		fault_add(&f, 0, "out of memory");
	conf_free(c);
	return f.no_memory ? ERR_MEMORY : ERR_CONFIG;
}

enum err conf_load(const char *path, struct conf **ret, struct buf *faults)
{
	struct faults f = { .path = path, .out = faults };
	size_t len;
	char *text = text_read(&f, &len);
	enum err e;

	if (text == NULL)
		return ERR_CONFIG;
	e = conf_read(path, text, len, ret, faults);
	if (e == ERR_OK) {
		(*ret)->read_fingerprint = fingerprint_file((*ret)->read_fingerprint, path, text, len);
		fingerprint_close(*ret);
	}
	explicit_bzero(text, len);
	free(text);
	return e;
}

void conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c);
}
