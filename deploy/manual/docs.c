#include "deploy/manual/docs.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

const struct docs_flag docs_flags[] = {
#define FLAG(FIELD, KIND, NAME, ARGUMENT, HELP) { DOCS_##KIND, NAME, ARGUMENT, HELP },
#include "agent/flags.def"
#undef FLAG
};
const size_t docs_flag_n = sizeof(docs_flags) / sizeof(docs_flags[0]);

bool docs_takes_value(const struct docs_flag *f)
{
	return f->kind == DOCS_TEXT || f->kind == DOCS_LIST;
}

bool docs_words(const struct docs_flag *f, struct buf *out)
{
	if (strchr(f->argument, '|') == NULL)
		return false;
	for (const char *s = f->argument; *s != '\0'; s++)
		buf_fmt(out, "%c", *s == '|' ? ' ' : *s);
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *kind;
		void (*write)(struct buf *);
	} documents[] = {
		{ "man8", man_program }, { "man5", man_config }, { "bash", shell_bash },
		{ "zsh", shell_zsh },    { "fish", shell_fish },
	};
	struct buf b;
	bool known = false, written;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; argc == 2 && i < sizeof(documents) / sizeof(documents[0]); i++)
		if (strcmp(argv[1], documents[i].kind) == 0) {
			documents[i].write(&b);
			known = true;
		}
	if (!known)
		fputs("usage: docs man8|man5|bash|zsh|fish\n", stderr);
	written = b.status == ERR_OK && fwrite(b.at, 1, b.len, stdout) == b.len && fflush(stdout) == 0;
	buf_done(&b);
	return !known ? 2 : written ? 0 : 1;
}
