/* Any text as a configuration file: it is refused with its faults, or what is in force holds together and
 * prints in a form that reads back as the same. The file is said to stand below /dev/null, which is no
 * folder, so that no relative path in the text finds a file of this machine. */
#include <string.h>

#include "agent/config/conf.h"
#include "tests/fuzz/line.h"

enum { MESSAGES_MAX = 4 << 20, PRINT_MAX = 64 << 20 };

static const char path[] = "/dev/null/x.cfg";

static bool is_warning(const char *at, size_t len)
{
	static const char word[] = ": warning: ";
	size_t i = sizeof(path);

	while (i < len && at[i] >= '0' && at[i] <= '9')
		i++;
	return len - i >= sizeof(word) - 1 && memcmp(at + i, word, sizeof(word) - 1) == 0;
}

/* Each line says where, and nothing in it could confuse a terminal or a log. Returns the faults among them.
 */
static size_t check_messages(const struct buf *said)
{
	size_t faults = 0;

	for (size_t i = 0; i < said->len; i++) {
		const char *at = said->at + i;
		const char *end = memchr(at, '\n', said->len - i);

		MUST(end != NULL && (size_t)(end - at) > sizeof(path) && memcmp(at, path, sizeof(path) - 1) == 0);
		MUST(text_is_valid(at, (size_t)(end - at)));
		faults += is_warning(at, (size_t)(end - at)) ? 0 : 1;
		for (; at < end; at++)
			MUST((unsigned char)*at >= ' ' && *at != 0x7f);
		i = (size_t)(end - said->at);
	}
	return faults;
}

/* What the rest of the program relies on without looking again. */
static void check_community(const struct conf_community *c, bool used)
{
	const int64_t longest = c->adaptive_max_ms != 0 ? c->adaptive_max_ms : c->interval_ms;

	MUST((c->adaptive_min_ms == 0) == (c->adaptive_max_ms == 0));
	MUST(c->adaptive_min_ms < c->adaptive_max_ms || c->adaptive_max_ms == 0);
	MUST(c->interval_ms >= 1000 && c->interval_ms >= c->adaptive_min_ms && c->interval_ms <= longest);
	MUST(c->stale_after_ms >= longest || !used);
	MUST(c->silent_after_ms >= 1000 && c->from_account[0] != '\0');
}

static void check_values(const struct conf *c)
{
	for (size_t a = 0; a < c->app_n; a++) {
		const struct conf_app *app = &c->app[a];

		check_community(&app->discovered, app->discovery_enabled);
		MUST(app->discovered.id[0] == '\0' && app->discovery_include.n > 0);
		MUST(strchr(app->proxy, '@') == NULL);
		for (size_t i = 0; i < app->community_n; i++)
			check_community(&app->community[i], true);
	}
}

static bool read_text(const char *text, size_t len, struct buf *print)
{
	struct conf *c = NULL;
	struct buf said;
	enum err e;

	buf_init(&said, MESSAGES_MAX);
	e = conf_read(path, text, len, &c, &said);
	MUST(e == ERR_OK || e == ERR_CONFIG);
	MUST((e == ERR_OK) == (c != NULL));
	MUST(said.status == ERR_OK);
	MUST((check_messages(&said) == 0) == (e == ERR_OK));
	if (e == ERR_OK) {
		check_values(c);
		conf_print(c, print);
	}
	MUST(print->status == ERR_OK);
	conf_free(c);
	buf_done(&said);
	return e == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf first, again;

	MUST(setenv("CREDENTIALS_DIRECTORY", "/dev/null", 1) == 0 && setenv("K", "0123456789abcdef", 1) == 0);
	buf_init(&first, PRINT_MAX);
	buf_init(&again, PRINT_MAX);
	if (read_text((const char *)data, len, &first)) {
		MUST(text_is_valid(first.at, first.len));
		MUST(read_text(first.at, first.len, &again));
		MUST(first.len == again.len && memcmp(first.at, again.at, first.len) == 0);
	}
	buf_done(&first);
	buf_done(&again);
	return 0;
}
