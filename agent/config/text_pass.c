/* One pass over the text before libconfig sees it. Why each rule is here, all measured with libconfig 1.5:
 * - it opens included files itself, and calls exit when one is a directory;
 * - 4294967297 becomes 1, and a 64-bit number reads as 0 with success; 1.7 reads 010 as eight, 1.5 as ten;
 * - "a" "b" is one string "ab", so a forgotten comma loses a community in silence;
 * - a comment without an end, and an empty file, are fine; a group of 50,000 settings takes 12 s. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/utf8.h"
#include "agent/config/inside.h"

enum { FILE_MAX = 16 << 20, DEPTH_MAX = 16, GROUP_MAX = 256, SHOWN = 40 };

enum last { LAST_START, LAST_STRING, LAST_COMMA, LAST_OTHER };

struct pass {
	struct faults *faults;
	const char *at, *end;
	struct buf *out;
	int line;
	enum last last;
	const char *string; /* the last one, with its quotes */
	size_t string_len;
	bool secret;                      /* the setting read last is secret_key */
	size_t comma;                     /* where the last comma stands in `out` */
	bool hopeless;                    /* what comes out cannot be parsed any more */
	size_t depth;                     /* brackets open; deeper than DEPTH_MAX only counted */
	unsigned settings[DEPTH_MAX + 1]; /* in each open group */
};

static char *read_all(int fd, struct faults *f, size_t *ret_len)
{
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	if (text == NULL) {
		fault_add(f, 0, "out of memory");
		return NULL;
	}
	while (n > 0 && len <= FILE_MAX) {
		n = read(fd, text + len, FILE_MAX + 1 - len);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		fault_add(f, 0, "cannot read the file: %s", strerror(errno));
	else if (len > FILE_MAX)
		fault_add(f, 0, "the file is larger than 16 MiB");
	if (n < 0 || len > FILE_MAX) {
		free(text);
		return NULL;
	}
	*ret_len = len;
	return text;
}

char *text_read(struct faults *f, size_t *ret_len)
{
	const int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not wait */
	struct stat st;
	char *text = NULL;

	if (fd < 0) {
		fault_add(f, 0, "cannot open the file: %s", strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		fault_add(f, 0, "not a regular file");
	else
		text = read_all(fd, f, ret_len);
	close(fd);
	return text;
}

static size_t left(const struct pass *p)
{
	return (size_t)(p->end - p->at);
}

struct token {
	int len;
	const char *at;
};

/* What of a token a message shows; nothing of what may be the key. */
static struct token shown(const struct pass *p, const char *at, size_t len)
{
	if (p->secret)
		return (struct token){ 3, "***" };
	return (struct token){ len > SHOWN ? SHOWN : (int)len, at };
}

static bool all_in(const char *s, size_t n, const char *set)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(set, s[i]) == NULL)
			return false;
	return true;
}

/* Counts settings of a group by their '=' or ':', which stand nowhere else outside of strings. */
static void count_setting(struct pass *p)
{
	const size_t depth = p->depth < DEPTH_MAX ? p->depth : DEPTH_MAX;

	if (++p->settings[depth] != GROUP_MAX + 1)
		return;
	p->hopeless = true;
	fault_add(p->faults, p->line, "more than %d settings in one group; is a bracket missing above?",
	          GROUP_MAX);
}

static void open_bracket(struct pass *p)
{
	p->depth++;
	if (p->depth == DEPTH_MAX + 1)
		fault_add(p->faults, p->line, "brackets deeper than %d; is one not closed above?", DEPTH_MAX);
	p->hopeless |= p->depth > DEPTH_MAX;
	if (p->depth <= DEPTH_MAX)
		p->settings[p->depth] = 0;
}

static void close_bracket(struct pass *p, char c)
{
	if (p->last == LAST_COMMA && c != '}') {
		fault_add(p->faults, p->line, "a comma before '%c': remove it", c);
		if (p->comma < p->out->len)
			p->out->at[p->comma] = ' ';
	}
	if (p->depth > 0)
		p->depth--;
}

/* The bytes of the string at `at`, quotes included; 0 when it does not end in its line. */
static size_t string_len(struct pass *p)
{
	for (const char *s = p->at + 1; s < p->end && *s != '\n'; s++) {
		if (*s == '"')
			return (size_t)(s - p->at) + 1;
		if (*s != '\\' || s + 1 == p->end)
			continue;
		if (p->end - s >= 4 && memcmp(s, "\\x00", 4) == 0)
			fault_add(p->faults, p->line, "a string with a zero byte, \\x00: libconfig would cut it there");
		if (s[1] != '\n')
			s++;
	}
	return 0;
}

static void pass_line_comment(struct pass *p)
{
	while (p->at < p->end && *p->at != '\n')
		p->at++;
}

static void pass_string(struct pass *p)
{
	const size_t len = string_len(p);

	if (len == 0) {
		const char *start = p->at;
		struct token t;

		pass_line_comment(p);
		t = shown(p, start, (size_t)(p->at - start));
		fault_add(p->faults, p->line, "a string without its closing quote: %.*s", t.len, t.at);
		p->hopeless = true;
		p->last = LAST_OTHER;
		return;
	}
	if (p->last == LAST_STRING) {
		const struct token a = shown(p, p->string, p->string_len), b = shown(p, p->at, len);

		fault_add(p->faults, p->line, "a comma is missing between %.*s and %.*s", a.len, a.at, b.len, b.at);
		buf_str(p->out, ",");
	}
	buf_add(p->out, p->at, len);
	p->string = p->at;
	p->string_len = len;
	p->last = LAST_STRING;
	p->at += len;
}

static void pass_block_comment(struct pass *p)
{
	const int opened = p->line;

	for (p->at += 2; p->at < p->end; p->at++) {
		if (left(p) >= 2 && p->at[0] == '*' && p->at[1] == '/') {
			p->at += 2;
			buf_str(p->out, " ");
			return;
		}
		if (*p->at == '\n') {
			p->line++;
			buf_str(p->out, "\n");
		}
	}
	fault_add(p->faults, opened, "a comment that is not closed: '*/' is missing");
	p->hopeless = true;
}

static bool in_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '-' || c == '+' || c == '.' || c == '*';
}

