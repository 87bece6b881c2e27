/* A reader of exposition lines that shares no code with the writers, and the one way a fuzz target says that
 * a promise is broken. */
#ifndef TESTS_FUZZ_LINE_H
#define TESTS_FUZZ_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Not assert: it must hold in every build type. */
#define MUST(PROMISE)                                                                           \
	do {                                                                                        \
		if (!(PROMISE)) {                                                                       \
			(void)fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #PROMISE); \
			abort();                                                                            \
		}                                                                                       \
	} while (0)

/* What libFuzzer and replay.c call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* UTF-8 without NUL, RFC 3629. */
bool text_is_valid(const char *at, size_t len);

/* One sample line of the text format 0.0.4 in the form this program writes: NAME[{LABELS}] VALUE and a
 * newline, no timestamp. */
struct line {
	size_t len;      /* with its newline */
	size_t name_len; /* bytes of NAME */
	size_t key_len;  /* bytes before the space: what must differ from line to line */
	const char *value;
	size_t value_len;
};
/* Reads the line at the start of the text; false when there is no well-formed one. */
bool line_read(const char *at, size_t len, struct line *ret);

/* Every line of the text is well-formed and none of them gives a series again. */
bool lines_are_valid(const char *at, size_t len);

/* Takes the escapes out of a label value; `ret` has room for `len` bytes. Returns how many there are then, or
 * SIZE_MAX when an escape is not one of the three. */
size_t label_unescape(const char *at, size_t len, char *ret);

#endif
