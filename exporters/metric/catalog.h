/* The catalogue: every metric this program exports. One table (catalog.def) gives the enum, the header lines
 * and the documentation. */
#ifndef EXPORTERS_METRIC_CATALOG_H
#define EXPORTERS_METRIC_CATALOG_H

#include "agent/base/buf.h"

enum metric_kind { METRIC_INFO, METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };
enum metric_scope { METRIC_TOPIC, METRIC_COMMUNITY, METRIC_APP, METRIC_EXPORTER };
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

/* The HELP and TYPE lines, text format 0.0.4 (an info is a gauge there). */
void metric_header(struct buf *out, enum metric m);
/* The catalogue as Markdown, one table a scope. */
void metric_explain(struct buf *out);

#endif
