#include <stdarg.h>
#include <stdio.h>

#include "agent/config/inside.h"

static void fault_line(struct faults *f, int line, const char *kind, const char *fmt, va_list ap)
{
	char text[768];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (line > 0)
		buf_fmt(f->out, "%s:%d: %s%s\n", f->path, line, kind, text);
	else
		buf_fmt(f->out, "%s: %s%s\n", f->path, kind, text);
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
}
