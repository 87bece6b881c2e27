#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exporters/exposition/exposition.h"

#define CHECK assert_true

enum { PLAIN = CODING_IDENTITY, GZIP = CODING_GZIP };

static const struct {
	const char *accept;
	int coding;
} row[] = {
	/* what scrapers and browsers send */
	{ "", PLAIN },
	{ "gzip", GZIP },                    /* Prometheus */
	{ "identity", PLAIN },               /* Prometheus with compression off, Python's http.client */
	{ "deflate, gzip, br, zstd", GZIP }, /* curl --compressed */
	{ "gzip, deflate", GZIP },           /* requests */
	{ "gzip, deflate, br", GZIP },
	{ "br;q=1.0, gzip;q=0.8, *;q=0.1", GZIP },
	{ "deflate, gzip;q=1.0, *;q=0.5", GZIP },
	{ "zstd", PLAIN },
	{ "br, zstd, deflate, compress", PLAIN },

	/* names */
	{ "x-gzip", GZIP },
	{ "GZip", GZIP },
	{ "X-GZIP", GZIP },
	{ "Identity;q=0.5, Gzip;q=0.4", PLAIN },
	{ "gzip2", PLAIN },
	{ "gzi", PLAIN },
	{ "x-gzip2", PLAIN },
	{ "-gzip", PLAIN },
	{ "not-gzip, agzip", PLAIN },
	{ "\"gzip\"", PLAIN },
	{ "gzip deflate", PLAIN },
	{ "gzip;level=9", GZIP },
	{ "gzip/*", PLAIN },

	/* stars */
	{ "*", GZIP },
	{ "*;q=0.001", GZIP },
	{ "*;q=0", PLAIN },
	{ "*;q=0, gzip", GZIP },
	{ "gzip;q=0, *", PLAIN },
	{ "gzip;q=0.1, *", GZIP }, /* a star prefers nothing */
	{ "identity, *", PLAIN },  /* named more closely */
	{ "identity;q=0.5, *", GZIP },
	{ "identity;q=0.5, *;q=0.4", PLAIN },
	{ "identity;q=0, *;q=0.1", GZIP },
	{ "br, *;q=0", PLAIN },
	{ "*/*", PLAIN },

	/* weights */
	{ "gzip;q=1", GZIP },
	{ "gzip;q=1.000", GZIP },
	{ "gzip;q=0.001", GZIP },
	{ "gzip;q=.5", GZIP },
	{ "gzip;q=\"0.5\"", GZIP },
	{ "gzip;q=0", PLAIN },
	{ "gzip;q=0.0", PLAIN },
	{ "gzip;q=0.000", PLAIN },
	{ "gzip;Q=0", PLAIN },
	{ "gzip; q=0", PLAIN },
	{ "gzip;q = 0", PLAIN },
	{ "x-gzip;q=0", PLAIN },
	{ "gzip;q=1.001", PLAIN },
	{ "gzip;q=2", PLAIN },
	{ "gzip;q=-1", PLAIN },
	{ "gzip;q=", PLAIN },
	{ "gzip;q", PLAIN },
	{ "gzip;q=high", PLAIN },
	{ "gzip;q=0;q=1", GZIP },
	{ "gzip;q=0.5, identity;q=0.5", GZIP },
	{ "gzip, identity", GZIP },
	{ "identity, gzip;q=0.5", PLAIN },
	{ "gzip;q=0.5, identity;q=0.501", PLAIN },
	{ "gzip;q=0.501, identity;q=0.5", GZIP },

	/* contradictions: a refusal stands */
	{ "gzip, gzip;q=0", PLAIN },
	{ "gzip;q=0, gzip", PLAIN },
	{ "gzip;q=0, x-gzip", PLAIN },
	{ "gzip;q=0.1, gzip;q=0.9, identity;q=0.5", GZIP },
	{ "*, *;q=0", PLAIN },

	/* nobody hears 406 */
	{ "identity;q=0", GZIP },
	{ "identity;q=0, br", GZIP },
	{ "identity;q=0, gzip", GZIP },
	{ "identity;q=0, gzip;q=0", PLAIN },
	{ "identity;q=0, *;q=0", PLAIN },
	{ "identity;q=0, *;q=0, gzip;q=0.1", GZIP },

	/* repeated fields, joined; spelling; garbage */
	{ "gzip, ", GZIP },
	{ ", , gzip", GZIP },
	{ ", ", PLAIN },
	{ "br, gzip;q=0, ", PLAIN },
	{ " \tgzip\t;\tq=0.5 , identity ; q=0.4 ", GZIP },
	{ ";;;q=,", PLAIN },
	{ ";q=1", PLAIN },
	{ "=", PLAIN },
	{ "\"", PLAIN },
	{ "\", gzip", PLAIN }, /* the quote reaches to the end */
	{ "br;x=\", gzip;q=0\", gzip", GZIP },
	{ "gzip;x=\"", GZIP },
	{ "\x01\x02\xff, gzip", GZIP },
	{ "gzip\xff", PLAIN },
};

static void every_accept_encoding_gets_its_coding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if ((int)exposition_coding(span_of(row[i].accept)) != row[i].coding)
			fail_msg("'%s' is not answered with %s", row[i].accept,
			         row[i].coding == GZIP ? "gzip" : "identity");
}

static void only_gzip_is_said_in_a_header(void **state)
{
	(void)state;
	CHECK(exposition_coding_text(CODING_IDENTITY) == NULL);
	assert_string_equal(exposition_coding_text(CODING_GZIP), "gzip");
}

/* Whatever is cut off at the end, there is an answer, and no byte behind the end is looked at. */
static void every_beginning_of_a_header_has_an_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (size_t len = 0; len <= strlen(row[i].accept); len++) {
			char *exact = malloc(len + 1);
			enum coding c;

			CHECK(exact != NULL);
			memcpy(exact, row[i].accept, len);
			c = exposition_coding((struct span){ exact, len });
			CHECK(c == CODING_IDENTITY || c == CODING_GZIP);
			free(exact);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_accept_encoding_gets_its_coding),
		cmocka_unit_test(only_gzip_is_said_in_a_header),
		cmocka_unit_test(every_beginning_of_a_header_has_an_answer),
	};

	return cmocka_run_group_tests_name("exposition_coding", tests, NULL, NULL);
}
