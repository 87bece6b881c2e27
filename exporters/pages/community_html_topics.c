/* The topics of a community, a hundred at a time. */
#include <inttypes.h>

#include "exporters/pages/status_html.h"

enum { PLAIN_MAX = 4 << 10, DAY_S = 86400 };

/* What is known of one topic; below 0: not known. */
struct topic_view {
	int64_t last_s, created_s, messages, muted, unread;
};

static int64_t value_of(const struct facts *f, enum metric m, size_t i)
{
	uint64_t value;

	return topic_value(f, m, i, &value) && value <= INT64_MAX ? (int64_t)value : -1;
}

static struct topic_view view_of(const struct facts *f, size_t i)
{
	return (struct topic_view){
		.last_s = value_of(f, M_TOPIC_LAST_MESSAGE, i),
		.created_s = value_of(f, M_TOPIC_CREATED, i),
		.messages = value_of(f, M_TOPIC_MESSAGES, i),
		.muted = value_of(f, M_TOPIC_MUTED, i),
		.unread = value_of(f, M_TOPIC_OBSERVER_UNREAD, i),
	};
}

/* Milli-messages a day since it was created. */
static int64_t daily_milli(const struct topic_view *v, int64_t now_s)
{
	const int64_t age_s = now_s - v->created_s;

	if (v->messages < 0 || v->created_s < 0 || age_s < DAY_S)
		return -1;
	return (int64_t)((double)v->messages * DAY_S * 1000 / (double)age_s);
}

/* Names and ids are kept as label text is written. */
static void add_label(struct buf *out, struct span label)
{
	char room[PLAIN_MAX];
	struct buf plain;

	buf_wrap(&plain, room, sizeof(room));
	status_unescape(&plain, label);
	html_name(out, buf_text(&plain));
}

static void add_who(struct buf *out, const struct status_source *s, const struct status_row *r,
                    const struct facts *f, size_t i)
{
	char room[PLAIN_MAX];
	struct span name;
	struct buf id;
	const bool named = topic_named(f, i, &name) && name.len > 0;

	buf_wrap(&id, room, sizeof(room));
	topic_id(f, i, pin_community(s->pin, r->i)->place.community, &id);
	buf_str(out, "<th scope=\"row\" role=\"rowheader\" class=\"who\">");
	if (named) {
		buf_str(out, "<span class=\"name\">");
		add_label(out, name);
		buf_str(out, "</span>");
	}
	buf_str(out, "<span class=\"ids\"><code>");
	add_label(out, buf_view(&id));
	buf_str(out, "</code></span></th>");
}

static void add_topic(struct buf *out, const struct status_source *s, const struct status_row *r,
                      const struct facts *f, size_t i)
{
	const struct topic_view v = view_of(f, i);
	const char *error = topic_error(f, i);
	static const char *const muted[] = { "open", "muted" };

	buf_str(out, "<tr role=\"row\">");
	add_who(out, s, r, f, i);
	buf_str(out, "<td role=\"cell\" class=\"n t\">");
	html_ago(out, &s->now, v.last_s);
	buf_str(out, "</td><td role=\"cell\" class=\"n\">");
	html_number(out, v.messages);
	buf_str(out, "</td><td role=\"cell\" class=\"n\">");
	html_milli(out, daily_milli(&v, s->now.unix_s));
	buf_str(out, "</td><td role=\"cell\">");
	if (v.muted < 0)
		html_number(out, -1);
	else
		buf_fmt(out, "<span class=\"%s\">%s</span>", muted[v.muted > 0], muted[v.muted > 0]);
	buf_str(out, "</td><td role=\"cell\" class=\"n\">");
	html_number(out, v.unread);
	buf_str(out, "</td><td role=\"cell\">");
	if (error != NULL)
		buf_fmt(out, "<b class=\"bad\">%s</b>", error);
	buf_str(out, "</td></tr>\n");
}

static void add_turn(struct buf *out, const struct status_row *r, size_t from, bool there, const char *says)
{
	char room[QUERY_MAX];
	struct buf link;

	if (!there) {
		buf_fmt(out, "<span class=\"off\">%s</span>\n", says);
		return;
	}
	buf_wrap(&link, room, sizeof(room));
	status_community_query(r, from, &link);
	buf_str(out, "<a href=\"");
	html_take(out, &link);
	buf_fmt(out, "\">%s</a>\n", says);
}

static void add_paging(struct buf *out, const struct status_row *r, size_t from, size_t end, size_t n)
{
	const size_t last = n > 0 ? (n - 1) / STATUS_PER_PAGE * STATUS_PER_PAGE : 0;

	if (from == 0 && end == n)
		return;
	buf_str(out, "<nav class=\"paging\" aria-label=\"Pages of the topics\">\n");
	add_turn(out, r, 0, from > 0, "First");
	add_turn(out, r, from > STATUS_PER_PAGE ? from - STATUS_PER_PAGE : 0, from > 0, "Previous");
	add_turn(out, r, end, end < n, "Next");
	add_turn(out, r, last, end < n, "Last");
	buf_str(out, "</nav>\n");
}

static void add_head(struct buf *out, size_t from, size_t end, size_t n)
{
	buf_str(out, "<p class=\"count\">");
	if (end > from) {
		html_number(out, (int64_t)from + 1);
		buf_str(out, "\xe2\x80\x93");
		html_number(out, (int64_t)end);
		buf_str(out, " of ");
	}
	html_number(out, (int64_t)n);
	buf_str(out,
	        "</p>\n<div class=\"scroll\"><table class=\"list topics\" role=\"table\">"
	        "<caption class=\"hidden\">Topics</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">"
	        "<th scope=\"col\" role=\"columnheader\">Topic</th>"
	        "<th scope=\"col\" role=\"columnheader\" class=\"n\">Last message</th>"
	        "<th scope=\"col\" role=\"columnheader\" class=\"n\">Messages</th>"
	        "<th scope=\"col\" role=\"columnheader\" class=\"n\"><span title=\"on average since it was "
	        "created\">A day</span></th>"
	        "<th scope=\"col\" role=\"columnheader\">Mute</th>"
	        "<th scope=\"col\" role=\"columnheader\" class=\"n\">Unread</th>"
	        "<th scope=\"col\" role=\"columnheader\">Error</th></tr></thead>\n<tbody role=\"rowgroup\">\n");
}

void html_topics(struct buf *out, const struct status_source *s, const struct status_row *r, size_t from)
{
	const struct facts *f = pin_facts(s->pin, r->i);
	const size_t n = f != NULL ? facts_topics(f) : 0, first = from < n ? from : n;
	const size_t end = n - first < STATUS_PER_PAGE ? n : first + STATUS_PER_PAGE;

	buf_str(
		out,
		"<section id=\"topics\" data-live aria-labelledby=\"topics-h\">\n<h2 id=\"topics-h\">Topics</h2>\n");
	if (f == NULL) {
		buf_str(out, "<p class=\"empty\">No topics are known at the moment.</p>\n");
	} else {
		add_head(out, first, end, n);
		for (size_t i = first; i < end && html_has_room(out); i++)
			add_topic(out, s, r, f, i);
		buf_str(out, "</tbody></table></div>\n");
		add_paging(out, r, first, end, n);
	}
	buf_str(out, "</section>\n");
}
