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
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
