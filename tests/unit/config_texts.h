/* Texts for the tests of the configuration. */
#ifndef TESTS_UNIT_CONFIG_TEXTS_H
#define TESTS_UNIT_CONFIG_TEXTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "agent/config/conf.h"

enum { TEXT_MAX = 64 << 20 };

/* An app with `inside` in it. */
#define APP(INSIDE) \
	"apps = ( { sdkappid = 7; identifier = \"admin\"; secret_key_env = \"CONFIG_TEST_KEY\"; " INSIDE " } );"
#define WHERE "region = \"china\"; "

/* What is in force; the text must be right. */
static inline struct conf *read_good(const char *text)
{
	struct conf *c = NULL;
	struct buf said;

	buf_init(&said, TEXT_MAX);
	if (conf_read("x.cfg", text, strlen(text), &c, &said) != ERR_OK)
		fail_msg("%s", buf_text(&said));
	buf_done(&said);
	return c;
}

#endif
