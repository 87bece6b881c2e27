#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exporters/exposition/exposition.h"

#define CHECK assert_true

#define TEXT      "text/plain; version=0.0.4; charset=utf-8"
#define OM        "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define OM_UTF8   OM "; escaping=allow-utf-8"
#define OM_UNDER  OM "; escaping=underscores"
#define OM_DOTS   OM "; escaping=dots"
#define OM_VALUES OM "; escaping=values"

#define O "application/openmetrics-text"

static const struct {
	const char *accept, *type;
} row[] = {
	/* what scrapers send */
	{ "", TEXT },
	{ "*/*", TEXT },
	{ O ";version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/"
	    "*;q=0.1",
	  OM },
	{ O ";version=1.0.0;escaping=allow-utf-8;q=0.6," O ";version=0.0.1;q=0.5,text/plain;version=1.0.0;"
	    "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	  OM_UTF8 },
	{ O ";version=1.0.0;escaping=underscores;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", OM_UNDER },
	{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," O
	  ";version=1.0.0;escaping=allow-utf-8;q=0.5," O
	  ";version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-"
	  "utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
	  OM_UTF8 },
	{ "text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT },               /* netdata */
	{ "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TEXT }, /* Java */
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", TEXT },
	{ "application/json", TEXT },
	{ O "; version=1.0.0; charset=utf-8,text/plain; version=0.0.4; charset=utf-8;q=0.5,*/*;q=0.1", OM },

	/* names and versions */
	{ O, OM },
	{ O ";version=1.0.0", OM },
	{ O ";version=0.0.1", TEXT },
	{ O ";version=2.0.0", TEXT },
	{ O ";version=2.0.0," O ";version=1.0.0;q=0.1", OM },
	{ O ";version=", OM },
	{ "text/plain", TEXT },
	{ "text/plain;version=0.0.4", TEXT },
	{ "text/plain;version=1.0.0", TEXT },
	{ "text/plain;version=1.0.0;q=0.9," O ";q=0.1", OM },
	{ "application/openmetrics", TEXT },
	{ O "2", TEXT },
	{ "text/openmetrics-text", TEXT },

	/* stars */
	{ "text/*", TEXT },
	{ "application/*", OM },
	{ "application/*;q=0.5, text/*;q=0.4", OM },
	{ "application/*, text/*", TEXT },
	{ "*", TEXT },
	{ "*/plain", TEXT },
	{ "*/openmetrics-text", TEXT },
	{ "*/*;q=0.9," O ";q=0.1", TEXT },
	{ "*/*;q=0.1," O ";q=0.1", OM },
	{ "*/*," O, OM },
	{ "*/*,text/plain", TEXT },

	/* weights */
	{ O ";q=0.5,text/plain;q=0.4", OM },
	{ O ";q=0.4,text/plain;q=0.5", TEXT },
	{ "text/plain;q=0.500," O ";q=0.501", OM },
	{ "text/plain;q=0.5004," O ";q=0.5005", OM },
	{ O ";q=1,text/plain;q=1", OM },
	{ "text/plain," O, OM },
	{ "text/plain;version=0.0.4," O, TEXT }, /* named more closely */
	{ "text/plain;version=0.0.4," O ";version=1.0.0", OM },
	{ O ";q=0", TEXT },
	{ O ";q=0.000", TEXT },
	{ O ";q=0,*/*", TEXT },
	{ O ";q=0,application/*", TEXT },
	{ "*/*,text/plain;q=0", OM },
	{ O ",text/plain;q=0", OM },
	{ "text/plain;q=0," O ";q=0", TEXT },
	{ O ";q=1.", OM },
	{ O ";q=1.000", OM },
	{ O ";q=.5,text/plain;q=.4", OM },
	{ O ";q=1.5", TEXT },
	{ O ";q=2", TEXT },
	{ O ";q=10", TEXT },
	{ O ";q=-1", TEXT },
	{ O ";q=", TEXT },
	{ O ";q=.", TEXT },
	{ O ";q=high", TEXT },
	{ O ";q=0.5.5", TEXT },
	{ O ";q=0,5", TEXT },
	{ O ";q=\"0.5\"", OM },

	/* spelling */
	{ " \t" O " ; version = 1.0.0 ; q = 0.5 , text/plain ; q = 0.4\t", OM },
	{ "APPLICATION/OPENMETRICS-TEXT;VERSION=1.0.0;Q=0.5,Text/Plain;q=0.4", OM },
	{ O ";version=\"1.0.0\"", OM },
	{ O ";x=\"a,text/plain;q=1\";q=0.5,text/plain;q=0.4", OM },
	{ O ";x=\"\\\"\";q=0.5,text/plain;q=0.4", OM },
	{ O ";q=0.5;version=1.0.0,text/plain;q=0.4", OM },
	{ O ";;;version=1.0.0;;", OM },
	{ O ";version", OM },
	{ O ";charset=utf-8", OM },
	{ O ";charset=latin1", OM },
	{ ",,," O ",,", OM },
	{ O " " O, TEXT },

	/* escaping */
	{ O ";version=1.0.0;escaping=dots", OM_DOTS },
	{ O ";version=1.0.0;escaping=values", OM_VALUES },
	{ O ";escaping=underscores", OM_UNDER },
	{ O ";escaping=\"allow-utf-8\"", OM_UTF8 },
	{ O ";escaping=Allow-UTF-8", OM_UTF8 },
	{ O ";escaping=none", OM },
	{ O ";escaping=", OM },
	{ "text/plain;version=0.0.4;escaping=allow-utf-8", TEXT },
	{ O ";escaping=dots;q=0.5," O ";escaping=values;q=0.6", OM_VALUES },
	{ O ";q=0.5," O ";version=1.0.0;escaping=values;q=0.4", OM_VALUES }, /* the closer clause decides */
	{ O ";escaping=dots,text/plain;escaping=values;q=0.5", OM_DOTS },

	/* garbage */
	{ "/", TEXT },
	{ "/;q=0.1", TEXT },
	{ ";;;q=,", TEXT },
	{ ",", TEXT },
	{ "=", TEXT },
	{ "\"", TEXT },
	{ "\"" O "\"", TEXT },
	{ O ";x=\""
	    "," O,
	  OM }, /* the quote reaches to the end, and the clause in front of it stands */
	{ "text/plain;x=\"," O, TEXT },
	{ "text//plain," O "/", TEXT },
	{ "/;q=0.1," O ";q=0.2", OM },
	{ "\x01\x02\xff," O, OM },
	{ O "\xff", TEXT },
	{ "text/plain;q=0.5;" O, TEXT },
};

static void every_accept_gets_its_type(void **state)
{
	(void)state;
	CHECK(sizeof(row) / sizeof(row[0]) >= 100);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const char *type = exposition_type_text(exposition_accept(span_of(row[i].accept)));

		if (strcmp(type, row[i].type) != 0)
			fail_msg("'%s' is answered with %s, not with %s", row[i].accept, type, row[i].type);
	}
}

static void a_long_header_changes_nothing(void **state)
{
	enum { LEN = 16 << 10 };
	static const char *const piece[] = { "a/b;q=0.1,", ";", "\"", ",", "a", "text/plain;q=0.1," };

	(void)state;
	for (size_t i = 0; i < sizeof(piece) / sizeof(piece[0]); i++) {
		struct buf b;

		buf_init(&b, LEN);
		while (b.status == ERR_OK)
			buf_str(&b, piece[i]);
		b.status = ERR_OK;
		CHECK(exposition_accept(buf_view(&b)).form == FORM_TEXT);
		buf_done(&b);
	}
}

/* Whatever is cut off at the end, there is an answer. */
static void every_beginning_of_a_header_has_an_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (size_t len = 0; len <= strlen(row[i].accept); len++) {
			char *exact = malloc(len + 1);
			struct exposition_type t;

			CHECK(exact != NULL);
			memcpy(exact, row[i].accept, len);
			t = exposition_accept((struct span){ exact, len });
			CHECK(t.form == FORM_OPENMETRICS || t.escaping == ESCAPING_NONE);
			CHECK(exposition_type_text(t) != NULL);
			free(exact);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_accept_gets_its_type),
		cmocka_unit_test(a_long_header_changes_nothing),
		cmocka_unit_test(every_beginning_of_a_header_has_an_answer),
	};

	return cmocka_run_group_tests_name("exposition_accept", tests, NULL, NULL);
}