/* A whole number as libconfig writes them: decimal or 0x, with or without L or LL. False when it is none. */
static bool whole_number(struct pass *p, const char *word, size_t len)
{
	const bool hex = len > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	const size_t at = hex ? 2 : (word[0] == '-' || word[0] == '+');
	const struct token t = shown(p, word, len);
	char digits[32] = "";
	long long value = 0;
	size_t n = len;

	for (int l = 0; l < 2 && n > 0 && word[n - 1] == 'L'; l++)
		n--;
	if (n <= at || !all_in(word + at, n - at, hex ? "0123456789abcdefABCDEF" : "0123456789"))
		return false;
	if (!hex && n - at > 1 && word[at] == '0')
		fault_add(p->faults, p->line, "number %.*s starts with 0: write it without", t.len, t.at);
	errno = n < sizeof(digits) ? 0 : ERANGE;
	if (errno == 0) {
		memcpy(digits, word, n);
		value = strtoll(digits, NULL, hex ? 16 : 10);
	}
	if (errno != 0) {
		fault_add(p->faults, p->line, "number %.*s does not fit into 64 bits", t.len, t.at);
		p->hopeless = true;
	}
	buf_fmt(p->out, "%lld%s", value, value > INT32_MAX || value < INT32_MIN ? "L" : "");
	return true;
}

