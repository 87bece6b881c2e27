#include "exporters/topic/topic.h"

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

void topic_ask(struct buf *out, const struct topic_question *q)
{
	buf_str(out, "{\"GroupId\":");
	add_string(out, q->community);
	buf_str(out, ",\"From_Account\":");
	add_string(out, q->account);
	for (size_t i = 0; i < q->topic_n; i++) {
		buf_str(out, i == 0 ? ",\"TopicIdList\":[" : ",");
		add_string(out, q->topics[i]);
	}
	buf_str(out, q->topic_n > 0 ? "]}" : "}");
}
