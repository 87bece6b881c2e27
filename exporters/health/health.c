#include "exporters/health/health.h"

static const struct span none = { 0 };

void health_note(struct health_community *h, const struct outcome *o, int64_t took_us, const struct now *now)
{
	h->last_poll_s = now->unix_s;
	h->took_us = took_us;
	h->reason = o->err;
	h->code = o->code;
	if (o->err == ERR_OK) {
		h->last_success_s = now->unix_s;
		h->failures = 0;
	} else if (h->failures < UINT32_MAX) {
		h->failures++;
	}
}

enum health_state health_state(const struct health_community *h, bool shown)
{
	if (h->last_poll_s == 0)
		return STATE_PENDING;
	if (h->reason == ERR_GONE)
		return STATE_GONE;
	if (h->reason == ERR_OK)
		return shown ? STATE_OK : STATE_STALE;
	return shown ? STATE_FAILING : STATE_STALE;
}

/* The code label of a failure: the HTTP status, a known ErrorCode, "other", or nothing. */
static void add_code(struct buf *extra, enum err reason, int code)
{
	char digits[16];
	struct span value = none;
	struct buf b;

	buf_wrap(&b, digits, sizeof(digits));
	if (code == 0) {
		value = none;
	} else if (reason != ERR_HTTP_STATUS) {
		value = span_of(chat_code(chat_row(code))->label);
	} else if (code >= TALLY_STATUS_MIN && code <= TALLY_STATUS_MAX) {
		buf_fmt(&b, "%d", code);
		value = buf_view(&b);
	} else {
		value = span_of("other");
	}
	label_add(extra, "code", value, 0);
}

static void last_error(const struct health_community *h, enum metric m, struct span labels, struct buf *out)
{
	char text[64];
	struct buf extra;

	if (h->last_poll_s == 0 || h->reason == ERR_OK)
		return;
	buf_wrap(&extra, text, sizeof(text));
	label_add(&extra, "reason", span_of(err_label(h->reason)), 0);
	add_code(&extra, h->reason, h->code);
	sample_int(out, m, labels, buf_view(&extra), 1);
}

void health_community_sample(const struct health_community *h, const struct health_settings *set,
                             enum metric m, struct span labels, struct buf *out)
{
	const bool polled = h->last_poll_s != 0;

	switch (m) {
	case M_COMMUNITY_UP:
		if (polled)
			sample_int(out, m, labels, none, h->reason == ERR_OK);
		break;
	case M_COMMUNITY_INFO:
		sample_int(out, m, labels, set->info, 1);
		break;
	case M_COMMUNITY_SILENT_AFTER:
		sample_decimal(out, m, labels, none, set->silent_after_ms, 3);
		break;
	case M_COMMUNITY_LAST_POLL:
		if (polled)
			sample_int(out, m, labels, none, h->last_poll_s);
		break;
	case M_COMMUNITY_LAST_SUCCESS:
		if (h->last_success_s != 0)
			sample_int(out, m, labels, none, h->last_success_s);
		break;
	case M_COMMUNITY_POLL_INTERVAL:
		sample_decimal(out, m, labels, none, set->interval_ms, 3);
		break;
	case M_COMMUNITY_POLL_DURATION:
		if (polled)
			sample_decimal(out, m, labels, none, h->took_us, 6);
		break;
	case M_COMMUNITY_FAILURES:
		if (polled)
			sample_int(out, m, labels, none, h->failures);
		break;
	case M_COMMUNITY_LAST_ERROR:
		last_error(h, m, labels, out);
		break;
	default:
		break;
	}
}

static void one_label(struct buf *out, enum metric m, struct span labels, const char *key, const char *value,
                      uint64_t n)
{
	char text[96];
	struct buf extra;

	buf_wrap(&extra, text, sizeof(text));
	label_add(&extra, key, span_of(value), 0);
	sample_uint(out, m, labels, buf_view(&extra), n);
}

static void communities(const struct health_app *a, enum metric m, struct buf *out)
{
	static const char *const word[STATE_COUNT] = {
		[STATE_OK] = "ok",           [STATE_FAILING] = "failing", [STATE_STALE] = "stale",
		[STATE_PENDING] = "pending", [STATE_GONE] = "gone",
	};

	for (int i = 0; i < STATE_COUNT; i++)
		one_label(out, m, a->labels, "state", word[i], a->communities[i]);
}

static void requests(const struct health_app *a, enum metric m, struct buf *out)
{
	for (int c = 0; c < CHAT_COMMANDS; c++)
		one_label(out, m, a->labels, "command", chat_command_label((enum chat_command)c),
		          a->tally[c]->requests);
}

static void one_error(struct buf *out, enum metric m, const struct health_app *a, enum chat_command c,
                      enum err reason, int code, uint64_t n)
{
	char text[128];
	struct buf extra;

	buf_wrap(&extra, text, sizeof(text));
	label_add(&extra, "command", span_of(chat_command_label(c)), 0);
	label_add(&extra, "reason", span_of(err_label(reason)), 0);
	add_code(&extra, reason, code);
	sample_uint(out, m, a->labels, buf_view(&extra), n);
}

