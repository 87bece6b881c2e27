#include "exporters/metric/catalog.h"

static const struct metric_info infos[METRIC_COUNT] = {
#define METRIC(ID, KIND, SCOPE, FROM, FAMILY, LABELS, HELP) \
	[M_##ID] = { METRIC_##KIND, METRIC_##SCOPE, METRIC_##FROM, { FAMILY, sizeof(FAMILY) - 1 }, LABELS, HELP },
#include "exporters/metric/catalog.def"
#undef METRIC
};

static const char *const kind_word[] = {
	[METRIC_INFO] = "info",
	[METRIC_GAUGE] = "gauge",
	[METRIC_COUNTER] = "counter",
	[METRIC_HISTOGRAM] = "histogram",
};

const struct metric_info *metric_info(enum metric m)
{
	return &infos[m];
}

/* Both formats escape backslash and newline in HELP, OpenMetrics the quote as well. */
static void add_help(struct buf *out, const char *help, enum form form)
{
	for (; *help != '\0'; help++) {
		if (*help == '\\')
			buf_str(out, "\\\\");
		else if (*help == '\n')
			buf_str(out, "\\n");
		else if (*help == '"' && form == FORM_OPENMETRICS)
			buf_str(out, "\\\"");
		else
			buf_add(out, help, 1);
	}
}

struct span metric_family(enum metric m, enum form form)
{
	static const size_t suffix[] = {
		[METRIC_INFO] = sizeof("_info") - 1,
		[METRIC_GAUGE] = 0,
		[METRIC_COUNTER] = sizeof("_total") - 1,
		[METRIC_HISTOGRAM] = 0,
	};
	struct span family = infos[m].family;

	if (form == FORM_OPENMETRICS)
		family.len -= suffix[infos[m].kind];
	return family;
}

void metric_header(struct buf *out, enum metric m, enum form form)
{
	const struct metric_info *i = &infos[m];
	const struct span family = metric_family(m, form);
	const bool gauge = i->kind == METRIC_INFO && form == FORM_TEXT;

	buf_str(out, "# HELP ");
	buf_span(out, family);
	buf_str(out, " ");
	add_help(out, i->help, form);
	buf_str(out, "\n# TYPE ");
	buf_span(out, family);
	buf_str(out, " ");
	buf_str(out, kind_word[gauge ? METRIC_GAUGE : i->kind]);
	buf_str(out, "\n");
}

const char *metric_end(enum form form)
{
	return form == FORM_OPENMETRICS ? "# EOF\n" : "";
}

static void explain_labels(struct buf *out, const char *labels)
{
	if (*labels == '\0')
		return;
	buf_str(out, "`");
	for (; *labels != '\0'; labels++) {
		if (*labels == ',')
			buf_str(out, "` `");
		else
			buf_add(out, labels, 1);
	}
	buf_str(out, "`");
}

void metric_explain(struct buf *out)
{
	static const struct {
		enum metric_scope scope;
		const char *title;
	} part[] = {
		{ METRIC_TOPIC, "Topic (labels `sdkappid`, `community`, `topic`)" },
		{ METRIC_COMMUNITY, "Community (labels `sdkappid`, `community`)" },
		{ METRIC_APP, "App (label `sdkappid`)" },
		{ METRIC_EXPORTER, "Exporter" },
		{ METRIC_PROBE, "Probe (`/probe` only, with its community's)" },
	};

	for (size_t p = 0; p < sizeof(part) / sizeof(part[0]); p++) {
		buf_fmt(out, "%s### %s\n\n| name | type | labels | meaning |\n| --- | --- | --- | --- |\n",
		        p > 0 ? "\n" : "", part[p].title);
		for (int m = 0; m < METRIC_COUNT; m++) {
			const struct metric_info *i = &infos[m];

			if (i->scope != part[p].scope)
				continue;
			buf_fmt(out, "| `%s` | %s | ", i->family.at, kind_word[i->kind]);
			explain_labels(out, i->labels);
			buf_fmt(out, " | %s |\n", i->help);
		}
	}
}
