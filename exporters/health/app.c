/* Samples about an app. */
#include "exporters/health/inside.h"

static const struct span none = { 0 };

static void communities(const struct health_app *a, enum metric m, struct buf *out)
{
	static const char *const word[STATE_COUNT] = {
		[STATE_OK] = "ok",           [STATE_FAILING] = "failing", [STATE_STALE] = "stale",
		[STATE_PENDING] = "pending", [STATE_GONE] = "gone",
	};

	for (int i = 0; i < STATE_COUNT; i++)
		health_one_label(out, m, a->labels, "state", word[i], a->communities[i]);
}

/* What one command of an app shows as one number; below 0: not known. */
static int64_t command_value(const struct health_app *a, enum metric m, enum chat_command c, int *ret_digits)
{
	const struct tally *t = a->tally[c];
	const struct health_quota *q = &a->quota[c];

	*ret_digits = 0;
	switch (m) {
	case M_API_REQUESTS:
		return (int64_t)t->requests;
	case M_API_RETRIES:
		return (int64_t)t->retries;
	case M_API_RESPONSE_BYTES:
		return (int64_t)t->response_bytes;
	case M_QUOTA_LIMIT:
		return chat_command_limit(c);
	case M_QUOTA_PEAK:
		return q->peak;
	case M_QUOTA_THROTTLED:
		return (int64_t)t->throttled;
	default:
		break;
	}
	*ret_digits = 3;
	switch (m) {
	case M_QUOTA_BUDGET:
		return q->budget_milli;
	case M_QUOTA_EFFECTIVE:
		return q->in_force_milli;
	case M_QUOTA_REQUIRED:
		return q->required_milli;
	case M_QUOTA_WAIT:
		return (int64_t)t->wait_ms;
	default:
		return -1;
	}
}

static void each_command(const struct health_app *a, enum metric m, struct buf *out)
{
	for (int c = 0; c < CHAT_COMMANDS; c++) {
		char text[96];
		struct buf extra;
		int digits;
		const int64_t value = command_value(a, m, (enum chat_command)c, &digits);

		if (value < 0)
			continue;
		buf_wrap(&extra, text, sizeof(text));
		label_add(&extra, "command", span_of(chat_command_label((enum chat_command)c)), 0);
		sample_decimal(out, m, a->labels, buf_view(&extra), value, digits);
	}
}

static void idle_topics(const struct health_app *a, enum metric m, struct buf *out)
{
	for (size_t i = 0; i < IDLE_BUCKETS; i++)
		health_one_label(out, m, a->labels, "idle", idle_label(i), a->topics_idle[i]);
}

/* What an app shows as one number without further labels. */
static void one_value(const struct health_app *a, enum metric m, struct buf *out)
{
	const struct {
		enum metric m;
		bool known;
		int64_t value;
		int digits;
	} row[] = {
		{ M_APP_UP, a->up != UP_UNKNOWN, a->up == UP_YES, 0 },
		{ M_API_INFLIGHT, true, a->inflight, 0 },
		{ M_API_CLOCK_SKEW, a->skew_known, a->skew_s, 0 },
		{ M_USERSIG_EXPIRY, a->usersig_expiry_s != 0, a->usersig_expiry_s, 0 },
		{ M_USERSIG_RENEWALS, true, (int64_t)a->usersig_renewals, 0 },
		{ M_SCHEDULER_LAG, true, a->late_ms, 3 },
		{ M_SCHEDULER_SWEEP, a->sweep_ms >= 0, a->sweep_ms, 3 },
		{ M_SCHEDULER_HEARTBEAT, a->alive_s != 0, a->alive_s, 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (row[i].m == m && row[i].known)
			sample_decimal(out, m, a->labels, none, row[i].value, row[i].digits);
}

static void one_error(struct buf *out, enum metric m, const struct health_app *a, enum chat_command c,
                      enum err reason, int code, uint64_t n)
{
	char text[128];
	struct buf extra;

	buf_wrap(&extra, text, sizeof(text));
	label_add(&extra, "command", span_of(chat_command_label(c)), 0);
	label_add(&extra, "reason", span_of(err_label(reason)), 0);
	health_add_code(&extra, reason, code);
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
			health_one_label(out, m, a->labels, "code", chat_code(row)->label, t->topic_errors[row]);
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
	case M_APP_INFO:
		sample_int(out, m, a->labels, a->info, 1);
		break;
	case M_APP_COMMUNITIES:
		communities(a, m, out);
		break;
	case M_APP_TOPICS:
		health_one_label(out, m, a->labels, "muted", "true", a->topics_muted);
		health_one_label(out, m, a->labels, "muted", "false", a->topics_open);
		health_one_label(out, m, a->labels, "muted", "unknown", a->topics_unknown);
		break;
	case M_APP_TOPICS_IDLE:
		idle_topics(a, m, out);
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
	default:
		each_command(a, m, out);
		one_value(a, m, out);
		break;
	}
}
