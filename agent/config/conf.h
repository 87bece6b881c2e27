/* The configuration file as one immutable struct. Every option is a row of config/options.def; everything
 * that row inherits is resolved, so readers never look at an enclosing scope. */
#ifndef AGENT_CONFIG_CONF_H
#define AGENT_CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/usersig/signer.h"

struct conf_list {
	const char *const *at;
	size_t n;
};

typedef const char *conf_TEXT;   /* "" when not set */
typedef const char *conf_SECRET; /* "" when not set; wiped by conf_free */
typedef int64_t conf_INT;
typedef double conf_REAL;
typedef int64_t conf_DURATION; /* milliseconds */
typedef bool conf_BOOL;
typedef struct conf_list conf_LIST;
typedef struct conf_list conf_GLOBS;   /* each a pattern of fnmatch(3) without flags, checked */
typedef struct conf_list conf_IDS;     /* of topics: UTF-8 of 1 to 256 bytes, control characters included */
typedef struct conf_list conf_METRICS; /* names of the catalogue, in the spelling of either format */

#define CONF_FIELD(KIND, FIELD) conf_##KIND FIELD;

struct conf_label {
	const char *key, *value;
};

/* Resolved: adaptive_min_ms and adaptive_max_ms are both 0 when the interval is fixed, else interval_ms lies
 * between them and is where to start; stale_after_ms is never 0 and at least the longest interval (of a
 * template that is not used, as it was given). */
struct conf_community {
#define OPT_ROOT(KIND, FIELD)
#define OPT_APP(KIND, FIELD)
#define OPT_COMMUNITY(KIND, FIELD)                                   CONF_FIELD(KIND, FIELD)
#define OPT(SCOPE, FIELD, KIND, KEY, DEFAULT, MIN, MAX, ALLOW, HELP) OPT_##SCOPE(KIND, FIELD)
#include "config/options.def"
#undef OPT_COMMUNITY
	bool observer; /* from_account was set by somebody: the observer metrics have a meaning */
	const struct conf_label *labels;
	size_t label_n;
	const char *list; /* the list it stands in, one of the app's list_files; NULL: the configuration file */
	int line;         /* where it stands there */
};

/* Of all shards together. */
struct conf_whole {
	size_t community_n;
	double budget;
};

struct conf_app {
#undef OPT_APP
#define OPT_APP(KIND, FIELD) CONF_FIELD(KIND, FIELD)
#define OPT_COMMUNITY(KIND, FIELD)
#include "config/options.def"
#undef OPT_APP
	struct key_source key; /* the one source that is set */
	const char *host;      /* base URL, from endpoint or by region, without a slash at the end */
	/* Those of the configuration file as they stand there, then those of the lists, list by list. */
	const struct conf_community *community;
	size_t community_n;
	/* communities_files below the folder of the configuration file, for glob(3): the entries as they are
	 * written, behind a folder in whose name what could be a pattern is escaped. */
	struct conf_list list_entries;
	struct conf_list list_files; /* what they meant when they were read: sorted, each once */
	/* What a community has that is only discovered, or stands in a list: all that the app gives, with an
	 * empty id and name. */
	struct conf_community discovered;
	struct conf_whole whole; /* once it was narrowed to one of several shards */
	int line;
};

/* Which of the processes that share the communities this one is; .number is below .total. */
struct conf_shard {
	unsigned number, total;
};

struct conf {
#undef OPT_ROOT
#define OPT_ROOT(KIND, FIELD) CONF_FIELD(KIND, FIELD)
#define OPT_APP(KIND, FIELD)
#include "config/options.def"
#undef OPT
#undef OPT_ROOT
#undef OPT_APP
#undef OPT_COMMUNITY
	const struct conf_app *app;
	size_t app_n;
	const char *path; /* of the configuration file, as it was given: to read it again */
	/* What conf_fingerprint would have said of the bytes that were read, and of web.config_file just before
	 * anybody reads that; and without the latter. */
	uint64_t fingerprint, read_fingerprint;
	struct conf_shard shard;  /* the first of one, unless flags say otherwise */
	int64_t whole_hash;       /* figures_hash before it was narrowed to a shard; 0: it was not */
	struct conf_arena *arena; /* where everything stands; the loader's own */
};

/* Reads and checks the whole file. On failure `faults` holds every fault, one line each:
 * "FILE:LINE: what is wrong, what is allowed"; on success it may hold warnings, each "FILE:LINE: warning:
 * ...". FILE is a list of communities when the fault is in one. Never exits, never follows @include, reads
 * regular files of at most 16 MiB only. Errors: ERR_CONFIG, ERR_MEMORY. */
enum err conf_load(const char *path, struct conf **ret, struct buf *faults) MUST_USE;

/* As conf_load, from memory; `path` is used in messages and to resolve relative paths. For tests and fuzzing.
 */
enum err conf_read(const char *path, const char *text, size_t len, struct conf **ret,
                   struct buf *faults) MUST_USE;

/* One number for what conf_load would read now: the configuration file, web.config_file, and whatever
 * communities_files mean by now, names and contents. Symbolic links are followed, so it sees a folder that is
 * swapped; a file that is gone or cannot be read gives another number, too, and is no error. It differs from
 * `c->fingerprint` when a reload would read something else. Reads the files, so it may wait for the disk. */
uint64_t conf_fingerprint(const struct conf *c);

/* As if the file had said so; for flags that win over it. `key` is a whole number of the whole program,
 * "web.max_requests". Errors: ERR_CONFIG, and `why` says what is allowed. */
enum err conf_set_whole(struct conf *c, const char *key, const char *text, struct why *why) MUST_USE;

/* As if the file had said so; for the flag that wins over it. Borrowed. */
void conf_set_web_file(struct conf *c, const char *path);

/* The effective configuration in the file's own syntax; secrets print as "***". */
void conf_print(const struct conf *c, struct buf *out);
/* The option table as Markdown. */
void conf_explain(struct buf *out);
/* NULL is fine. */
void conf_free(struct conf *c);

/* "90s", "1h30m", "250ms" as Prometheus writes durations (units y w d h m s ms, each at most once, in this
 * order). False when `text` is none, or above 100 years. */
bool conf_duration(const char *text, int64_t *ret_ms);

#endif
