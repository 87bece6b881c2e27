#include "agent/config/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/utf8.h"

#define OPTION_STRUCT_ROOT      struct conf
#define OPTION_STRUCT_APP       struct conf_app
#define OPTION_STRUCT_COMMUNITY struct conf_community

const struct option options[] = {
#define OPT(SCOPE, FIELD, KIND, KEY, DEFAULT, MIN, MAX, ALLOW, HELP)                                         \
	{ SCOPE_##SCOPE, KIND_##KIND, offsetof(OPTION_STRUCT_##SCOPE, FIELD), #FIELD, KEY, DEFAULT, ALLOW, HELP, \
	  MIN,           MAX },
#include "config/options.def"
#undef OPT
};

size_t option_size(const struct option *o)
{
	static const size_t sizes[] = {
		[KIND_TEXT] = sizeof(conf_TEXT),         [KIND_SECRET] = sizeof(conf_SECRET),
		[KIND_INT] = sizeof(conf_INT),           [KIND_REAL] = sizeof(conf_REAL),
		[KIND_DURATION] = sizeof(conf_DURATION), [KIND_BOOL] = sizeof(conf_BOOL),
		[KIND_LIST] = sizeof(conf_LIST),
	};

	return sizes[o->kind];
}

/* C0, DEL and C1, which starts with 0xc2 in UTF-8. */
static bool is_control(const char *s)
{
	return (unsigned char)s[0] < 0x20 || s[0] == 0x7f ||
	       ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0);
}

bool option_text_ok(const char *text, const char *key, int line, double max, struct faults *f)
{
	const size_t len = strlen(text);

	if (max > 0 && (double)len > max) {
		fault_add(f, line, "%s: longer than %.0f bytes", key, max);
		return false;
	}
	for (size_t i = 0; i < len;) {
		const size_t n = utf8_char(text + i, len - i);

		if (n == 0 || is_control(text + i)) {
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
	if (!option_text_ok(text, key, line, o->max, f))
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

static void read_list(const struct option *o, const config_setting_t *s, const char *key,
                      struct conf_list *field, struct conf_arena **a, struct faults *f)
{
	const int n = config_setting_length(s);
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
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
		char entry[224];
		const char *text;

		(void)snprintf(entry, sizeof(entry), "%s[%d]", key, i);
		text = read_string(e, entry, "a text in double quotes", f);
		if (text == NULL)
			return;
		if (*text == '\0') {
			fault_add(f, config_setting_source_line(e), "%s: an empty text", entry);
			return;
		}
		if (!option_text_ok(text, entry, config_setting_source_line(e), 256, f))
			return;
		at[i] = arena_text(a, text, strlen(text));
		f->no_memory |= at[i] == NULL;
	}
	if (at != NULL)
		*field = (struct conf_list){ at, (size_t)n };
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
		if (config_setting_type(s) == CONFIG_TYPE_BOOL)
			*(bool *)field = config_setting_get_bool(s) != 0;
		else
			wrong_type(s, key, "true or false", f);
		break;
	case KIND_LIST:
		read_list(o, s, key, field, a, f);
		break;
	}
	return true;
}

void option_default(const struct option *o, void *field, struct conf_arena **a, struct faults *f)
{
	const char **one;

	switch (o->kind) {
	case KIND_TEXT:
	case KIND_SECRET:
		*(const char **)field = o->fallback;
		break;
	case KIND_INT:
		*(int64_t *)field = strtoll(o->fallback, NULL, 10);
		break;
	case KIND_REAL:
		*(double *)field = strtod(o->fallback, NULL);
		break;
	case KIND_DURATION:
		(void)conf_duration(o->fallback, field);
		break;
	case KIND_BOOL:
		*(bool *)field = strcmp(o->fallback, "true") == 0;
		break;
	case KIND_LIST:
		if (o->fallback[0] == '\0')
			break; /* zeroed: empty */
		one = arena_take(a, sizeof(*one));
		f->no_memory |= one == NULL;
		if (one != NULL) {
			*one = o->fallback;
			*(struct conf_list *)field = (struct conf_list){ one, 1 };
		}
		break;
	}
}
