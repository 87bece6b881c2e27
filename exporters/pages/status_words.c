/* Sentences, times and texts that the forms of the status pages have in common. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "exporters/pages/status.h"

const char *status_state_label(enum health_state s)
{
	static const char *const word[STATE_COUNT] = {
		[STATE_OK] = "ok",           [STATE_FAILING] = "failing", [STATE_STALE] = "stale",
		[STATE_PENDING] = "pending", [STATE_GONE] = "gone",
	};

	return word[s];
}

/* ---- times ---- */
void status_span(struct buf *out, int64_t seconds)
{
	static const struct {
		int64_t below_s, unit_s;
		char word;
	} units[] = { { 120, 1, 's' }, { 7200, 60, 'm' }, { 48 * 3600, 3600, 'h' }, { 0, 86400, 'd' } };
	enum { UNITS = sizeof(units) / sizeof(units[0]) };
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (i < UNITS - 1 && seconds >= units[i].below_s)
		i++;
	buf_fmt(out, "%" PRId64 " %c", seconds / units[i].unit_s, units[i].word);
}

void status_time(struct buf *out, int64_t unix_s)
{
	const time_t t = (time_t)unix_s;
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		buf_str(out, text);
	else
		buf_fmt(out, "%" PRId64, unix_s);
}

/* ---- texts ---- */
/* The three escapes of label text. */
void status_unescape(struct buf *out, struct span label)
{
	size_t plain = 0;

	for (size_t i = 0; i + 1 < label.len; i++) {
		if (label.at[i] != '\\')
			continue;
		buf_add(out, label.at + plain, i - plain);
		buf_str(out, label.at[i + 1] == 'n' ? "\n" : label.at[i + 1] == '"' ? "\"" : "\\");
		plain = ++i + 1;
	}
	buf_add(out, label.at + plain, label.len - plain);
}

/* ---- why ---- */
static void add_reason(struct buf *out, const struct status_row *r)
{
	const struct chat_code *code = chat_code(chat_row(r->code));

	if (r->reason == ERR_HTTP_STATUS)
		buf_fmt(out, "the API host answered with HTTP status %d", r->code);
	else if (r->code != 0)
		buf_fmt(out, "the service says %d (%s)", r->code, code->text);
	else
		buf_str(out, err_text(r->reason));
}

static void add_next(struct buf *out, const struct status_source *s, const struct status_row *r,
                     const char *what)
{
	const int64_t next_s = r->member.next_poll_s;

	if (next_s < 0)
		return;
	buf_fmt(out, "; the %s is ", what);
	if (next_s > s->now.unix_s) {
		buf_str(out, "in ");
		status_span(out, next_s - s->now.unix_s);
	} else {
		buf_str(out, "due now");
	}
}

static void add_since(struct buf *out, const struct status_row *r, const char *state)
{
	buf_str(out, state);
	if (r->since_s >= 0) {
		buf_str(out, " since ");
		status_time(out, r->since_s);
		buf_str(out, " UTC");
	}
	buf_fmt(out, " (%" PRIu32 " %s): ", r->failures, r->failures == 1 ? "poll" : "polls");
	add_reason(out, r);
}

static void add_last_good(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	if (r->last_success_s < 0) {
		buf_str(out, "; it never gave a usable answer");
		return;
	}
	buf_str(out, "; the latest usable answer came ");
	status_span(out, s->now.unix_s - r->last_success_s);
	buf_str(out, " ago");
}

void status_why(const struct status_source *s, const struct status_row *r, struct buf *out)
{
	switch (r->state) {
	case STATE_OK:
		buf_str(out, "ok: the latest usable answer came ");
		status_span(out, s->now.unix_s - r->last_success_s);
		buf_str(out, " ago");
		add_next(out, s, r, "next poll");
		break;
	case STATE_PENDING:
		buf_str(out, "not polled yet");
		add_next(out, s, r, "first poll");
		break;
	case STATE_GONE:
		add_since(out, r, "gone");
		add_last_good(out, s, r);
		add_next(out, s, r, "next try");
		break;
	case STATE_FAILING:
		add_since(out, r, "failing");
		buf_str(out, "; its topics are still shown");
		add_next(out, s, r, "next try");
		break;
	default:
		if (r->reason == ERR_OK)
			buf_str(out, "stale: polls come too late");
		else
			add_since(out, r, "stale: failing");
		add_last_good(out, s, r);
		buf_str(out, "; no topics are shown");
		add_next(out, s, r, "next try");
	}
}
