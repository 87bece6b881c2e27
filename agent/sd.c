/* /sd: what a job of Prometheus needs to probe every community. Written while it is sent, from the roster as
 * it is then: whoever comes or goes meanwhile may be in it or not. */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon.h"
#include "exporters/pages/sd.h"

enum { ENTRY_MAX = 1 << 20, ADDRESS_MAX = 300 };

struct sd {
	struct daemon *daemon;
	int app; /* EXPOSITION_EVERY_APP, or the only one */
	size_t slot;
	bool begun, entries, ended;
	struct buf text; /* the latest piece, */
	size_t sent;     /* of which so much is gone */
	char address[ADDRESS_MAX];
};

static void write_entry(struct sd *s, const struct member *m)
{
	const struct conf_app *app = s->daemon->roster->app[m->app].conf;
	const struct sd_community c = {
		.address = s->address,
		.app = app->name,
		.id = m->id,
		.name = m->conf->name[0] != '\0' ? m->conf->name : NULL,
		.sdk_app_id = (uint64_t)app->sdkappid,
	};

	buf_str(&s->text, s->entries ? ",\n" : "\n");
	sd_begin(&s->text, &c);
	for (size_t i = 0; i < m->conf->label_n; i++)
		sd_label(&s->text, m->conf->labels[i].key, m->conf->labels[i].value);
	sd_end(&s->text);
	s->entries = true;
}

static const struct member *next_member(struct sd *s)
{
	const struct roster *r = s->daemon->roster;

	while (s->slot < r->slots) {
		const struct member *m = r->member[s->slot++];

		if (m != NULL && (s->app == EXPOSITION_EVERY_APP || (size_t)s->app == m->app))
			return m;
	}
	return NULL;
}

/* False: that was all. */
static bool write_piece(struct sd *s)
{
	const struct member *m;

	buf_reset(&s->text);
	s->sent = 0;
	if (!s->begun) {
		s->begun = true;
		buf_str(&s->text, "[");
		return true;
	}
	m = next_member(s);
	if (m != NULL) {
		write_entry(s, m);
		return true;
	}
	if (s->ended)
		return false;
	s->ended = true;
	buf_str(&s->text, "\n]\n");
	return true;
}

static size_t sd_next(void *arg, char *at, size_t room)
{
	struct sd *s = arg;
	size_t n = 0;

	while (n < room) {
		size_t len;

		if (s->sent == s->text.len && !write_piece(s))
			break;
		if (s->text.status != ERR_OK)
			return WEB_BROKEN;
		len = s->text.len - s->sent < room - n ? s->text.len - s->sent : room - n;
		memcpy(at + n, s->text.at + s->sent, len);
		s->sent += len;
		n += len;
	}
	return n;
}

static void sd_close(void *arg)
{
	struct sd *s = arg;

	s->daemon->scrapes--;
	buf_done(&s->text);
	free(s);
}

static int64_t measure(struct sd *s)
{
	int64_t sum = 0;

	while (write_piece(s))
		sum += (int64_t)s->text.len;
	s->slot = 0;
	s->begun = s->entries = s->ended = false;
	return sum;
}

/* What the reader calls this program, when it is an address and nothing else; else where it listens. */
static bool read_address(struct sd *s, const struct web_request *q)
{
	const char *host = web_header(q, "Host");
	struct buf b;

	buf_wrap(&b, s->address, sizeof(s->address));
	buf_str(&b, host != NULL && sd_is_address(host) ? host : web_address(s->daemon->web, 0));
	return b.status == ERR_OK && buf_text(&b) == s->address;
}

struct asking {
	struct sd *sd;
	bool unknown;
};

static void note_pair(void *arg, const char *key, const char *value)
{
	struct asking *a = arg;
	const struct daemon *d = a->sd->daemon;

	if (strcmp(key, "app") != 0)
		return;
	a->unknown = true;
	for (size_t i = 0; i < d->roster->app_n; i++)
		if (d->app_name[i] != NULL && strcmp(d->app_name[i], value) == 0) {
			a->unknown = a->sd->app != EXPOSITION_EVERY_APP;
			a->sd->app = (int)i;
			return;
		}
}

static void refuse(struct web_reply *reply, unsigned status, const char *text)
{
	reply->status = status;
	reply->retry_after_s = status == 503 ? 1 : 0;
	buf_str(&reply->body, text);
}

void answer_sd(void *arg, const struct web_request *q, struct web_reply *reply)
{
	struct daemon *d = arg;
	struct sd *s = answers_full(d) || !status_may_list(d) ? NULL : calloc(1, sizeof(*s));
	struct asking a = { .sd = s };

	if (s == NULL) {
		refuse(reply, 503, "busy, try again in a second\n");
		return;
	}
	*s = (struct sd){ .daemon = d, .app = EXPOSITION_EVERY_APP };
	buf_init(&s->text, ENTRY_MAX);
	web_queries(q, note_pair, &a);
	d->scrapes++;
	if (a.unknown || !read_address(s, q)) {
		sd_close(s);
		refuse(reply, a.unknown ? 400 : 503,
		       a.unknown ? "app= must be the name of one configured app\n" : "busy, try again in a second\n");
		return;
	}
	reply->type = "application/json";
	reply->stream = (struct web_stream){
		.next = sd_next, .close = sd_close, .arg = s, .size = q->http10 ? measure(s) : WEB_SIZE_UNKNOWN
	};
}
