/* The options for people: the configuration in force, and the table as Markdown. */
#include <stdio.h>
#include <string.h>

#include "agent/config/inside.h"

/* The bytes at `text` that stand for themselves between double quotes. */
static size_t plain_len(const char *text)
{
	size_t n = 0;

	while (text[n] != '\0' && text[n] != '"' && text[n] != '\\' && control_len(text + n) == 0)
		n++;
	return n;
}

static void put_string(struct buf *out, const char *text)
{
	buf_str(out, "\"");
	while (*text != '\0') {
		const size_t plain = plain_len(text);
		size_t control = control_len(text + plain);

		buf_add(out, text, plain);
		text += plain;
		for (; control > 0; control--)
			buf_fmt(out, "\\x%02x", (unsigned char)*text++);
		if (*text == '"' || *text == '\\')
			buf_fmt(out, "\\%c", *text++);
	}
	buf_str(out, "\"");
}

static void put_list(struct buf *out, const struct conf_list *list)
{
	buf_str(out, "[");
	for (size_t i = 0; i < list->n; i++) {
		buf_str(out, i > 0 ? ", " : " ");
		put_string(out, list->at[i]);
	}
	buf_str(out, " ]");
}

static void put_value(struct buf *out, const struct option *o, const void *field)
{
	char room[DURATION_ROOM];

	switch (o->kind) {
	case KIND_TEXT:
		put_string(out, *(const conf_TEXT *)field);
		break;
	case KIND_SECRET:
		put_string(out, "***");
		break;
	case KIND_INT:
		buf_fmt(out, "%lld", (long long)*(const conf_INT *)field);
		break;
	case KIND_REAL:
		buf_fmt(out, "%.15g", *(const conf_REAL *)field);
		break;
	case KIND_DURATION:
		put_string(out, duration_text(*(const conf_DURATION *)field, room));
		break;
	case KIND_BOOL:
		buf_str(out, *(const conf_BOOL *)field ? "true" : "false");
		break;
	case KIND_LIST:
	case KIND_GLOBS:
	case KIND_IDS:
	case KIND_METRICS:
		put_list(out, field);
		break;
	}
}

static bool is_list(const struct option *o)
{
	return o->kind == KIND_LIST || o->kind == KIND_GLOBS || o->kind == KIND_IDS || o->kind == KIND_METRICS;
}

/* An option without a default and without a value is left out. */
static bool is_empty(const struct option *o, const void *field)
{
	if (o->kind == KIND_TEXT || o->kind == KIND_SECRET)
		return **(const conf_TEXT *)field == '\0';
	if (o->kind == KIND_DURATION)
		return *(const conf_DURATION *)field == 0 && o->min > 0;
	return is_list(o) && ((const conf_LIST *)field)->n == 0;
}

/* The groups that are open while rows are printed: the first `len` bytes of `key`, "poll.adaptive.". */
struct open_groups {
	const char *key;
	size_t len;
	int indent;
};

static void put_close(struct buf *out, struct open_groups *open)
{
	open->indent -= 2;
	buf_fmt(out, "%*s};\n", open->indent, "");
	do {
		open->len--;
	} while (open->len > 0 && open->key[open->len - 1] != '.');
}

/* Closes and opens until `key` can stand here without its groups. */
static void put_groups(struct buf *out, struct open_groups *open, const char *key)
{
	size_t n;

	while (open->len > 0 && strncmp(open->key, key, open->len) != 0)
		put_close(out, open);
	open->key = key;
	for (n = strcspn(key + open->len, "."); key[open->len + n] == '.'; n = strcspn(key + open->len, ".")) {
		buf_fmt(out, "%*s%.*s: {\n", open->indent, "", (int)n, key + open->len);
		open->len += n + 1;
		open->indent += 2;
	}
}

/* Rows of one scope. Those of one group stand together in the table. */
static void put_scope(struct buf *out, enum option_scope scope, const void *object, int indent)
{
	struct open_groups open = { .key = "", .indent = indent };

	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];
		const void *field = (const char *)object + o->offset;

		if (o->scope != scope || is_empty(o, field))
			continue;
		put_groups(out, &open, o->key);
		buf_fmt(out, "%*s%s = ", open.indent, "", o->key + open.len);
		put_value(out, o, field);
		buf_str(out, ";\n");
	}
	while (open.len > 0)
		put_close(out, &open);
}

static void put_community(struct buf *out, const struct conf_community *c)
{
	struct conf_community shown = *c;

	if (!shown.observer)
		shown.from_account = ""; /* written out, it would turn the observer metrics on */
	buf_str(out, "      {\n");
	put_scope(out, SCOPE_COMMUNITY, &shown, 8);
	if (c->label_n > 0) {
		buf_str(out, "        labels = {");
		for (size_t i = 0; i < c->label_n; i++) {
			buf_fmt(out, " %s = ", c->labels[i].key);
			put_string(out, c->labels[i].value);
			buf_str(out, ";");
		}
		buf_str(out, " };\n");
	}
	buf_str(out, "      }");
}

