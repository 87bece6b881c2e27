#include "agent/fetch/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/fetch/inside.h"

enum {
	QUESTION_MAX = 2 << 20,
	KEEP_BYTES = 256 << 10, /* a larger body's memory is given back */
	SHORT_MS = 20,
	CONNECTION_LIFE_S = 600, /* certificates are checked at connect time only */
	CONNECTION_IDLE_S = 30,
};

/* ---- slots ---- */
static void slot_drop(struct slot *s)
{
	curl_easy_cleanup(s->easy);
	s->easy = NULL;
	s->own_ca = false;
}

static bool slot_ready(struct slot *s)
{
	if (s->easy != NULL)
		return true;
	s->easy = curl_easy_init();
	if (s->easy == NULL)
		return false;
	if (options_fixed(s) == CURLE_OK)
		return true;
	slot_drop(s);
	return false;
}

/* Its call ended, whether libcurl saw it or not. */
static void slot_finish(struct fetch *f, struct slot *s)
{
	s->next = f->finished;
	f->finished = s;
	f->inflight--;
	if (s->place != NULL)
		s->place->users--;
}

static void slot_fail(struct fetch *f, struct slot *s, enum err e, const char *text)
{
	s->err = e;
	(void)snprintf(s->text, sizeof(s->text), "%s", text != NULL && text[0] != '\0' ? text : err_text(e));
	slot_finish(f, s);
}

static void slot_release(struct fetch *f, struct slot *s)
{
	f->total -= s->body.len;
	if (s->body.cap > KEEP_BYTES)
		buf_done(&s->body);
	buf_reset(&s->body);
	s->next = f->free;
	f->free = s;
}

/* ---- life ---- */
static bool slot_add(struct fetch *f)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return false;
	s->fetch = f;
	buf_init(&s->question, QUESTION_MAX);
	buf_init(&s->body, f->conf.max_reply + 1);
	s->next = f->free;
	f->free = s;
	f->slot[f->conf.max_inflight++] = s;
	return true;
}

/* Slots that were made before memory ran out are used as well. */
enum err fetch_reserve(struct fetch *f, unsigned max_inflight)
{
	struct slot **more;

	if (max_inflight <= f->conf.max_inflight)
		return ERR_OK;
	more = reallocarray(f->slot, max_inflight, sizeof(more[0]));
	if (more == NULL)
		return ERR_MEMORY;
	f->slot = more;
	while (f->conf.max_inflight < max_inflight)
		if (!slot_add(f))
			return ERR_MEMORY;
	return options_multi(f) ? ERR_OK : ERR_MEMORY;
}

void fetch_timeout(struct fetch *f, long timeout_ms)
{
	f->conf.timeout_ms = timeout_ms;
}

enum err fetch_new(const struct fetch_conf *c, struct fetch **ret)
{
	struct fetch *f = calloc(1, sizeof(*f));
	struct curl_slist *more;

	if (f == NULL)
		return ERR_MEMORY;
	f->conf = *c;
	f->conf.user_agent = NULL;
	if (f->conf.connection_life_s == 0)
		f->conf.connection_life_s = CONNECTION_LIFE_S;
	if (f->conf.connection_idle_s == 0)
		f->conf.connection_idle_s = CONNECTION_IDLE_S;
	(void)unsetenv("SSLKEYLOGFILE"); /* libcurl would write the TLS secrets there */
	if (memory_init() != CURLE_OK) {
		free(f);
		return ERR_SYSTEM;
	}
	f->conf.user_agent = strdup(c->user_agent);
	f->multi = curl_multi_init();
	f->conf.max_inflight = 0; /* so far */
	f->headers = curl_slist_append(NULL, "Content-Type: application/json");
	more = f->headers != NULL ? curl_slist_append(f->headers, "Expect:") : NULL;
	if (f->conf.user_agent == NULL || f->multi == NULL || more == NULL ||
	    fetch_reserve(f, c->max_inflight) != ERR_OK) {
		fetch_free(f);
		return ERR_MEMORY;
	}
	*ret = f;
	return ERR_OK;
}

void fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < f->conf.max_inflight; i++) {
		struct slot *s = f->slot[i];

		if (s->easy != NULL) {
			(void)curl_multi_remove_handle(f->multi, s->easy);
			curl_easy_cleanup(s->easy);
		}
		attempts_settle(s, "");
		buf_done(&s->question);
		buf_done(&s->body);
		free(s);
	}
	places_done(f);
	if (f->multi != NULL)
		(void)curl_multi_cleanup(f->multi);
	curl_slist_free_all(f->headers);
	free(f->slot);
	free((char *)f->conf.user_agent);
	free(f);
	curl_global_cleanup();
}

const char *fetch_library(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}

/* ---- calls begin ---- */
bool fetch_room(const struct fetch *f)
{
	return f->free != NULL;
}

unsigned fetch_inflight(const struct fetch *f)
{
	return f->inflight;
}

/* libcurl speaks to proxies of other kinds as well, with passwords and over TLS of its own. */
static bool urls_fine(const struct ask *a)
{
	if (ask_proxied(a) && (strncmp(a->proxy, "http://", 7) != 0 || strchr(a->proxy, '@') != NULL))
		return false;
	return strncasecmp(a->url, "https://", 8) == 0 || strcmp(options_protocol(a), "http") == 0;
}

static void begin(struct fetch *f, struct slot *s)
{
	s->attempt_n = 0;
	s->stale = false;
	if (options_begin(s) != CURLE_OK || curl_multi_add_handle(f->multi, s->easy) != CURLM_OK)
		slot_fail(f, s, ERR_LOCAL_RESOURCE, NULL);
	else
		s->started = true;
}

/* Begins the call when its host has an address, lets it wait for one, or ends it. */
static void begin_or_wait(struct fetch *f, struct slot *s)
{
	struct place *p = s->place;

	if (p != NULL)
		place_refresh(f, p, s->asked_ms);
	if (p == NULL || place_known(p, s->asked_ms)) {
		begin(f, s);
	} else if (p->lookup != NULL) {
		s->since_us = p->lookup_us;
		s->next = f->waiting;
		f->waiting = s;
	} else {
		slot_fail(f, s, p->err, p->fault);
	}
}

enum err fetch_send(struct fetch *f, const struct ask *a)
{
	struct slot *s = f->free;
	enum err e;

	if (s == NULL)
		return ERR_LIMIT;
	buf_reset(&s->question);
	buf_add(&s->question, a->body, a->len);
	if (s->question.status != ERR_OK || !slot_ready(s))
		return ERR_MEMORY;
	s->target = a->target;
	s->asked_ms = a->mono_ms;
	s->bytes = 0;
	s->head_len = 0;
	s->sent = 0;
	s->written = a->written;
	s->since_us = s->named_us = s->waited_us = 0;
	s->started = false;
	s->place = NULL;
	s->err = ERR_OK;
	s->text[0] = '\0';
	if (options_call(s, a) != CURLE_OK) { /* half of its options are no state to go on with */
		slot_drop(s);
		return ERR_MEMORY;
	}
	s->in_head = false;
	s->refused = memory_refused();
	e = urls_fine(a) ? place_find(f, a, &s->place) : ERR_CONNECT;
	if (e == ERR_MEMORY)
		return ERR_MEMORY;
	f->free = s->next;
	s->next = NULL;
	f->inflight++;
	if (s->place != NULL)
		s->place->users++;
	if (e == ERR_OK)
		begin_or_wait(f, s);
	else if (e == ERR_CONNECT)
		slot_fail(f, s, e, "no https URL of a host, or no http URL of a proxy");
	else
		slot_fail(f, s, ERR_LOCAL_RESOURCE, "too many host names at a time");
	return ERR_OK;
}

/* ---- calls end ---- */
static int64_t spent_us(const struct slot *s)
{
	curl_off_t us = 0;

	(void)curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &us);
	return s->waited_us + (int64_t)us;
}

/* Nothing was said on the connection that was turned down, and it is closed: at worst as many of them follow
 * as are kept. */
static void begin_again(struct fetch *f, struct slot *s)
{
	struct place *p = s->place;

	s->waited_us = spent_us(s);
	s->text[0] = '\0';
	if (place_known(p, s->asked_ms))
		begin(f, s);
	else
		slot_fail(f, s, p->err, p->fault);
}

