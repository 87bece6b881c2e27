#include "agent/base/log.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/redact.h"
#include "agent/base/utf8.h"

/* A pipe that poll() calls writable takes at least this many bytes without blocking (PIPE_BUF). */
enum { LINE_MAX_BYTES = 4096 };

static const char *const level_word[SAY_LEVELS] = { "debug", "info", "warn", "error" };

/* The one piece of process-wide state: stderr is process-wide too. */
static struct {
	enum log_level floor;
	enum log_form form;
	uint64_t dropped, lines[SAY_LEVELS];
} sink = { .floor = SAY_INFO, .form = LOG_LOGFMT };

void log_open(enum log_level floor, enum log_form form)
{
	sink.floor = floor;
	sink.form = form;
}

uint64_t log_lines(enum log_level level)
{
	return sink.lines[level];
}

const char *log_level_word(enum log_level level)
{
	return level_word[level];
}

uint64_t log_dropped(void)
{
	return sink.dropped;
}

bool log_level_of(const char *word, enum log_level *ret)
{
	for (int i = 0; i < SAY_LEVELS; i++) {
		if (strcmp(word, level_word[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_form_of(const char *word, enum log_form *ret)
{
	if (strcmp(word, "logfmt") != 0 && strcmp(word, "json") != 0)
		return false;
	*ret = word[0] == 'j' ? LOG_JSON : LOG_LOGFMT;
	return true;
}

/* Bytes of the character at `text` when it is a whole one and no terminal control (C0, DEL, or C1, which some
 * terminals obey in UTF-8 too), else 0. */
static size_t shown_char(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	const size_t n = utf8_char(text, strnlen(text, 4));

	if (c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && n == 2 && c[1] < 0xa0))
		return 0;
	return n;
}

/* What shown_char refuses. A byte that is no UTF-8 becomes U+FFFD as itself, not as an escape: a backslash
 * would end a signature in the eyes of redact. */
static size_t add_odd(struct buf *b, const char *text)
{
	const size_t n = utf8_char(text, strnlen(text, 4));

	if (*text == '\n')
		buf_str(b, "\\n");
	else if (n > 0)
		buf_fmt(b, "\\u%04x", (unsigned char)text[n - 1]);
	else
		buf_str(b, "\xef\xbf\xbd");
	return n > 0 ? n : 1;
}

/* Quoted for JSON, which is also how logfmt readers expect a quoted value. */
static void add_quoted(struct buf *b, const char *text)
{
	buf_str(b, "\"");
	while (*text != '\0') {
		const size_t n = shown_char(text);

		if (*text == '"' || *text == '\\')
			buf_str(b, "\\");
		if (n > 0)
			buf_add(b, text, n);
		text += n > 0 ? n : add_odd(b, text);
	}
	buf_str(b, "\"");
}

static bool is_plain(const char *text)
{
	if (*text == '\0')
		return false;
	for (size_t n; *text != '\0'; text += n) {
		n = shown_char(text);
		if (n == 0 || *text == ' ' || *text == '"' || *text == '=' || *text == '\\')
			return false;
	}
	return true;
}

static void add_field(struct buf *b, const struct log_field *f)
{
	const bool json = sink.form == LOG_JSON;

	buf_fmt(b, json ? ",\"%s\":" : " %s=", f->key);
	if (f->text == NULL)
		buf_fmt(b, "%lld", (long long)f->number);
	else if (!json && is_plain(f->text))
		buf_str(b, f->text);
	else
		add_quoted(b, f->text);
}

static void add_head(struct buf *b, enum log_level level, const char *event)
{
	char stamp[32];
	time_t at = time(NULL);
	struct tm utc;

	if (gmtime_r(&at, &utc) == NULL || strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		stamp[0] = '\0';
	buf_fmt(b,
	        sink.form == LOG_JSON ? "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":\"%s\""
	                              : "ts=%s level=%s event=%s",
	        stamp, level_word[level], event);
}

static void put_line(const char *line, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0 || write(STDERR_FILENO, line, len) != (ssize_t)len)
		sink.dropped++;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	char line[LINE_MAX_BYTES];
	struct buf b;

	if (level < sink.floor)
		return;
	sink.lines[level]++;
	buf_wrap(&b, line, sizeof(line) - 2); /* the end of the line always fits */
	add_head(&b, level, event);
	for (size_t i = 0; i < n; i++) {
		const size_t mark = b.len;

		add_field(&b, &fields[i]);
		if (b.status != ERR_OK)
			buf_rewind(&b, mark); /* a field too long for a line is left out; the others stay */
	}
	b.max = b.cap = sizeof(line);
	buf_str(&b, sink.form == LOG_JSON ? "}\n" : "\n");
	redact(line, b.len);
	put_line(line, b.len);
}
