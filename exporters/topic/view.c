/* One topic at a time, for whoever wants no lines. */
#include "exporters/topic/inside.h"

void topic_id(const struct facts *f, size_t i, struct span community, struct buf *out)
{
	const struct topic *t = &f->topic[i];
	const int kind = t->flags & TOPIC_ID_KIND;

	if (kind != ID_WHOLE)
		buf_span(out, community);
	if (kind == ID_AFTER_MARK || kind == ID_MADE)
		buf_str(out, TOPIC_MARK);
	if (kind == ID_MADE)
		buf_str(out, TOPIC_MARK_MADE);
	buf_add(out, f->text + t->id_at, t->id_len);
}

bool topic_named(const struct facts *f, size_t i, struct span *ret)
{
	const struct topic *t = &f->topic[i];

	if ((t->flags & TOPIC_NAMED) == 0)
		return false;
	*ret = topic_name(f, t);
	return true;
}

const char *topic_error(const struct facts *f, size_t i)
{
	const uint8_t row = f->topic[i].error_row;

	return row != 0 ? chat_code(row - 1u)->label : NULL;
}
