/* The table of communities. On a narrow screen the style makes a card of each row; roles keep it a table for
 * those who listen. */
#include <inttypes.h>

#include "exporters/pages/status_html.h"

enum { STRIP = 132 };

static const struct {
	const char *says, *class;
	enum status_sort sort; /* SORT_COUNT: nothing to sort by */
} columns[] = {
	{ "State", "", SORT_TROUBLE },
	{ "Community", "", SORT_NAME },
	{ "Topics", " class=\"n\"", SORT_TOPICS },
	{ "Muted", " class=\"n\"", SORT_MUTED },
	{ "Silent", " class=\"n\"", SORT_SILENT },
	{ "Quietest", " class=\"n\"", SORT_IDLE },
	{ "Topics by silence", "", SORT_COUNT },
	{ "Msgs/min", " class=\"n\"", SORT_RATE },
	{ "Last poll", " class=\"n\"", SORT_LAST },
	{ "Next poll", " class=\"n\"", SORT_NEXT },
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* ---- the head ---- */
static void add_sort_link(struct buf *out, const struct status_query *q, enum status_sort sort,
                          const char *says)
{
	struct status_query other = *q;
	char room[QUERY_MAX];
	struct buf link;

	other.reverse = sort == q->sort && !q->reverse;
	other.sort = sort;
	buf_wrap(&link, room, sizeof(room));
	status_query_print(&other, 0, &link);
	buf_str(out, "<a href=\"");
	html_take(out, &link);
	buf_fmt(out, "\">%s</a>", says);
}

static void add_head(struct buf *out, const struct status_query *q)
{
	buf_str(out, "<thead role=\"rowgroup\"><tr role=\"row\">");
	for (size_t i = 0; i < COLUMNS; i++) {
		const enum status_sort sort = columns[i].sort;
		const bool here = sort == q->sort;

		buf_fmt(out, "<th scope=\"col\" role=\"columnheader\"%s", columns[i].class);
		if (here)
			buf_fmt(out, " aria-sort=\"%s\"",
			        status_sort_descends(sort) != q->reverse ? "descending" : "ascending");
		buf_str(out, ">");
		if (sort == SORT_COUNT)
			buf_str(out, columns[i].says);
		else
			add_sort_link(out, q, sort, columns[i].says);
		buf_str(out, "</th>");
	}
	buf_str(out, "</tr></thead>\n");
}

/* ---- a row ---- */
static void cell(struct buf *out, const char *class)
{
	buf_fmt(out, "<td role=\"cell\" class=\"%s\">", class);
}

static void add_number(struct buf *out, int64_t n)
{
	cell(out, "n");
	html_number(out, n);
	buf_str(out, "</td>");
}

static void add_trouble(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	if (r->reason == ERR_OK)
		return;
	buf_str(out, "<p class=\"why\">");
	html_reason(out, r->reason, r->code);
	buf_str(out, "<span class=\"sub\">");
	if (r->since_s >= 0) {
		buf_str(out, " since ");
		html_ago(out, &s->now, r->since_s);
	}
	buf_fmt(out, ", %" PRIu32 "%s</span></p>", r->failures, r->failures == 1 ? " poll" : " polls in a row");
}

static void add_who(struct buf *out, const struct status_source *s, const struct status_row *r, bool with_app)
{
	char room[QUERY_MAX];
	struct buf link;

	buf_wrap(&link, room, sizeof(room));
	status_community_query(r, 0, &link);
	buf_str(out,
	        "<th scope=\"row\" role=\"rowheader\" class=\"who\"><a class=\"name\" href=\"status/community");
	html_take(out, &link);
	buf_str(out, "\">");
	html_name(out, r->member.name != NULL ? r->member.name : r->member.id);
	buf_str(out, "</a><span class=\"ids\">");
	if (r->member.name != NULL) {
		buf_str(out, "<code>");
		html_name(out, r->member.id);
		buf_str(out, "</code>");
	}
	if (with_app) {
		buf_str(out, " <span class=\"tag\">");
		html_name(out, r->app->name);
		buf_str(out, "</span>");
	}
	if (r->member.discovered)
		buf_str(out, " <span class=\"tag\">discovered</span>");
	buf_str(out, "</span>");
	add_trouble(out, s, r);
	buf_str(out, "</th>");
}

static void add_polls(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	cell(out, "n t");
	html_ago(out, &s->now, r->last_poll_s);
	if (r->took_us >= 0) {
		buf_str(out, "<span class=\"sub\">took ");
		html_took(out, r->took_us);
		buf_str(out, "</span>");
	}
	buf_str(out, "</td>");
	cell(out, "n t");
	html_in(out, &s->now, r->member.next_poll_s);
	buf_str(out, "<span class=\"sub\">every ");
	status_span(out, (r->interval_ms + 500) / 1000);
	buf_str(out, "</span></td>");
}

static void add_row(struct buf *out, const struct status_source *s, const struct status_row *r, bool with_app)
{
	buf_fmt(out, "<tr role=\"row\" id=\"c%016" PRIx64 "\" class=\"%s\">", pin_key(s->pin, r->i),
	        html_state_class(r->state));
	cell(out, "st");
	html_badge(out, r->state);
	buf_str(out, "</td>");
	add_who(out, s, r, with_app);
	add_number(out, r->topics);
	add_number(out, r->muted);
	add_number(out, r->silent);
	cell(out, "n");
	if (r->idle_s >= 0)
		status_span(out, r->idle_s);
	else
		html_number(out, -1);
	buf_str(out, "</td>");
	cell(out, "heat");
	if (r->idle != NULL)
		html_idle_strip(out, r->idle, STRIP);
	else
		html_number(out, -1);
	buf_str(out, "</td>");
	cell(out, "n");
	html_milli(out, r->rate_milli);
	buf_str(out, "</td>");
	add_polls(out, s, r);
	buf_str(out, "</tr>\n");
}

static bool several_apps(const struct status_source *s, const struct status_query *q)
{
	size_t n = 0;

	for (size_t i = 0; i < s->app_n; i++)
		n += s->app[i].name != NULL;
	return n > 1 && q->app == NULL;
}

void html_rows(struct buf *out, const struct status_source *s, const struct status_list *l)
{
	const bool with_app = several_apps(s, &l->query);
	size_t i = 0;

	buf_str(out, "<div class=\"scroll\"><table class=\"list\" role=\"table\">"
	             "<caption class=\"hidden\">Communities; the headers sort</caption>\n");
	add_head(out, &l->query);
	buf_str(out, "<tbody role=\"rowgroup\">\n");
	for (; i < l->row_n && html_has_room(out); i++)
		add_row(out, s, &l->row[i], with_app);
	buf_str(out, "</tbody></table></div>\n");
	if (i < l->row_n)
		buf_fmt(out,
		        "<p class=\"note\">The page is full after %zu rows: ask for fewer with "
		        "<code>per_page</code>.</p>\n",
		        i);
}
