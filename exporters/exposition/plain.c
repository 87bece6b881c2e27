#include <string.h>

#include "exporters/exposition/inside.h"

/* Renders the family the cursor stands in until it ends or the buffer is full; true when it ended. A header
 * that no sample followed is taken back. */
static bool render_family(struct exposition *e, struct buf *out)
{
	const enum metric m = (enum metric)e->at.metric;
	const size_t start = out->len;
	size_t head = start;
	bool ended;

	if (!e->at.headed) {
		metric_header(out, m, e->form);
		head = out->len;
	}
	ended = out->status == ERR_OK &&
	        lines_write(&e->view, m, &e->at.at, pin_communities(e->view.pin), out, &e->at.lines);
	if (out->len > head)
		e->at.headed = true;
	else
		out->len = start;
	out->status = ERR_OK; /* a line that did not fit left the length as it was */
	return ended;
}

size_t plain_next(struct exposition *e, char *at, size_t room)
{
	struct buf out;

	buf_wrap(&out, at, room);
	while (e->at.metric < METRIC_COUNT) {
		if (exposition_is_streamed(e) && !render_family(e, &out))
			return out.len;
		exposition_advance(e);
	}
	room -= out.len;
	if (room > e->small.len - e->at.small)
		room = e->small.len - e->at.small;
	buf_add(&out, e->small.at + e->at.small, room);
	e->at.small += room;
	return out.len;
}
