#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/utf8.h"
#include "agent/config/inside.h"

enum { PATH_ROOM = 4096 };

/* What is quoted of the file may be cut inside of a character, or hold what a terminal obeys. */
static void make_plain(char *text)
{
	const size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		const size_t n = utf8_char(text + i, len - i);

		if (n == 0 || (unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
		i += n > 0 ? n : 1;
	}
}

static void put_place(struct buf *out, const char *file, int line)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof(path), "%s", file); /* a pattern may have found any name */
	make_plain(path);
	buf_str(out, path);
	if (line > 0)
		buf_fmt(out, ":%d", line);
}

static FORMAT(4, 0) void fault_line(struct faults *f, int line, const char *kind, const char *fmt, va_list ap)
{
	char text[768];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	make_plain(text);
	put_place(f->out, f->path, line);
	buf_fmt(f->out, ": %s%s", kind, text);
	if (f->named_in != NULL) {
		buf_str(f->out, "; a list of ");
		put_place(f->out, f->named_in, f->named_line);
	}
	buf_str(f->out, "\n");
}

void fault_add(struct faults *f, int line, const char *fmt, ...)
{
	va_list ap;

	if (f->n++ >= FAULTS_SHOWN)
		return;
	va_start(ap, fmt);
	fault_line(f, line, "", fmt, ap);
	va_end(ap);
}

void fault_warn(struct faults *f, int line, const char *fmt, ...)
{
	va_list ap;

	if (f->warned++ >= FAULTS_SHOWN)
		return;
	va_start(ap, fmt);
	fault_line(f, line, "warning: ", fmt, ap);
	va_end(ap);
}

void faults_close(struct faults *f)
{
	if (f->n > FAULTS_SHOWN)
		buf_fmt(f->out, "%s: and %zu faults more\n", f->path, f->n - FAULTS_SHOWN);
	if (f->warned > FAULTS_SHOWN)
		buf_fmt(f->out, "%s: and %zu warnings more\n", f->path, f->warned - FAULTS_SHOWN);
}
