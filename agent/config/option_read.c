/* One value of the file, by the kind of its option. */
#include <stdio.h>
#include <string.h>

#include "agent/base/utf8.h"
#include "agent/config/inside.h"
#include "exporters/metric/catalog.h"

enum { ENTRY_MAX = 256 }; /* bytes of an entry of a list */

static bool text_ok(const char *text, const char *key, int line, double max, bool control, struct faults *f)
{
	const size_t len = strlen(text);

	if (max > 0 && (double)len > max) {
		fault_add(f, line, "%s: longer than %.0f bytes", key, max);
		return false;
	}
	for (size_t i = 0; i < len;) {
		const size_t n = utf8_char(text + i, len - i);

		if (n == 0 || (control_len(text + i) > 0 && !control)) {
			fault_add(f, line, "%s: %s at byte %zu", key, n == 0 ? "not valid UTF-8" : "a control character",
			          i + 1);
			return false;
		}
		i += n;
	}
	return true;
}

/* True when `text` is one of the words of "a|b|c". */
static bool allowed(const char *words, const char *text)
{
	const size_t len = strlen(text);

	while (*words != '\0') {
		const size_t n = strcspn(words, "|");

		if (n == len && memcmp(words, text, n) == 0)
			return true;
		words += n + (words[n] == '|');
	}
	return false;
}

/* "a|b|c" as "a, b, c". */
static const char *spell(const char *words, char *room, size_t size)
{
	struct buf b;

	buf_wrap(&b, room, size - 1);
	for (; *words != '\0'; words++) {
		if (*words == '|')
			buf_str(&b, ", ");
		else
			buf_add(&b, words, 1);
	}
	room[b.len] = '\0';
	return room;
}

static const char *type_name(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "a switch";
	default:
		return "a list";
	}
}

static void wrong_type(const config_setting_t *s, const char *key, const char *wanted, struct faults *f)
{
	fault_add(f, config_setting_source_line(s), "%s: %s stands here, wanted is %s", key, type_name(s),
	          wanted);
}

/* A string of the file, NULL after a fault. */
static const char *read_string(const config_setting_t *s, const char *key, const char *wanted,
                               struct faults *f)
{
	if (config_setting_type(s) == CONFIG_TYPE_STRING)
		return config_setting_get_string(s);
	wrong_type(s, key, wanted, f);
	return NULL;
}

/* False for an empty text, which is how a file says "none" for an option without a default. */
static bool read_text(const struct option *o, const config_setting_t *s, const char *key, const char **field,
                      struct conf_arena **a, struct faults *f)
{
	const char *text = read_string(s, key, "a text in double quotes", f);
	const int line = config_setting_source_line(s);
	char words[256];
	char *copy;

	if (text == NULL)
		return true;
	if (*text == '\0' && o->allow[0] == '\0' &&
	    (o->fallback[0] == '\0' || strcmp(o->fallback, "INHERIT") == 0))
		return false;
	if (o->allow[0] != '\0' && !allowed(o->allow, text)) {
		fault_add(f, line, "%s: '%.40s' is not allowed; one of %s", key, text,
		          spell(o->allow, words, sizeof(words)));
		return true;
	}
	if (!text_ok(text, key, line, o->max, false, f))
		return true;
	copy = arena_text(a, text, strlen(text));
	if (o->kind == KIND_SECRET) /* libconfig frees its copy as it is */
		explicit_bzero((char *)(uintptr_t)text, strlen(text));
	if (copy == NULL)
		f->no_memory = true;
	else
		*field = copy;
	return true;
}

static void read_duration(const struct option *o, const config_setting_t *s, const char *key, int64_t *field,
                          struct faults *f)
{
	const char *text =
		read_string(s, key, "a duration in double quotes, like \"90s\", \"5m\" or \"1h30m\"", f);
	char least[DURATION_ROOM], most[DURATION_ROOM];
	int64_t ms;

	if (text == NULL)
		return;
	if (!conf_duration(text, &ms))
		fault_add(f, config_setting_source_line(s),
		          "%s: '%.40s' is not a duration; write it like 90s, 5m or 1h30m", key, text);
	else if ((double)ms < o->min || (double)ms > o->max)
		fault_add(f, config_setting_source_line(s), "%s: %.40s is outside of %s to %s", key, text,
		          duration_text((int64_t)o->min, least), duration_text((int64_t)o->max, most));
	else
		*field = ms;
}

static bool is_whole(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64;
}

static int64_t whole(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT ? config_setting_get_int(s)
	                                                 : config_setting_get_int64(s);
}

