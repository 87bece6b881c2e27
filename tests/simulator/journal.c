#include "tests/simulator/journal.h"

#include <stdlib.h>
#include <string.h>

#include "tests/simulator/call.h"

enum { ROWS_MAX = (WORLD_APPS_MAX + 1) * COMMANDS, STATUS_MAX = 600 };

struct code_count {
	int code;
	uint64_t n;
};

/* Counts of one command of one app. */
struct row {
	uint64_t sdkappid, requests;
	enum command command;
	int64_t second;
	uint64_t in_second, peak;
	struct code_count codes[JOURNAL_CODES_MAX];
	size_t code_n;
};

struct journal {
	uint64_t last_id;
	struct row rows[ROWS_MAX];
	size_t row_n;
	uint64_t status[STATUS_MAX];
	struct journal_entry ring[JOURNAL_RING];
	char *questions[JOURNAL_QUESTIONS];
	struct ticks *ticks;
};

struct journal *journal_new(void)
{
	struct journal *j = calloc(1, sizeof(struct journal));

	if (j == NULL)
		return NULL;
	j->ticks = ticks_new();
	if (j->ticks == NULL) {
		free(j);
		return NULL;
	}
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	for (size_t i = 0; i < JOURNAL_QUESTIONS; i++)
		free(j->questions[i]);
	ticks_free(j->ticks);
	free(j);
}

static struct row *find_row(struct journal *j, uint64_t sdkappid, enum command command)
{
	for (size_t i = 0; i < j->row_n; i++)
		if (j->rows[i].sdkappid == sdkappid && j->rows[i].command == command)
			return &j->rows[i];
	/* Calls of unknown apps share the rows of app 0, so there is always room. */
	if (j->row_n == ROWS_MAX)
		return &j->rows[0];
	j->rows[j->row_n] = (struct row){ .sdkappid = sdkappid, .command = command };
	return &j->rows[j->row_n++];
}

static void count_code(struct row *r, int code)
{
	size_t i = 0;

	while (i < r->code_n && r->codes[i].code != code)
		i++;
	if (i == JOURNAL_CODES_MAX)
		return;
	if (i == r->code_n)
		r->codes[r->code_n++] = (struct code_count){ .code = code };
	r->codes[i].n++;
}

void journal_text(char *to, size_t room, const char *from)
{
	size_t len = from != NULL ? strlen(from) : 0;

	if (len >= room)
		for (len = room - 1; len > 0 && ((unsigned char)from[len] & 0xc0) == 0x80; len--)
			;
	if (len > 0)
		memcpy(to, from, len);
	to[len] = '\0';
}

/* Out of memory the question is lost, not the entry. */
static char *question_copy(const char *question)
{
	size_t len = question != NULL ? strlen(question) : 0;
	size_t room = (len < JOURNAL_QUESTION_MAX ? len : JOURNAL_QUESTION_MAX) + 1;
	char *copy = len > 0 ? malloc(room) : NULL;

	if (copy != NULL)
		journal_text(copy, room, question);
	return copy;
}

uint64_t journal_add(struct journal *j, const struct journal_entry *e)
{
	struct row *r = find_row(j, e->sdkappid, e->command);
	struct journal_entry *at = &j->ring[++j->last_id % JOURNAL_RING];
	const struct tick tick = { e->mono_ms, e->sdkappid, e->command, e->code };

	*at = *e;
	at->id = j->last_id;
	at->question = NULL;
	free(j->questions[at->id % JOURNAL_QUESTIONS]);
	j->questions[at->id % JOURNAL_QUESTIONS] = question_copy(e->question);
	ticks_add(j->ticks, &tick);
	r->requests++;
	count_code(r, e->code);
	if (e->mono_ms / 1000 > r->second) {
		r->second = e->mono_ms / 1000;
		r->in_second = 0;
	}
	if (++r->in_second > r->peak)
		r->peak = r->in_second;
	if (e->status >= 0 && e->status < STATUS_MAX)
		j->status[e->status]++;
	return j->last_id;
}

void journal_finish(struct journal *j, uint64_t id, int64_t duration_ms, uint64_t bytes)
{
	struct journal_entry *at = &j->ring[id % JOURNAL_RING];

	if (at->id != id)
		return;
	at->duration_ms = duration_ms;
	at->bytes = bytes;
}

static void entry_show(const struct journal_entry *e, const char *question, struct json_out *o)
{
	json_open(o, NULL, '{');
	json_put_uint(o, "id", e->id);
	json_put_real(o, "time", (double)e->unix_ms / 1000);
	json_put_int(o, "mono_ms", e->mono_ms);
	json_put_uint(o, "sdkappid", e->sdkappid);
	json_put_text(o, "command", command_name(e->command));
	json_put_text(o, "community", e->community);
	json_put_text(o, "account", e->account);
	json_put_uint(o, "topics_asked", e->topics_asked);
	json_put_text(o, "question", question != NULL ? question : "");
	json_put_int(o, "status", e->status);
	json_put_int(o, "code", e->code);
	json_put_int(o, "duration_ms", e->duration_ms);
	json_put_uint(o, "connection", e->connection);
	json_put_uint(o, "bytes", e->bytes);
	json_put_text(o, "fault", e->fault);
	json_close(o, '}');
}

void journal_show(const struct journal *j, uint64_t since, uint64_t limit, struct json_out *o)
{
	uint64_t oldest = j->last_id > JOURNAL_RING ? j->last_id - JOURNAL_RING + 1 : 1;
	uint64_t from = since < oldest ? oldest : since < j->last_id ? since + 1 : j->last_id + 1;

	json_put_uint(o, "last", j->last_id);
	json_open(o, "requests", '[');
	for (uint64_t id = from; id <= j->last_id && limit > 0; id++, limit--) {
		bool kept = j->last_id - id < JOURNAL_QUESTIONS;

		entry_show(&j->ring[id % JOURNAL_RING], kept ? j->questions[id % JOURNAL_QUESTIONS] : NULL, o);
	}
	json_close(o, ']');
}

const struct ticks *journal_ticks(const struct journal *j)
{
	return j->ticks;
}

static void put_count(struct json_out *o, int number, uint64_t n)
{
	char name[16];
	struct buf b;

	buf_wrap(&b, name, sizeof(name));
	buf_fmt(&b, "%d", number);
	json_put_uint(o, buf_text(&b), n);
}

void journal_show_stats(const struct journal *j, struct json_out *o)
{
	json_put_uint(o, "requests", j->last_id);
	json_open(o, "http_status", '{');
	for (int s = 0; s < STATUS_MAX; s++)
		if (j->status[s] > 0)
			put_count(o, s, j->status[s]);
	json_close(o, '}');
	json_open(o, "commands", '[');
	for (size_t i = 0; i < j->row_n; i++) {
		const struct row *r = &j->rows[i];

		json_open(o, NULL, '{');
		json_put_uint(o, "sdkappid", r->sdkappid);
		json_put_text(o, "command", command_name(r->command));
		json_put_uint(o, "requests", r->requests);
		json_put_uint(o, "peak_per_second", r->peak);
		json_open(o, "codes", '{');
		for (size_t c = 0; c < r->code_n; c++)
			put_count(o, r->codes[c].code, r->codes[c].n);
		json_close(o, '}');
		json_close(o, '}');
	}
	json_close(o, ']');
}
