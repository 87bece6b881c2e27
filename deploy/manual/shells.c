/* Completions: every flag, the words of those that have some, and files where a path is meant. */
#include <string.h>

#include "deploy/manual/docs.h"

enum { WORDS_MAX = 4096 };

static bool is_file(const struct docs_flag *f)
{
	return strcmp(f->argument, "FILE") == 0;
}

/* `text` between single quotes of bash and zsh; `escaped` are characters that get a backslash. */
static void put_quoted(struct buf *out, const char *text, const char *escaped)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_str(out, "'\\''");
		else
			buf_fmt(out, strchr(escaped, *text) != NULL ? "\\%c" : "%c", *text);
	}
}

/* ---- bash ---- */
/* A case of the values of one kind of flag; `file` or words. */
static void bash_case(struct buf *out, const struct docs_flag *f)
{
	char room[WORDS_MAX];
	struct buf words;

	if (!docs_takes_value(f))
		return;
	buf_wrap(&words, room, sizeof(room));
	buf_fmt(out, "\t--%s)\n", f->name);
	if (docs_words(f, &words))
		buf_fmt(out, "\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n", buf_text(&words));
	else if (is_file(f))
		buf_str(out, "\t\tcompopt -o filenames\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n");
	buf_str(out, "\t\treturn\n\t\t;;\n");
}

void shell_bash(struct buf *out)
{
	buf_str(out, "# bash completion of tencentchat_exporter; made by deploy/manual, not by hand.\n"
	             "_tencentchat_exporter() {\n"
	             "\tlocal cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
	             "\tCOMPREPLY=()\n"
	             "\t# --flag=value comes as three words.\n"
	             "\tif [ \"$cur\" = = ]; then\n"
	             "\t\tcur=\n"
	             "\telif [ \"$flag\" = = ] && [ \"$COMP_CWORD\" -ge 2 ]; then\n"
	             "\t\tflag=${COMP_WORDS[COMP_CWORD - 2]}\n"
	             "\tfi\n"
	             "\tcase $flag in\n");
	for (size_t i = 0; i < docs_flag_n; i++)
		bash_case(out, &docs_flags[i]);
	buf_str(out, "\tesac\n\tmapfile -t COMPREPLY < <(compgen -W '");
	for (size_t i = 0; i < docs_flag_n; i++) {
		const struct docs_flag *f = &docs_flags[i];

		buf_fmt(out, "\n\t\t--%s%s", f->name, docs_takes_value(f) ? "=" : "");
		if (f->kind == DOCS_CHOICE)
			buf_fmt(out, "\n\t\t--no-%s", f->name);
	}
	buf_str(out, "' -- \"$cur\")\n"
	             "\tcase ${COMPREPLY[*]-} in *=) compopt -o nospace ;; esac\n"
	             "}\n"
	             "complete -F _tencentchat_exporter tencentchat_exporter\n");
}

/* ---- zsh ---- */
static void zsh_flag(struct buf *out, const struct docs_flag *f, const char *no)
{
	char room[WORDS_MAX];
	struct buf words;

	buf_wrap(&words, room, sizeof(room));
	buf_fmt(out, " \\\n\t'%s--%s%s%s[", f->kind == DOCS_LIST ? "*" : "", no, f->name,
	        docs_takes_value(f) ? "=" : "");
	if (no[0] != '\0')
		buf_str(out, "do not ");
	put_quoted(out, f->help, "[]:\\");
	buf_str(out, "]");
	if (docs_words(f, &words))
		buf_fmt(out, ":word:(%s)", buf_text(&words));
	else if (is_file(f))
		buf_str(out, ":FILE:_files");
	else if (docs_takes_value(f))
		buf_fmt(out, ":%s: ", f->argument);
	buf_str(out, "'");
}

void shell_zsh(struct buf *out)
{
	buf_str(out, "#compdef tencentchat_exporter\n"
	             "# zsh completion of tencentchat_exporter; made by deploy/manual, not by hand.\n"
	             "_arguments -s -S");
	for (size_t i = 0; i < docs_flag_n; i++) {
		zsh_flag(out, &docs_flags[i], "");
		if (docs_flags[i].kind == DOCS_CHOICE)
			zsh_flag(out, &docs_flags[i], "no-");
	}
	buf_str(out, "\n");
}

/* ---- fish ---- */
static void fish_flag(struct buf *out, const struct docs_flag *f, const char *no)
{
	char room[WORDS_MAX];
	struct buf words;

	buf_wrap(&words, room, sizeof(room));
	buf_fmt(out, "complete -c tencentchat_exporter -l '%s%s'", no, f->name);
	if (docs_words(f, &words))
		buf_fmt(out, " -x -a '%s'", buf_text(&words));
	else if (is_file(f))
		buf_str(out, " -r -F");
	else if (docs_takes_value(f))
		buf_str(out, " -x");
	buf_fmt(out, " -d '%s", no[0] != '\0' ? "do not " : "");
	for (const char *s = f->help; *s != '\0'; s++)
		buf_fmt(out, *s == '\'' || *s == '\\' ? "\\%c" : "%c", *s);
	buf_str(out, "'\n");
}

void shell_fish(struct buf *out)
{
	buf_str(out, "# fish completion of tencentchat_exporter; made by deploy/manual, not by hand.\n"
	             "complete -c tencentchat_exporter -f\n");
	for (size_t i = 0; i < docs_flag_n; i++) {
		fish_flag(out, &docs_flags[i], "");
		if (docs_flags[i].kind == DOCS_CHOICE)
			fish_flag(out, &docs_flags[i], "no-");
	}
}
