#include <stdlib.h>

#include "exporters/web/inside.h"

/* MHD wants a signed length with two special values. */
static ssize_t on_block(void *arg, uint64_t pos, char *at, size_t room)
{
	const struct web_stream *s = arg;
	const size_t n = s->next(s->arg, at, room < BLOCK ? room : BLOCK);

	(void)pos;
	if (n == WEB_BROKEN)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_end(void *arg)
{
	struct web_stream *s = arg;

	s->close(s->arg);
	free(s);
}

/* MHD ends an unknown size with a last chunk even where the answer to a HEAD has no body, and what the client
 * takes for the next answer begins with it. Without chunks there is none, but the connection ends. */
static bool drop_chunks(struct MHD_Response *r)
{
	return MHD_set_response_options(r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END) == MHD_YES;
}

static struct MHD_Response *make_streamed(const struct web_stream *stream, bool head)
{
	struct web_stream *s = malloc(sizeof(*s));
	struct MHD_Response *r = NULL;

	if (s != NULL) {
		*s = *stream;
		r = MHD_create_response_from_callback(s->size >= 0 ? (uint64_t)s->size : MHD_SIZE_UNKNOWN, BLOCK,
		                                      on_block, s, on_end);
	}
	if (r == NULL) {
		stream->close(stream->arg);
		free(s);
	} else if (head && stream->size < 0 && !drop_chunks(r)) {
		MHD_destroy_response(r); /* closes the stream */
		r = NULL;
	}
	return r;
}

static struct MHD_Response *make_whole(struct buf *body)
{
	struct MHD_Response *r;
	size_t len = 0;
	char *at;

	if (body->status != ERR_OK)
		return NULL;
	at = buf_take(body, &len);
	if (at == NULL)
		return NULL;
	r = MHD_create_response_from_buffer(len, at, MHD_RESPMEM_MUST_FREE);
	if (r == NULL)
		free(at);
	return r;
}

static bool add(struct MHD_Response *r, const char *name, const char *value)
{
	return value == NULL || MHD_add_response_header(r, name, value) == MHD_YES;
}

/* What a body that a browser takes for a page may do: nothing, or what our own pages do. No script or style
 * stands in the page itself, so none that somebody smuggled in there is obeyed. */
#define CSP_NOTHING "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define CSP_PAGE                                                                                          \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/* Without TLS browsers take no opener policy, and say so in their console. */
static const char *opener_policy(const struct call *call, const struct web_reply *reply)
{
	return reply->page && call->guest->hall->cert != NULL ? "same-origin" : NULL;
}

static bool add_heads(struct MHD_Response *r, const struct call *call, const struct web_reply *reply,
                      const struct manner *how)
{
	char seconds[16] = "";
	struct buf b;

	buf_wrap(&b, seconds, sizeof(seconds));
	if (reply->retry_after_s > 0)
		buf_fmt(&b, "%d", reply->retry_after_s);
	return add(r, "Content-Type", reply->type) && add(r, "X-Content-Type-Options", "nosniff") &&
	       add(r, "Cache-Control", reply->etag != NULL ? "no-cache" : "no-store") &&
	       add(r, "ETag", reply->etag) &&
	       add(r, "Content-Security-Policy", reply->page ? CSP_PAGE : CSP_NOTHING) &&
	       add(r, "Referrer-Policy", reply->page ? "no-referrer" : NULL) &&
	       add(r, "Cross-Origin-Opener-Policy", opener_policy(call, reply)) &&
	       add(r, "X-Frame-Options", "DENY") && add(r, "Content-Encoding", reply->encoding) &&
	       add(r, "Vary", reply->vary) &&
	       add(r, "Retry-After", reply->retry_after_s > 0 ? buf_text(&b) : NULL) &&
	       add(r, "Allow", how->allow) && add(r, "WWW-Authenticate", how->challenge) &&
	       add(r, "Connection", how->close ? "close" : NULL);
}

enum MHD_Result answer_send(const struct call *call, struct web_reply *reply, const struct manner *how)
{
	const bool streamed = reply->stream.next != NULL;
	struct MHD_Response *r;
	enum MHD_Result done = MHD_NO;

	if (streamed && call->http10 && !call->head && reply->stream.size < 0) {
		/* HTTP/1.0 has no chunks: the end of a body of unknown size looks like a broken connection. */
		reply->stream.close(reply->stream.arg);
		buf_done(&reply->body);
		return MHD_NO;
	}
	r = streamed ? make_streamed(&reply->stream, call->head) : make_whole(&reply->body);
	buf_done(&reply->body);
	if (r == NULL)
		return MHD_NO;
	if (add_heads(r, call, reply, how))
		done = MHD_queue_response(call->c, reply->status, r);
	MHD_destroy_response(r);
	return done;
}
