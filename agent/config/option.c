#include "agent/config/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_STRUCT_ROOT      struct conf
#define OPTION_STRUCT_APP       struct conf_app
#define OPTION_STRUCT_COMMUNITY struct conf_community

const struct option options[] = {
#define OPT(SCOPE, FIELD, KIND, KEY, DEFAULT, MIN, MAX, ALLOW, HELP)                                         \
	{ SCOPE_##SCOPE, KIND_##KIND, offsetof(OPTION_STRUCT_##SCOPE, FIELD), #FIELD, KEY, DEFAULT, ALLOW, HELP, \
	  MIN,           MAX },
#include "config/options.def"
#undef OPT
};

size_t option_size(const struct option *o)
{
	static const size_t sizes[] = {
		[KIND_TEXT] = sizeof(conf_TEXT),         [KIND_SECRET] = sizeof(conf_SECRET),
		[KIND_INT] = sizeof(conf_INT),           [KIND_REAL] = sizeof(conf_REAL),
		[KIND_DURATION] = sizeof(conf_DURATION), [KIND_BOOL] = sizeof(conf_BOOL),
		[KIND_LIST] = sizeof(conf_LIST),         [KIND_GLOBS] = sizeof(conf_GLOBS),
		[KIND_IDS] = sizeof(conf_IDS),           [KIND_METRICS] = sizeof(conf_METRICS),
	};

	return sizes[o->kind];
}

static const struct option *find_whole(const char *key)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].scope == SCOPE_ROOT && options[i].kind == KIND_INT && strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

enum err conf_set_whole(struct conf *c, const char *key, const char *text, struct why *why)
{
	const struct option *o = find_whole(key);
	char *end = NULL;
	long long value;

	if (o == NULL)
		return err_because(why, ERR_CONFIG, "'%s' is no option that is a whole number", key);
	errno = 0;
	value = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || (double)value < o->min ||
	    (double)value > o->max)
		return err_because(why, ERR_CONFIG, "'%.40s' is no whole number from %.0f to %.0f", text, o->min,
		                   o->max);
	*(int64_t *)((char *)c + o->offset) = value;
	return ERR_OK;
}

void option_default(const struct option *o, void *field, struct conf_arena **a, struct faults *f)
{
	const char **one;

	switch (o->kind) {
	case KIND_TEXT:
	case KIND_SECRET:
		*(const char **)field = o->fallback;
		break;
	case KIND_INT:
		*(int64_t *)field = strtoll(o->fallback, NULL, 10);
		break;
	case KIND_REAL:
		*(double *)field = strtod(o->fallback, NULL);
		break;
	case KIND_DURATION:
		(void)conf_duration(o->fallback, field); /* "" leaves the zero: none */
		break;
	case KIND_BOOL:
		*(bool *)field = strcmp(o->fallback, "true") == 0;
		break;
	case KIND_LIST:
	case KIND_GLOBS:
	case KIND_IDS:
	case KIND_METRICS:
		if (o->fallback[0] == '\0')
			break; /* zeroed: empty */
		one = arena_take(a, sizeof(*one));
		f->no_memory |= one == NULL;
		if (one != NULL) {
			*one = o->fallback;
			*(struct conf_list *)field = (struct conf_list){ one, 1 };
		}
		break;
	}
}
