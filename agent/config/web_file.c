#include <stdlib.h>
#include <string.h>

#include "agent/config/web_inside.h"

enum { TEXT_MAX = 48 << 20 };

static void parse(const char *text, struct web_file *w, struct faults *f)
{
	config_t tree;

	config_init(&tree);
	if (config_read_string(&tree, text) == CONFIG_TRUE)
		web_walk(&tree, w, f);
	else
		fault_add(f, config_error_line(&tree),
		          "%s; look for a missing value, ',' or bracket, or one too many, or a key given twice",
		          config_error_text(&tree));
	config_destroy(&tree);
}

static void read_text(const char *text, size_t len, struct web_file *w, struct faults *f)
{
	struct buf clean;

	buf_init(&clean, TEXT_MAX);
	if (!web_yaml(f, text, len) && text_pass(f, text, len, &clean)) {
		const char *whole = buf_text(&clean);

		if (clean.status == ERR_OK)
			parse(whole, w, f);
		else
			f->no_memory = true;
	}
	if (clean.cap > 0)
		explicit_bzero(clean.at, clean.cap);
	buf_done(&clean);
}

enum err web_file_load(const char *path, struct web_file **ret, struct buf *faults)
{
	struct faults f = { .path = path, .out = faults };
	struct web_file *w = calloc(1, sizeof(*w));
	size_t len = 0;
	char *text;

	if (w == NULL)
		return ERR_MEMORY;
	text = text_read(&f, &len);
	if (text != NULL) {
		read_text(text, len, w, &f);
		explicit_bzero(text, len);
		free(text);
	}
	faults_close(&f);
	if (f.n == 0 && !f.no_memory) {
		*ret = w;
		return ERR_OK;
	}
	if (f.n == 0)
		fault_add(&f, 0, "out of memory");
	web_file_free(w);
	return f.no_memory ? ERR_MEMORY : ERR_CONFIG;
}

void web_file_free(struct web_file *w)
{
	if (w == NULL)
		return;
	arena_free(w->arena);
	free(w);
}
