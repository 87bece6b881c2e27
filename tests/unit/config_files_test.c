/* The files that a configuration is made of (agent/config/{lists,fingerprint}.c): which change is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/inside.h"

#define CHECK assert_true

#define APP(FILES)                                                                                     \
	"apps = ( { sdkappid = 7; identifier = \"admin\"; secret_key_env = \"CONFIG_TEST_KEY\"; region = " \
	"\"china\";\n"                                                                                     \
	"communities_files = [ " FILES " ]; } );\n"

#define KEYED(FILES)                                                                                         \
	"apps = ( { sdkappid = 7; identifier = \"admin\"; secret_key_file = \"prod.key\"; region = \"china\";\n" \
	"communities_files = [ \"" FILES "\" ]; } );\n"

static char folder[] = "/tmp/config_files_test.XXXXXX";

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "wb");

	assert_non_null(f);
	CHECK(fputs(text, f) >= 0 && fclose(f) == 0);
}

static struct conf *load(const char *path)
{
	struct conf *c = NULL;
	struct buf said;

	buf_init(&said, 1 << 20);
	if (conf_load(path, &c, &said) != ERR_OK)
		fail_msg("%s", buf_text(&said));
	buf_done(&said);
	return c;
}

/* ---- who writes while it is read ---- */
/* After the loader has the bytes of `name`, `text` stands in it. */
static struct {
	const char *name, *text;
} writer;

char *__wrap_text_read(struct faults *f, size_t *ret_len);
char *__real_text_read(struct faults *f, size_t *ret_len);

char *__wrap_text_read(struct faults *f, size_t *ret_len)
{
	char *text = __real_text_read(f, ret_len);

	if (writer.name != NULL && strcmp(f->path, writer.name) == 0) {
		if (writer.text != NULL)
			put(writer.name, writer.text);
		else
			CHECK(unlink(writer.name) == 0);
		writer.name = NULL;
	}
	return text;
}

static void what_is_written_while_it_is_read_is_a_change(void **state)
{
	static const struct {
		const char *name, *text;
	} writes[] = {
		{ "x.cfg", APP("\"a.list\", \"*.list\"") "# more\n" },
		{ "a.list", "@TGS#_one\n@TGS#_more\n" },
		{ "b.list", "" },
		{ "b.list", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		struct conf *c;

		put("x.cfg", APP("\"a.list\", \"*.list\""));
		put("a.list", "@TGS#_one\n");
		put("b.list", "@TGS#_two\n");
		c = load("x.cfg");
		CHECK(conf_fingerprint(c) == c->fingerprint);
		conf_free(c);
		writer.name = writes[i].name;
		writer.text = writes[i].text;
		c = load("x.cfg");
		CHECK(writer.name == NULL && c->app[0].community_n == 2);
		if (conf_fingerprint(c) == c->fingerprint)
			fail_msg("%s was written, and nobody sees it", writes[i].name);
		conf_free(c);
	}
}

static void the_flag_for_the_web_file_counts_as_the_option(void **state)
{
	struct conf *c;
	uint64_t without;

	(void)state;
	put("x.cfg", APP("\"a.list\""));
	put("a.list", "@TGS#_one\n");
	put("web.cfg", "http: { };\n");
	c = load("x.cfg");
	without = c->fingerprint;
	conf_set_web_file(c, "web.cfg");
	CHECK(c->fingerprint != without && c->fingerprint == conf_fingerprint(c));
	put("web.cfg", "# none\n");
	CHECK(c->fingerprint != conf_fingerprint(c));
	put("a.list", "@TGS#_other\n");
	conf_set_web_file(c, "web.cfg");
	CHECK(c->fingerprint != conf_fingerprint(c)); /* the flag does not hide what else was written */
	conf_free(c);
}

/* ---- what is said of them ---- */
static char *faults_of(const char *path)
{
	struct conf *c = NULL;
	struct buf said;
	char *ret;

	buf_init(&said, 1 << 20);
	CHECK(conf_load(path, &c, &said) == ERR_CONFIG);
	ret = strdup(buf_text(&said));
	buf_done(&said);
	assert_non_null(ret);
	return ret;
}

static void a_fault_of_a_list_names_the_line_that_names_it(void **state)
{
	char *said;

	(void)state;
	put("x.cfg", "# one line\n" APP("\"a.list\""));
	put("a.list", "@TGS#_one\n @TGS#_two\n");
	said = faults_of("x.cfg");
	assert_string_equal(said,
	                    "a.list:2: blanks in front of the id or behind it; a line holds one community id "
	                    "and nothing else; a list of x.cfg:3\n");
	free(said);
	CHECK(mkdir("d.list", 0700) == 0);
	put("x.cfg", APP("\"d.list\""));
	said = faults_of("x.cfg");
	assert_string_equal(said, "d.list: not a regular file; a list of x.cfg:2\n");
	free(said);
	CHECK(rmdir("d.list") == 0);
}

/* A link to itself cannot be read, not even by root. */
static void a_folder_that_cannot_be_read_is_named(void **state)
{
	static const char *const entries[] = { APP("\"closed/in/*.list\""), APP("\"clo*/in/*.list\"") };

	(void)state;
	CHECK(mkdir("closed", 0700) == 0 && symlink("in", "closed/in") == 0);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		char *said;

		put("x.cfg", entries[i]);
		said = faults_of("x.cfg");
		if (strstr(said, "cannot read the folder 'closed/in': Too many levels") == NULL)
			fail_msg("%s", said);
		assert_non_null(strstr(said, "x.cfg:2: apps[0].communities_files: "));
		free(said);
	}
	CHECK(unlink("closed/in") == 0 && rmdir("closed") == 0);
}