static void end_call(struct fetch *f, struct slot *s, CURLcode code)
{
	const char *address = NULL;

	s->code = code;
	attempts_settle(s, "");
	if (s->place != NULL)
		attempts_judge(s, reason_of(s, 200), s->asked_ms > 0 ? s->asked_ms + spent_us(s) / 1000 : 0);
	if (s->place != NULL && code == CURLE_OK &&
	    curl_easy_getinfo(s->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != NULL)
		place_good(s->place, address, s->asked_ms);
	slot_finish(f, s);
}

/* Calls that wait for a name go on when it is known, and end when it never will be or not in time. The age of
 * the look-up is their clock: rooms read none. */
static void serve_waiting(struct fetch *f)
{
	const int64_t patience_us =
		(f->conf.timeout_ms < CONNECT_MS ? f->conf.timeout_ms : CONNECT_MS) * INT64_C(1000);
	struct slot *s = f->waiting, *next;

	places_age(f);
	f->waiting = NULL;
	for (; s != NULL; s = next) {
		struct place *p = s->place;

		next = s->next;
		s->named_us = s->waited_us = p->lookup_us - s->since_us;
		if (p->lookup != NULL && s->waited_us < patience_us) {
			s->next = f->waiting;
			f->waiting = s;
		} else if (p->lookup == NULL && place_known(p, s->asked_ms)) {
			begin(f, s);
		} else if (p->lookup == NULL) {
			slot_fail(f, s, p->err, p->fault);
		} else {
			slot_fail(f, s, ERR_DNS, "the host name does not resolve in time");
		}
	}
}

static void collect(struct fetch *f)
{
	int running, left;
	CURLMsg *m;

	f->restless = false;
	(void)curl_multi_perform(f->multi, &running);
	while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
		const CURLcode code = m->data.result;
		CURL *easy = m->easy_handle;
		struct slot *s = NULL;

		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s) != CURLE_OK)
			continue;
		if (s == NULL) {
			place_ended(f, easy, code);
			continue;
		}
		(void)curl_multi_remove_handle(f->multi, easy); /* frees `m` */
		if (s->stale)
			begin_again(f, s);
		else
			end_call(f, s, code);
	}
	serve_waiting(f);
}

bool fetch_take(struct fetch *f, struct reply *ret)
{
	struct slot *s;

	if (f->lent != NULL)
		slot_release(f, f->lent);
	f->lent = NULL;
	if (f->finished == NULL)
		collect(f);
	s = f->finished;
	if (s == NULL)
		return false;
	f->finished = s->next;
	f->lent = s;
	reason_fill(s, ret);
	ret->body = (char *)buf_text(&s->body); /* its own byte for the NUL was reserved */
	if (s->body.status != ERR_OK)
		ret->err = err_because(&ret->why, ERR_LOCAL_RESOURCE, "%s", err_text(ERR_LOCAL_RESOURCE));
	return true;
}

enum err fetch_wait(struct fetch *f, const int *fds, size_t n, int64_t wait_ms)
{
	struct curl_waitfd extra[FETCH_FDS_MAX];
	struct pollfd bare[FETCH_FDS_MAX];
	CURLMcode code;

	if (n > FETCH_FDS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++) {
		extra[i] = (struct curl_waitfd){ .fd = fds[i], .events = CURL_WAIT_POLLIN };
		bare[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	}
	if (f->finished != NULL || f->restless || f->wrote || wait_ms < 0)
		wait_ms = 0;
	f->wrote = false;
	/* libcurl 7.88 goes on from an address that failed to the next one only when it is driven again, and may
	 * miss by a fraction of a millisecond that the share of time of a silent one is over. It would sleep on
	 * until there is no time left for the others. */
	if (f->connecting > 0 && wait_ms > SHORT_MS)
		wait_ms = SHORT_MS;
	if (wait_ms > 60000)
		wait_ms = 60000;
	code = curl_multi_poll(f->multi, extra, (unsigned)n, (int)wait_ms, NULL);
	if (code != CURLM_OUT_OF_MEMORY)
		return code == CURLM_OK ? ERR_OK : ERR_SYSTEM;
	/* It lists more than ten descriptors in memory of its own. Without it transfers are looked at again soon.
	 */
	if (poll(bare, n, wait_ms < SHORT_MS ? (int)wait_ms : SHORT_MS) < 0 && errno != EINTR)
		return ERR_SYSTEM;
	return ERR_OK;
}
