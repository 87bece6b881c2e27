/* /status as HTML. Regions marked data-live are what the script replaces; the form between them keeps what is
 * being typed. */
#include "exporters/pages/status_html.h"

#include <inttypes.h>
#include <string.h>

enum { APPS_MAX = 200 }; /* in the list to choose from */

bool html_has_room(const struct buf *out)
{
	return out->status == ERR_OK && out->max - out->len >= ROOM_MIN;
}

void html_skew(struct buf *out, int64_t skew_s)
{
	buf_fmt(out, "%+" PRId64 " s", skew_s);
}

/* ---- the program ---- */
static void count_states(const struct status_source *s, uint64_t ret[STATE_COUNT])
{
	memset(ret, 0, STATE_COUNT * sizeof(ret[0]));
	for (size_t a = 0; a < s->app_n; a++)
		for (int i = 0; s->app[a].name != NULL && i < STATE_COUNT; i++)
			ret[i] += s->app[a].health->communities[i];
}

static void add_lead(struct buf *out, const struct status_source *s, const uint64_t count[STATE_COUNT])
{
	const uint64_t all = pin_communities(s->pin),
				   bad = count[STATE_FAILING] + count[STATE_STALE] + count[STATE_GONE];

	buf_str(out, "<p class=\"lead\">");
	if (all == 0) {
		buf_str(out, "No communities are known: none is configured, and none was discovered yet.");
	} else if (bad > 0) {
		buf_str(out, "<strong>");
		html_number(out, (int64_t)bad);
		buf_str(out, "</strong> of ");
		html_number(out, (int64_t)all);
		buf_str(out, all == 1   ? " community is in trouble."
		             : bad == 1 ? " communities is in trouble."
		                        : " communities are in trouble.");
	} else if (count[STATE_PENDING] > 0) {
		html_number(out, (int64_t)count[STATE_PENDING]);
		buf_str(out, " of ");
		html_number(out, (int64_t)all);
		buf_str(out, " communities were not polled yet; the others are fine.");
	} else {
		buf_str(out, all == 1 ? "The one community is fine." : "All ");
		if (all > 1) {
			html_number(out, (int64_t)all);
			buf_str(out, " communities are fine.");
		}
	}
	buf_str(out, "</p>\n");
}

/* The reason stands in the words of /-/ready and /-/healthy. */
static void add_probe(struct buf *out, const char *term, bool fine, const char *yes, const char *no,
                      const char *why)
{
	html_fact(out, term);
	html_verdict(out, fine, fine ? yes : no);
	if (!fine) {
		buf_str(out, " <span class=\"sub\">");
		html_text(out, span_of(why), HTML_TITLE);
		buf_str(out, "</span>");
	}
	html_fact_end(out);
}

static void add_config(struct buf *out, const struct status_source *s)
{
	const struct health_exporter *x = s->exporter;

	html_fact(out, "Configuration");
	if (x->config_hash >= 0)
		buf_fmt(out, "<code>%012" PRIx64 "</code>", (uint64_t)x->config_hash);
	else
		html_number(out, -1);
	html_fact_end(out);
	html_fact(out, "Latest reload");
	html_verdict(out, x->reload_ok, x->reload_ok ? "applied" : "refused");
	buf_str(out, x->reload_ok ? " <span class=\"sub\">" : " <span class=\"sub\">in force since ");
	html_ago(out, &s->now, x->reload_s > 0 ? x->reload_s : -1);
	buf_str(out, "</span>");
	html_fact_end(out);
}

static void add_memory(struct buf *out, const struct health_exporter *x)
{
	html_fact(out, "Memory");
	if (x->process.resident_bytes >= 0)
		html_bytes(out, x->process.resident_bytes);
	else
		html_number(out, -1);
	html_fact_end(out);
	if (!x->series_known)
		return;
	html_fact(out, "Topic series");
	html_number(out, (int64_t)x->series[METRIC_TOPIC]);
	if (x->series_limit > 0) {
		buf_str(out, " <span class=\"sub\">of at most ");
		html_number(out, (int64_t)x->series_limit);
		buf_str(out, "</span>");
	}
	html_fact_end(out);
}

