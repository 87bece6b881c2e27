/* The call of a community as a line for a shell. */
#include <inttypes.h>
#include <string.h>

#include "agent/base/utf8.h"
#include "agent/status.h"

enum { URL_MAX_BYTES = 4096, BODY_MAX = 64 << 10, NONCE = 1 };
#define VARIABLE "$USERSIG"

/* Inside of single quotes a shell obeys nothing but their end. */
static void add_quoted(struct buf *out, struct span text)
{
	buf_str(out, "'");
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\'')
			buf_str(out, "'\\''");
		else
			buf_add(out, text.at + i, 1);
	}
	buf_str(out, "'");
}

static void add_option(struct buf *out, const char *option, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_fmt(out, " %s ", option);
	add_quoted(out, span_of(value));
}

/* The URL in two halves, with the variable between them where a shell puts in what it holds. */
static void add_url(struct buf *out, const struct poller_app *app)
{
	const struct chat_caller who = {
		.host = app->host, .admin = app->admin, .usersig = VARIABLE, .sdk_app_id = app->sdk_app_id
	};
	const char *text, *at;
	struct buf url;

	buf_init(&url, URL_MAX_BYTES);
	chat_url(&url, &who, CHAT_GET_TOPIC, NONCE);
	text = buf_text(&url);
	at = strstr(text, "usersig=" VARIABLE); /* `$` of an identifier is encoded */
	if (at == NULL) {
		out->status = ERR_MEMORY;
	} else {
		at += strlen("usersig=");
		buf_str(out, " ");
		add_quoted(out, (struct span){ text, (size_t)(at - text) });
		buf_str(out, "\"" VARIABLE "\"");
		add_quoted(out, span_of(at + strlen(VARIABLE)));
	}
	buf_done(&url);
}

static void add_unit(struct buf *out, uint32_t unit)
{
	buf_fmt(out, "\\u%04" PRIx32, unit);
}

/* One character that is more than ASCII as an escape of JSON. */
static void add_escape(struct buf *out, const char *at, size_t len)
{
	uint32_t point = (unsigned char)at[0] & (0xffu >> (len + 1));

	for (size_t i = 1; i < len; i++)
		point = point << 6 | ((unsigned char)at[i] & 0x3f);
	if (point >= 0x10000) {
		add_unit(out, 0xd800 + ((point - 0x10000) >> 10));
		point = 0xdc00 + ((point - 0x10000) & 0x3ff);
	}
	add_unit(out, point);
}

/* The same JSON in ASCII: it reads the same in every terminal, and no mark of direction can reorder it. */
static void add_body(struct buf *out, struct span json)
{
	struct buf ascii;

	buf_init(&ascii, 8 * BODY_MAX);
	for (size_t i = 0, len; i < json.len; i += len) {
		len = utf8_char(json.at + i, json.len - i);
		if (len > 1)
			add_escape(&ascii, json.at + i, len);
		else if (json.at[i] == 0x7f)
			add_unit(&ascii, 0x7f);
		else if (len == 1)
			buf_add(&ascii, json.at + i, 1);
		len += len == 0; /* the configuration is UTF-8 */
	}
	add_quoted(out, buf_view(&ascii));
	if (ascii.status != ERR_OK)
		out->status = ascii.status;
	buf_done(&ascii);
}

void status_curl(const struct poller_app *app, const struct topic_question *q, struct buf *out)
{
	struct buf body;

	buf_init(&body, BODY_MAX);
	topic_ask(&body, q);
	buf_str(out, "curl -sS");
	add_option(out, "--cacert", app->ca_file);
	add_option(out, "--proxy", app->proxy);
	buf_str(out, " -H 'Content-Type: application/json' -d ");
	add_body(out, buf_view(&body));
	add_url(out, app);
	if (body.status != ERR_OK)
		out->status = body.status; /* very many topics are named: no line that anybody would copy */
	buf_done(&body);
}
