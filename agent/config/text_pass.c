/* One pass over the text before libconfig sees it. Why each rule is here, all measured with libconfig 1.5:
 * - it opens included files itself, and calls exit when one is a directory;
 * - 4294967297 becomes 1, and a 64-bit number reads as 0 with success; 1.7 reads 010 as eight, 1.5 as ten;
 * - "a" "b" is one string "ab", so a forgotten comma loses a community in silence;
 * - a comment without an end, and an empty file, are fine; a group of 50,000 settings takes 12 s. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/base/utf8.h"
#include "agent/config/inside.h"

enum { SHOWN = 40 };

enum last {
	LAST_START,
	LAST_STRING,
	LAST_COMMA,
	LAST_EQUALS,
	LAST_SEMICOLON,
	LAST_OPEN,
	LAST_CLOSED,
	LAST_OTHER
};

struct pass {
	struct faults *faults;
	const char *at, *end;
	struct buf *out;
	int line;
	enum last last;
	const char *string; /* the last one, with its quotes */
	size_t string_len;
	bool secret;    /* the setting read last is one whose value no message may show */
	size_t comma;   /* where the last comma stands in `out` */
	int comma_line; /* and in the file */
	bool hopeless;  /* what comes out cannot be parsed any more */
	struct brackets brackets;
};

static size_t left(const struct pass *p)
{
	return (size_t)(p->end - p->at);
}

struct token {
	int len;
	const char *at, *more; /* "..." when it is cut */
};

/* What of a token a message shows; nothing of what may be the key. */
static struct token shown(const struct pass *p, const char *at, size_t len)
{
	if (p->secret)
		return (struct token){ 3, "***", "" };
	return (struct token){ len > SHOWN ? SHOWN : (int)len, at, len > SHOWN ? "..." : "" };
}

static void close_bracket(struct pass *p, char c)
{
	brackets_close(&p->brackets, c, p->line);
	if (p->last != LAST_COMMA || c == '}')
		return; /* in a group a comma ends a setting */
	fault_add(p->faults, p->comma_line, "a comma before '%c': remove it", c);
	if (p->comma < p->out->len)
		p->out->at[p->comma] = ' ';
}

/* Drops the rest of the line. */
static void skip_line(struct pass *p)
{
	while (p->at < p->end && *p->at != '\n')
		p->at++;
	p->brackets.unsure = true; /* some may stand in what is dropped */
	p->hopeless = true;
	p->last = LAST_OTHER;
}

/* The bytes of the string at `at`, quotes included; 0 when it does not end in its line. */
static size_t string_len(struct pass *p)
{
	const char *wrong;

	for (const char *s = p->at + 1; s < p->end && *s != '\n'; s++) {
		if (*s == '"')
			return (size_t)(s - p->at) + 1;
		if (*s != '\\' || s + 1 == p->end || s[1] == '\n')
			continue;
		wrong = escape_fault(s, (size_t)(p->end - s));
		if (wrong != NULL)
			fault_add(p->faults, p->line, "%s", wrong);
		s++;
	}
	return 0;
}

static void pass_line_comment(struct pass *p)
{
	while (p->at < p->end && *p->at != '\n')
		p->at++;
}

/* libconfig would make one string of two that only blanks part. A text in any other odd place is a syntax
 * error, for which version 1.5 does not free it. Outside of lists it may be a key that lost its name. */
static void misplaced_string(struct pass *p, size_t len)
{
	const struct token a = shown(p, p->string, p->string_len), b = shown(p, p->at, len);
	const char *next = p->at + len + gap_len(p->at + len, p->end);
	const bool list = brackets_list(&p->brackets);

	p->hopeless |= p->last != LAST_STRING;
	if (p->last == LAST_STRING && list)
		fault_add(p->faults, p->line, "a comma is missing between %.*s%s and %.*s%s", a.len, a.at, a.more,
		          b.len, b.at, b.more);
	else if (list)
		fault_add(p->faults, p->line, "a comma is missing before %.*s%s", b.len, b.at, b.more);
	else if (p->last == LAST_STRING)
		fault_add(p->faults, p->line, "two texts behind each other, where one is wanted");
	else if (next == p->end || (*next != '=' && *next != ':')) /* else a name in quotes, told at the '=' */
		fault_add(p->faults, p->line, "a text without a name and '=' before it");
}

static void pass_string(struct pass *p)
{
	const size_t len = string_len(p);
	bool list, fine;

	if (len == 0) {
		const char *newline = memchr(p->at, '\n', left(p));
		const struct token t = shown(p, p->at, newline != NULL ? (size_t)(newline - p->at) : left(p));

		fault_add(p->faults, p->line, "a string without its closing quote: %.*s%s", t.len, t.at, t.more);
		skip_line(p);
		return;
	}
	list = brackets_list(&p->brackets);
	fine = p->brackets.unsure || p->last == LAST_EQUALS ||
	       (list && (p->last == LAST_COMMA || p->last == LAST_OPEN));
	if (!fine)
		misplaced_string(p, len);
	if (fine || list) {
		buf_str(p->out, fine ? "" : ",");
		buf_add(p->out, p->at, len);
	}
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
	p->hopeless = p->brackets.unsure = true;
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
		fault_add(p->faults, p->line, "number %.*s%s starts with 0: write it without", t.len, t.at, t.more);
	errno = n < sizeof(digits) ? 0 : ERANGE;
	if (errno == 0) {
		memcpy(digits, word, n);
		value = strtoll(digits, NULL, hex ? 16 : 10);
	}
	if (errno != 0) {
		fault_add(p->faults, p->line, "number %.*s%s does not fit into 64 bits", t.len, t.at, t.more);
		p->hopeless = true;
	}
	buf_fmt(p->out, "%lld%s", value, value > INT32_MAX || value < INT32_MIN ? "L" : "");
	return true;
}

