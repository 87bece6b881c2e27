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

static void last_error(const struct health_community *h, enum metric m, struct span labels, struct buf *out)
{
	char text[64];
	struct buf extra;

	if (h->last_poll_s == 0 || h->reason == ERR_OK)
		return;
	buf_wrap(&extra, text, sizeof(text));
	label_add(&extra, "reason", span_of(err_label(h->reason)), 0);
	health_add_code(&extra, h->reason, h->code);
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
