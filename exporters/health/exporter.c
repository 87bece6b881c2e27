/* Samples about the program itself. */
#include "exporters/health/inside.h"

enum { LABELS_MAX = 2 * SAMPLE_LABEL_MAX + 64 };

static const struct span none = { 0 };

static void series(const struct health_exporter *x, enum metric m, struct buf *out)
{
	for (int scope = 0; x->series_known && scope < METRIC_SCOPES; scope++)
		health_one_label(out, m, none, "level", metric_scope_word((enum metric_scope)scope),
		                 x->series[scope]);
}

static void suppressed(const struct health_exporter *x, enum metric m, struct buf *out)
{
	static const char *const word[SUPPRESSED_COUNT] = {
		[SUPPRESSED_MAX_SERIES] = "max_series",
		[SUPPRESSED_LEVEL] = "level",
		[SUPPRESSED_DISABLE] = "disable",
	};

	for (int i = 0; i < SUPPRESSED_COUNT; i++)
		health_one_label(out, m, none, "reason", word[i], x->suppressed[i]);
}

static void requests(const struct health_exporter *x, enum metric m, struct buf *out)
{
	for (size_t i = 0; i < x->http_n; i++) {
		char text[LABELS_MAX];
		struct buf extra;

		buf_wrap(&extra, text, sizeof(text));
		label_add(&extra, "handler", span_of(x->http[i].label), SAMPLE_LABEL_MAX);
		label_add(&extra, "code", span_of(x->http[i].code), 0);
		sample_uint(out, m, none, buf_view(&extra), x->http[i].n);
	}
}

static void log_messages(const struct health_exporter *x, enum metric m, struct buf *out)
{
	for (size_t i = 0; i < SAY_LEVELS; i++)
		if (x->log[i].label != NULL)
			health_one_label(out, m, none, "level", x->log[i].label, x->log[i].n);
}

/* What is one number without labels. */
static void one_value(const struct health_exporter *x, enum metric m, struct buf *out)
{
	const struct health_process *p = &x->process;
	const struct {
		enum metric m;
		int64_t value; /* below 0: not known */
		int digits;
	} row[] = {
		{ M_READY, x->ready, 0 },
		{ M_RELOAD_OK, x->reload_ok, 0 },
		{ M_RELOAD_TIME, x->reload_s, 0 },
		{ M_CONFIG_HASH, x->config_hash, 0 },
		{ M_SERIES_LIMIT, x->series_limit > 0 ? (int64_t)x->series_limit : -1, 0 },
		{ M_SANDBOXED, x->sandboxed, 0 },
		{ M_SHARD, x->shard, 0 },
		{ M_TOTAL_SHARDS, x->total_shards, 0 },
		{ M_PROCESS_CPU, p->cpu_us, 6 },
		{ M_PROCESS_RSS, p->resident_bytes, 0 },
		{ M_PROCESS_VIRTUAL, p->virtual_bytes, 0 },
		{ M_PROCESS_OPEN_FDS, p->open_fds, 0 },
		{ M_PROCESS_MAX_FDS, p->max_fds, 0 },
		{ M_PROCESS_START, p->start_ms, 3 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (row[i].m == m && row[i].value >= 0)
			sample_decimal(out, m, none, none, row[i].value, row[i].digits);
}

void health_exporter_samples(const struct health_exporter *x, enum metric m, struct buf *out)
{
	switch (m) {
	case M_BUILD_INFO:
		sample_int(out, m, none, x->build, 1);
		break;
	case M_SERIES:
		series(x, m, out);
		break;
	case M_SERIES_SUPPRESSED:
		suppressed(x, m, out);
		break;
	case M_HTTP_REQUESTS:
		requests(x, m, out);
		break;
	case M_LOG_MESSAGES:
		log_messages(x, m, out);
		break;
	default:
		one_value(x, m, out);
		break;
	}
}

void health_probe_samples(const struct health_probe *p, enum metric m, struct buf *out)
{
	if (m == M_PROBE_SUCCESS)
		sample_int(out, m, none, none, p->success);
	else if (m == M_PROBE_DURATION)
		sample_decimal(out, m, none, none, p->took_ms, 3);
}
