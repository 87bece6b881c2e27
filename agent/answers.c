/* Where the listener meets the store: one function a route. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/daemon.h"
#include "agent/reload.h"
#include "agent/version.h"
#include "exporters/exposition/exposition.h"
#include "exporters/pages/pack.h"

enum {
	FIELD_MAX = 16 << 10, /* no head is longer */
	CROWD = 8,            /* bodies at once; usual are one or two */
	CALM_MS = 10000,
};

/* One body under way. */
struct scrape {
	struct daemon *daemon;
	struct exposition *exposition;
};

static size_t scrape_next(void *arg, char *at, size_t room)
{
	struct scrape *s = arg;

	return exposition_next(s->exposition, at, room);
}

static void note_crowd(struct daemon *d)
{
	if (d->scrapes >= CROWD)
		d->crowd_ms = d->now.mono_ms;
}

/* Bodies that many readers hold for long pin the facts of many moments. Afterwards their memory is free, but
 * in pieces between facts that stay, where the C library keeps it unless it is told. A little later, since
 * polls that come meanwhile take some of the pieces. */
void answers_turn(struct daemon *d)
{
	if (d->crowd_ms == 0 || d->now.mono_ms - d->crowd_ms < CALM_MS)
		return;
	d->crowd_ms = 0;
	(void)malloc_trim(0);
}

static void scrape_close(void *arg)
{
	struct scrape *s = arg;
	struct daemon *d = s->daemon;

	note_crowd(d);
	d->scrapes--;
	figures_scraped(d, s->exposition);
	exposition_close(s->exposition);
	free(s);
}

static void refuse(struct web_reply *reply, const char *text)
{
	reply->status = 503;
	reply->type = "text/plain; charset=utf-8";
	reply->retry_after_s = 1;
	buf_str(&reply->body, text);
}

/* ---- what a request asks for ---- */
struct asking {
	const struct daemon *daemon;
	struct exposition_want want;
	enum err err;
	struct why why; /* of the first that is wrong */
};

static void ask_pair(void *arg, const char *key, const char *value)
{
	struct asking *a = arg;

	if (a->err == ERR_OK)
		a->err =
			exposition_query(&a->want, key, value, a->daemon->app_name, a->daemon->roster->app_n, &a->why);
}

struct exposition_type answers_type(const struct web_request *q)
{
	char text[FIELD_MAX];
	struct buf accept;

	buf_wrap(&accept, text, sizeof(text));
	web_headers(q, "Accept", &accept);
	return exposition_accept(buf_view(&accept));
}

/* HTTP/1.0 needs the length in front, and that of a compressed body is known at its end. */
enum coding answers_coding(const struct web_request *q)
{
	char text[FIELD_MAX];
	struct buf accept;

	if (q->http10)
		return CODING_IDENTITY;
	buf_wrap(&accept, text, sizeof(text));
	web_headers(q, "Accept-Encoding", &accept);
	return exposition_coding(buf_view(&accept));
}

bool answers_full(const struct daemon *d)
{
	return d->conf->max_requests > 0 && d->scrapes >= d->conf->max_requests;
}

static void read_request(const struct daemon *d, const struct web_request *q, struct asking *ret)
{
	*ret = (struct asking){ .daemon = d, .want = exposition_everything(&d->metrics) };
	ret->want.type = answers_type(q);
	ret->want.coding = answers_coding(q);
	web_queries(q, ask_pair, ret);
}

static enum err scrape_open(struct daemon *d, const struct exposition_want *want, struct scrape **ret)
{
	struct exposition_parts parts = {
		.want = *want,
		.app = d->app_health,
		.app_n = d->roster->app_n,
		.exporter = &d->exporter,
		.cache = d->cache,
	};
	struct scrape *s = calloc(1, sizeof(*s));
	enum err e = ERR_MEMORY;

	if (s == NULL)
		return ERR_MEMORY;
	s->daemon = d;
	e = daemon_look(d, &parts.pin);
	if (e == ERR_OK)
		e = exposition_open(&parts, &s->exposition);
	if (e != ERR_OK) {
		free(s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

void answer_metrics(void *arg, const struct web_request *q, struct web_reply *reply)
{
	struct daemon *d = arg;
	struct asking a;
	struct scrape *s;

	read_request(d, q, &a);
	if (a.err != ERR_OK) {
		reply->status = 400;
		buf_fmt(&reply->body, "%s\n", a.why.text);
		return;
	}
	if (answers_full(d)) {
		refuse(reply, "too many scrapes at once, try again in a second\n");
		return;
	}
	if (scrape_open(d, &a.want, &s) != ERR_OK) {
		refuse(reply, "out of memory, try again in a second\n");
		return;
	}
	d->scrapes++;
	note_crowd(d);
	reply->type = exposition_type_text(a.want.type);
	reply->encoding = exposition_coding_text(a.want.coding);
	reply->vary = "Accept, Accept-Encoding";
	reply->within_s = web_header_seconds(q, "X-Prometheus-Scrape-Timeout-Seconds"); /* then nobody reads on */
	reply->stream = (struct web_stream){
		.next = scrape_next,
		.close = scrape_close,
		.arg = s,
		.size = q->http10 ? exposition_measure(s->exposition) : WEB_SIZE_UNKNOWN,
	};
}

typedef void page(const struct page_state *s, struct web_reply *reply);

static void answer_page(struct daemon *d, page *make, struct web_reply *reply)
{
	struct why unready = { 0 }, unwell = { 0 };
	struct pin *pin;
	struct page_state s = {
		.version = version_program(),
		.telemetry_path = d->fixed.telemetry_path,
		.app = d->page_app,
		.app_n = d->page_app_n,
	};

	if (daemon_look(d, &pin) != ERR_OK) {
		refuse(reply, "out of memory, try again in a second\n");
		return;
	}
	s.unready = daemon_unready(d, &unready);
	s.unwell = daemon_unwell(d, &unwell);
	make(&s, reply);
	store_unpin(pin);
}

void answer_landing(void *arg, const struct web_request *q, struct web_reply *reply)
{
	reply->vary = "Accept-Encoding";
	answer_page(arg, page_landing, reply);
	pack_body(q, reply);
}

void answer_healthy(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)q;
	answer_page(arg, page_healthy, reply);
}

/* A page that a browser has open could send a POST as well, but not without one of these. */
static bool is_foreign(const struct web_request *q)
{
	const char *site = web_header(q, "Sec-Fetch-Site");

	return web_header(q, "Origin") != NULL ||
	       (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0);
}

void answer_reload(void *arg, const struct web_request *q, struct web_reply *reply)
{
	struct daemon *d = arg;

	if (!d->conf->enable_lifecycle) {
		reply->status = 403;
		buf_str(&reply->body, "reload over HTTP is off; start with --web.enable-lifecycle or set "
		                      "web.enable_lifecycle, or send SIGHUP\n");
	} else if (is_foreign(q)) {
		reply->status = 403;
		buf_str(&reply->body, "a reload is not for web pages\n");
	} else if (reload(d, &reply->body) != ERR_OK) {
		reply->status = 500;
	}
}

void answer_ready(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)q;
	answer_page(arg, page_ready, reply);
}
