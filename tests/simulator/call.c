#include "tests/simulator/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const command_names[COMMANDS] = {
	[COMMAND_GET_TOPIC] = "get_topic",
	[COMMAND_GROUP_LIST] = "get_appid_group_list",
	[COMMAND_OTHER] = "other",
};

const char *command_name(enum command c)
{
	return command_names[c];
}

enum command command_of(const char *name)
{
	int c = 0;

	while (c < COMMANDS && strcmp(command_names[c], name) != 0)
		c++;
	return (enum command)c;
}

static int hex_of(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF", *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) % 16 : -1;
}

/* Percent-decoding in place of a copy. A plus is a space, as form decoders take it: a UserSig in the
 * usual Base64 alphabet does not survive that, here as at the service. */
static char *decode(const char *at, size_t len, bool *ret_broken)
{
	char *text = malloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; text != NULL && i < len; i++) {
		int high = at[i] == '%' && i + 2 < len ? hex_of(at[i + 1]) : -1;
		int low = high >= 0 ? hex_of(at[i + 2]) : -1;

		if (at[i] == '%' && (low < 0 || high * 16 + low == 0)) {
			*ret_broken = true;
			break;
		}
		text[n++] = at[i] == '+' ? ' ' : low >= 0 ? (char)(high * 16 + low) : at[i];
		i += low >= 0 ? 2 : 0;
	}
	if (text != NULL)
		text[n] = '\0';
	return text;
}

static void read_parameter(struct parameters *p, const char *at, size_t len)
{
	const struct {
		const char *name;
		char **value;
	} known[] = { { "sdkappid", &p->sdkappid },
		          { "identifier", &p->identifier },
		          { "usersig", &p->usersig },
		          { "random", &p->random },
		          { "contenttype", &p->contenttype } };
	const char *equals = memchr(at, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - at) : len;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != name_len || memcmp(known[i].name, at, name_len) != 0)
			continue;
		if (*known[i].value != NULL)
			p->twice = true;
		else if (equals != NULL)
			*known[i].value = decode(equals + 1, len - name_len - 1, &p->broken);
	}
}

struct call *call_new(const char *target)
{
	struct call *c = strlen(target) <= CALL_TARGET_MAX ? calloc(1, sizeof(*c)) : NULL;
	const char *at;

	if (c == NULL)
		return NULL;
	c->command = COMMAND_OTHER;
	buf_init(&c->body, CALL_BODY_MAX);
	buf_init(&c->answer, CALL_ANSWER_MAX);
	c->target = strdup(target);
	c->path = strndup(target, strcspn(target, "?"));
	if (c->target == NULL || c->path == NULL) {
		call_free(c);
		return NULL;
	}
	at = target + strlen(c->path);
	while (*at != '\0') {
		size_t len = strcspn(++at, "&");
		read_parameter(&c->parameters, at, len);
		at += len;
	}
	return c;
}

void call_free(struct call *c)
{
	if (c == NULL)
		return;
	json_free(c->json);
	buf_done(&c->body);
	buf_done(&c->answer);
	free(c->parameters.sdkappid);
	free(c->parameters.identifier);
	free(c->parameters.usersig);
	free(c->parameters.random);
	free(c->parameters.contenttype);
	free(c->path);
	free(c->target);
	free(c);
}

void call_refuse(struct call *c, int code, const char *fmt, ...)
{
	struct json_out o = { .buf = &c->answer };
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	c->code = code;
	buf_reset(&c->answer);
	json_open(&o, NULL, '{');
	json_put_text(&o, "ActionStatus", "FAIL");
	json_put_text(&o, "ErrorInfo", what);
	json_put_int(&o, "ErrorCode", code);
	json_close(&o, '}');
}

void call_answer_begin(struct call *c, struct json_out *o, const struct style *style)
{
	c->code = 0;
	buf_reset(&c->answer);
	json_open(o, NULL, '{');
	if ((style->absent & FIELD_BIT(ACTION_STATUS)) == 0)
		json_put_text(o, "ActionStatus", "OK");
	if ((style->absent & FIELD_BIT(ERROR_INFO)) == 0)
		json_put_text(o, "ErrorInfo", style->error_info);
	json_put_int(o, "ErrorCode", 0);
	if (style->extra) {
		json_put_text(o, "ErrorDisplay", "");
		json_put_text(o, "RequestId", "Id-0123456789abcdef0123456789abcdef-O-Seq-1");
	}
}
