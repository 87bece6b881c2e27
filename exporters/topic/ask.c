#include "exporters/topic/inside.h"

/* A JSON string, RFC 8259 7. Bytes above 0x7f pass: what the configuration holds is UTF-8. */
static void add_string(struct buf *out, const char *text)
{
	buf_str(out, "\"");
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			buf_fmt(out, "\\%c", c);
		else if (c < 0x20)
			buf_fmt(out, "\\u%04x", c);
		else
			buf_add(out, text, 1);
	}
	buf_str(out, "\"");
}

void ask_open(struct buf *out, const struct topic_question *q)
{
	buf_str(out, "{\"GroupId\":");
	add_string(out, q->community);
	buf_str(out, ",\"From_Account\":");
	add_string(out, q->account);
}

void ask_topics(struct buf *out, const struct asked *a)
{
	for (size_t i = a->from; i < a->to; i++) {
		buf_str(out, i == a->from ? ",\"TopicIdList\":[" : ",");
		add_string(out, asked_id(a, i));
	}
	if (a->to > a->from)
		buf_str(out, "]");
}

void ask_filter(struct buf *out, const char *const *field, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i == 0 ? ",\"ResponseFilter\":[" : ",");
		add_string(out, field[i]);
	}
	if (n > 0)
		buf_str(out, "]");
}

void ask_close(struct buf *out)
{
	buf_str(out, "}");
}

void topic_ask(struct buf *out, const struct topic_question *q)
{
	const struct asked all = { .named = q->topics, .n = q->topic_n, .to = q->topic_n };

	ask_open(out, q);
	ask_topics(out, &all);
	ask_close(out);
}
