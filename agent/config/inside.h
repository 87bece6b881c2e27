/* The pieces of the loader; private to this room. */
#ifndef AGENT_CONFIG_INSIDE_H
#define AGENT_CONFIG_INSIDE_H

#include <libconfig.h>

#include "agent/config/conf.h"

/* ---- faults.c: every fault of a file, one line each */

struct faults {
	const char *path;
	struct buf *out;
	size_t n; /* faults, not warnings; more than FAULTS_SHOWN are only counted */
	size_t warned;
	bool no_memory;
};
enum { FAULTS_SHOWN = 200 };

void fault_add(struct faults *f, int line, const char *fmt, ...) FORMAT(3, 4);
void fault_warn(struct faults *f, int line, const char *fmt, ...) FORMAT(3, 4);
/* The last line when there were more than are shown. */
void faults_close(struct faults *f);

/* ---- arena.c: what a struct conf points at, in blocks that are wiped before they are freed */

struct conf_arena {
	struct conf_arena *older;
	size_t used, size;
	_Alignas(max_align_t) char at[];
};

/* Zeroed memory, NULL when there is none. */
void *arena_take(struct conf_arena **a, size_t size);
char *arena_text(struct conf_arena **a, const char *text, size_t len);
void arena_free(struct conf_arena *a);

/* ---- text_pass.c: the text before libconfig sees it */

/* A regular file of at most 16 MiB, opened without waiting. On failure one fault is added and NULL returned;
 * the caller wipes and frees. */
char *text_read(struct faults *f, size_t *ret_len);

/* Rewrites `text` so that no version of libconfig misreads it: comments and a byte order mark go, whole
 * numbers become decimal and get their L. Line numbers stay. What libconfig would accept and not mean is a
 * fault; where the meaning is plain, what comes out is repaired so that the faults behind it are found as
 * well. False when there is nothing to parse. */
bool text_pass(struct faults *f, const char *text, size_t len, struct buf *out);

/* ---- option.c: rows of config/options.def as data */

enum option_scope { SCOPE_ROOT, SCOPE_APP, SCOPE_COMMUNITY };
enum option_kind { KIND_TEXT, KIND_SECRET, KIND_INT, KIND_REAL, KIND_DURATION, KIND_BOOL, KIND_LIST };

struct option {
	enum option_scope scope;
	enum option_kind kind;
	size_t offset; /* of the field in the scope's struct */
	const char *field, *key, *fallback, *allow, *help;
	double min, max;
};
extern const struct option options[];
enum {
	OPTIONS = 0
#define OPT(SCOPE, FIELD, KIND, KEY, DEFAULT, MIN, MAX, ALLOW, HELP) +1
#include "config/options.def"
#undef OPT
};

/* One value of the file into `field`. Adds a fault and leaves the field alone when it does not fit; `key` is
 * how messages call it, "apps[0].budget". False when the value says that the option is not set, an empty
 * text. */
bool option_read(const struct option *o, const config_setting_t *s, const char *key, void *field,
                 struct conf_arena **a, struct faults *f);
/* The default, from the table. */
void option_default(const struct option *o, void *field, struct conf_arena **a, struct faults *f);
size_t option_size(const struct option *o);

/* A string that metrics and requests can carry: UTF-8 without control characters, `max` bytes at most. */
bool option_text_ok(const char *text, const char *key, int line, double max, struct faults *f);

/* ---- walk.c: the parsed tree into apps and communities */

/* One object of the file while it is read: the whole, an app or a community. */
struct level {
	enum option_scope scope;
	void *object;                   /* struct conf, conf_app or conf_community */
	char where[64];                 /* "apps[0].communities[3].", "" for the whole */
	int line;                       /* where it starts */
	int lines[OPTIONS];             /* where each option stands; 0: not set */
	const config_setting_t *nested; /* its apps, communities or labels; NULL: none */
};

/* NULL when memory ran out. Faults are in `f`. */
struct conf *walk(const config_t *tree, struct faults *f);

/* Where an option of this level stands, 0 when it is not set. */
int level_line(const struct level *l, const char *key);

/* ---- check.c: what one value alone cannot show. Each adds faults and fills what is derived. */

void check_root(struct conf *c, const struct level *l, struct faults *f);
void check_app(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f);
/* `app` is checked already. */
void check_community(struct conf *c, const struct conf_app *app, struct conf_community *com,
                     const struct level *l, struct faults *f);
/* Nothing may be named twice. */
void check_twice(const struct conf *c, struct faults *f);

/* ---- duration.c */

enum { DURATION_ROOM = 48 };
/* The shortest spelling that conf_duration reads back, "1h30m"; "0s". */
const char *duration_text(int64_t ms, char room[DURATION_ROOM]);

#endif