static void read_whole(const struct option *o, const config_setting_t *s, const char *key, int64_t *field,
                       struct faults *f)
{
	if (!is_whole(s))
		wrong_type(s, key, "a whole number", f);
	else if ((double)whole(s) < o->min || (double)whole(s) > o->max)
		fault_add(f, config_setting_source_line(s), "%s: %lld is outside of %.0f to %.0f", key,
		          (long long)whole(s), o->min, o->max);
	else
		*field = whole(s);
}

static void read_real(const struct option *o, const config_setting_t *s, const char *key, double *field,
                      struct faults *f)
{
	double value;

	if (!is_whole(s) && config_setting_type(s) != CONFIG_TYPE_FLOAT) {
		wrong_type(s, key, "a number", f);
		return;
	}
	value = is_whole(s) ? (double)whole(s) : config_setting_get_float(s);
	if (!(value >= o->min && value <= o->max))
		fault_add(f, config_setting_source_line(s), "%s: %.15g is outside of %g to %g", key, value, o->min,
		          o->max);
	else
		*field = value;
}

static bool metric_ok(const char *text, const char *key, int line, struct faults *f)
{
	enum metric m;

	if (metric_find(text, &m))
		return true;
	fault_add(f, line, "%s: '%.100s' is no metric; did you mean '%s'? --metrics.list has them all", key, text,
	          metric_nearest(text));
	return false;
}

/* One entry of a list, NULL after a fault. */
static const char *read_entry(const struct option *o, const config_setting_t *s, const char *key,
                              struct conf_arena **a, struct faults *f)
{
	const char *text = read_string(s, key, "a text in double quotes", f), *wrong;
	const int line = config_setting_source_line(s);
	char *copy;

	if (text == NULL)
		return NULL;
	if (*text == '\0') {
		fault_add(f, line, "%s: an empty text", key);
		return NULL;
	}
	if (!text_ok(text, key, line, ENTRY_MAX, o->kind == KIND_IDS, f))
		return NULL;
	wrong = o->kind == KIND_GLOBS ? glob_fault(text) : NULL;
	if (wrong != NULL) {
		fault_add(f, line, "%s: '%.100s': %s", key, text, wrong);
		return NULL;
	}
	if (o->kind == KIND_METRICS && !metric_ok(text, key, line, f))
		return NULL;
	copy = arena_text(a, text, strlen(text));
	f->no_memory |= copy == NULL;
	return copy;
}

static void read_list(const struct option *o, const config_setting_t *s, const char *key,
                      struct conf_list *field, struct conf_arena **a, struct faults *f)
{
	const int n = config_setting_length(s);
	const size_t faults = f->n;
	const char **at;

	if (!config_setting_is_aggregate(s) || config_setting_is_group(s)) {
		wrong_type(s, key, "a list of texts: [ \"...\", \"...\" ]", f);
		return;
	}
	if ((double)n < o->min || (double)n > o->max) {
		fault_add(f, config_setting_source_line(s), "%s: %d entries; %.0f to %.0f are allowed", key, n,
		          o->min, o->max);
		return;
	}
	at = arena_take(a, ((size_t)n + 1) * sizeof(*at));
	f->no_memory |= at == NULL;
	for (int i = 0; at != NULL && i < n; i++) {
		char entry[224];

		(void)snprintf(entry, sizeof(entry), "%s[%d]", key, i);
		at[i] = read_entry(o, config_setting_get_elem(s, (unsigned)i), entry, a, f);
	}
	if (at != NULL && f->n == faults)
		*field = (struct conf_list){ at, (size_t)n };
}

static void read_switch(const config_setting_t *s, const char *key, bool *field, struct faults *f)
{
	if (config_setting_type(s) == CONFIG_TYPE_BOOL)
		*field = config_setting_get_bool(s) != 0;
	else
		wrong_type(s, key, "true or false", f);
}

bool option_read(const struct option *o, const config_setting_t *s, const char *key, void *field,
                 struct conf_arena **a, struct faults *f)
{
	switch (o->kind) {
	case KIND_TEXT:
	case KIND_SECRET:
		return read_text(o, s, key, field, a, f);
	case KIND_INT:
		read_whole(o, s, key, field, f);
		break;
	case KIND_REAL:
		read_real(o, s, key, field, f);
		break;
	case KIND_DURATION:
		read_duration(o, s, key, field, f);
		break;
	case KIND_BOOL:
		read_switch(s, key, field, f);
		break;
	case KIND_LIST:
	case KIND_GLOBS:
	case KIND_IDS:
	case KIND_METRICS:
		read_list(o, s, key, field, a, f);
		break;
	}
	return true;
}

bool option_text_ok(const char *text, const char *key, int line, double max, struct faults *f)
{
	return text_ok(text, key, line, max, false, f);
}
