#include "tests/fuzz/line.h"

#include <string.h>

/* Decodes by arithmetic and checks the result, where the program compares bytes with ranges. */
static size_t read_char(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t point;
	size_t n;

	if (s[0] < 0x80)
		return s[0] != 0 ? 1 : 0;
	if (s[0] < 0xc0 || s[0] >= 0xf8)
		return 0;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (n > left)
		return 0;
	point = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		point = point << 6 | (s[i] & 0x3fu);
	}
	return point >= least[n] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? n : 0;
}

bool text_is_valid(const char *at, size_t len)
{
	size_t i = 0, n;

	for (; i < len; i += n) {
		n = read_char((const unsigned char *)at + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

static bool is_word(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!first && c >= '0' && c <= '9');
}

static size_t read_word(const char *at, size_t len)
{
	size_t n = 0;

	while (n < len && is_word(at[n], n == 0))
		n++;
	return n;
}

/* A label value from its opening quote to its closing one; 0 when it is malformed. */
static size_t read_quoted(const char *at, size_t len)
{
	size_t i = 1;

	if (len == 0 || at[0] != '"')
		return 0;
	for (; i < len && at[i] != '"'; i++) {
		if (at[i] == '\n')
			return 0;
		if (at[i] != '\\')
			continue;
		i++;
		if (i == len || (at[i] != '\\' && at[i] != '"' && at[i] != 'n'))
			return 0;
	}
	return i < len && text_is_valid(at + 1, i - 1) ? i + 1 : 0;
}

/* {a="x",b="y"}; 0 when it is malformed. */
static size_t read_labels(const char *at, size_t len)
{
	size_t i = 1;

	for (;;) {
		size_t n = read_word(at + i, len - i);

		if (n == 0 || i + n >= len || at[i + n] != '=')
			return 0;
		i += n + 1;
		n = read_quoted(at + i, len - i);
		if (n == 0 || i + n >= len)
			return 0;
		i += n;
		if (at[i] == '}')
			return i + 1;
		if (at[i] != ',')
			return 0;
		i++;
	}
}

static bool is_number(const char *at, size_t len)
{
	char text[64], *end;

	if (len == 0 || len >= sizeof(text))
		return false;
	if ((len == 3 && memcmp(at, "NaN", 3) == 0) ||
	    (len == 4 && (memcmp(at, "+Inf", 4) == 0 || memcmp(at, "-Inf", 4) == 0)))
		return true;
	memcpy(text, at, len);
	text[len] = '\0';
	if (strspn(text, "-+.eE0123456789") != len || (text[0] != '-' && (text[0] < '0' || text[0] > '9')))
		return false;
	(void)strtod(text, &end);
	return *end == '\0';
}

bool line_read(const char *at, size_t len, struct line *ret)
{
	struct line l = { .name_len = read_word(at, len) };
	const char *newline;
	size_t i = l.name_len;

	if (i == 0 || i >= len)
		return false;
	if (at[i] == '{') {
		const size_t n = read_labels(at + i, len - i);

		if (n == 0)
			return false;
		i += n;
	}
	l.key_len = i;
	if (i >= len || at[i] != ' ')
		return false;
	l.value = at + i + 1;
	newline = memchr(l.value, '\n', len - i - 1);
	if (newline == NULL)
		return false;
	l.value_len = (size_t)(newline - l.value);
	l.len = (size_t)(newline - at) + 1;
	if (!is_number(l.value, l.value_len))
		return false;
	*ret = l;
	return true;
}

struct key {
	const char *at;
	size_t len;
};

static int by_text(const void *left, const void *right)
{
	const struct key *l = left, *r = right;
	const size_t n = l->len < r->len ? l->len : r->len;
	const int order = memcmp(l->at, r->at, n);

	return order != 0 ? order : (l->len > r->len) - (l->len < r->len);
}

static bool keys_differ(struct key *key, size_t n)
{
	if (n > 1)
		qsort(key, n, sizeof(*key), by_text);
	for (size_t i = 1; i < n; i++)
		if (by_text(&key[i - 1], &key[i]) == 0)
			return false;
	return true;
}

bool lines_are_valid(const char *at, size_t len)
{
	struct key *key = NULL;
	size_t n = 0, room = 0;
	bool valid = true;

	for (size_t i = 0; i < len && valid;) {
		struct line l;

		if (n == room) {
			room = room > 0 ? room * 2 : 64;
			key = realloc(key, room * sizeof(*key));
			MUST(key != NULL);
		}
		valid = line_read(at + i, len - i, &l);
		if (valid) {
			key[n++] = (struct key){ at + i, l.key_len };
			i += l.len;
		}
	}
	valid = valid && keys_differ(key, n);
	free(key);
	return valid;
}

size_t label_unescape(const char *at, size_t len, char *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = at[i];

		if (c == '\\') {
			if (++i == len || (at[i] != '\\' && at[i] != '"' && at[i] != 'n'))
				return SIZE_MAX;
			c = at[i] == 'n' ? '\n' : at[i];
		}
		ret[n++] = c;
	}
	return n;
}