/* ---- what is printed of them ---- */
static void reads_back(const char *path)
{
	struct conf *c = load(path), *again;
	struct buf first, second;

	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	conf_print(c, &first);
	put(path, buf_text(&first));
	again = load(path);
	conf_print(again, &second);
	assert_string_equal(buf_text(&first), buf_text(&second));
	CHECK(again->app[0].community_n == 1 && c->app[0].community_n == 1);
	assert_string_equal(again->app[0].list_files.at[0], c->app[0].list_files.at[0]);
	assert_string_equal(again->app[0].secret_key_file, c->app[0].secret_key_file);
	buf_done(&first);
	buf_done(&second);
	conf_free(again);
	conf_free(c);
}

static void what_is_printed_reads_back_below_any_folder(void **state)
{
	static const char odd[] = "co[n]f*";
	char path[sizeof(folder) + 32], near[32];

	(void)state;
	(void)snprintf(near, sizeof(near), "%s/x.cfg", odd);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, near);
	CHECK(mkdir(odd, 0700) == 0 && chdir(odd) == 0);
	put("a.list", "@TGS#_one\n");
	put("prod.key", "0123456789abcdef0123456789abcdef\n");
	CHECK(chmod("prod.key", 0600) == 0 && chdir("..") == 0);
	for (int i = 0; i < 4; i++) {
		const char *at = i % 2 ? path : near;

		put(at, i < 2 ? KEYED("a.list") : KEYED("*.list"));
		reads_back(at);
	}
	CHECK(chdir(odd) == 0 && unlink("a.list") == 0 && unlink("prod.key") == 0 && unlink("x.cfg") == 0);
	CHECK(chdir("..") == 0 && rmdir(odd) == 0);
}

static int enter(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL || chdir(folder) != 0 || setenv("CONFIG_TEST_KEY", "0123456789abcdef", 1);
}

static int leave(void **state)
{
	static const char *const names[] = { "x.cfg", "a.list", "b.list", "web.cfg" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(names[i]);
	return chdir("/") != 0 || rmdir(folder) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_while_it_is_read_is_a_change),
		cmocka_unit_test(the_flag_for_the_web_file_counts_as_the_option),
		cmocka_unit_test(a_fault_of_a_list_names_the_line_that_names_it),
		cmocka_unit_test(a_folder_that_cannot_be_read_is_named),
		cmocka_unit_test(what_is_printed_reads_back_below_any_folder),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
