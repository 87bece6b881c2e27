/* What the pieces of the text pass share: text_pass.c, text_string.c and text_word.c. */
#ifndef AGENT_CONFIG_PASS_H
#define AGENT_CONFIG_PASS_H

#include "agent/config/inside.h"

enum last {
	LAST_START,
	LAST_STRING,
	LAST_COMMA,
	LAST_EQUALS,
	LAST_SEMICOLON,
	LAST_OPEN,
	LAST_CLOSED,
	LAST_OTHER
};

struct pass {
	struct faults *faults;
	const char *at, *end;
	struct buf *out;
	int line;
	enum last last;
	const char *string; /* the last one, with its quotes */
	size_t string_len;
	bool secret;    /* the setting read last is one whose value no message may show */
	size_t comma;   /* where the last comma stands in `out` */
	int comma_line; /* and in the file */
	bool hopeless;  /* what comes out cannot be parsed any more */
	struct brackets brackets;
};

struct token {
	int len;
	const char *at, *more; /* "..." when it is cut */
};

/* What of a token a message shows; nothing of what may be a key or a password. */
struct token pass_shown(const struct pass *p, const char *at, size_t len);
/* The bytes that are still to be read. */
size_t pass_left(const struct pass *p);
/* Drops the rest of the line; nothing can be parsed any more. */
void pass_skip_line(struct pass *p);

/* The bytes of the string at `at`, quotes included; 0 when it does not end in its line. */
size_t pass_string_len(struct pass *p);
void pass_string(struct pass *p);
/* A number, a name, a switch, or a mistake. */
void pass_word(struct pass *p);

#endif