/* A failure without a code has a series from the first scrape on, so that increase() sees the first event; so
 * has every code of the get_topic page. The others appear when they happen. */
static bool stands_at_zero(enum err reason)
{
	return reason >= ERR_DNS && reason <= ERR_LOCAL_RESOURCE && reason != ERR_HTTP_STATUS &&
	       reason != ERR_API_ERROR && reason != ERR_THROTTLED && reason != ERR_GONE;
}

static void request_errors(const struct health_app *a, enum metric m, struct buf *out)
{
	for (int i = 0; i < CHAT_COMMANDS; i++) {
		const enum chat_command c = (enum chat_command)i;
		const struct tally *t = a->tally[c];

		for (int r = 0; r < ERR_COUNT; r++)
			if (t->by_reason[r] > 0 || stands_at_zero((enum err)r))
				one_error(out, m, a, c, (enum err)r, 0, t->by_reason[r]);
		for (int s = TALLY_STATUS_MIN; s <= TALLY_STATUS_MAX + 1; s++)
			if (t->by_status[s - TALLY_STATUS_MIN] > 0)
				one_error(out, m, a, c, ERR_HTTP_STATUS, s, t->by_status[s - TALLY_STATUS_MIN]);
		for (size_t row = 0; row <= CHAT_ROWS; row++) {
			const struct chat_code *code = chat_code(row);

			if (t->by_code[row] > 0 || code->on_page)
				one_error(out, m, a, c, code->reason, row == CHAT_ROWS ? -1 : code->number, t->by_code[row]);
		}
	}
}

static void topic_errors(const struct health_app *a, enum metric m, struct buf *out)
{
	const struct tally *t = a->tally[CHAT_GET_TOPIC];

	for (size_t row = 0; row <= CHAT_ROWS; row++)
		if (t->topic_errors[row] > 0 || row == CHAT_ROWS || chat_code(row)->on_page)
			one_label(out, m, a->labels, "code", chat_code(row)->label, t->topic_errors[row]);
}

static void durations(const struct health_app *a, enum metric m, struct buf *out)
{
	static const int bound_ms[TALLY_BOUNDS] = TALLY_BOUNDS_MS;

	for (int c = 0; c < CHAT_COMMANDS; c++) {
		const struct sample_histogram h = {
			.bound_ms = bound_ms,
			.bucket = a->tally[c]->bucket,
			.n = TALLY_BOUNDS,
			.sum_us = a->tally[c]->took_us,
		};
		char text[64];
		struct buf extra;

		buf_wrap(&extra, text, sizeof(text));
		label_add(&extra, "command", span_of(chat_command_label((enum chat_command)c)), 0);
		sample_histogram(out, m, a->labels, buf_view(&extra), &h);
	}
}

void health_app_samples(const struct health_app *a, enum metric m, struct buf *out)
{
	switch (m) {
	case M_APP_UP:
		if (a->up != UP_UNKNOWN)
			sample_int(out, m, a->labels, none, a->up == UP_YES);
		break;
	case M_APP_INFO:
		sample_int(out, m, a->labels, a->info, 1);
		break;
	case M_APP_COMMUNITIES:
		communities(a, m, out);
		break;
	case M_APP_TOPICS:
		one_label(out, m, a->labels, "muted", "true", a->topics_muted);
		one_label(out, m, a->labels, "muted", "false", a->topics_open);
		one_label(out, m, a->labels, "muted", "unknown", a->topics_unknown);
		break;
	case M_API_REQUESTS:
		requests(a, m, out);
		break;
	case M_API_REQUEST_ERRORS:
		request_errors(a, m, out);
		break;
	case M_API_TOPIC_ERRORS:
		topic_errors(a, m, out);
		break;
	case M_API_REQUEST_DURATION:
		durations(a, m, out);
		break;
	case M_USERSIG_EXPIRY:
		if (a->usersig_expiry_s != 0)
			sample_int(out, m, a->labels, none, a->usersig_expiry_s);
		break;
	default:
		break;
	}
}

void health_exporter_samples(const struct health_exporter *x, enum metric m, struct buf *out)
{
	const struct health_process *p = &x->process;
	const struct {
		enum metric m;
		int64_t value;
		int digits;
	} row[] = {
		{ M_PROCESS_CPU, p->cpu_us, 6 },
		{ M_PROCESS_RSS, p->resident_bytes, 0 },
		{ M_PROCESS_VIRTUAL, p->virtual_bytes, 0 },
		{ M_PROCESS_OPEN_FDS, p->open_fds, 0 },
		{ M_PROCESS_MAX_FDS, p->max_fds, 0 },
		{ M_PROCESS_START, p->start_ms, 3 },
	};

	if (m == M_BUILD_INFO)
		sample_int(out, m, none, x->build, 1);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (row[i].m == m && row[i].value >= 0)
			sample_decimal(out, m, none, none, row[i].value, row[i].digits);
}
