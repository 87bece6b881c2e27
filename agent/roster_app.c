#include "agent/roster_app.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum {
	LABELS_MAX = 64 << 10,
	LIST_MILLI_PER_S = 800, /* one page in 1.25 s; the service takes one a second */
};

uint64_t roster_key(int64_t sdkappid, const char *community)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	uint64_t key = 0;
	char text[192];
	struct buf b;

	buf_wrap(&b, text, sizeof(text)); /* an id has at most 96 bytes */
	buf_fmt(&b, "%lld/%s", (long long)sdkappid, community);
	(void)SHA256((const unsigned char *)text, b.len, digest);
	for (int i = 0; i < 8; i++)
		key = key << 8 | digest[i];
	return key;
}

static enum err take_labels(struct buf *b, struct span *ret)
{
	size_t len;
	char *text = buf_take(b, &len);

	if (text == NULL)
		return ERR_MEMORY;
	*ret = (struct span){ text, len };
	return ERR_OK;
}

static enum err fill_app(struct roster *r, size_t a, uint64_t seed)
{
	const struct conf_app *c = &r->conf->app[a];
	const char *host = strstr(c->host, "://");
	char id[32];
	struct buf number, b;
	enum err e;

	r->app[a] = (struct poller_app){
		.host = c->host,
		.admin = c->identifier,
		.ca_file = c->ca_file,
		.sdk_app_id = (uint64_t)c->sdkappid,
		.proxy = c->proxy,
		.milli_per_s = {
			[CHAT_GET_TOPIC] = (int64_t)(c->budget * 1000.0 + 0.5),
			[CHAT_GET_APPID_GROUP_LIST] = LIST_MILLI_PER_S,
		},
		.max_inflight = (unsigned)r->conf->max_inflight,
	};
	buf_wrap(&number, id, sizeof(id));
	buf_fmt(&number, "%lld", (long long)c->sdkappid);
	buf_init(&b, LABELS_MAX);
	label_add(&b, "sdkappid", buf_view(&number), 0);
	e = take_labels(&b, &r->app_labels[a]);
	if (e != ERR_OK)
		return e;
	label_add(&b, "app_name", span_of(c->name), SAMPLE_LABEL_MAX);
	label_add(&b, "api_host", span_of(host != NULL ? host + 3 : c->host), SAMPLE_LABEL_MAX);
	e = take_labels(&b, &r->app_info[a]);
	if (e != ERR_OK)
		return e;
	return signer_new((uint64_t)c->sdkappid, c->identifier, &c->key, c->usersig_ttl_ms / 1000,
	                  seed ^ (uint64_t)c->sdkappid, &r->app[a].signer);
}

static enum err allocate(struct roster *r)
{
	const size_t apps = r->app_n + 1; /* never zero */

	r->app = calloc(apps, sizeof(r->app[0]));
	r->app_labels = calloc(apps, sizeof(r->app_labels[0]));
	r->app_info = calloc(apps, sizeof(r->app_info[0]));
	return r->app != NULL && r->app_labels != NULL && r->app_info != NULL ? ERR_OK : ERR_MEMORY;
}

enum err roster_apps(struct roster *r, uint64_t seed)
{
	enum err e = allocate(r);

	for (size_t a = 0; e == ERR_OK && a < r->app_n; a++)
		e = fill_app(r, a, seed);
	return e;
}

void roster_apps_free(struct roster *r)
{
	for (size_t a = 0; a < r->app_n; a++) {
		if (r->app != NULL)
			signer_free(r->app[a].signer);
		if (r->app_labels != NULL)
			free((char *)r->app_labels[a].at);
		if (r->app_info != NULL)
			free((char *)r->app_info[a].at);
	}
	free(r->app_info);
	free(r->app_labels);
	free(r->app);
}
