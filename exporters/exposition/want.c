/* What the query of a request leaves of the page. */
#include <string.h>

#include "exporters/exposition/exposition.h"

enum { SHOWN_MAX = 80 };

struct exposition_want exposition_everything(const struct metric_set *enabled)
{
	return (struct exposition_want){
		.level = METRIC_TOPIC,
		.app = EXPOSITION_EVERY_APP,
		.metrics = *enabled,
		.full = true,
		.enabled = enabled,
	};
}

/* What somebody sent, for a sentence: printable ASCII and not too much of it. */
static const char *shown(const char *value, char room[SHOWN_MAX])
{
	size_t n = 0;

	for (; value[n] != '\0' && n < SHOWN_MAX - 1; n++)
		room[n] = value[n] >= ' ' && value[n] <= '~' ? value[n] : '?';
	room[n] = '\0';
	return room;
}

static enum err want_level(struct exposition_want *w, const char *value, struct why *why)
{
	char room[SHOWN_MAX];

	if (w->level_set)
		return err_because(why, ERR_CONFIG, "level is given twice");
	if (!metric_level(value, &w->level))
		return err_because(why, ERR_CONFIG, "level '%s' is none of topic, community, app",
		                   shown(value, room));
	w->level_set = true;
	w->full = w->full && w->level == METRIC_TOPIC;
	return ERR_OK;
}

static enum err want_app(struct exposition_want *w, const char *value, const char *const *apps, size_t app_n,
                         struct why *why)
{
	char room[SHOWN_MAX];

	if (w->app != EXPOSITION_EVERY_APP)
		return err_because(why, ERR_CONFIG, "app is given twice");
	for (size_t a = 0; a < app_n; a++)
		if (apps[a] != NULL && strcmp(apps[a], value) == 0) {
			w->app = (int)a;
			w->full = false;
			return ERR_OK;
		}
	return err_because(why, ERR_CONFIG, "app '%s' is not configured", shown(value, room));
}

static enum err want_name(struct exposition_want *w, const char *value, struct why *why)
{
	char room[SHOWN_MAX];
	enum metric m;

	(void)shown(value, room);
	if (!metric_find(value, &m))
		return err_because(why, ERR_CONFIG, "name[] '%s' is no metric; did you mean '%s'?", room,
		                   metric_nearest(room));
	if (!w->names_set)
		w->metrics = (struct metric_set){ 0 };
	w->names_set = true;
	w->full = false;
	w->metrics.has[m] = w->enabled->has[m];
	return ERR_OK;
}

enum err exposition_query(struct exposition_want *w, const char *key, const char *value,
                          const char *const *apps, size_t app_n, struct why *why)
{
	if (strcmp(key, "level") == 0)
		return want_level(w, value, why);
	if (strcmp(key, "app") == 0)
		return want_app(w, value, apps, app_n, why);
	if (strcmp(key, "name[]") == 0)
		return want_name(w, value, why);
	return ERR_OK;
}
