/* One line an event on stderr, as logfmt or JSON. Never blocks: a line that stderr cannot take at
 * once is dropped and counted. A value of `usersig=` in any text is replaced before it is written; so is a
 * byte that is no UTF-8 (U+FFFD). A field that does not fit in 4 KiB is left out.
 *
 *     LOG(SAY_WARN, "poll_failed", LOG_TEXT("app", name), LOG_INT("code", code));
 *
 * Event names and keys are snake_case constants, never built from input. */
#ifndef AGENT_BASE_LOG_H
#define AGENT_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { SAY_DEBUG, SAY_INFO, SAY_WARN, SAY_ERROR, SAY_LEVELS };
enum log_form { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key;
	const char *text; /* NULL: the number counts */
	int64_t number;
};

#define LOG_TEXT(KEY, VALUE)          \
	{                                 \
		.key = (KEY), .text = (VALUE) \
	}
#define LOG_INT(KEY, VALUE)             \
	{                                   \
		.key = (KEY), .number = (VALUE) \
	}
#define LOG(LEVEL, EVENT, ...)                                                      \
	do {                                                                            \
		const struct log_field fields_[] = { __VA_ARGS__ };                         \
		log_write((LEVEL), (EVENT), fields_, sizeof(fields_) / sizeof(fields_[0])); \
	} while (0)

/* Lines below `floor` are not written. Until this is called: info and logfmt. */
void log_open(enum log_level floor, enum log_form form);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* False when `word` is none of debug, info, warn, error (logfmt, json). */
bool log_level_of(const char *word, enum log_level *ret);
bool log_form_of(const char *word, enum log_form *ret);

/* Lines of a level so far, the lost ones included; those below the floor are none. */
uint64_t log_lines(enum log_level level);
const char *log_level_word(enum log_level level);
/* Lines lost because stderr was full. */
uint64_t log_dropped(void);

#endif
