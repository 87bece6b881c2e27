#include "agent/flags.h"

#include <stdint.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/shard.h"

enum flag_kind { FLAG_TEXT, FLAG_LIST, FLAG_SWITCH, FLAG_CHOICE };

struct flag_row {
	enum flag_kind kind;
	size_t offset; /* of the field in struct flags */
	const char *name, *argument, *help;
};

static const struct flag_row rows[] = {
#define FLAG(FIELD, KIND, NAME, ARGUMENT, HELP) \
	{ FLAG_##KIND, offsetof(struct flags, FIELD), NAME, ARGUMENT, HELP },
#include "agent/flags.def"
#undef FLAG
};
enum { FLAG_ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct flag_row *find(const char *name, size_t len)
{
	for (size_t i = 0; i < FLAG_ROWS; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

static bool takes_value(const struct flag_row *row)
{
	return row->kind == FLAG_TEXT || row->kind == FLAG_LIST;
}

static enum err set_switch(const struct flag_row *row, const char *value, bool on, struct flags *f,
                           struct why *why)
{
	void *field = (char *)f + row->offset;

	if (value != NULL)
		return err_because(why, ERR_CONFIG, "flag '--%s' takes no value", row->name);
	if (row->kind == FLAG_SWITCH)
		*(flag_SWITCH *)field = on;
	else
		*(flag_CHOICE *)field = on ? FLAG_YES : FLAG_NO;
	return ERR_OK;
}

static enum err set_value(const struct flag_row *row, const char *value, struct flags *f, struct why *why)
{
	void *field = (char *)f + row->offset;
	struct flag_list *list = field;

	if (value == NULL || value[0] == '\0')
		return err_because(why, ERR_CONFIG, "flag '--%s' needs a value: --%s=%s", row->name, row->name,
		                   row->argument);
	if (row->kind == FLAG_TEXT) {
		*(const char **)field = value;
		return ERR_OK;
	}
	if (list->n == FLAGS_LIST_MAX)
		return err_because(why, ERR_CONFIG, "flag '--%s' is given more than %d times", row->name,
		                   FLAGS_LIST_MAX);
	list->at[list->n++] = value;
	return ERR_OK;
}

enum err flags_read(int argc, char **argv, struct flags *ret, struct why *why)
{
	struct flags f = { 0 };

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i] + 2;
		const char *equals;
		const char *value = NULL;
		const struct flag_row *row;
		bool on = true;
		enum err e;

		if (strncmp(argv[i], "--", 2) != 0)
			return err_because(why, ERR_CONFIG, "'%.80s' is no flag; see --help", argv[i]);
		equals = strchr(name, '=');
		if (equals != NULL)
			value = equals + 1;
		row = find(name, equals != NULL ? (size_t)(equals - name) : strlen(name));
		if (row == NULL && equals == NULL && strncmp(name, "no-", 3) == 0) {
			row = find(name + 3, strlen(name + 3));
			on = false;
		}
		if (row == NULL || (!on && takes_value(row)))
			return err_because(why, ERR_CONFIG, "unknown flag '%.80s'; see --help", argv[i]);
		if (takes_value(row) && equals == NULL && i + 1 < argc)
			value = argv[++i];
		e = takes_value(row) ? set_value(row, value, &f, why) : set_switch(row, value, on, &f, why);
		if (e != ERR_OK)
			return e;
	}
	*ret = f;
	return ERR_OK;
}

enum err flags_apply(const struct flags *f, struct conf *c, struct why *why)
{
	enum log_level level;
	enum log_form form;
	struct why inner;

	if (f->log_level != NULL && !log_level_of(f->log_level, &level))
		return err_because(why, ERR_CONFIG,
		                   "flag '--log.level': '%.40s' is not one of debug, info, warn, error",
		                   f->log_level);
	if (f->log_format != NULL && !log_form_of(f->log_format, &form))
		return err_because(why, ERR_CONFIG, "flag '--log.format': '%.40s' is not one of logfmt, json",
		                   f->log_format);
	if (f->max_requests != NULL && conf_set_whole(c, "web.max_requests", f->max_requests, &inner) != ERR_OK)
		return err_because(why, ERR_CONFIG, "flag '--web.max-requests': %s", inner.text);
	if (shard_read(f->shard, f->total_shards, &c->shard, why) != ERR_OK)
		return ERR_CONFIG;
	if (f->log_level != NULL)
		c->log_level = f->log_level;
	if (f->log_format != NULL)
		c->log_format = f->log_format;
	if (f->listen.n > 0)
		c->listen = (struct conf_list){ f->listen.at, f->listen.n };
	if (f->telemetry_path != NULL)
		c->telemetry_path = f->telemetry_path;
	if (f->web_config_file != NULL)
		conf_set_web_file(c, f->web_config_file);
	if (f->enable_lifecycle != FLAG_UNSAID)
		c->enable_lifecycle = f->enable_lifecycle == FLAG_YES;
	return ERR_OK;
}

void flags_explain(struct buf *out)
{
	buf_str(out, "usage: tencentchat_exporter --config.file=FILE [flags]\n\n");
	for (size_t i = 0; i < FLAG_ROWS; i++) {
		const struct flag_row *r = &rows[i];
		const int width = (int)(strlen(r->name) + strlen(r->argument) + takes_value(r));

		buf_fmt(out, "  --%s%s%s%*s  %s\n", r->name, takes_value(r) ? "=" : "", r->argument,
		        width < 35 ? 35 - width : 0, "", r->help);
	}
}
