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
	const char *named_in; /* for a list: the file that names it, NULL: none, and the line */
	int named_line;
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

/* ---- text_read.c */

/* A regular file of at most 16 MiB, opened without waiting. On failure one fault is added and NULL returned;
 * the caller wipes and frees. */
char *text_read(struct faults *f, size_t *ret_len);

/* ---- brackets.c: which are open while the text is read */

enum { DEPTH_MAX = 16 };

struct bracket {
	char c;
	int line;
	unsigned settings; /* directly in it, when it is a group */
};

struct brackets {
	struct faults *faults;
	size_t depth;                       /* deeper than DEPTH_MAX only counted */
	struct bracket open[DEPTH_MAX + 1]; /* [0] is the whole file */
	bool unsure; /* the count is off from here on: one bad bracket makes all behind it look bad */
	bool broken; /* a fault was added that leaves nothing to parse */
};

void brackets_open(struct brackets *b, char c, int line);
void brackets_close(struct brackets *b, char c, int line);
/* A setting in the innermost group; a group of thousands takes libconfig minutes. */
void brackets_setting(struct brackets *b, int line);
/* True inside of ( ) and [ ], where commas stand between values. */
bool brackets_list(const struct brackets *b);
/* At the end of the file. */
void brackets_end(struct brackets *b);

/* ---- word.c */

bool all_in(const char *s, size_t n, const char *set);
/* May stand in a name or a number. */
bool in_word(char c);
/* In any case of letters. */
bool word_is(const char *word, size_t len, const char *name);
/* What libconfig takes as the name of a setting. */
bool name_ok(const char *word, size_t len);
/* Whether the value behind this name may be a key or hold a password; so it is for a mistyped secret_key. */
bool names_secret(const char *word, size_t len);
/* The bytes of the control character (C0, DEL or C1 in UTF-8) at `s`; 0 when none stands there. */
size_t control_len(const char *s);
/* The bytes of blanks, line ends and comments at `s`. */
size_t gap_len(const char *s, const char *end);

/* What is wrong with the backslash at `s`, with `n` bytes to the end of the text; NULL when nothing is.
 * Versions of libconfig differ in what else they know. */
const char *escape_fault(const char *s, size_t n);

/* ---- text_pass.c: the text before libconfig sees it */

/* Rewrites `text` so that no version of libconfig misreads it: comments and a byte order mark go, whole
 * numbers become decimal and get their L, [ ] become ( ). Line numbers stay. What libconfig would accept and
 * not mean is a fault; where the meaning is plain, what comes out is repaired so that the faults behind it
 * are found as well. False when there is nothing to parse. */
bool text_pass(struct faults *f, const char *text, size_t len, struct buf *out);

/* ---- option.c: rows of config/options.def as data */

enum { KEY_ROOM = 96 }; /* a key of the table fits */

enum option_scope { SCOPE_ROOT, SCOPE_APP, SCOPE_COMMUNITY };
enum option_kind {
	KIND_TEXT,
	KIND_SECRET,
	KIND_INT,
	KIND_REAL,
	KIND_DURATION,
	KIND_BOOL,
	KIND_LIST,
	KIND_GLOBS,
	KIND_IDS,
	KIND_METRICS
};

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

/* The default, from the table. */
void option_default(const struct option *o, void *field, struct conf_arena **a, struct faults *f);
size_t option_size(const struct option *o);

/* ---- option_read.c */

/* One value of the file into `field`. Adds a fault and leaves the field alone when it does not fit; `key` is
 * how messages call it, "apps[0].budget". False when the value says that the option is not set, an empty
 * text. */
bool option_read(const struct option *o, const config_setting_t *s, const char *key, void *field,
                 struct conf_arena **a, struct faults *f);

/* A string that metrics and requests can carry: UTF-8 without control characters, `max` bytes at most. */
bool option_text_ok(const char *text, const char *key, int line, double max, struct faults *f);

/* ---- glob.c */

/* What is wrong with a pattern of fnmatch(3); NULL when nothing is. */
const char *glob_fault(const char *glob);

/* ---- walk.c: the parsed tree into apps and communities */

