/* Routes of the operator's pages: which form, which page, and what cannot be. */
#include <string.h>

#include "agent/status.h"
#include "exporters/exposition/clause.h"
#include "exporters/pages/pack.h"

enum {
	FIELD_MAX = 16 << 10, /* no head is longer */
	VISITS = 1000,        /* communities that one token pays for */
	TOPICS_MAX = 1000000,
};

/* ---- which form ---- */
enum page_form { PAGE_HTML, PAGE_JSON, PAGE_TEXT, PAGE_FORMS };
static const struct {
	const char *type, *subtype, *content;
	void (*list)(const struct status_source *s, const struct status_list *l, struct buf *out);
	void (*community)(const struct status_source *s, const struct status_row *r, size_t from,
	                  struct buf *out);
} forms[PAGE_FORMS] = {
	[PAGE_HTML] = { "text", "html", "text/html; charset=utf-8", status_html, status_community_html },
	[PAGE_JSON] = { "application", "json", "application/json", status_json, status_community_json },
	[PAGE_TEXT] = { "text", "plain", "text/plain; charset=utf-8", status_text, status_community_text },
};

/* How closely a clause names a form; 0: not. */
static int closeness(struct clause c, enum page_form f)
{
	struct span rest = c.name;
	const struct span type = clause_cut(&rest, '/'), subtype = clause_trim(rest);

	if (clause_is(type, "*"))
		return clause_is(subtype, "*") || subtype.len == 0 ? 1 : 0;
	if (!clause_is(type, forms[f].type))
		return 0;
	return clause_is(subtype, "*") ? 2 : clause_is(subtype, forms[f].subtype) ? 3 : 0;
}

/* RFC 9110 12.5.1: the closest clause decides about a form, and the heaviest form wins; of equals the one
 * that was named more closely. Who accepts none of them gets HTML: nobody hears 406. */
static enum page_form form_of(const struct web_request *q)
{
	struct {
		int closeness, weight;
	} offer[PAGE_FORMS] = { 0 };
	enum page_form best = PAGE_HTML;
	char text[FIELD_MAX];
	struct clause c;
	struct span list;
	struct buf accept;

	buf_wrap(&accept, text, sizeof(text));
	web_headers(q, "Accept", &accept);
	list = buf_view(&accept);
	while (clause_next(&list, &c))
		for (int f = 0; f < PAGE_FORMS; f++) {
			const int is = closeness(c, (enum page_form)f);

			if (is > offer[f].closeness) {
				offer[f].closeness = is;
				offer[f].weight = c.weight;
			}
		}
	for (int f = 0; f < PAGE_FORMS; f++)
		if (offer[f].weight > offer[best].weight ||
		    (offer[f].weight == offer[best].weight && offer[f].weight > 0 &&
		     offer[f].closeness > offer[best].closeness))
			best = (enum page_form)f;
	return best;
}

/* ---- what cannot be ---- */
static void refuse(struct web_reply *reply, unsigned status, enum page_form form, const char *text)
{
	reply->status = status;
	reply->retry_after_s = status == 503 ? 1 : 0;
	reply->page = false;
	buf_reset(&reply->body);
	if (form == PAGE_JSON) {
		reply->type = forms[PAGE_JSON].content;
		status_json_error(&reply->body, text);
	} else {
		reply->type = forms[PAGE_TEXT].content;
		buf_fmt(&reply->body, "%s\n", text);
	}
}

static bool knows_app(const struct daemon *d, const char *name)
{
	for (size_t a = 0; a < d->roster->app_n; a++)
		if (d->roster->app[a].conf != NULL && strcmp(d->roster->app[a].conf->name, name) == 0)
			return true;
	return false;
}

/* A list looks at every community; whoever asks for many of them must not keep the polls waiting. */
bool status_may_list(struct daemon *d)
{
	if (rate_wait_ms(&d->status_rate, &d->now) > 0)
		return false;
	rate_spend(&d->status_rate, (unsigned)(d->roster->community_n / VISITS + 1), &d->now);
	return true;
}

