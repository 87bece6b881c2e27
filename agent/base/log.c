#include "agent/base/log.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/redact.h"

/* A pipe that poll() calls writable takes at least this many bytes without blocking (PIPE_BUF). */
enum { LINE_MAX_BYTES = 4096 };

static const char *const level_word[SAY_LEVELS] = { "debug", "info", "warn", "error" };

/* The one piece of process-wide state: stderr is process-wide too. */
static struct {
	enum log_level floor;
	enum log_form form;
	uint64_t dropped;
} sink = { .floor = SAY_INFO, .form = LOG_LOGFMT };

void log_open(enum log_level floor, enum log_form form)
{
	sink.floor = floor;
	sink.form = form;
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

/* Quoted for JSON, which is also how logfmt readers expect a quoted value. Bytes above 0x7f pass:
 * topic names are UTF-8. Terminal controls (0x00 to 0x1f, 0x7f) never do. */
static void add_quoted(struct buf *b, const char *text)
{
	buf_str(b, "\"");
	for (const char *p = text; *p != '\0'; p++) {
		const unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			buf_fmt(b, "\\%c", c);
		else if (c == '\n')
			buf_str(b, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_fmt(b, "\\u%04x", c);
		else
			buf_add(b, p, 1);
	}
	buf_str(b, "\"");
}

static bool is_plain(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
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
