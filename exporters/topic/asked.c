#include <stdlib.h>
#include <string.h>

#include "exporters/topic/inside.h"

/* What one answer can list is a quarter of this. The last cap keeps a request below 2 MiB even if every byte
 * of the ids has to be written as \u00xx. */
enum { IDS_MAX = 20000, IDS_TEXT_MAX = 4 << 20, REQUEST_TEXT_MAX = 256 << 10 };

void asked_init(struct asked *a)
{
	*a = (struct asked){ 0 };
	buf_init(&a->text, IDS_TEXT_MAX);
}

void asked_done(struct asked *a)
{
	free(a->at);
	free(a->sorted);
	free(a->answered);
	buf_done(&a->text);
	asked_init(a);
}

const char *asked_id(const struct asked *a, size_t i)
{
	return a->named != NULL ? a->named[i] : a->text.at + a->at[i];
}

enum err asked_name(struct asked *a, const char *const *named, size_t n)
{
	a->answered = calloc(n, sizeof(*a->answered));
	if (a->answered == NULL)
		return ERR_MEMORY;
	a->named = named;
	a->n = n;
	return ERR_OK;
}

static enum err make_room(struct asked *a)
{
	const size_t room = a->room > 0 ? a->room * 2 : 512;
	uint32_t *at;

	if (a->n < a->room)
		return ERR_OK;
	at = realloc(a->at, room * sizeof(*at));
	if (at == NULL)
		return ERR_MEMORY;
	a->at = at;
	a->room = room;
	return ERR_OK;
}

enum err asked_add(struct asked *a, const char *id)
{
	const size_t start = a->text.len;

	if (a->n == IDS_MAX)
		return ERR_LIMIT;
	buf_add(&a->text, id, strlen(id) + 1);
	if (a->text.status != ERR_OK)
		return a->text.status;
	if (make_room(a) != ERR_OK)
		return ERR_MEMORY;
	a->at[a->n++] = (uint32_t)start;
	return ERR_OK;
}

/* ---- finding ---- */
static int by_text(const void *left, const void *right, void *arg)
{
	const struct asked *a = arg;
	const uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
	const int order = strcmp(asked_id(a, l), asked_id(a, r));

	return order != 0 ? order : (l > r) - (l < r);
}

static bool is_sorted(struct asked *a)
{
	if (a->sorted != NULL || a->status != ERR_OK)
		return a->status == ERR_OK;
	a->sorted = malloc((a->n > 0 ? a->n : 1) * sizeof(*a->sorted));
	if (a->sorted == NULL) {
		a->status = ERR_MEMORY;
		return false;
	}
	for (uint32_t i = 0; i < a->n; i++)
		a->sorted[i] = i;
	qsort_r(a->sorted, a->n, sizeof(*a->sorted), by_text, a);
	return true;
}

enum err asked_settle(struct asked *a, uint32_t *ret_twice)
{
	size_t kept = 0;

	*ret_twice = 0;
	a->answered = calloc(a->n > 0 ? a->n : 1, sizeof(*a->answered));
	if (a->answered == NULL || !is_sorted(a))
		return ERR_MEMORY;
	for (size_t i = 1; i < a->n; i++) {
		if (strcmp(asked_id(a, a->sorted[i - 1]), asked_id(a, a->sorted[i])) == 0) {
			a->answered[a->sorted[i]] = true; /* here: has to go */
			++*ret_twice;
		}
	}
	if (*ret_twice == 0)
		return ERR_OK;
	for (size_t i = 0; i < a->n; i++)
		if (!a->answered[i])
			a->at[kept++] = a->at[i];
	a->n = kept;
	free(a->sorted);
	a->sorted = NULL;
	return ERR_OK;
}

/* The number of an id in the question under way, SIZE_MAX when it is not in it. */
static size_t find(struct asked *a, const char *id)
{
	size_t low = 0, high = a->n;

	if (a->next < a->to && strcmp(asked_id(a, a->next), id) == 0)
		return a->next;
	if (!is_sorted(a))
		return SIZE_MAX;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (strcmp(asked_id(a, a->sorted[mid]), id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < a->n && strcmp(asked_id(a, a->sorted[low]), id) == 0; low++) /* an operator may repeat one */
		if (a->sorted[low] >= a->from && a->sorted[low] < a->to)
			return a->sorted[low];
	return SIZE_MAX;
}

bool asked_match(struct asked *a, const char *id)
{
	const size_t i = find(a, id);

	if (i == SIZE_MAX || a->answered[i])
		return false;
	a->answered[i] = true;
	a->next = i + 1;
	return true;
}

/* ---- questions ---- */
void asked_rewind(struct asked *a)
{
	memset(a->answered + a->from, 0, a->to - a->from);
	a->next = a->from;
	a->status = ERR_OK;
}

void asked_window(struct asked *a, size_t from, size_t size)
{
	size_t text = 0;

	a->from = a->to = from;
	while (a->to < a->n && (size == 0 || a->to - from < size)) {
		text += strlen(asked_id(a, a->to));
		if (text > REQUEST_TEXT_MAX && a->to > from)
			return;
		a->to++;
	}
}
