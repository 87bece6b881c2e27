#include "deploy/manual/roff.h"

#include <string.h>

#include "agent/version.h"

/* Of the pages; a clock would make two builds differ. */
#define DATE "2026-11-25"
enum { TEXT_MAX = 1 << 20, WIDTH = 78 };

/* A backslash is written out, a minus is one, and a line does not begin with a dot. */
void roff_plain(struct buf *out, const char *text, size_t len, bool literal)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			buf_str(out, "\\e");
		else if (text[i] == '-' &&
		         (literal || (i + 1 < len && text[i + 1] == '-') || (i > 0 && text[i - 1] == '-')))
			buf_str(out, "\\-");
		else if ((text[i] == '.' || text[i] == '\'') && (out->len == 0 || out->at[out->len - 1] == '\n'))
			buf_fmt(out, "\\&%c", text[i]);
		else
			buf_fmt(out, "%c", text[i]);
	}
}

/* Breaks lines of text that are too long; requests, and what stands between .nf and .fi, stay. */
static void wrap(struct buf *out, const char *text)
{
	bool as_is = false;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (strncmp(text, ".nf", 3) == 0 || strncmp(text, ".fi", 3) == 0)
			as_is = text[1] == 'n';
		for (size_t i = WIDTH; !as_is && text[0] != '.' && len > WIDTH && i > 0; i--)
			if (text[i] == ' ' && text[i + 1] != '.' && text[i + 1] != '\'')
				len = i;
		buf_add(out, text, len);
		buf_str(out, "\n");
		text += len + (text[len] != '\0');
	}
}

void roff_text(struct buf *out, const char *text, size_t len)
{
	bool bold = false;
	size_t from = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '`')
			continue;
		roff_plain(out, text + from, i - from, bold);
		if (i < len)
			buf_str(out, bold ? "\\fR" : "\\fB");
		bold = !bold;
		from = i + 1;
	}
}

void roff_line(struct buf *out, const char *text)
{
	roff_text(out, text, strlen(text));
	buf_str(out, "\n");
}

void roff_head(struct buf *out, const char *title, const char *section, const char *what)
{
	buf_fmt(out,
	        ".\\\" Made by deploy/manual, not by hand.\n.TH %s %s " DATE " \"tencentchat_exporter %s\"\n",
	        title, section, version_program());
	buf_fmt(out, ".SH NAME\n%s \\- %s\n",
	        strcmp(section, "8") == 0 ? "tencentchat_exporter" : "tencentchat_exporter.cfg", what);
}

void roff_item(struct buf *out, const char *term, const char *meaning)
{
	buf_str(out, ".TP\n.B ");
	roff_plain(out, term, strlen(term), true);
	buf_str(out, "\n");
	roff_line(out, meaning);
}

void roff_page(struct buf *out, void (*write)(struct buf *))
{
	struct buf page;

	buf_init(&page, TEXT_MAX);
	write(&page);
	wrap(out, buf_text(&page));
	if (page.status != ERR_OK)
		out->status = page.status;
	buf_done(&page);
}