static void add_facts(struct buf *out, const struct status_source *s)
{
	const struct health_exporter *x = s->exporter;

	buf_str(out, "<dl class=\"facts\">\n");
	add_probe(out, "Readiness", s->unready == NULL, "ready", "not ready", s->unready);
	add_probe(out, "Health", s->unwell == NULL, "healthy", "unwell", s->unwell);
	html_fact(out, "Started");
	html_ago(out, &s->now, s->started_s);
	buf_str(out, " <span class=\"sub\">version ");
	html_str(out, s->version);
	buf_str(out, "</span>");
	html_fact_end(out);
	add_config(out, s);
	html_fact(out, "Sandbox");
	buf_str(out, x->sandboxed ? "entered" : "off");
	html_fact_end(out);
	add_memory(out, x);
	if (x->total_shards > 1) {
		html_fact(out, "Shard");
		buf_fmt(out, "%u <span class=\"sub\">of 0 to %u</span>", x->shard, x->total_shards - 1);
		html_fact_end(out);
	}
	buf_str(out, "</dl>\n");
}

static void add_program(struct buf *out, const struct status_source *s)
{
	uint64_t count[STATE_COUNT];

	count_states(s, count);
	buf_str(out, "<section id=\"program\" data-live aria-labelledby=\"program-h\">\n<h1 "
	             "id=\"program-h\">Status</h1>\n");
	add_lead(out, s, count);
	html_states(out, count);
	add_facts(out, s);
	buf_str(out, "</section>\n");
}

