/* Typed reads of one group of a scenario. The first mistake sticks and turns every later read into a
 * no-op; an absent key leaves the value as it was; setting_end refuses every key that nobody asked for. */
#ifndef SIMULATOR_SETTING_H
#define SIMULATOR_SETTING_H

#include <stdbool.h>
#include <stdint.h>

#include <libconfig.h>

#include "agent/base/err.h"

enum { SETTING_KEYS_MAX = 32 };

struct setting {
	const char *path; /* of the file */
	config_setting_t *group;
	const char *known[SETTING_KEYS_MAX];
	int known_n;
	enum err *status; /* shared by every group of a file */
	struct why *why;
};

/* Refuses when `group` is no group. */
struct setting setting_begin(const struct setting *parent, config_setting_t *group);
enum err setting_end(struct setting *s);
/* Remembers the mistake at the line of `at`, if it is the first. */
void setting_refuse(struct setting *s, config_setting_t *at, const char *fmt, ...) FORMAT(3, 4);

/* The member `key` as it is, NULL when absent. */
config_setting_t *setting_member(struct setting *s, const char *key);
void setting_int(struct setting *s, const char *key, int64_t min, int64_t max, int64_t *value);
void setting_int32(struct setting *s, const char *key, int min, int max, int *value);
void setting_size(struct setting *s, const char *key, size_t max, size_t *value);
void setting_real(struct setting *s, const char *key, double min, double max, double *value);
void setting_bool(struct setting *s, const char *key, bool *value);
/* A duration as in "90s", "1h30m", "2d"; in seconds. */
void setting_duration(struct setting *s, const char *key, double *value);
/* A heap copy; frees what stood there. Refuses an empty text and one above `max` bytes. */
void setting_text(struct setting *s, const char *key, size_t max, char **value);
/* One of `words`, which ends with NULL; its position. */
void setting_word(struct setting *s, const char *key, const char *const *words, int *value);
/* A list of texts, heap copies. */
void setting_texts(struct setting *s, const char *key, char ***value, size_t *n);

#endif