/* The next byte that is neither blank nor a line end; 0 at the end of the text. */
static char peek(const struct pass *p)
{
	const char *s = p->at;

	while (s < p->end && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n'))
		s++;
	return s < p->end ? *s : '\0';
}

/* A word that is no number: the name of a setting, true, false, or a mistake libconfig would call "syntax
 * error". */
static void check_word(struct pass *p, const char *word, size_t len)
{
	const struct token t = shown(p, word, len);
	const char next = peek(p);

	if (next == '=' || next == ':' || next == '#' || next == '/') {
		p->secret = len == strlen("secret_key") && memcmp(word, "secret_key", len) == 0;
		return;
	}
	if ((len == 4 && strncasecmp(word, "true", len) == 0) ||
	    (len == 5 && strncasecmp(word, "false", len) == 0))
		return;
	fault_add(p->faults, p->line,
	          "'%.*s' is neither a setting (no '=' follows) nor a value; texts and durations stand in double "
	          "quotes, "
	          "switches are true or false",
	          t.len, t.at);
	p->hopeless = true;
}

static void pass_word(struct pass *p)
{
	const char *word = p->at;
	size_t len;

	while (p->at < p->end && in_word(*p->at))
		p->at++;
	len = (size_t)(p->at - word);
	p->last = LAST_OTHER;
	if (whole_number(p, word, len))
		return;
	if (!all_in(word, len, "0123456789+-.eE") || !all_in(word, 1, "0123456789+-."))
		check_word(p, word, len);
	buf_add(p->out, word, len);
}

static void pass_mark(struct pass *p)
{
	const char c = *p->at;

	if (c == '{' || c == '(' || c == '[')
		open_bracket(p);
	else if (c == '}' || c == ')' || c == ']')
		close_bracket(p, c);
	else if (c == '=' || c == ':')
		count_setting(p);
	p->last = c == ',' ? LAST_COMMA : LAST_OTHER;
	if (c == ',')
		p->comma = p->out->len;
	buf_add(p->out, p->at++, 1);
}

static void pass_at_sign(struct pass *p)
{
	if (left(p) >= 8 && memcmp(p->at, "@include", 8) == 0) {
		fault_add(p->faults, p->line, "@include is not supported: keep the configuration in one file");
	} else {
		fault_add(p->faults, p->line, "'@' outside of a string: put the text in double quotes");
		p->hopeless = true;
	}
	pass_line_comment(p);
}

static void pass_next(struct pass *p)
{
	const char c = *p->at;

	if (c == '\n') {
		p->line++;
		buf_add(p->out, p->at++, 1);
	} else if (c == ' ' || c == '\t' || c == '\r') {
		buf_str(p->out, " ");
		p->at++;
	} else if (c == '"') {
		pass_string(p);
	} else if (c == '#' || (c == '/' && left(p) > 1 && p->at[1] == '/')) {
		pass_line_comment(p);
	} else if (c == '/' && left(p) > 1 && p->at[1] == '*') {
		pass_block_comment(p);
	} else if (c == '@') {
		pass_at_sign(p);
	} else if (in_word(c)) {
		pass_word(p);
	} else if (strchr("{}()[]=:;,", c) != NULL) {
		pass_mark(p);
	} else {
		fault_add(p->faults, p->line,
		          "a character that has no meaning here, byte 0x%02x; texts stand in double quotes",
		          (unsigned char)c);
		p->hopeless = true;
		pass_line_comment(p);
	}
}

/* NUL would end the text for libconfig, and broken UTF-8 would end the scrape for Prometheus. */
static bool bytes_ok(struct faults *f, const char *text, size_t len)
{
	int line = 1;

	for (size_t i = 0; i < len;) {
		const size_t n = utf8_char(text + i, len - i);

		if (n == 0 || text[i] == '\0') {
			fault_add(f, line,
			          n == 0 ? "not valid UTF-8; save the file as UTF-8"
			                 : "a NUL byte; is this a text file?");
			return false;
		}
		line += text[i] == '\n';
		i += n;
	}
	return true;
}

bool text_pass(struct faults *f, const char *text, size_t len, struct buf *out)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct pass p = { .faults = f, .at = text, .end = text + len, .out = out, .line = 1 };

	if (!bytes_ok(f, text, len))
		return false;
	if (len >= 3 && memcmp(text, mark, 3) == 0)
		p.at += 3;
	while (p.at < p.end)
		pass_next(&p);
	if (p.last == LAST_START && f->n == 0)
		fault_add(f, 0, "the file holds no setting; a first configuration is in the README");
	return !p.hopeless && p.last != LAST_START;
}
