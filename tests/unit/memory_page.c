#include "tests/unit/memory_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK assert_true

enum { PAGE_BYTES = 1 << 20, BLOCK = 16 << 10, FAMILIES_MAX = 100, NAME_MAX_BYTES = 128 };

static char text[PAGE_BYTES];

/* ---- lines ---- */
static bool has_label(const char *line, const char *label, const char *value)
{
	char wanted[NAME_MAX_BYTES];

	(void)snprintf(wanted, sizeof(wanted), "%s=\"%s\"", label, value);
	return strstr(line, wanted) != NULL;
}

static bool is(const char *line, const char *family)
{
	const size_t len = strlen(family);

	return strncmp(line, family, len) == 0 && line[len] == '{';
}

static void copy_label(const char *line, const char *label, char *ret, size_t room)
{
	const char *at = strstr(line, label);

	assert_non_null(at);
	at += strlen(label);
	CHECK(strcspn(at, "\"") < room);
	(void)snprintf(ret, room, "%.*s", (int)strcspn(at, "\""), at);
}

static void take_topic(struct seen_community *c, double value)
{
	const unsigned messages = (unsigned)value;

	c->least = c->topics == 0 || messages < c->least ? messages : c->least;
	c->most = messages > c->most ? messages : c->most;
	c->topics++;
}

static void take_community(struct seen *p, struct seen_community *c, const char *line, double value)
{
	if (is(line, "tencentchat_topic_messages_total"))
		take_topic(c, value);
	else if (is(line, "tencentchat_community_up"))
		c->up = (int)value;
	else if (is(line, "tencentchat_community_last_poll_timestamp_seconds"))
		c->last_poll_s = (int64_t)value;
	else if (is(line, "tencentchat_community_last_success_timestamp_seconds"))
		c->last_success_s = (int64_t)value;
	else if (is(line, "tencentchat_community_consecutive_failures"))
		c->failures = (int64_t)value;
	else if (is(line, "tencentchat_community_messages_total"))
		c->messages = (int64_t)value;
	else if (is(line, "tencentchat_community_last_error_info"))
		copy_label(line, "reason=\"", c->reason, sizeof(c->reason));
	else if (is(line, "tencentchat_community_info")) {
		c->shown = true;
		p->communities++;
	}
}

static void take_app(struct seen_app *a, const char *line, double value)
{
	if (is(line, "tencentchat_app_up"))
		a->up = (int)value;
	else if (is(line, "tencentchat_api_requests_total"))
		a->requests += (uint64_t)value;
	else if (is(line, "tencentchat_api_request_errors_total"))
		a->errors += (uint64_t)value;
	else if (is(line, "tencentchat_api_request_duration_seconds_count"))
		a->durations += (uint64_t)value;
	else if (is(line, "tencentchat_api_inflight_requests"))
		a->inflight += (uint64_t)value;
}

static void take_sample(struct seen *p, const char *line)
{
	const char *space = strrchr(line, ' ');
	char number[16], *end;
	double value;

	assert_non_null(space);
	value = strtod(space + 1, &end);
	CHECK(end != space + 1 && *end == '\0');
	for (size_t i = 0; i < service_communities; i++)
		if (has_label(line, "community", service_community[i].id))
			take_community(p, &p->community[i], line, value);
	for (size_t a = 0; a < SERVICE_APPS; a++) {
		(void)snprintf(number, sizeof(number), "%u", service_sdkappid[a]);
		if (has_label(line, "sdkappid", number))
			take_app(&p->app[a], line, value);
	}
}

/* ---- the whole ---- */
static void fill_text(const struct web_stream *stream)
{
	size_t len = 0, n;

	do {
		CHECK(len + BLOCK < sizeof(text));
		n = stream->next(stream->arg, text + len, BLOCK);
		CHECK(n <= BLOCK);
		len += n;
	} while (n > 0);
	CHECK(len > 0 && text[len - 1] == '\n');
	text[len] = '\0';
	CHECK(strlen(text) == len);
}

void seen_read(struct seen *ret, const struct web_stream *stream)
{
	static char family[FAMILIES_MAX][NAME_MAX_BYTES];
	size_t families = 0;
	char *save = NULL;

	*ret = (struct seen){ 0 };
	for (size_t i = 0; i < service_communities; i++)
		ret->community[i].up = -1;
	fill_text(stream);
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0)
			continue;
		if (strncmp(line, "# TYPE ", 7) == 0) {
			CHECK(families < FAMILIES_MAX);
			(void)snprintf(family[families], NAME_MAX_BYTES, "%.*s", (int)strcspn(line + 7, " "), line + 7);
			for (size_t i = 0; i < families; i++)
				assert_string_not_equal(family[i], family[families]);
			families++;
			continue;
		}
		CHECK(families > 0 && strncmp(line, family[families - 1], strlen(family[families - 1])) == 0);
		take_sample(ret, line);
	}
	assert_string_equal(family[families - 1], "process_start_time_seconds");
}
