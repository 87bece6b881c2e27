#include <string.h>

#include "tests/simulator/answer.h"

enum { LIMIT_MAX = 10000 };

/* Page cursors lie beyond 2^63 and are odd or even by turns: a reader that keeps them in a double or in
 * a signed integer loses its place at once. The position in the app's list of communities is added. */
static const uint64_t cursor_base = UINT64_C(0x8000000000000001);

struct page {
	const char *type; /* NULL: every type */
	uint64_t limit, from;
};

static bool read_page(struct call *c, struct page *ret)
{
	const struct json *limit = json_get(c->json, "Limit"), *next = json_get(c->json, "Next");
	const struct json *type = json_get(c->json, "GroupType");
	uint64_t cursor = 0;

	ret->limit = LIMIT_MAX;
	ret->type = json_str(type);
	if (limit != NULL && (!json_uint(limit, &ret->limit) || ret->limit == 0 || ret->limit > LIMIT_MAX))
		call_refuse(c, 10004, "Limit must be an integer from 1 to %d", LIMIT_MAX);
	else if (type != NULL && ret->type == NULL)
		call_refuse(c, 10004, "GroupType is not a string");
	else if (next != NULL && !json_uint(next, &cursor))
		call_refuse(c, 10004, "Next is not an unsigned 64-bit integer");
	else if (cursor != 0 && (cursor < cursor_base || cursor - cursor_base > c->app->community_n))
		call_refuse(c, 10004, "Next is not a value that was answered before");
	else {
		ret->from = cursor != 0 ? cursor - cursor_base : 0;
		return true;
	}
	return false;
}

static bool is_listed(const struct community *g, const char *type)
{
	const char *own = g->recipe->type != NULL ? g->recipe->type : "Community";

	return !g->deleted && (type == NULL || strcmp(own, type) == 0);
}

static void put_groups(struct call *c, struct json_out *o, const struct page *p)
{
	const struct app *a = c->app;
	uint64_t total = 0, sent = 0, next = 0;

	for (size_t i = 0; i < a->community_n; i++)
		total += is_listed(a->communities[i], p->type);
	json_put_uint(o, "TotalCount", total);
	json_open(o, "GroupIdList", '[');
	for (size_t i = p->from; i < a->community_n && next == 0; i++) {
		if (!is_listed(a->communities[i], p->type))
			continue;
		if (sent == p->limit) {
			next = cursor_base + i;
			break;
		}
		json_open(o, NULL, '{');
		json_put_text(o, "GroupId", a->communities[i]->id);
		json_close(o, '}');
		sent++;
	}
	json_close(o, ']');
	json_put_uint(o, "Next", next);
}

void answer_groups(struct world *w, struct call *c, const struct fault *f)
{
	struct json_out o = { .buf = &c->answer };
	struct page page;

	if (!read_page(c, &page))
		return;
	if (f != NULL && f->kind == FAULT_ERROR) {
		call_refuse(c, f->code, "put in by hand");
		return;
	}
	o.quoted_numbers = f != NULL && f->kind == FAULT_SHAPE && f->shape == SHAPE_STRING_NUMBERS;
	call_answer_begin(c, &o, &w->plain.style);
	if (f == NULL || f->kind != FAULT_SHAPE || f->shape == SHAPE_STRING_NUMBERS) {
		put_groups(c, &o, &page);
	} else if (f->shape != SHAPE_MISSING_ARRAY) {
		bool object = f->shape == SHAPE_ARRAY_IS_OBJECT;
		json_put_uint(&o, "TotalCount", 1);
		json_open(&o, "GroupIdList", object ? '{' : '[');
		if (!object)
			json_put_null(&o, NULL);
		json_close(&o, object ? '}' : ']');
		json_put_uint(&o, "Next", 0);
	}
	json_close(&o, '}');
	if (c->answer.status != ERR_OK)
		call_refuse(c, 10002, "the simulator is out of memory");
	else if (c->answer.len > ANSWER_CAP)
		call_refuse(c, 10018, "the answer is larger than 1 MiB");
}