/* Below the folder of a configuration file without a '/' in front a path is printed as it was given: as it is
 * in force it would be looked for below that folder once more. */
static const char *as_given(const struct conf *c, const char *path)
{
	const char *slash = c->path != NULL && c->path[0] != '/' ? strrchr(c->path, '/') : NULL;
	const size_t folder = slash != NULL ? (size_t)(slash - c->path) + 1 : 0;

	return strncmp(path, c->path != NULL ? c->path : "", folder) == 0 ? path + folder : path;
}

static void put_root(struct buf *out, const struct conf *c)
{
	struct conf shown = *c;

	shown.web_config_file = as_given(c, c->web_config_file);
	put_scope(out, SCOPE_ROOT, &shown, 0);
}

static void put_app(struct buf *out, const struct conf *c, const struct conf_app *app)
{
	struct conf_app shown = *app;

	shown.secret_key_file = as_given(c, app->secret_key_file);
	shown.ca_file = as_given(c, app->ca_file);
	put_scope(out, SCOPE_APP, &shown, 4);
}

void conf_print(const struct conf *c, struct buf *out)
{
	put_root(out, c);
	buf_str(out, "apps = (\n");
	for (size_t a = 0; a < c->app_n; a++) {
		const struct conf_app *app = &c->app[a];

		buf_str(out, "  {\n");
		put_app(out, c, app);
		buf_str(out, "    communities = (\n");
		for (size_t i = 0; i < app->community_n && app->community[i].list == NULL; i++) {
			buf_str(out, i > 0 ? ",\n" : "");
			put_community(out, &app->community[i]);
		}
		buf_str(out, app->community_n > 0 && app->community[0].list == NULL ? "\n" : "");
		buf_fmt(out, "    );\n  }%s\n", a + 1 < c->app_n ? "," : "");
	}
	buf_str(out, ");\n");
}

static void explain_default(struct buf *out, const struct option *o)
{
	if (strcmp(o->fallback, "INHERIT") == 0)
		buf_str(out, "the enclosing one");
	else if (o->fallback[0] != '\0')
		buf_fmt(out, "`%s`", o->fallback);
}

static void explain_range(struct buf *out, const struct option *o)
{
	char least[DURATION_ROOM], most[DURATION_ROOM];

	if (o->allow[0] != '\0') {
		for (const char *s = o->allow; *s != '\0'; s++)
			buf_fmt(out, *s == '|' ? ", " : "%c", *s);
	} else if (o->kind == KIND_DURATION) {
		buf_fmt(out, "duration, %s to %s", duration_text((int64_t)o->min, least),
		        duration_text((int64_t)o->max, most));
	} else if (o->kind == KIND_BOOL) {
		buf_str(out, "true, false");
	} else if (is_list(o)) {
		buf_fmt(out, "list, %.0f to %.0f %s", o->min, o->max,
		        o->kind == KIND_GLOBS     ? "patterns"
		        : o->kind == KIND_METRICS ? "names of metrics"
		                                  : "texts");
	} else if (o->kind == KIND_INT || o->kind == KIND_REAL) {
		buf_fmt(out, "%s, %.15g to %.15g", o->kind == KIND_INT ? "whole number" : "number", o->min, o->max);
	} else {
		buf_fmt(out, "text, at most %.0f bytes", o->max);
	}
}

static void explain_scope(struct buf *out, enum option_scope scope, const char *title)
{
	buf_fmt(out, "### %s\n\n| key | default | allowed | what it does |\n| --- | --- | --- | --- |\n", title);
	for (size_t i = 0; i < OPTIONS; i++) {
		if (options[i].scope != scope)
			continue;
		buf_fmt(out, "| `%s` | ", options[i].key);
		explain_default(out, &options[i]);
		buf_str(out, " | ");
		explain_range(out, &options[i]);
		buf_fmt(out, " | %s |\n", options[i].help);
	}
	buf_str(out, "\n");
}

void conf_explain(struct buf *out)
{
	explain_scope(out, SCOPE_ROOT, "The whole program");
	explain_scope(out, SCOPE_APP, "Each app, in `apps = ( { ... } );`");
	explain_scope(out, SCOPE_COMMUNITY,
	              "Each community, in an app's `communities = ( \"id\", { id = \"id\"; ... } );`");
	buf_str(out, "A community may also have `labels = { team = \"emea\"; };`: at most 16, shown on "
	             "`tencentchat_community_info`.\n");
}
