#include "tests/simulator/setting.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/buf.h"

void setting_refuse(struct setting *s, config_setting_t *at, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	if (*s->status != ERR_OK)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	*s->status = err_because(s->why, ERR_CONFIG, "%.100s:%u: %s", s->path,
	                         at != NULL ? (unsigned)config_setting_source_line(at) : 1, what);
}

struct setting setting_begin(const struct setting *parent, config_setting_t *group)
{
	struct setting s = *parent;

	s.group = group;
	s.known_n = 0;
	if (!config_setting_is_group(group))
		setting_refuse(&s, group, "a group { ... } is expected here");
	return s;
}

enum err setting_end(struct setting *s)
{
	int n = *s->status == ERR_OK ? config_setting_length(s->group) : 0;

	for (int i = 0; i < n && *s->status == ERR_OK; i++) {
		config_setting_t *member = config_setting_get_elem(s->group, (unsigned)i);
		const char *name = config_setting_name(member);
		char allowed[160];
		struct buf b;
		int known = 0;

		while (known < s->known_n && strcmp(s->known[known], name) != 0)
			known++;
		if (known < s->known_n)
			continue;
		buf_wrap(&b, allowed, sizeof(allowed) - 1);
		for (int k = 0; k < s->known_n; k++)
			buf_fmt(&b, "%s%s", k > 0 ? " " : "", s->known[k]);
		allowed[b.len] = '\0';
		setting_refuse(s, member, "unknown key '%.40s'; allowed: %s", name, allowed);
	}
	return *s->status;
}

config_setting_t *setting_member(struct setting *s, const char *key)
{
	if (*s->status != ERR_OK)
		return NULL;
	if (s->known_n < SETTING_KEYS_MAX)
		s->known[s->known_n++] = key;
	return config_setting_get_member(s->group, key);
}

void setting_int(struct setting *s, const char *key, int64_t min, int64_t max, int64_t *value)
{
	config_setting_t *at = setting_member(s, key);
	int64_t n;

	if (at == NULL)
		return;
	if (config_setting_type(at) == CONFIG_TYPE_INT)
		n = config_setting_get_int(at);
	else if (config_setting_type(at) == CONFIG_TYPE_INT64)
		n = config_setting_get_int64(at);
	else {
		setting_refuse(s, at, "'%s' must be a whole number", key);
		return;
	}
	if (n < min || n > max)
		setting_refuse(s, at, "'%s' must be %" PRId64 " to %" PRId64, key, min, max);
	else
		*value = n;
}

void setting_int32(struct setting *s, const char *key, int min, int max, int *value)
{
	int64_t n = *value;

	setting_int(s, key, min, max, &n);
	*value = (int)n;
}

void setting_size(struct setting *s, const char *key, size_t max, size_t *value)
{
	int64_t n = (int64_t)*value;

	setting_int(s, key, 0, (int64_t)max, &n);
	*value = (size_t)n;
}

void setting_real(struct setting *s, const char *key, double min, double max, double *value)
{
	config_setting_t *at = setting_member(s, key);
	double n;

	if (at == NULL)
		return;
	if (config_setting_type(at) == CONFIG_TYPE_FLOAT)
		n = config_setting_get_float(at);
	else if (config_setting_type(at) == CONFIG_TYPE_INT)
		n = config_setting_get_int(at);
	else {
		setting_refuse(s, at, "'%s' must be a number", key);
		return;
	}
	if (!(n >= min && n <= max))
		setting_refuse(s, at, "'%s' must be %g to %g", key, min, max);
	else
		*value = n;
}

void setting_bool(struct setting *s, const char *key, bool *value)
{
	config_setting_t *at = setting_member(s, key);

	if (at == NULL)
		return;
	if (config_setting_type(at) != CONFIG_TYPE_BOOL)
		setting_refuse(s, at, "'%s' must be true or false", key);
	else
		*value = config_setting_get_bool(at) != 0;
}

/* Seconds of "1h30m"; negative when the text is no duration. */
static double duration_of(const char *text)
{
	static const struct {
		const char *unit;
		double s;
	} units[] = { { "ms", 0.001 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 } };
	double total = 0;

	if (*text == '\0')
		return -1;
	while (*text != '\0') {
		char *end;
		double n = strtod(text, &end);
		size_t unit = 0;

		if (end == text || !(n >= 0 && n < 1e9))
			return -1;
		while (unit < 6 && strncmp(end, units[unit].unit, strlen(units[unit].unit)) != 0)
			unit++;
		if (unit == 6)
			return -1;
		total += n * units[unit].s;
		text = end + strlen(units[unit].unit);
	}
	return total;
}

void setting_duration(struct setting *s, const char *key, double *value)
{
	config_setting_t *at = setting_member(s, key);
	const char *text = at != NULL ? config_setting_get_string(at) : NULL;
	double n = text != NULL ? duration_of(text) : -1;

	if (at == NULL)
		return;
	if (n < 0)
		setting_refuse(s, at, "'%s' must be a duration such as \"90s\", \"1h30m\" or \"2d\"", key);
	else
		*value = n;
}

static char *text_copy(struct setting *s, config_setting_t *at, const char *what, size_t max)
{
	const char *text = config_setting_get_string(at);
	char *copy = NULL;

	if (text == NULL || *text == '\0' || strlen(text) > max)
		setting_refuse(s, at, "'%s' must be a text of 1 to %zu bytes", what, max);
	else if ((copy = strdup(text)) == NULL)
		setting_refuse(s, at, "out of memory");
	return copy;
}

void setting_text(struct setting *s, const char *key, size_t max, char **value)
{
	config_setting_t *at = setting_member(s, key);
	char *copy = at != NULL ? text_copy(s, at, key, max) : NULL;

	if (copy != NULL) {
		free(*value);
		*value = copy;
	}
}

void setting_word(struct setting *s, const char *key, const char *const *words, int *value)
{
	config_setting_t *at = setting_member(s, key);
	const char *text = at != NULL ? config_setting_get_string(at) : NULL;
	char allowed[160];
	struct buf b;

	if (at == NULL)
		return;
	for (int i = 0; text != NULL && words[i] != NULL; i++) {
		if (strcmp(words[i], text) == 0) {
			*value = i;
			return;
		}
	}
	buf_wrap(&b, allowed, sizeof(allowed) - 1);
	for (int i = 0; words[i] != NULL; i++)
		buf_fmt(&b, " %s", words[i]);
	allowed[b.len] = '\0';
	setting_refuse(s, at, "'%s' must be one of:%s", key, allowed);
}

void setting_texts(struct setting *s, const char *key, char ***value, size_t *n)
{
	config_setting_t *at = setting_member(s, key);
	int length = at != NULL ? config_setting_length(at) : 0;

	if (at == NULL)
		return;
	if (!config_setting_is_aggregate(at) || config_setting_is_group(at) || length == 0) {
		setting_refuse(s, at, "'%s' must be a list of texts, not empty", key);
		return;
	}
	*value = calloc((size_t)length, sizeof(char *));
	for (int i = 0; *value != NULL && i < length && *s->status == ERR_OK; i++) {
		(*value)[i] = text_copy(s, config_setting_get_elem(at, (unsigned)i), key, 1024);
		*n = (size_t)i + ((*value)[i] != NULL ? 1 : 0);
	}
	if (*value == NULL)
		setting_refuse(s, at, "out of memory");
}