/* ---- the filter ---- */
static void add_hidden(struct buf *out, const char *name, const char *value)
{
	buf_fmt(out, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", name, value);
}

static void add_choice(struct buf *out, const struct status_source *s, const struct status_query *q)
{
	size_t n = 0;

	buf_str(out, "<label>App <select name=\"app\"><option value=\"\">all</option>");
	for (size_t i = 0; i < s->app_n; i++) {
		const char *name = s->app[i].name;
		const bool chosen = name != NULL && q->app != NULL && strcmp(name, q->app) == 0;

		if (name == NULL || (++n > APPS_MAX && !chosen))
			continue;
		buf_str(out, "<option value=\"");
		html_str(out, name);
		buf_fmt(out, "\"%s>", chosen ? " selected" : "");
		html_text(out, span_of(name), HTML_NAME);
		buf_str(out, "</option>");
	}
	buf_str(out, "</select></label>\n");
}

static void add_filter(struct buf *out, const struct status_source *s, const struct status_query *q)
{
	buf_str(out, "<form class=\"filter\" role=\"search\" aria-label=\"Filter communities\" method=\"get\">\n"
	             "<label>Find <input type=\"search\" name=\"find\" maxlength=\"200\" placeholder=\"name or "
	             "id\" value=\"");
	html_str(out, q->find != NULL ? q->find : "");
	buf_str(out, "\"></label>\n");
	add_choice(out, s, q);
	buf_fmt(out,
	        "<label class=\"check\"><input type=\"checkbox\" name=\"problems\" value=\"1\"%s> problems "
	        "only</label>\n",
	        q->problems ? " checked" : "");
	if (q->sort != SORT_TROUBLE)
		add_hidden(out, "sort", status_sort_label(q->sort));
	if (q->reverse)
		add_hidden(out, "order", status_sort_descends(q->sort) ? "asc" : "desc");
	if (q->per_page != STATUS_PER_PAGE)
		buf_fmt(out, "<input type=\"hidden\" name=\"per_page\" value=\"%zu\">\n", q->per_page);
	buf_str(out, "<button>Filter</button>\n");
	if (q->find != NULL || q->app != NULL || q->problems)
		buf_str(out, "<a href=\"status\">Clear</a>\n");
	buf_str(out, "</form>\n");
}

/* ---- the list ---- */
static void add_turn(struct buf *out, const struct status_query *q, size_t page, bool there, const char *says)
{
	char room[QUERY_MAX];
	struct buf link;

	if (!there) {
		buf_fmt(out, "<span class=\"off\">%s</span>\n", says);
		return;
	}
	buf_wrap(&link, room, sizeof(room));
	status_query_print(q, page, &link);
	buf_str(out, "<a href=\"");
	html_take(out, &link);
	buf_fmt(out, "\">%s</a>\n", says);
}

static void add_paging(struct buf *out, const struct status_list *l)
{
	const struct status_query *q = &l->query;
	const size_t last = l->matched > 0 ? (l->matched - 1) / q->per_page : 0;

	if (l->matched <= q->per_page && q->page == 0)
		return;
	buf_str(out, "<nav class=\"paging\" aria-label=\"Pages of the list\">\n");
	add_turn(out, q, 0, q->page > 0, "First");
	add_turn(out, q, q->page > last ? last : q->page - (q->page > 0), q->page > 0, "Previous");
	buf_fmt(out, "<span aria-current=\"page\">page %zu of %zu</span>\n", q->page + 1, last + 1);
	add_turn(out, q, q->page + 1, q->page < last, "Next");
	add_turn(out, q, last, q->page < last, "Last");
	buf_str(out, "</nav>\n");
}

static void add_count(struct buf *out, const struct status_list *l)
{
	const size_t first = l->query.page * l->query.per_page;

	buf_str(out, "<p class=\"count\">");
	if (l->row_n > 0) {
		html_number(out, (int64_t)first + 1);
		buf_str(out, "\xe2\x80\x93");
		html_number(out, (int64_t)(first + l->row_n));
		buf_str(out, " of ");
	}
	html_number(out, (int64_t)l->matched);
	if (l->matched != l->all) {
		buf_str(out, " that match, of ");
		html_number(out, (int64_t)l->all);
		buf_str(out, " in all");
	}
	buf_str(out, "</p>\n");
}

static void add_list(struct buf *out, const struct status_source *s, const struct status_list *l)
{
	buf_str(out, "<div id=\"list\" data-live>\n");
	add_count(out, l);
	if (l->row_n > 0)
		html_rows(out, s, l);
	else if (l->all == 0)
		buf_str(out,
		        "<p class=\"empty\">There is nothing to poll. Name communities in the configuration, or turn "
		        "on <code>discovery</code>.</p>\n");
	else if (l->matched > 0)
		buf_str(out, "<p class=\"empty\">This page is behind the last one.</p>\n");
	else
		buf_str(out, l->query.problems && l->query.find == NULL
		                 ? "<p class=\"empty\">No community is in trouble.</p>\n"
		                 : "<p class=\"empty\">No community matches this filter.</p>\n");
	add_paging(out, l);
	if (l->row_n > 0)
		html_idle_legend(out, NULL);
	buf_str(out, "</div>\n");
}

void status_html(const struct status_source *s, const struct status_list *l, struct buf *out)
{
	const struct html_frame frame = {
		.title = "Status \xc2\xb7 tencentchat_exporter",
		.root = "",
		.here = "/status",
		.version = s->version,
		.telemetry_path = s->telemetry_path,
		.now_s = s->now.unix_s,
		.live = true,
	};

	html_begin(out, &frame);
	add_program(out, s);
	html_apps(out, s, &l->query);
	buf_str(out, "<section aria-labelledby=\"list-h\">\n<h2 id=\"list-h\">Communities</h2>\n");
	add_filter(out, s, &l->query);
	add_list(out, s, l);
	buf_str(out, "</section>\n");
	html_end(out, &frame);
}
