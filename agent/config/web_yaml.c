/* Who comes from another exporter has this file in YAML. It is not taken, but said again in our form. */
#include <string.h>

#include "agent/base/utf8.h"
#include "agent/config/web_inside.h"

static const char *const sections[] = { "tls_server_config", "basic_auth_users", "http_server_config",
	                                    "rate_limit" };

struct yaml {
	struct buf *out;
	int section; /* -1: none of ours */
	bool open;   /* it was begun in `out` */
};

struct line {
	const char *at;
	size_t len, indent;
};

static struct span trim(const char *at, size_t len)
{
	while (len > 0 && strchr(" \t\r", at[len - 1]) != NULL)
		len--;
	while (len > 0 && (*at == ' ' || *at == '\t')) {
		at++;
		len--;
	}
	return (struct span){ at, len };
}

/* The next line that says something. */
static bool next_line(const char **at, const char *end, struct line *ret)
{
	while (*at < end) {
		const char *eol = memchr(*at, '\n', (size_t)(end - *at));
		const char *start = *at;
		const size_t len = (size_t)((eol != NULL ? eol : end) - start);
		const struct span s = trim(start, len);

		*at = eol != NULL ? eol + 1 : end;
		if (s.len == 0 || *s.at == '#')
			continue;
		*ret = (struct line){ s.at, s.len, (size_t)(s.at - start) };
		return true;
	}
	return false;
}

/* "key: value" or "key:"; a value without its quotes and the comment behind it. */
static bool split(const struct line *l, struct span *key, struct span *value)
{
	const char *colon = memchr(l->at, ':', l->len);
	size_t rest;

	if (colon == NULL)
		return false;
	rest = l->len - (size_t)(colon - l->at) - 1;
	if (rest > 0 && colon[1] != ' ' && colon[1] != '\t')
		return false;
	*key = trim(l->at, (size_t)(colon - l->at));
	*value = trim(colon + 1, rest);
	if (value->len > 0 && *value->at == '#')
		value->len = 0;
	for (size_t i = 1; i < value->len; i++)
		if (value->at[i] == '#' && value->at[i - 1] == ' ') {
			*value = trim(value->at, i);
			break;
		}
	if (value->len >= 2 && (*value->at == '"' || *value->at == '\'') &&
	    value->at[value->len - 1] == *value->at)
		*value = (struct span){ value->at + 1, value->len - 2 };
	if (key->len >= 2 && (*key->at == '"' || *key->at == '\''))
		*key = (struct span){ key->at + 1, key->len - 2 };
	return key->len > 0;
}

static int section_of(struct span key)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (strlen(sections[i]) == key.len && memcmp(sections[i], key.at, key.len) == 0)
			return (int)i;
	return -1;
}

/* Our form knows "key: value" as well, but there a value follows that begins with a bracket. */
static bool is_yaml(const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	struct span key, value;
	struct line l;

	if (!next_line(&at, end, &l))
		return false;
	if (l.len >= 3 && memcmp(l.at, "---", 3) == 0)
		return true;
	if (l.indent > 0 || !split(&l, &key, &value) || section_of(key) < 0 || value.len > 0)
		return false;
	return !next_line(&at, end, &l) || (*l.at != '{' && *l.at != '(');
}

static void add_quoted(struct buf *out, struct span s)
{
	buf_str(out, "\"");
	for (size_t i = 0; i < s.len;) {
		const size_t n = utf8_char(s.at + i, s.len - i);

		if (n == 0 || control_len(s.at + i) > 0)
			buf_str(out, "?");
		else if (s.at[i] == '"' || s.at[i] == '\\')
			buf_fmt(out, "\\%c", s.at[i]);
		else
			buf_add(out, s.at + i, n);
		i += n > 0 ? n : 1;
	}
	buf_str(out, "\"");
}

static void close_section(struct yaml *y)
{
	if (y->open)
		buf_str(y->out, y->section == 0 ? "  };\n" : "  );\n");
	y->open = false;
}

static void add_pair(struct yaml *y, struct span key, struct span value)
{
	if (y->section < 0 || y->section > 1 || value.len == 0)
		return;
	if (!y->open)
		buf_str(y->out, y->section == 0 ? "  tls_server_config = {\n" : "  basic_auth_users = (\n");
	else if (y->section == 1)
		buf_rewind(y->out, y->out->len - 1), buf_str(y->out, ",\n");
	y->open = true;
	if (y->section == 0) {
		buf_str(y->out, "    ");
		buf_add(y->out, key.at, strspn(key.at, "abcdefghijklmnopqrstuvwxyz_"));
		buf_str(y->out, " = ");
		add_quoted(y->out, value);
		buf_str(y->out, ";\n");
		return;
	}
	/* A hash is told to nobody who reads a log. */
	buf_str(y->out, "    { name = ");
	add_quoted(y->out, key);
	buf_str(y->out, "; password_hash = \"THE HASH\"; }\n");
}

bool web_yaml(struct faults *f, const char *text, size_t len)
{
	struct yaml y = { .out = f->out, .section = -1 };
	const char *at = text, *end = text + len;
	struct span key, value;
	struct line l;

	if (!is_yaml(text, len))
		return false;
	fault_add(f, 1, "this is YAML; wanted is the form of the main file, where the same thing is:");
	while (next_line(&at, end, &l)) {
		if (!split(&l, &key, &value))
			continue;
		if (l.indent > 0) {
			add_pair(&y, key, value);
			continue;
		}
		close_section(&y);
		y.section = section_of(key);
		if (y.section > 1)
			buf_fmt(y.out, "  # %s is not known here\n", sections[y.section]);
	}
	close_section(&y);
	return true;
}
