#include "tests/simulator/ticks.h"

#include <stdlib.h>

struct ticks {
	uint64_t last_id;
	struct tick ring[TICKS_RING];
};

struct ticks *ticks_new(void)
{
	return calloc(1, sizeof(struct ticks));
}

void ticks_free(struct ticks *t)
{
	free(t);
}

void ticks_add(struct ticks *t, const struct tick *tick)
{
	t->ring[++t->last_id % TICKS_RING] = *tick;
}

static bool is_wanted(const struct ticks_wanted *w, const struct tick *t)
{
	return (w->sdkappid == 0 || w->sdkappid == t->sdkappid) &&
	       (w->command == COMMANDS || w->command == t->command) && (w->code == -2 || w->code == t->code);
}

static int compare_ms(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* A window is half open: two calls exactly window_ms apart are not in the same one. */
static void show_busiest(const int64_t *ms, size_t n, int64_t window_ms, struct json_out *o)
{
	size_t from = 0, most = 0, where = 0;

	for (size_t i = 0; i < n; i++) {
		while (ms[from] <= ms[i] - window_ms)
			from++;
		if (i - from + 1 > most) {
			most = i - from + 1;
			where = from;
		}
	}
	json_open(o, "busiest", '{');
	json_put_int(o, "window_ms", window_ms);
	json_put_uint(o, "n", most);
	json_put_int(o, "from_ms", most > 0 ? ms[where] : 0);
	json_close(o, '}');
}

static void show_per_second(const int64_t *ms, size_t n, struct json_out *o)
{
	json_open(o, "per_second", '[');
	for (size_t i = 0; i < n;) {
		size_t next = i;

		while (next < n && ms[next] / 1000 == ms[i] / 1000)
			next++;
		json_open(o, NULL, '[');
		json_put_int(o, NULL, ms[i] / 1000);
		json_put_uint(o, NULL, next - i);
		json_close(o, ']');
		i = next;
	}
	json_close(o, ']');
}

enum err ticks_show(const struct ticks *t, const struct ticks_wanted *w, struct json_out *o)
{
	uint64_t kept = t->last_id < TICKS_RING ? t->last_id : TICKS_RING;
	uint64_t before = t->last_id - kept > w->since ? t->last_id - kept : w->since;
	int64_t *ms = malloc(((size_t)kept + 1) * sizeof(*ms));
	size_t n = 0;

	if (ms == NULL)
		return ERR_MEMORY;
	for (uint64_t id = before + 1; id <= t->last_id; id++)
		if (is_wanted(w, &t->ring[id % TICKS_RING]))
			ms[n++] = t->ring[id % TICKS_RING].mono_ms;
	qsort(ms, n, sizeof(*ms), compare_ms); /* calls may overtake each other between the clock and the lock */
	json_put_uint(o, "last", t->last_id);
	json_put_uint(o, "lost", w->since < before ? before - w->since : 0);
	json_put_uint(o, "n", n);
	show_busiest(ms, n, w->window_ms, o);
	show_per_second(ms, n, o);
	if (w->list) {
		json_open(o, "ms", '[');
		for (size_t i = 0; i < n; i++)
			json_put_int(o, NULL, ms[i]);
		json_close(o, ']');
	}
	free(ms);
	return ERR_OK;
}
