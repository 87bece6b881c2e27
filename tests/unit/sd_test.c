/* Entries of service discovery, and which Host fields are addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exporters/pages/sd.h"

#define CHECK assert_true

static void an_entry_has_what_a_job_of_probes_needs(void **state)
{
	const struct sd_community c = { .address = "exporter:10058",
		                            .app = "prod",
		                            .id = "@TGS#_\"x\\",
		                            .name = "Shop\n",
		                            .sdk_app_id = 1400000001 };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	sd_begin(&out, &c);
	sd_label(&out, "team", "emea");
	sd_end(&out);
	assert_string_equal(buf_text(&out),
	                    "{\"targets\":[\"exporter:10058\"],\"labels\":{\"__metrics_path__\":\"/probe\","
	                    "\"__param_app\":\"prod\",\"__param_community\":\"@TGS#_\\\"x\\\\\","
	                    "\"__meta_tencentchat_app\":\"prod\",\"__meta_tencentchat_sdkappid\":\"1400000001\","
	                    "\"__meta_tencentchat_community\":\"@TGS#_\\\"x\\\\\","
	                    "\"__meta_tencentchat_community_name\":\"Shop\\u000a\","
	                    "\"__meta_tencentchat_label_team\":\"emea\"}}");
	buf_done(&out);
}

static void a_host_is_a_name_or_an_address_and_nothing_else(void **state)
{
	static const char *const good[] = { "localhost",   "exporter:10058", "10.0.0.1:1", "[::1]:10058",
		                                "[fe80::1:2]", "a.b-c.example",  "a:65535" };
	static const char *const bad[] = {
		"",       ":1",  "a:",   "a:0",  "a:65536", "a:123456", "a:1x",   "a b",        "a\"b",     "a/b",
		"a@b:1",  "a,b", "a\\b", "[::1", "[]",      "[]:1",     "[::1]x", "[::1]:",     "[g::1]:1", "a:1:2",
		"a\r\nb", "{a}", "<a>",  "a%00", "a?b",     "a#b",      "a:-1",   "\xc3\xa4:1",
	};
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(sd_is_address(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!sd_is_address(bad[i]));
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = 'a';
	longest[253] = '\0';
	CHECK(sd_is_address(longest));
	longest[253] = 'a';
	longest[254] = '\0';
	CHECK(!sd_is_address(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_has_what_a_job_of_probes_needs),
		cmocka_unit_test(a_host_is_a_name_or_an_address_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
