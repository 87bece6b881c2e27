/* The command line. */
#ifndef AGENT_FLAGS_H
#define AGENT_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"
#include "agent/config/conf.h"

enum { FLAGS_LIST_MAX = 16 };
struct flag_list {
	const char *at[FLAGS_LIST_MAX];
	size_t n;
};
typedef const char *flag_TEXT; /* NULL: not given */
typedef struct flag_list flag_LIST;
typedef bool flag_SWITCH;
typedef enum flag_choice { FLAG_UNSAID, FLAG_NO, FLAG_YES } flag_CHOICE;

/* Texts are borrowed from argv. */
struct flags {
#define FLAG(FIELD, KIND, NAME, ARGUMENT, HELP) flag_##KIND FIELD;
#include "agent/flags.def"
#undef FLAG
};

/* Long flags only, `--name=value` or `--name value`; `--no-name` for a switch. Errors: ERR_CONFIG. */
enum err flags_read(int argc, char **argv, struct flags *ret, struct why *why) MUST_USE;
/* What flags say in the place of the file, put into `c`; for a configuration that is loaded again too. Its
 * lists and texts are borrowed from `f`, which must outlive `c`. Errors: ERR_CONFIG, and `why` names the
 * flag.
 */
enum err flags_apply(const struct flags *f, struct conf *c, struct why *why) MUST_USE;
void flags_explain(struct buf *out); /* what --help prints */

#endif
