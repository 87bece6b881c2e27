/* The log, read back from a pipe that stands in for stderr. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/log.h"
#include "agent/base/utf8.h"
#include "tests/unit/random.h"

#define CHECK assert_true

enum { LINE_MAX_BYTES = 4096, PIPE_BYTES = 65536 };

/* ---- stderr, caught ---- */

static int pipe_end[2], kept_stderr;
static char line[PIPE_BYTES + 1];

static void catch_stderr(void)
{
	CHECK(pipe2(pipe_end, O_CLOEXEC | O_NONBLOCK) == 0);
	kept_stderr = dup(STDERR_FILENO);
	CHECK(kept_stderr >= 0 && dup2(pipe_end[1], STDERR_FILENO) == STDERR_FILENO);
}

/* Everything written since; cmocka's own words need the real stderr again. */
static size_t release_stderr(void)
{
	ssize_t n;

	CHECK(dup2(kept_stderr, STDERR_FILENO) == STDERR_FILENO);
	n = read(pipe_end[0], line, PIPE_BYTES);
	line[n > 0 ? n : 0] = '\0';
	(void)close(kept_stderr);
	(void)close(pipe_end[0]);
	(void)close(pipe_end[1]);
	return n > 0 ? (size_t)n : 0;
}

/* One line with one field; what follows its time stamp. */
static const char *say(enum log_form form, const char *key, const char *text)
{
	size_t len;
	const char *rest;

	log_open(SAY_DEBUG, form);
	catch_stderr();
	LOG(SAY_WARN, "it_happened", LOG_TEXT(key, text));
	len = release_stderr();
	CHECK(len > 0 && len <= LINE_MAX_BYTES && strlen(line) == len);
	CHECK(strchr(line, '\n') == line + len - 1);
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_char(line + at, len - at);
		CHECK(n > 0); /* a line is UTF-8, whatever it was made of */
	}
	rest = strstr(line, "Z");
	assert_non_null(rest);
	return rest + 1;
}

static void json_is(const char *text, const char *want)
{
	cJSON *o;

	(void)say(LOG_JSON, "k", text);
	o = cJSON_Parse(line);
	assert_non_null(o);
	CHECK(cJSON_GetArraySize(o) == 4);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "event")), "it_happened");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "k")), want);
	cJSON_Delete(o);
}

/* ---- form ---- */

static void a_line_has_time_level_event_and_fields_in_either_form(void **state)
{
	const int64_t least = INT64_MIN;

	(void)state;
	log_open(SAY_DEBUG, LOG_LOGFMT);
	catch_stderr();
	LOG(SAY_ERROR, "poll_failed", LOG_TEXT("app", "prod"), LOG_INT("code", -7), LOG_INT("least", least));
	(void)release_stderr();
	CHECK(strncmp(line, "ts=20", 5) == 0 && line[13] == 'T' && line[22] == 'Z');
	assert_string_equal(line + 23,
	                    " level=error event=poll_failed app=prod code=-7 least=-9223372036854775808\n");

	log_open(SAY_DEBUG, LOG_JSON);
	catch_stderr();
	LOG(SAY_INFO, "poll_failed", LOG_TEXT("app", "prod"), LOG_INT("code", 7));
	(void)release_stderr();
	CHECK(strncmp(line, "{\"ts\":\"20", 9) == 0 && line[26] == 'Z');
	assert_string_equal(line + 27,
	                    "\",\"level\":\"info\",\"event\":\"poll_failed\",\"app\":\"prod\",\"code\":7}\n");
}

static void logfmt_quotes_what_is_not_one_plain_word(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "@TGS#_a/b:c", "@TGS#_a/b:c" },
		{ "", "\"\"" },
		{ "two words", "\"two words\"" },
		{ "a=b", "\"a=b\"" },
		{ "a\"b", "\"a\\\"b\"" },
		{ "a\\b", "\"a\\\\b\"" },
		{ "a\nb level=error", "\"a\\nb level=error\"" },
		{ "a\tb\x01\x1b[2J\x7f", "\"a\\u0009b\\u0001\\u001b[2J\\u007f\"" },
		{ "用户", "用户" },
		{ "a\xff"
		  "b",
		  "\"a\xef\xbf\xbd"
		  "b\"" },
		{ "\xc2\x9b"
		  "2J",
		  "\"\\u009b2J\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[128];

		(void)snprintf(want, sizeof(want), " level=warn event=it_happened k=%s\n", rows[i].want);
		assert_string_equal(say(LOG_LOGFMT, "k", rows[i].text), want);
	}
}

