#include <stdlib.h>

#include "exporters/web/inside.h"

static const struct {
	unsigned status;
	const char *word;
} rows[STATUS_ROWS] = {
	{ 200, "200" }, { 304, "304" }, { 400, "400" }, { 401, "401" }, { 403, "403" },
	{ 404, "404" }, { 405, "405" }, { 414, "414" }, { 429, "429" }, { 431, "431" },
	{ 500, "500" }, { 503, "503" }, { 0, "other" },
};

bool counts_open(struct web *w)
{
	w->answered = calloc(w->route_n + 1, sizeof(w->answered[0]));
	return w->answered != NULL;
}

void count_answer(struct web *w, const struct web_route *route, unsigned status)
{
	const size_t r = route != NULL ? (size_t)(route - w->route) : w->route_n;
	size_t i = 0;

	while (i < STATUS_ROWS - 1 && rows[i].status != status)
		i++;
	w->answered[r][i]++;
}

bool web_count(const struct web *w, size_t row, struct web_count *ret)
{
	const size_t r = row / STATUS_ROWS, i = row % STATUS_ROWS;

	if (r > w->route_n)
		return false;
	*ret = (struct web_count){
		.handler = r < w->route_n ? w->route[r].path : "other",
		.status = rows[i].word,
		.usual = rows[i].status == (r < w->route_n ? 200 : 404),
		.n = w->answered[r][i],
	};
	return true;
}