/* One object of the file while it is read: the whole, an app or a community. */
struct level {
	enum option_scope scope;
	void *object;                   /* struct conf, conf_app or conf_community */
	char where[64];                 /* "apps[0].communities[3].", "" for the whole */
	int line;                       /* where it starts */
	int lines[OPTIONS];             /* where each option stands; 0: not set */
	bool bad[OPTIONS];              /* set, and what is wrong with it is told */
	const config_setting_t *group;  /* its settings; NULL for a community that is only an id */
	const config_setting_t *nested; /* its apps, communities or labels; NULL: none */
	struct level *above;            /* NULL for the whole */
	bool stale_told;                /* a stale_after that its communities inherit is a fault, and told */
};

/* NULL when memory ran out. Faults are in `f`. */
struct conf *walk(const config_t *tree, struct faults *f);

/* The one setting of a scope that holds the next scope: apps, communities, labels. */
const char *scope_nested(enum option_scope scope);

/* Where an option of this level stands, 0 when it is not set. */
int level_line(const struct level *l, const char *key);
/* Whether an option of this level has a fault already. */
bool level_bad(const struct level *l, const char *key);
/* Where the option that this level inherits is set; where this level starts when it is nowhere. */
int level_line_above(const struct level *l, const char *field);

/* ---- guess.c */

/* The fault for a setting that the table does not know, with the nearest one it does. `prefix` is the group
 * it stands in, "poll.", "" for none. */
void unknown_key(const struct level *l, const char *prefix, const config_setting_t *s, struct faults *f);

/* ---- check.c, check_app.c: what one value alone cannot show. Each adds faults and fills what is derived. */

void check_root(struct conf *c, const struct level *l, struct faults *f);
void check_app(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f);
/* The path as it is, or below the folder of the configuration file. */
const char *path_below(struct conf *c, const char *path, struct faults *f);
/* `app` is checked already; of what the communities inherit, so is each fault told once. */
void check_community(struct conf *c, const struct conf_app *app, struct conf_community *com, struct level *l,
                     struct faults *f);
/* The template of discovered communities; as check_community. */
void check_discovered(const struct conf_app *app, struct conf_community *com, struct level *l,
                      struct faults *f);
/* adaptive = { min = ...; max = ...; }, where this level sets it. */
void check_adaptive(const struct level *l, int64_t min_ms, int64_t max_ms, struct faults *f);
/* No entry, or not there. */
bool list_empty(const config_setting_t *list);

/* ---- list_find.c: which files communities_files mean */

/* Fills .list_entries and .list_files of the app, and how .communities_files are printed. */
void lists_find(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f);

/* ---- lists.c: the ids in them */

/* The ids in the lists of one app, in the order of list_files and lines. */
struct lists {
	struct listed *at;
	size_t n;
};
/* Finds the files and reads them. Returns how many ids there are. */
size_t lists_read(struct conf *c, struct conf_app *app, const struct level *l, struct lists *ret,
                  struct faults *f);
/* As many communities, each with what the app says for all. */
void lists_fill(const struct lists *lists, const struct conf_app *app, struct conf_community *com);
void lists_done(struct lists *lists);

/* ---- fingerprint.c */

/* `h` and a file that was read: its name and its bytes. From 0, the lists as they are read, app by app, and
 * then the configuration file are the .read_fingerprint of a configuration. */
uint64_t fingerprint_file(uint64_t h, const char *path, const char *text, size_t len);
/* Once all that was read is in it. */
void fingerprint_close(struct conf *c);

/* ---- address.c */

/* What is wrong with a base URL; NULL when nothing is. */
const char *url_fault(const char *url);
/* What is wrong with the URL of a proxy; NULL when nothing is. */
const char *proxy_fault(const char *url);
/* "host:port", "[v6]:port" or ":port". */
bool listen_ok(const char *text);

/* ---- twice.c */

/* Nothing may be named twice. */
void check_twice(const struct conf *c, struct faults *f);

/* ---- duration.c */

enum { DURATION_ROOM = 48 };
/* The shortest spelling that conf_duration reads back, "1h30m"; "0s". */
const char *duration_text(int64_t ms, char room[DURATION_ROOM]);

#endif
