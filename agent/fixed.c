/* What is taken from the first configuration and stays until the program is started again. */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon.h"

enum { LISTEN_MAX = 64 << 10 };

static char *joined(const struct conf_list *list)
{
	struct buf b;
	char *text;

	buf_init(&b, LISTEN_MAX);
	for (size_t i = 0; i < list->n; i++)
		buf_fmt(&b, "%s%s", i > 0 ? "\n" : "", list->at[i]);
	text = b.status == ERR_OK ? strdup(buf_text(&b)) : NULL;
	buf_done(&b);
	return text;
}

enum err fixed_take(const struct conf *c, struct fixed *ret)
{
	*ret = (struct fixed){
		.telemetry_path = strdup(c->telemetry_path),
		.listen = joined(&c->listen),
		.web_config_file = strdup(c->web_config_file),
		.max_connections = c->max_connections,
		.max_per_address = c->max_connections_per_address,
	};
	return ret->telemetry_path != NULL && ret->listen != NULL && ret->web_config_file != NULL ? ERR_OK
	                                                                                          : ERR_MEMORY;
}

void fixed_done(struct fixed *f)
{
	free(f->web_config_file);
	free(f->listen);
	free(f->telemetry_path);
	*f = (struct fixed){ 0 };
}

/* The list as `joined` wrote it. */
static bool same_listen(const char *text, const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const size_t len = strlen(list->at[i]);

		if (strncmp(text, list->at[i], len) != 0)
			return false;
		text += len;
		if (*text != (i + 1 < list->n ? '\n' : '\0'))
			return false;
		text += i + 1 < list->n;
	}
	return *text == '\0';
}

void fixed_differs(const struct fixed *f, const struct conf *c, struct buf *out)
{
	const struct {
		const char *key;
		bool same;
	} row[] = {
		{ "web.listen", same_listen(f->listen, &c->listen) },
		{ "web.telemetry_path", strcmp(f->telemetry_path, c->telemetry_path) == 0 },
		{ "web.max_connections", f->max_connections == c->max_connections },
		{ "web.max_connections_per_address", f->max_per_address == c->max_connections_per_address },
		{ "web.config_file", strcmp(f->web_config_file, c->web_config_file) == 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (!row[i].same)
			buf_fmt(out, "%s%s", out->len > 0 ? ", " : "", row[i].key);
}
