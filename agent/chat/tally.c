#include "agent/chat/tally.h"

static const int bound_ms[TALLY_BOUNDS] = TALLY_BOUNDS_MS;

static void tally_failure(struct tally *t, const struct outcome *o)
{
	const int other = TALLY_STATUS_MAX + 1;

	if (o->err == ERR_HTTP_STATUS) {
		const bool known = o->code >= TALLY_STATUS_MIN && o->code <= TALLY_STATUS_MAX;

		t->by_status[(known ? o->code : other) - TALLY_STATUS_MIN]++;
	} else if (o->code != 0) {
		t->by_code[chat_row(o->code)]++;
	} else {
		t->by_reason[o->err]++;
	}
}

void tally_attempt(struct tally *t, const struct outcome *o, int64_t took_us, uint64_t bytes)
{
	int i = 0;

	while (i < TALLY_BOUNDS && took_us > bound_ms[i] * INT64_C(1000))
		i++;
	t->bucket[i]++;
	t->took_us += took_us > 0 ? (uint64_t)took_us : 0;
	t->requests++;
	t->response_bytes += bytes;
	if (o->err != ERR_OK)
		tally_failure(t, o);
}

void tally_topic_errors(struct tally *t, int code, uint64_t n)
{
	t->topic_errors[chat_row(code)] += n;
}

uint64_t tally_finished(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i <= TALLY_BOUNDS; i++)
		n += t->bucket[i];
	return n;
}

static uint64_t sum(const uint64_t *at, size_t n)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += at[i];
	return all;
}

uint64_t tally_failed(const struct tally *t)
{
	return sum(t->by_reason, ERR_COUNT) + sum(t->by_code, CHAT_ROWS + 1) +
	       sum(t->by_status, sizeof(t->by_status) / sizeof(t->by_status[0]));
}
