/* One pass over the text before libconfig sees it. Why each rule is here, all measured with libconfig 1.5:
 * - it opens included files itself, and calls exit when one is a directory;
 * - 4294967297 becomes 1, and a 64-bit number reads as 0 with success; 1.7 reads 010 as eight, 1.5 as ten;
 * - "a" "b" is one string "ab", so a forgotten comma loses a community in silence;
 * - a comment without an end, and an empty file, are fine; a group of 50,000 settings takes 12 s. */
#include <string.h>

#include "agent/base/utf8.h"
#include "agent/config/pass.h"

enum { SHOWN = 40 };

static void close_bracket(struct pass *p, char c)
{
	brackets_close(&p->brackets, c, p->line);
	if (p->last != LAST_COMMA || c == '}')
		return; /* in a group a comma ends a setting */
	fault_add(p->faults, p->comma_line, "a comma before '%c': remove it", c);
	if (p->comma < p->out->len)
		p->out->at[p->comma] = ' ';
}

static void pass_line_comment(struct pass *p)
{
	while (p->at < p->end && *p->at != '\n')
		p->at++;
}

static void pass_block_comment(struct pass *p)
{
	const int opened = p->line;

	for (p->at += 2; p->at < p->end; p->at++) {
		if (pass_left(p) >= 2 && p->at[0] == '*' && p->at[1] == '/') {
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
	if (pass_left(p) >= 8 && memcmp(p->at, "@include", 8) == 0) {
		fault_add(p->faults, p->line, "@include is not supported: keep the configuration in one file");
		p->at += 8;
		while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
			p->at++;
		p->at += p->at < p->end && *p->at == '"' ? pass_string_len(p) : 0;
	} else {
		fault_add(p->faults, p->line, "'@' outside of a string: put the text in double quotes");
		pass_skip_line(p);
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
	} else if (c == '#' || (c == '/' && pass_left(p) > 1 && p->at[1] == '/')) {
		pass_line_comment(p);
	} else if (c == '/' && pass_left(p) > 1 && p->at[1] == '*') {
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
		pass_skip_line(p);
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

size_t pass_left(const struct pass *p)
{
	return (size_t)(p->end - p->at);
}

struct token pass_shown(const struct pass *p, const char *at, size_t len)
{
	const bool credentials = len > 0 && memmem(at, len, "://", 3) != NULL && memchr(at, '@', len) != NULL;

	if (p->secret || credentials)
		return (struct token){ 3, "***", "" };
	return (struct token){ len > SHOWN ? SHOWN : (int)len, at, len > SHOWN ? "..." : "" };
}

void pass_skip_line(struct pass *p)
{
	while (p->at < p->end && *p->at != '\n')
		p->at++;
	p->brackets.unsure = true; /* some may stand in what is dropped */
	p->hopeless = true;
	p->last = LAST_OTHER;
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
