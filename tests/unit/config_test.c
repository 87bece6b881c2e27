/* What the golden files of tests/golden/config cannot show: files that are none, very many entries, lines far
 * down. config_value_test.c looks at the values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/config_texts.h"

#define CHECK assert_true

enum { MANY = 50000, TOPICS_MAX = 20000, TOPIC_LEN = 256 };

static char folder[] = "/tmp/config_test.XXXXXX";

/* The path of `name` in the folder of the tests, borrowed until the next call. */
static const char *path_of(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
	CHECK(chmod(path_of(name), mode) == 0);
}

/* The faults of a text that must be wrong, as a C string; the caller frees. */
static char *read_bad(const char *text, size_t len)
{
	struct conf *c = NULL;
	struct buf said;
	size_t said_len;

	buf_init(&said, TEXT_MAX);
	assert_int_equal(conf_read("x.cfg", text, len, &c, &said), ERR_CONFIG);
	CHECK(c == NULL);
	return buf_take(&said, &said_len);
}

static void check_load_fails(const char *path, const char *why)
{
	struct conf *c = NULL;
	struct buf said;
	char want[512];

	buf_init(&said, TEXT_MAX);
	assert_int_equal(conf_load(path, &c, &said), ERR_CONFIG);
	CHECK(c == NULL);
	(void)snprintf(want, sizeof(want), "%s: %s\n", path, why);
	assert_string_equal(buf_text(&said), want);
	buf_done(&said);
}

/* ---- files ---- */
static void only_regular_files_are_read(void **state)
{
	(void)state;
	CHECK(mkfifo(path_of("fifo.cfg"), 0600) == 0);
	check_load_fails(path_of("fifo.cfg"), "not a regular file"); /* and does not wait for a writer */
	CHECK(unlink(path_of("fifo.cfg")) == 0);
	check_load_fails(folder, "not a regular file");
	check_load_fails("/dev/null", "not a regular file");
	check_load_fails("/dev/zero", "not a regular file");
	check_load_fails(path_of("none.cfg"), "cannot open the file: No such file or directory");
	check_load_fails("", "cannot open the file: No such file or directory");
}

static void a_file_without_read_permission_is_told(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip(); /* root reads everything */
	write_file("closed.cfg", APP(WHERE), 0);
	check_load_fails(path_of("closed.cfg"), "cannot open the file: Permission denied");
	CHECK(unlink(path_of("closed.cfg")) == 0);
}

/* A sparse file: no room is needed for it. */
static void make_file_of(const char *name, off_t size)
{
	const int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && ftruncate(fd, size) == 0 && close(fd) == 0);
}

static void a_file_above_16_mib_is_refused(void **state)
{
	struct conf *c = NULL;
	struct buf said;

	(void)state;
	make_file_of("large.cfg", 17 << 20);
	check_load_fails(path_of("large.cfg"), "the file is larger than 16 MiB");
	make_file_of("large.cfg", (16 << 20) + 1);
	check_load_fails(path_of("large.cfg"), "the file is larger than 16 MiB");
	make_file_of("large.cfg", 16 << 20);
	buf_init(&said, TEXT_MAX);
	assert_int_equal(conf_load(path_of("large.cfg"), &c, &said), ERR_CONFIG);
	CHECK(strstr(buf_text(&said), ":1: a NUL byte") != NULL); /* it was read */
	buf_done(&said);
	CHECK(unlink(path_of("large.cfg")) == 0);
}

static void an_empty_file_is_told(void **state)
{
	(void)state;
	write_file("empty.cfg", "", 0600);
	check_load_fails(path_of("empty.cfg"),
	                 "the file holds no setting; a first configuration is in the README");
	CHECK(unlink(path_of("empty.cfg")) == 0);
}

