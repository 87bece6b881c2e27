/* Answers that come later. MHD watches no connection that is suspended, so that its reader may go unseen: a
 * look at the socket at every tick tells. */
#include <poll.h>
#include <stdlib.h>

#include "exporters/web/inside.h"

void web_reply_init(struct web_reply *reply)
{
	*reply = (struct web_reply){ .status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8" };
	buf_init(&reply->body, BODY_MAX);
}

void reply_done(struct web_reply *reply)
{
	if (reply->stream.next != NULL)
		reply->stream.close(reply->stream.arg);
	buf_done(&reply->body);
}

struct web_later *web_later(const struct web_request *q, void (*gone)(void *arg), void *arg)
{
	struct call *call = q->inside;

	call->later = calloc(1, sizeof(*call->later));
	if (call->later != NULL)
		*call->later = (struct web_later){ .call = call, .gone = gone, .arg = arg };
	return call->later;
}

void web_later_answer(struct web_later *l, struct web_reply *reply)
{
	struct guest *g = l->call->guest;

	l->reply = *reply;
	l->answered = true;
	if (g->waiting != l->call) /* still inside of its answer function */
		return;
	guest_expect_end(l->call->web, g, reply->within_s);
	g->waiting = NULL;
	MHD_resume_connection(l->call->c);
}

void later_wait(struct call *call)
{
	call->put_off = true;
	call->guest->waiting = call;
	MHD_suspend_connection(call->c);
}

bool later_take(struct call *call, struct web_reply *ret)
{
	struct web_later *l = call->later;

	if (l == NULL || !l->answered)
		return false;
	*ret = l->reply;
	call->later = NULL;
	free(l);
	return true;
}

void later_leave(struct call *call)
{
	struct web_later *l = call->later;

	if (l == NULL)
		return;
	call->later = NULL;
	if (l->answered)
		reply_done(&l->reply);
	else
		l->gone(l->arg);
	free(l);
}

/* A reader who only says that he will ask nothing more is taken for one who left, as proxies do. */
bool later_is_left(const struct call *call)
{
	struct pollfd p = { .fd = call->guest->fd, .events = POLLRDHUP };

	return call->later != NULL && poll(&p, 1, 0) > 0;
}