/* A word that is no number: the name of a setting, true, false, or a mistake libconfig would call "syntax
 * error". A word behind '=' is a value, whatever follows it: half of a key must not pass for a name. */
static void check_word(struct pass *p, const char *word, size_t len)
{
	const char *next = p->at + gap_len(p->at, p->end);
	const bool named = next < p->end && (*next == '=' || *next == ':');
	struct token t;

	if (p->last != LAST_EQUALS)
		p->secret = names_secret(word, len) || (p->secret && !named);
	if (named && p->last != LAST_EQUALS && name_ok(word, len))
		return;
	if (!named && (word_is(word, len, "true") || word_is(word, len, "false")))
		return;
	t = shown(p, word, len);
	if (named && p->last == LAST_EQUALS)
		fault_add(p->faults, p->line,
		          "'%.*s%s' stands between two '=': a value is missing before it, or double quotes around it",
		          t.len, t.at, t.more);
	else if (named)
		fault_add(p->faults, p->line,
		          "'%.*s%s' is no name: a letter, then letters, digits, - and _; poll.interval is written "
		          "poll = { interval = ...; };",
		          t.len, t.at, t.more);
	else
		fault_add(p->faults, p->line,
		          "'%.*s%s' is neither a setting (no '=' follows) nor a value; texts and durations stand in "
		          "double quotes, switches are true or false",
		          t.len, t.at, t.more);
	p->hopeless = true;
}

static void pass_word(struct pass *p)
{
	const char *word = p->at;
	size_t len;

	while (p->at < p->end && in_word(*p->at))
		p->at++;
	len = (size_t)(p->at - word);
	if (p->last == LAST_STRING && word[-1] == '"') {
		fault_add(p->faults, p->line,
		          "a text goes on behind its closing quote; is a quote missing in this line?");
		skip_line(p);
		return;
	}
	if (!whole_number(p, word, len)) {
		if (!all_in(word, len, "0123456789+-.eE") || !all_in(word, 1, "0123456789+-."))
			check_word(p, word, len);
		buf_add(p->out, word, len);
	}
	p->last = LAST_OTHER;
}

/* What is wrong with the mark `c` here; NULL when nothing is. Messages for what libconfig would call "syntax
 * error". */
static const char *mark_fault(const struct pass *p, char c)
{
	const bool opens = strchr("{([", c) != NULL, equals = c == '=' || c == ':';

	if (p->last == LAST_EQUALS && equals)
		return "a second '='";
	if (p->last == LAST_EQUALS && !opens)
		return "a value is missing between '=' and here";
	if (p->last == LAST_SEMICOLON && c == ';')
		return "a second ';': remove one";
	if (p->last == LAST_COMMA && c == ',')
		return "two commas with nothing between them: remove one";
	if (p->last == LAST_STRING && equals)
		return "a name in quotes: write it without";
	if ((p->last == LAST_CLOSED || p->last == LAST_STRING) && opens && brackets_list(&p->brackets))
		return "a comma is missing before this bracket";
	return NULL;
}

static enum last last_mark(char c)
{
	switch (c) {
	case ',':
		return LAST_COMMA;
	case ';':
		return LAST_SEMICOLON;
	case '=':
	case ':':
		return LAST_EQUALS;
	default:
		return strchr("{([", c) != NULL ? LAST_OPEN : LAST_CLOSED;
	}
}

static void pass_mark(struct pass *p)
{
	const char c = *p->at;
	const char *wrong = mark_fault(p, c);

	if (wrong != NULL) {
		fault_add(p->faults, p->line, "'%c': %s", c, wrong);
		p->hopeless = true;
	}
	if (strchr("{([", c) != NULL)
		brackets_open(&p->brackets, c, p->line);
	else if (strchr("})]", c) != NULL)
		close_bracket(p, c);
	else if (c == '=' || c == ':')
		brackets_setting(&p->brackets, p->line);
	p->last = last_mark(c);
	if (c == ',') {
		p->comma = p->out->len;
		p->comma_line = p->line;
	}
	/* What is between [ ] must be of one type for libconfig; as a list each value is judged by itself. */
	buf_add(p->out, c == '[' ? "(" : c == ']' ? ")" : p->at, 1);
	p->at++;
}

static void pass_at_sign(struct pass *p)
{
	if (left(p) >= 8 && memcmp(p->at, "@include", 8) == 0) {
		fault_add(p->faults, p->line, "@include is not supported: keep the configuration in one file");
		p->at += 8;
		while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
			p->at++;
		p->at += p->at < p->end && *p->at == '"' ? string_len(p) : 0;
	} else {
		fault_add(p->faults, p->line, "'@' outside of a string: put the text in double quotes");
		skip_line(p);
	}
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
		skip_line(p);
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
	struct pass p = {
		.faults = f, .at = text, .end = text + len, .out = out, .line = 1, .brackets = { .faults = f }
	};

	if (!bytes_ok(f, text, len))
		return false;
	if (len >= 3 && memcmp(text, mark, 3) == 0)
		p.at += 3;
	while (p.at < p.end)
		pass_next(&p);
	brackets_end(&p.brackets);
	if (p.last == LAST_START && f->n == 0)
		fault_add(f, 0, "the file holds no setting; a first configuration is in the README");
	return !p.hopeless && !p.brackets.broken && p.last != LAST_START;
}
