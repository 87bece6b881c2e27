/* What a reader may ask for: an Accept or Accept-Encoding field, and the pairs of a query.
 *
 * The input is the field, which is read as either, and then, with the byte 0x1e in front of each, key=value.
 */
#include <ctype.h>
#include <string.h>

#include "exporters/exposition/exposition.h"
#include "tests/fuzz/line.h"

static const char *const app[] = { "prod", "shop" };
enum { APPS = 2 };

/* ---- Accept ---- */
static bool same(struct exposition_type a, struct exposition_type b)
{
	return a.form == b.form && a.escaping == b.escaping;
}

static bool holds(const char *lower, size_t len, const char *word)
{
	return memmem(lower, len, word, strlen(word)) != NULL;
}

/* `in_front` and the field in lower case; the caller frees. */
static char *behind(const char *in_front, const char *at, size_t len)
{
	const size_t more = strlen(in_front);
	char *copy = malloc(more + len + 1);

	MUST(copy != NULL);
	memcpy(copy, in_front, more);
	for (size_t i = 0; i < len; i++)
		copy[more + i] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] - 'A' + 'a') : at[i];
	return copy;
}

static void check_accept(const char *at, size_t len)
{
	static const char in_front[] = "a/b;q=0.7,";
	const size_t more = sizeof(in_front) - 1;
	const struct exposition_type t = exposition_accept((struct span){ at, len });
	char *copy = behind(in_front, at, len);

	MUST(t.form == FORM_TEXT || t.form == FORM_OPENMETRICS);
	MUST(t.form == FORM_OPENMETRICS || t.escaping == ESCAPING_NONE);
	MUST(strstr(exposition_type_text(t), t.form == FORM_TEXT ? "text/plain; version=0.0.4;"
	                                                         : "openmetrics-text; version=1.0.0;") != NULL);
	/* Neither the case of letters nor a type that nobody has makes a difference. */
	MUST(same(t, exposition_accept((struct span){ copy + more, len })));
	MUST(same(t, exposition_accept((struct span){ copy, more + len })));
	/* Nobody gets what was not named. */
	if (!holds(copy + more, len, "openmetrics-text") && !holds(copy + more, len, "*"))
		MUST(t.form == FORM_TEXT);
	free(copy);
}

/* ---- Accept-Encoding ---- */
static void check_coding(const char *at, size_t len)
{
	static const char other[] = "br;q=0.7,", refusal[] = "gzip;q=0,";
	const size_t more = sizeof(other) - 1;
	const enum coding c = exposition_coding((struct span){ at, len });
	char *copy = behind(other, at, len);

	MUST(c == CODING_IDENTITY || c == CODING_GZIP);
	/* Neither the case of letters nor a coding that nobody has makes a difference. */
	MUST(c == exposition_coding((struct span){ copy + more, len }));
	MUST(c == exposition_coding((struct span){ copy, more + len }));
	/* Nobody gets what was not named, unless the plain text was refused. */
	if (!holds(copy + more, len, "gzip") && !holds(copy + more, len, "*") &&
	    !holds(copy + more, len, "identity"))
		MUST(c == CODING_IDENTITY);
	free(copy);
	copy = behind(refusal, at, len);
	MUST(exposition_coding((struct span){ copy, sizeof(refusal) - 1 + len }) == CODING_IDENTITY);
	free(copy);
}

/* ---- the query ---- */
static bool is_sentence(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* False: it was refused, and nobody reads on. */
static bool check_pair(struct exposition_want *w, char *pair)
{
	const struct exposition_want before = *w;
	char *equals = strchr(pair, '=');
	struct why why = { 0 };
	enum err e;

	if (equals != NULL)
		*equals++ = '\0';
	e = exposition_query(w, pair, equals != NULL ? equals : "", app, APPS, &why);
	MUST(e == ERR_OK || (e == ERR_CONFIG && is_sentence(why.text)));
	MUST(w->level <= METRIC_APP && w->level >= before.level);
	MUST(w->app >= EXPOSITION_EVERY_APP && w->app < APPS);
	MUST(!w->full || before.full);
	for (int m = 0; m < METRIC_COUNT; m++)
		MUST(w->enabled->has[m] || !w->metrics.has[m]);
	return e == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *save = NULL;
	struct metric_set enabled;
	struct exposition_want w;
	size_t field = 0;

	MUST(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	while (field < len && text[field] != 0x1e)
		field++;
	check_accept((const char *)data, field);
	check_coding((const char *)data, field);
	for (int m = 0; m < METRIC_COUNT; m++)
		enabled.has[m] = m % 3 != 0;
	w = exposition_everything(&enabled);
	for (char *pair = strtok_r(text + field, "\x1e", &save); pair != NULL && check_pair(&w, pair);
	     pair = strtok_r(NULL, "\x1e", &save))
		continue;
	free(text);
	return 0;
}