static void json_reads_back_as_the_text_it_was_made_from(void **state)
{
	(void)state;
	json_is("plain", "plain");
	json_is("", "");
	json_is("a\"b\\c\nd\te\x01\x1f\x7f", "a\"b\\c\nd\te\x01\x1f\x7f");
	json_is("用户 é 💬", "用户 é 💬");
	json_is("\\", "\\");
	json_is("\"},{\"level\":\"error", "\"},{\"level\":\"error");
}

static void bytes_that_are_no_utf8_become_replacement_characters(void **state)
{
	(void)state;
	json_is("a\xff\xc3(b", "a\xef\xbf\xbd\xef\xbf\xbd(b");
	json_is("cut \xf0\x9f\x92", "cut \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	json_is("\xc0\x80 \xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

/* ---- secrets ---- */

static void a_signature_in_a_value_is_hidden_and_the_line_stays_whole(void **state)
{
	(void)state;
	assert_string_equal(say(LOG_LOGFMT, "k", "https://h/?usersig=eJx*-_9&random=7"),
	                    " level=warn event=it_happened k=\"https://h/?usersig=xxxxxxx&random=7\"\n");
	json_is("?usersig=secret&b=1 usersig=secret", "?usersig=xxxxxx&b=1 usersig=xxxxxx");
	json_is("\"usersig=secret\" and more", "\"usersig=xxxxxx\" and more");
	json_is("usersig=secret\nnext", "usersig=xxxxxx\nnext");
	json_is("usersig=secret", "usersig=xxxxxx");
}

static void any_bytes_make_one_line_that_parses_and_tells_no_secret(void **state)
{
	static const char *const pieces[] = { "usersig=s3cr3t", "\"",   "\\", "\n", "&", " ", "é",
		                                  "\xff",           "\x01", "u" };

	(void)state;
	random_start(23);
	for (int round = 0; round < 2000; round++) {
		struct buf text;
		cJSON *o;

		buf_init(&text, 1024);
		for (uint64_t i = random_below(30); i > 0; i--)
			buf_str(&text, pieces[random_below(10)]);
		(void)say(LOG_LOGFMT, "k", buf_text(&text));
		CHECK(strstr(line, "s3cr3t") == NULL);
		(void)say(LOG_JSON, "k", buf_text(&text));
		CHECK(strstr(line, "s3cr3t") == NULL);
		o = cJSON_Parse(line);
		assert_non_null(o);
		CHECK(cJSON_IsString(cJSON_GetObjectItem(o, "k")) && cJSON_GetArraySize(o) == 4);
		cJSON_Delete(o);
		buf_done(&text);
	}
}

/* ---- limits ---- */

static void a_field_too_long_for_a_line_is_left_out_and_the_others_stay(void **state)
{
	static char text[2 * LINE_MAX_BYTES];
	size_t longest = 0;

	(void)state;
	for (size_t len = LINE_MAX_BYTES - 200; len < sizeof(text) - 1; len += len < LINE_MAX_BYTES ? 1 : 997) {
		for (int form = LOG_LOGFMT; form <= LOG_JSON; form++) {
			const char *field;
			size_t n;

			memset(text, '"', len); /* escaped, it is twice as long */
			memset(text, 'v', len - 3);
			text[len] = '\0';
			log_open(SAY_DEBUG, (enum log_form)form);
			catch_stderr();
			LOG(SAY_INFO, "long", LOG_INT("a", 1), LOG_TEXT("k", text), LOG_INT("b", 2));
			n = release_stderr();
			CHECK(n > 0 && n <= LINE_MAX_BYTES && line[n - 1] == '\n');
			longest = n > longest ? n : longest;
			field = strchr(line, 'v') != NULL ? strstr(line, "vvv") : NULL;
			CHECK(field == NULL || strspn(field, "v") == len - 3);
			CHECK(strstr(line, form == LOG_JSON ? "\"a\":1" : " a=1") != NULL);
			CHECK(field != NULL || strstr(line, form == LOG_JSON ? ",\"b\":2}\n" : " b=2\n") != NULL);
			if (form == LOG_JSON)
				CHECK(line[n - 2] == '}');
		}
	}
	CHECK(longest > LINE_MAX_BYTES - 10);
}

static void lines_are_counted_by_level(void **state)
{
	uint64_t before[SAY_LEVELS];

	(void)state;
	for (int level = 0; level < SAY_LEVELS; level++)
		before[level] = log_lines((enum log_level)level);
	log_open(SAY_WARN, LOG_LOGFMT);
	catch_stderr();
	LOG(SAY_INFO, "unseen", LOG_INT("n", 1));
	LOG(SAY_WARN, "seen", LOG_INT("n", 1));
	LOG(SAY_ERROR, "seen", LOG_INT("n", 1));
	LOG(SAY_ERROR, "seen", LOG_INT("n", 2));
	(void)release_stderr();
	CHECK(log_lines(SAY_DEBUG) == before[SAY_DEBUG] && log_lines(SAY_INFO) == before[SAY_INFO]);
	CHECK(log_lines(SAY_WARN) == before[SAY_WARN] + 1 && log_lines(SAY_ERROR) == before[SAY_ERROR] + 2);
	assert_string_equal(log_level_word(SAY_WARN), "warn");
}

static void lines_below_the_floor_are_not_written(void **state)
{
	(void)state;
	for (int floor = SAY_DEBUG; floor < SAY_LEVELS; floor++) {
		int n = 0;

		log_open((enum log_level)floor, LOG_LOGFMT);
		catch_stderr();
		for (int level = SAY_DEBUG; level < SAY_LEVELS; level++)
			LOG((enum log_level)level, "counted", LOG_INT("n", level));
		(void)release_stderr();
		for (const char *at = line; (at = strchr(at, '\n')) != NULL; at++)
			n++;
		CHECK(n == SAY_LEVELS - floor);
	}
}

static void a_full_stderr_drops_and_counts_and_never_blocks(void **state)
{
	static const char filler[PIPE_BYTES];
	const uint64_t before = log_dropped();

	(void)state;
	log_open(SAY_DEBUG, LOG_LOGFMT);
	catch_stderr();
	CHECK(write(pipe_end[1], filler, sizeof(filler)) > 0);
	CHECK(fcntl(pipe_end[1], F_SETFL, 0) == 0); /* as stderr is: a plain write would hang */
	(void)alarm(10);
	LOG(SAY_ERROR, "lost", LOG_INT("n", 1));
	LOG(SAY_ERROR, "lost", LOG_INT("n", 2));
	(void)alarm(0);
	(void)release_stderr();
	CHECK(log_dropped() == before + 2);
	CHECK(memchr(line, 'l', PIPE_BYTES) == NULL);
}

static void words_name_levels_and_forms(void **state)
{
	static const char *const levels[SAY_LEVELS] = { "debug", "info", "warn", "error" };
	enum log_level level = SAY_ERROR;
	enum log_form form = LOG_LOGFMT;

	(void)state;
	for (int i = 0; i < SAY_LEVELS; i++)
		CHECK(log_level_of(levels[i], &level) && (int)level == i);
	CHECK(!log_level_of("warning", &level) && !log_level_of("", &level) && !log_level_of("INFO", &level));
	CHECK(level == SAY_ERROR);
	CHECK(log_form_of("json", &form) && form == LOG_JSON);
	CHECK(!log_form_of("jso", &form) && !log_form_of("", &form) && form == LOG_JSON);
	CHECK(log_form_of("logfmt", &form) && form == LOG_LOGFMT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_event_and_fields_in_either_form),
		cmocka_unit_test(logfmt_quotes_what_is_not_one_plain_word),
		cmocka_unit_test(json_reads_back_as_the_text_it_was_made_from),
		cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
		cmocka_unit_test(a_signature_in_a_value_is_hidden_and_the_line_stays_whole),
		cmocka_unit_test(any_bytes_make_one_line_that_parses_and_tells_no_secret),
		cmocka_unit_test(a_field_too_long_for_a_line_is_left_out_and_the_others_stay),
		cmocka_unit_test(lines_are_counted_by_level),
		cmocka_unit_test(lines_below_the_floor_are_not_written),
		cmocka_unit_test(a_full_stderr_drops_and_counts_and_never_blocks),
		cmocka_unit_test(words_name_levels_and_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
