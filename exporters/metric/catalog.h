/* The catalogue: every metric this program exports. One table (catalog.def) gives the enum, the header lines
 * in both formats and the documentation. */
#ifndef EXPORTERS_METRIC_CATALOG_H
#define EXPORTERS_METRIC_CATALOG_H

#include <stdbool.h>

#include "agent/base/buf.h"

/* Text 0.0.4 and OpenMetrics 1.0.0. They differ in header lines and in the end mark; a sample line is the
 * same bytes in both. */
enum form { FORM_TEXT, FORM_OPENMETRICS, FORM_COUNT };

enum metric_kind { METRIC_INFO, METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };
/* Also the level of a page, which shows the families of its scope and of all behind it. */
enum metric_scope {
	METRIC_TOPIC,
	METRIC_COMMUNITY,
	METRIC_APP,
	METRIC_EXPORTER,
	METRIC_SCOPES,                /* those of /metrics */
	METRIC_PROBE = METRIC_SCOPES, /* on the page of a probe only */
};
enum metric_from { METRIC_FACTS, METRIC_HEALTH };

enum metric {
#define METRIC(ID, KIND, SCOPE, FROM, FAMILY, LABELS, HELP) M_##ID,
#include "exporters/metric/catalog.def"
#undef METRIC
	METRIC_COUNT /* must be last */
};

struct metric_info {
	enum metric_kind kind;
	enum metric_scope scope;
	enum metric_from from;
	struct span family; /* "tencentchat_topic_info" */
	const char *labels; /* "reason,code", beside the identity labels of the scope */
	const char *help;
};

/* Never NULL for m < METRIC_COUNT. */
const struct metric_info *metric_info(enum metric m);

/* Some metrics of the catalogue. */
struct metric_set {
	bool has[METRIC_COUNT];
};

/* What follows HELP and TYPE: OpenMetrics leaves the _total of a counter and the _info of an info to the
 * samples. */
struct span metric_family(enum metric m, enum form form);
/* The HELP and TYPE lines. The text format knows no info; there it is a gauge. */
void metric_header(struct buf *out, enum metric m, enum form form);
/* What stands behind the last family, "" or "# EOF\n". */
const char *metric_end(enum form form);
/* By the family's name in either format. False: there is none. */
bool metric_find(const char *name, enum metric *ret);
/* The family name nearest to a mistyped one. Never NULL. */
const char *metric_nearest(const char *name);
/* "topic", "community", "app". False: the word is none of them. */
bool metric_level(const char *word, enum metric_scope *ret);
const char *metric_scope_word(enum metric_scope scope);

/* The catalogue as Markdown, one table a scope. */
void metric_explain(struct buf *out);

#endif
