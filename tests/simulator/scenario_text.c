#include "tests/simulator/scenario_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/buf.h"

enum { FILE_MAX = 16 * 1024 * 1024, NAME_MAX_LEN = 160 };

struct pass {
	const char *path, *at;
	int line;
	bool after_string; /* nothing but space and comments since the last string */
	struct buf out;
	struct why *why;
};

static enum err file_read(const char *path, char **ret, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	struct buf text;
	char block[16384];
	ssize_t n = 1;
	size_t len;
	enum err e = ERR_OK;

	buf_init(&text, FILE_MAX);
	if (fd < 0 || fstat(fd, &st) != 0)
		e = err_because(why, ERR_CONFIG, "cannot read '%s': %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		e = err_because(why, ERR_CONFIG, "cannot read '%s': not a regular file", path);
	while (e == ERR_OK && n > 0) {
		n = read(fd, block, sizeof(block));
		if (n < 0)
			e = err_because(why, ERR_CONFIG, "cannot read '%s': %s", path, strerror(errno));
		else
			buf_add(&text, block, (size_t)n);
	}
	if (fd >= 0)
		(void)close(fd);
	if (e == ERR_OK && text.status != ERR_OK)
		e = err_because(why, ERR_CONFIG, "'%s' is larger than 16 MiB", path);
	if (e == ERR_OK && (text.len == 0 || memchr(text.at, '\0', text.len) != NULL))
		e = err_because(why, ERR_CONFIG, "%s:1: the file is empty or holds a NUL byte", path);
	if (e == ERR_OK) {
		*ret = buf_take(&text, &len);
		e = *ret != NULL ? ERR_OK : err_because(why, ERR_MEMORY, "out of memory");
	}
	buf_done(&text);
	return e;
}

static enum err refuse(const struct pass *p, const char *what)
{
	return err_because(p->why, ERR_CONFIG, "%.*s:%d: %s", NAME_MAX_LEN, p->path, p->line, what);
}

static void copy(struct pass *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p->at[i] == '\n')
			p->line++;
	buf_add(&p->out, p->at, n);
	p->at += n;
}

static enum err pass_string(struct pass *p)
{
	size_t n = 1;

	if (p->after_string)
		return refuse(p, "a comma is missing between two strings");
	while (p->at[n] != '\0' && p->at[n] != '"')
		n += p->at[n] == '\\' && p->at[n + 1] != '\0' ? 2 : 1;
	if (p->at[n] == '\0')
		return refuse(p, "a string without an end");
	copy(p, n + 1);
	p->after_string = true;
	return ERR_OK;
}

/* Comments leave the text, their line ends stay. */
static enum err pass_comment(struct pass *p)
{
	const char *end;

	if (p->at[1] != '*') {
		p->at += strcspn(p->at, "\n");
		return ERR_OK;
	}
	end = strstr(p->at + 2, "*/");
	if (end == NULL)
		return refuse(p, "a comment without an end");
	for (; p->at < end + 2; p->at++) {
		if (*p->at == '\n') {
			p->line++;
			buf_add(&p->out, "\n", 1);
		}
	}
	buf_add(&p->out, " ", 1);
	return ERR_OK;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '-' || c == '.' || c == '+' || c == '*';
}

static enum err pass_word(struct pass *p)
{
	size_t n = 1;
	char *end;
	long long number;

	while (is_word(p->at[n]))
		n++;
	errno = 0;
	number = strtoll(p->at, &end, 10);
	if (end == p->at + n && errno != 0)
		return refuse(p, "a number beyond 64 bits");
	copy(p, n);
	if (end == p->at && (number > INT32_MAX || number < INT32_MIN))
		buf_add(&p->out, "L", 1);
	p->after_string = false;
	return ERR_OK;
}

static enum err pass_next(struct pass *p)
{
	char c = *p->at;

	if (c == '"')
		return pass_string(p);
	if (c == '#' || (c == '/' && (p->at[1] == '/' || p->at[1] == '*')))
		return pass_comment(p);
	if (c == '@')
		return refuse(p, "@include is not supported: a scenario is one file");
	if (is_word(c))
		return pass_word(p);
	if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
		p->after_string = false;
	copy(p, 1);
	return ERR_OK;
}

enum err scenario_text_read(const char *path, char **ret, struct why *why)
{
	struct pass p = { .path = path, .line = 1, .why = why };
	char *text = NULL;
	size_t len;
	enum err e = file_read(path, &text, why);

	if (e != ERR_OK)
		return e;
	buf_init(&p.out, 2 * (size_t)FILE_MAX);
	p.at = text;
	while (e == ERR_OK && *p.at != '\0')
		e = pass_next(&p);
	if (e == ERR_OK) {
		*ret = buf_take(&p.out, &len);
		e = *ret != NULL ? ERR_OK : err_because(why, ERR_MEMORY, "out of memory");
	}
	buf_done(&p.out);
	free(text);
	return e;
}
