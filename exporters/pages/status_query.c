/* What a request asks of the list. */
#include <string.h>

#include "exporters/pages/status_inside.h"

enum { PAGE_MAX = 1000000 };

static const struct {
	const char *label;
	bool descends; /* begins with the largest */
} sorts[SORT_COUNT] = {
	[SORT_TROUBLE] = { "trouble", true }, [SORT_NAME] = { "name", false },
	[SORT_TOPICS] = { "topics", true },   [SORT_MUTED] = { "muted", true },
	[SORT_SILENT] = { "silent", true },   [SORT_IDLE] = { "idle", true },
	[SORT_LAST] = { "last", false },      [SORT_NEXT] = { "next", false },
	[SORT_RATE] = { "rate", true },
};

const char *status_sort_label(enum status_sort s)
{
	return sorts[s].label;
}

bool status_sort_descends(enum status_sort s)
{
	return sorts[s].descends;
}

/* ---- reading ---- */
enum key { KEY_APP, KEY_FIND, KEY_SORT, KEY_ORDER, KEY_PROBLEMS, KEY_PAGE, KEY_PER_PAGE, KEY_COUNT };
static const char *const keys[KEY_COUNT] = {
	[KEY_APP] = "app",           [KEY_FIND] = "find", [KEY_SORT] = "sort",         [KEY_ORDER] = "order",
	[KEY_PROBLEMS] = "problems", [KEY_PAGE] = "page", [KEY_PER_PAGE] = "per_page",
};

struct reading {
	const char *value[KEY_COUNT];
	struct why *why;
	enum err err;
};

/* Other keys are somebody else's. A form sends fields that are empty: those say nothing. */
static void take_pair(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;

	for (int k = 0; k < KEY_COUNT && r->err == ERR_OK; k++) {
		if (strcmp(keys[k], key) != 0)
			continue;
		if (r->value[k] != NULL)
			r->err = err_because(r->why, ERR_CONFIG, "%s is given twice", key);
		if (value[0] != '\0')
			r->value[k] = value;
	}
}

static enum err read_sort(const char *word, enum status_sort *ret, struct why *why)
{
	for (int s = 0; s < SORT_COUNT; s++)
		if (strcmp(word, sorts[s].label) == 0) {
			*ret = (enum status_sort)s;
			return ERR_OK;
		}
	return err_because(why, ERR_CONFIG,
	                   "sort '%.40s' is none of trouble, name, topics, muted, silent, idle, last, next, rate",
	                   word);
}

static enum err read_order(const char *word, bool *ret_descends, struct why *why)
{
	if (strcmp(word, "asc") != 0 && strcmp(word, "desc") != 0)
		return err_because(why, ERR_CONFIG, "order '%.40s' is none of asc, desc", word);
	*ret_descends = word[0] == 'd';
	return ERR_OK;
}

static enum err read_truth(const char *word, bool *ret, struct why *why)
{
	if (strcmp(word, "0") != 0 && strcmp(word, "1") != 0)
		return err_because(why, ERR_CONFIG, "problems '%.40s' is none of 0, 1", word);
	*ret = word[0] == '1';
	return ERR_OK;
}

static enum err read_number(const char *key, const char *text, size_t least, size_t most, size_t *ret,
                            struct why *why)
{
	size_t n = 0;

	for (const char *at = text; *at != '\0'; at++) {
		if (*at < '0' || *at > '9' || n > most)
			n = most + 1;
		else
			n = n * 10 + (size_t)(*at - '0');
	}
	if (n < least || n > most)
		return err_because(why, ERR_CONFIG, "%s '%.40s' is no number from %zu to %zu", key, text, least,
		                   most);
	*ret = n;
	return ERR_OK;
}

enum err status_query_read(const struct web_request *q, struct status_query *ret, struct why *why)
{
	struct reading r = { .why = why };
	struct status_query is = { .per_page = STATUS_PER_PAGE };
	const char *const *v = r.value;
	bool descends;
	enum err e;

	web_queries(q, take_pair, &r);
	e = r.err;
	is.app = v[KEY_APP];
	is.find = v[KEY_FIND];
	if (e == ERR_OK && v[KEY_SORT] != NULL)
		e = read_sort(v[KEY_SORT], &is.sort, why);
	descends = sorts[is.sort].descends;
	if (e == ERR_OK && v[KEY_ORDER] != NULL)
		e = read_order(v[KEY_ORDER], &descends, why);
	is.reverse = descends != sorts[is.sort].descends;
	if (e == ERR_OK && v[KEY_PROBLEMS] != NULL)
		e = read_truth(v[KEY_PROBLEMS], &is.problems, why);
	if (e == ERR_OK && v[KEY_PAGE] != NULL)
		e = read_number("page", v[KEY_PAGE], 0, PAGE_MAX, &is.page, why);
	if (e == ERR_OK && v[KEY_PER_PAGE] != NULL)
		e = read_number("per_page", v[KEY_PER_PAGE], 1, STATUS_PER_PAGE_MAX, &is.per_page, why);
	if (e == ERR_OK)
		*ret = is;
	return e;
}

/* ---- writing ---- */
void status_pair(struct buf *out, const char *key, const char *value)
{
	buf_fmt(out, "%s%s=", out->len > 0 && out->at[out->len - 1] == '?' ? "" : "&", key);
	chat_encode(out, value);
}

static void add_number(struct buf *out, const char *key, size_t n)
{
	char digits[24];
	struct buf b;

	buf_wrap(&b, digits, sizeof(digits));
	buf_fmt(&b, "%zu", n);
	status_pair(out, key, buf_text(&b));
}

void status_query_print(const struct status_query *q, size_t page, struct buf *out)
{
	buf_str(out, "?");
	if (q->app != NULL)
		status_pair(out, keys[KEY_APP], q->app);
	if (q->find != NULL)
		status_pair(out, keys[KEY_FIND], q->find);
	if (q->sort != SORT_TROUBLE)
		status_pair(out, keys[KEY_SORT], sorts[q->sort].label);
	if (q->reverse)
		status_pair(out, keys[KEY_ORDER], sorts[q->sort].descends ? "asc" : "desc");
	if (q->problems)
		status_pair(out, keys[KEY_PROBLEMS], "1");
	if (page > 0)
		add_number(out, keys[KEY_PAGE], page);
	if (q->per_page != STATUS_PER_PAGE)
		add_number(out, keys[KEY_PER_PAGE], q->per_page);
}