static void paths_are_relative_to_the_file(void **state)
{
	struct conf *c = NULL;
	struct buf said;
	char key[300], trust[300];

	(void)state;
	(void)snprintf(trust, sizeof(trust), "%s", path_of("sub/trust.pem"));
	(void)snprintf(key, sizeof(key), "%s", path_of("sub/../a.key"));
	CHECK(mkdir(path_of("sub"), 0700) == 0);
	write_file("a.key", "0123456789\n", 0600);
	write_file("sub/trust.pem", "", 0644);
	write_file("sub/x.cfg",
	           "apps = ( { sdkappid = 7; identifier = \"a\"; secret_key_file = \"../a.key\"; " WHERE
	           "ca_file = \"trust.pem\"; communities = [ \"a\" ]; } );",
	           0644);
	buf_init(&said, TEXT_MAX);
	assert_int_equal(conf_load(path_of("sub/x.cfg"), &c, &said), ERR_OK);
	assert_int_equal(said.len, 0);
	assert_string_equal(c->app[0].key.name, key);
	assert_string_equal(c->app[0].secret_key_file, key);
	assert_string_equal(c->app[0].ca_file, trust);
	CHECK(c->app[0].key.kind == KEY_FILE);
	conf_free(c);
	CHECK(chmod(path_of("a.key"), 0640) == 0);
	assert_int_equal(conf_load(path_of("sub/x.cfg"), &c, &said), ERR_OK);
	CHECK(strstr(buf_text(&said), "a.key' can be read by others than its owner") != NULL);
	conf_free(c);
	buf_done(&said);
	CHECK(unlink(path_of("sub/x.cfg")) == 0 && unlink(path_of("sub/trust.pem")) == 0);
	CHECK(unlink(path_of("a.key")) == 0 && rmdir(path_of("sub")) == 0);
}

static void absolute_paths_stay(void **state)
{
	struct conf *c = NULL;
	struct buf said;
	char text[600];

	(void)state;
	write_file("b.key", "0123456789\n", 0600);
	(void)snprintf(text, sizeof(text),
	               "apps = ( { sdkappid = 7; identifier = \"a\"; secret_key_file = \"%s\"; " WHERE
	               "communities = [ \"a\" ]; } );",
	               path_of("b.key"));
	buf_init(&said, TEXT_MAX);
	assert_int_equal(conf_read("/some/where/x.cfg", text, strlen(text), &c, &said), ERR_OK);
	assert_string_equal(c->app[0].key.name, path_of("b.key"));
	conf_free(c);
	buf_done(&said);
	CHECK(unlink(path_of("b.key")) == 0);
}

/* ---- many ---- */
static void put_many(struct buf *text, size_t n, size_t first_again, size_t second_again)
{
	buf_init(text, TEXT_MAX);
	buf_str(text, "apps = ( { sdkappid = 7; identifier = \"a\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
	              "communities = (\n");
	for (size_t i = 0; i < n; i++) {
		const size_t number = i == second_again ? first_again : i;

		buf_fmt(text, i % 2 == 0 ? "\"@TGS#_%zu\"" : "{ id = \"@TGS#_%zu\"; interval = \"90s\"; }", number);
		buf_str(text, i + 1 < n ? ",\n" : "\n); } );\n");
	}
	CHECK(text->status == ERR_OK);
}

static void fifty_thousand_communities_load(void **state)
{
	struct conf *c = NULL;
	struct buf text, said;

	(void)state;
	put_many(&text, MANY, MANY, MANY);
	buf_init(&said, TEXT_MAX);
	assert_int_equal(conf_read("x.cfg", text.at, text.len, &c, &said), ERR_OK);
	assert_int_equal(said.len, 0);
	assert_int_equal(c->app[0].community_n, MANY);
	for (size_t i = 0; i < MANY; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "@TGS#_%zu", i);
		assert_string_equal(c->app[0].community[i].id, id);
		assert_int_equal(c->app[0].community[i].interval_ms, i % 2 == 0 ? 60000 : 90000);
		assert_int_equal(c->app[0].community[i].line, 2 + i);
	}
	conf_free(c);
	buf_done(&text);
	buf_done(&said);
}

static void one_duplicate_among_fifty_thousand_is_found(void **state)
{
	struct buf text;
	char *said;

	(void)state;
	put_many(&text, MANY, 123, 49876);
	said = read_bad(text.at, text.len);
	assert_string_equal(said,
	                    "x.cfg:49878: community '@TGS#_123' stands here again; it is already in line 125\n");
	free(said);
	buf_done(&text);
}

