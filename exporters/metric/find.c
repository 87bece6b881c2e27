/* Metrics and levels by the names that people write. */
#include <stdint.h>
#include <string.h>

#include "agent/base/near.h"
#include "exporters/metric/catalog.h"

static const char *const scope_word[METRIC_SCOPES] = {
	[METRIC_TOPIC] = "topic",
	[METRIC_COMMUNITY] = "community",
	[METRIC_APP] = "app",
	[METRIC_EXPORTER] = "exporter",
};

static bool is(struct span family, const char *name, size_t len)
{
	return family.len == len && memcmp(family.at, name, len) == 0;
}

bool metric_find(const char *name, enum metric *ret)
{
	const size_t len = strlen(name);

	for (int m = 0; m < METRIC_COUNT; m++)
		for (int form = 0; form < FORM_COUNT; form++)
			if (is(metric_family((enum metric)m, (enum form)form), name, len)) {
				*ret = (enum metric)m;
				return true;
			}
	return false;
}

/* Without the prefix that all of our names share, for whoever left it out. */
static const char *bare(const char *family)
{
	static const char prefix[] = "tencentchat_";
	const size_t len = sizeof(prefix) - 1;

	return strncmp(family, prefix, len) == 0 ? family + len : family;
}

const char *metric_nearest(const char *name)
{
	const char *nearest = metric_info(M_TOPIC_INFO)->family.at;
	size_t best = SIZE_MAX;

	for (int m = 0; m < METRIC_COUNT; m++) {
		const char *family = metric_info((enum metric)m)->family.at;
		const size_t whole = near_edits(name, family), short_of = near_edits(bare(name), bare(family));
		const size_t edits = whole < short_of ? whole : short_of;

		if (edits < best) {
			best = edits;
			nearest = family;
		}
	}
	return nearest;
}

bool metric_level(const char *word, enum metric_scope *ret)
{
	for (int scope = METRIC_TOPIC; scope <= METRIC_APP; scope++)
		if (strcmp(scope_word[scope], word) == 0) {
			*ret = (enum metric_scope)scope;
			return true;
		}
	return false;
}

const char *metric_scope_word(enum metric_scope scope)
{
	return scope_word[scope];
}
