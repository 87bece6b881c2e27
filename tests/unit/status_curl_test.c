/* The line for a shell: whatever stands in a configuration, the shell passes it on and obeys nothing. That it
 * works is shown in tests/replay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/status.h"

#define CHECK assert_true

static char *line_of(const struct poller_app *app, const struct topic_question *q)
{
	struct buf b;
	size_t len;
	char *text;

	buf_init(&b, 1 << 20);
	status_curl(app, q, &b);
	CHECK(b.status == ERR_OK);
	text = buf_take(&b, &len);
	CHECK(text != NULL);
	return text;
}

static void a_plain_call_is_plain(void **state)
{
	const struct poller_app app = {
		.host = "https://api.test", .admin = "admin", .sdk_app_id = 14, .ca_file = ""
	};
	const struct topic_question q = { .community = "@TGS#_a", .account = "bot" };
	char *text = line_of(&app, &q);

	(void)state;
	assert_string_equal(
		text,
		"curl -sS -H 'Content-Type: application/json' -d "
		"'{\"GroupId\":\"@TGS#_a\",\"From_Account\":\"bot\"}' "
		"'https://api.test/v4/million_group_open_http_svc/get_topic?sdkappid=14&identifier=admin&usersig='"
		"\"$USERSIG\"'&random=1&contenttype=json'");
	free(text);
}

static void nothing_is_obeyed(void **state)
{
	const struct poller_app app = {
		.host = "https://a'$(x).test",
		.admin = "$USERSIG'`x`",
		.ca_file = "/tmp/it's $(here)",
		.proxy = "http://p:1",
	};
	const char *const topics[] = { "t'\";\x7f\n", "\xc3\xa9\xe2\x80\xae\xf0\x9f\x92\xb3" };
	const struct topic_question q = {
		.community = "a' b", .account = "$(x)", .topics = topics, .topic_n = 2
	};
	char *text = line_of(&app, &q);

	(void)state;
	assert_string_equal(
		text,
		"curl -sS --cacert '/tmp/it'\\''s $(here)' --proxy 'http://p:1' -H 'Content-Type: application/json' "
		"-d "
		"'{\"GroupId\":\"a'\\'' b\",\"From_Account\":\"$(x)\",\"TopicIdList\":[\"t'\\''\\\";\\u007f\\u000a\","
		"\"\\u00e9\\u202e\\ud83d\\udcb3\"]}' "
		"'https://a'\\''$(x).test/v4/million_group_open_http_svc/get_topic?sdkappid=0&identifier="
		"%24USERSIG%27%60x%60&usersig='\"$USERSIG\"'&random=1&contenttype=json'");
	free(text);
}

static void what_is_too_long_is_no_line(void **state)
{
	enum { TOPICS = 4000 };
	const struct poller_app app = { .host = "https://api.test", .admin = "admin" };
	const char **topics = calloc(TOPICS, sizeof(topics[0]));
	const struct topic_question q = { .community = "a", .account = "b", .topics = topics, .topic_n = TOPICS };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < TOPICS; i++)
		topics[i] = "a topic of some length";
	buf_init(&b, 1 << 20);
	status_curl(&app, &q, &b);
	CHECK(b.status == ERR_LIMIT);
	buf_done(&b);
	free(topics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_call_is_plain),
		cmocka_unit_test(nothing_is_obeyed),
		cmocka_unit_test(what_is_too_long_is_no_line),
	};

	return cmocka_run_group_tests_name("status_curl", tests, NULL, NULL);
}
