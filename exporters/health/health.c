#include "exporters/health/inside.h"

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
		h->since_s = 0;
	} else if (h->failures < UINT32_MAX) {
		if (h->failures++ == 0)
			h->since_s = (uint32_t)now->unix_s;
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

void health_add_code(struct buf *extra, enum err reason, int code)
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

void health_one_label(struct buf *out, enum metric m, struct span labels, const char *key, const char *value,
                      uint64_t n)
{
	char text[96];
	struct buf extra;

	buf_wrap(&extra, text, sizeof(text));
	label_add(&extra, key, span_of(value), 0);
	sample_uint(out, m, labels, buf_view(&extra), n);
}

/* Below 0: no line. Whole units of 10^-digits. */
static int64_t value_of(const struct health_community *h, int64_t interval_ms, enum metric m)
{
	const bool polled = h->last_poll_s != 0;

	switch (m) {
	case M_COMMUNITY_UP:
		return polled ? h->reason == ERR_OK : -1;
	case M_COMMUNITY_INFO:
		return 1;
	case M_COMMUNITY_LAST_POLL:
		return polled ? h->last_poll_s : -1;
	case M_COMMUNITY_LAST_SUCCESS:
		return h->last_success_s != 0 ? h->last_success_s : -1;
	case M_COMMUNITY_POLL_INTERVAL:
		return interval_ms;
	case M_COMMUNITY_POLL_DURATION:
		return polled ? h->took_us : -1;
	case M_COMMUNITY_FAILURES:
		return polled ? (int64_t)h->failures : -1;
	case M_COMMUNITY_LAST_ERROR:
		return polled && h->reason != ERR_OK ? 1 : -1;
	default:
		return -1;
	}
}

static int digits_of(enum metric m)
{
	switch (m) {
	case M_COMMUNITY_SILENT_AFTER:
	case M_COMMUNITY_POLL_INTERVAL:
		return 3;
	case M_COMMUNITY_POLL_DURATION:
		return 6;
	default:
		return 0;
	}
}

uint64_t health_community_stamp(const struct health_community *h, int64_t interval_ms, enum metric m)
{
	const int64_t value = value_of(h, interval_ms, m);

	if (m == M_COMMUNITY_LAST_ERROR && value >= 0)
		return (uint64_t)h->reason << 32 | (uint32_t)h->code;
	return (uint64_t)value;
}

void health_community_sample(const struct health_community *h, int64_t interval_ms,
                             const struct health_settings *set, enum metric m, struct span labels,
                             struct buf *out)
{
	const int64_t value = m == M_COMMUNITY_SILENT_AFTER ? set->silent_after_ms : value_of(h, interval_ms, m);
	struct span extra = m == M_COMMUNITY_INFO ? set->info : none;
	char text[64];
	struct buf b;

	if (value < 0)
		return;
	if (m == M_COMMUNITY_LAST_ERROR) {
		buf_wrap(&b, text, sizeof(text));
		label_add(&b, "reason", span_of(err_label(h->reason)), 0);
		health_add_code(&b, h->reason, h->code);
		extra = buf_view(&b);
	}
	sample_decimal(out, m, labels, extra, value, digits_of(m));
}
