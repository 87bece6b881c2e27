/* Documents made of the program's own tables: docs KIND prints one. */
#ifndef DEPLOY_DOCS_DOCS_H
#define DEPLOY_DOCS_DOCS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"

enum docs_kind { DOCS_TEXT, DOCS_LIST, DOCS_SWITCH, DOCS_CHOICE };

/* A row of agent/flags.def. */
struct docs_flag {
	enum docs_kind kind;
	const char *name, *argument, *help;
};
extern const struct docs_flag docs_flags[];
extern const size_t docs_flag_n;

bool docs_takes_value(const struct docs_flag *f);
/* The words its value may be, "a b c", appended to `out`; false: any text. */
bool docs_words(const struct docs_flag *f, struct buf *out);

void man_program(struct buf *out); /* tencentchat_exporter(8) */
void man_config(struct buf *out);  /* tencentchat_exporter.cfg(5) */
void shell_bash(struct buf *out);
void shell_zsh(struct buf *out);
void shell_fish(struct buf *out);

#endif