/* `n` ids of `len` digits. */
static void put_topics(struct buf *text, size_t n, int len)
{
	buf_init(text, TEXT_MAX);
	buf_str(text, "apps = ( { sdkappid = 7; identifier = \"a\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
	              "communities = ( { id = \"a\"; topics = [\n");
	for (size_t i = 0; i < n; i++)
		buf_fmt(text, "\"%0*zu\"%s", len, i, i + 1 < n ? ",\n" : "\n]; } ); } );\n");
	CHECK(text->status == ERR_OK);
}

static void twenty_thousand_topics_of_the_longest_ids_load_and_print(void **state)
{
	struct conf *c = NULL;
	struct buf text, said, print;

	(void)state;
	put_topics(&text, TOPICS_MAX, TOPIC_LEN);
	buf_init(&said, TEXT_MAX);
	buf_init(&print, TEXT_MAX);
	assert_int_equal(conf_read("x.cfg", text.at, text.len, &c, &said), ERR_OK);
	assert_int_equal(c->app[0].community[0].topics.n, TOPICS_MAX);
	for (size_t i = 0; i < TOPICS_MAX; i++) {
		char id[TOPIC_LEN + 1];

		(void)snprintf(id, sizeof(id), "%0*zu", TOPIC_LEN, i);
		assert_string_equal(c->app[0].community[0].topics.at[i], id);
	}
	conf_print(c, &print);
	conf_free(c);
	assert_int_equal(conf_read("x.cfg", print.at, print.len, &c, &said), ERR_OK);
	assert_int_equal(c->app[0].community[0].topics.n, TOPICS_MAX);
	conf_free(c);
	buf_done(&print);
	buf_done(&said);
	buf_done(&text);
}

static void more_topics_than_that_are_refused(void **state)
{
	struct buf text;
	char *said;

	(void)state;
	put_topics(&text, TOPICS_MAX + 1, 1);
	said = read_bad(text.at, text.len);
	assert_string_equal(said,
	                    "x.cfg:1: apps[0].communities[0].topics: 20001 entries; 0 to 20000 are allowed\n");
	free(said);
	buf_done(&text);
}

static void line_numbers_go_beyond_65535(void **state)
{
	struct buf text;
	char *said;

	(void)state;
	buf_init(&text, TEXT_MAX);
	for (int i = 1; i < 70000; i++)
		buf_str(&text, "\n");
	buf_str(&text, "bananas = 1;\npoll = { interval = 5; };\n");
	for (int i = 70002; i < 140000; i++)
		buf_str(&text, i % 2 == 0 ? "# comment\n" : "\r\n");
	buf_str(&text, APP(WHERE "communities = (\n\"a\",\n\"b\" \"a\" );"));
	said = read_bad(text.at, text.len);
	CHECK(strstr(said, "x.cfg:70000: bananas: unknown key") != NULL);
	CHECK(strstr(said, "x.cfg:70001: poll.interval: ") != NULL);
	CHECK(strstr(said, "x.cfg:140002: a comma is missing between \"b\" and \"a\"\n") != NULL);
	CHECK(strstr(said, "x.cfg:140002: community 'a' stands here again; it is already in line 140001\n") !=
	      NULL);
	free(said);
	buf_str(&text, "a = 1 { }"); /* for libconfig, which counts for itself */
	said = read_bad(text.at, text.len);
	CHECK(strstr(said, "x.cfg:140002: syntax error; ") != NULL);
	free(said);
	buf_done(&text);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL && setenv("CONFIG_TEST_KEY", "0123456789", 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder); /* every test took its files away */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_regular_files_are_read),
		cmocka_unit_test(a_file_without_read_permission_is_told),
		cmocka_unit_test(a_file_above_16_mib_is_refused),
		cmocka_unit_test(an_empty_file_is_told),
		cmocka_unit_test(paths_are_relative_to_the_file),
		cmocka_unit_test(absolute_paths_stay),
		cmocka_unit_test(fifty_thousand_communities_load),
		cmocka_unit_test(one_duplicate_among_fifty_thousand_is_found),
		cmocka_unit_test(twenty_thousand_topics_of_the_longest_ids_load_and_print),
		cmocka_unit_test(more_topics_than_that_are_refused),
		cmocka_unit_test(line_numbers_go_beyond_65535),
	};

	return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
