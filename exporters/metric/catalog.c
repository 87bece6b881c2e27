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

/* The text format escapes backslash and newline in HELP and nothing else. */
static void add_help(struct buf *out, const char *help)
{
	for (; *help != '\0'; help++) {
		if (*help == '\\')
			buf_str(out, "\\\\");
		else if (*help == '\n')
			buf_str(out, "\\n");
		else
			buf_add(out, help, 1);
	}
}

void metric_header(struct buf *out, enum metric m)
{
	const struct metric_info *i = &infos[m];

	buf_str(out, "# HELP ");
	buf_span(out, i->family);
	buf_str(out, " ");
	add_help(out, i->help);
	buf_str(out, "\n# TYPE ");
	buf_span(out, i->family);
	buf_str(out, " ");
	buf_str(out, kind_word[i->kind == METRIC_INFO ? METRIC_GAUGE : i->kind]);
	buf_str(out, "\n");
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