static void check_body(struct web_reply *reply, enum page_form form)
{
	if (reply->body.status == ERR_LIMIT)
		refuse(reply, 400, form,
		       "the page would be larger than 1 MiB; ask for one app with app=, or for fewer rows with "
		       "per_page=");
	else if (reply->body.status != ERR_OK)
		refuse(reply, 503, form, "out of memory, try again in a second");
}

/* ---- pages ---- */
static void give_list(struct daemon *d, const struct web_request *q, enum page_form form,
                      struct web_reply *reply)
{
	struct why why = { 0 };
	struct status_query query;
	struct status_list *list;
	struct telling t;
	enum err e;

	if (status_query_read(q, &query, &why) != ERR_OK) {
		refuse(reply, 400, form, why.text);
	} else if (query.app != NULL && !knows_app(d, query.app)) {
		refuse(reply, 404, form, "no such app is configured");
	} else if (!status_may_list(d)) {
		refuse(reply, 503, form, "too many lists at once, try again in a second");
	} else if (telling_open(d, &t) != ERR_OK) {
		refuse(reply, 503, form, "out of memory, try again in a second");
	} else {
		e = status_list_new(&t.source, &query, &list);
		if (e == ERR_OK) {
			forms[form].list(&t.source, list, &reply->body);
			status_list_free(list);
		} else {
			reply->body.status = e;
		}
		telling_close(&t);
		check_body(reply, form);
	}
}

/* Where there is one app it need not be named. */
static const char *app_named(const struct daemon *d, const struct web_request *q)
{
	const char *name = web_query(q, "app");

	if ((name != NULL && name[0] != '\0') || roster_apps(d->roster) != 1)
		return name;
	for (size_t a = 0; a < d->roster->app_n; a++)
		if (d->roster->app[a].conf != NULL)
			name = d->roster->app[a].conf->name;
	return name;
}

static bool read_from(const struct web_request *q, size_t *ret)
{
	const char *text = web_query(q, "from");
	size_t n = 0;

	for (const char *at = text; at != NULL && *at != '\0'; at++) {
		if (*at < '0' || *at > '9' || n > TOPICS_MAX)
			return false;
		n = n * 10 + (size_t)(*at - '0');
	}
	*ret = n;
	return true;
}

static void give_community(struct daemon *d, const struct web_request *q, enum page_form form,
                           struct web_reply *reply)
{
	const char *app = app_named(d, q), *id = web_query(q, "id");
	struct status_row row;
	struct telling t;
	size_t from, i;

	if (app == NULL || id == NULL || app[0] == '\0' || id[0] == '\0') {
		refuse(reply, 400, form, "app= and id= must name an app and the id of a community, with # as %23");
		return;
	}
	if (!read_from(q, &from)) {
		refuse(reply, 400, form, "from= must be the number of a topic");
		return;
	}
	if (telling_open(d, &t) != ERR_OK) {
		refuse(reply, 503, form, "out of memory, try again in a second");
		return;
	}
	if (status_find(&t.source, app, id, &i)) {
		status_row_fill(&t.source, i, true, &row);
		forms[form].community(&t.source, &row, from, &reply->body);
		check_body(reply, form);
	} else {
		refuse(reply, 404, form,
		       knows_app(d, app) ? "no such community is known in this app; # must be written as %23"
		                         : "no such app is configured");
	}
	telling_close(&t);
}

/* ---- routes ---- */
static enum page_form begin(const struct web_request *q, struct web_reply *reply)
{
	const enum page_form form = form_of(q);

	reply->vary = "Accept, Accept-Encoding";
	reply->type = forms[form].content;
	reply->page = form == PAGE_HTML;
	return form;
}

void answer_status(void *arg, const struct web_request *q, struct web_reply *reply)
{
	give_list(arg, q, begin(q, reply), reply);
	pack_body(q, reply);
}

void answer_status_community(void *arg, const struct web_request *q, struct web_reply *reply)
{
	give_community(arg, q, begin(q, reply), reply);
	pack_body(q, reply);
}

void answer_status_api(void *arg, const struct web_request *q, struct web_reply *reply)
{
	reply->type = forms[PAGE_JSON].content;
	reply->vary = "Accept-Encoding";
	if (web_query(q, "id") != NULL)
		give_community(arg, q, PAGE_JSON, reply);
	else
		give_list(arg, q, PAGE_JSON, reply);
	pack_body(q, reply);
}
