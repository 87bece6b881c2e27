/* The SHA-256 that OpenSSL 3 wants instead allocates, and may fail; a key must not. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "agent/roster_app.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "agent/shard.h"

enum {
	LABELS_MAX = 64 << 10,
	LIST_MILLI_PER_S = 800, /* one page in 1.25 s; the service takes one a second */
};

uint64_t roster_key(int64_t sdkappid, const char *community)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	uint64_t key = 0;
	char text[192];
	SHA256_CTX sha;
	struct buf b;

	buf_wrap(&b, text, sizeof(text)); /* an id has at most 96 bytes */
	buf_fmt(&b, "%lld/%s", (long long)sdkappid, community);
	(void)SHA256_Init(&sha);
	(void)SHA256_Update(&sha, text, b.len);
	(void)SHA256_Final(digest, &sha);
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

static int64_t milli(double per_s)
{
	return (int64_t)(per_s * 1000.0 + 0.5);
}

static enum err fill_labels(const struct conf_app *c, struct roster_app *ret)
{
	const char *host = strstr(c->host, "://");
	char id[32];
	struct buf number, b;
	enum err e;

	buf_wrap(&number, id, sizeof(id));
	buf_fmt(&number, "%lld", (long long)c->sdkappid);
	buf_init(&b, LABELS_MAX);
	label_add(&b, "sdkappid", buf_view(&number), 0);
	e = take_labels(&b, &ret->labels);
	if (e != ERR_OK)
		return e;
	label_add(&b, "app_name", span_of(c->name), SAMPLE_LABEL_MAX);
	label_add(&b, "api_host", span_of(host != NULL ? host + 3 : c->host), SAMPLE_LABEL_MAX);
	return take_labels(&b, &ret->info);
}

enum err roster_app_fill(const struct conf *c, const struct conf_app *app, uint64_t seed,
                         struct roster_app *ret)
{
	struct roster_app a = {
		.conf = app,
		.poll = {
			.host = app->host,
			.admin = app->identifier,
			.ca_file = app->ca_file,
			.sdk_app_id = (uint64_t)app->sdkappid,
			.proxy = app->proxy,
			.milli_per_s = {
				[CHAT_GET_TOPIC] = milli(app->budget),
				[CHAT_GET_APPID_GROUP_LIST] = shard_share(&c->shard, LIST_MILLI_PER_S),
			},
			.max_inflight = (unsigned)c->max_inflight,
		},
	};
	enum err e = fill_labels(app, &a);

	if (e == ERR_OK)
		e = signer_new((uint64_t)app->sdkappid, app->identifier, &app->key, app->usersig_ttl_ms / 1000,
		               seed ^ (uint64_t)app->sdkappid, &a.poll.signer);
	if (e == ERR_OK)
		*ret = a;
	else
		roster_app_done(&a);
	return e;
}

void roster_app_done(struct roster_app *a)
{
	signer_free(a->poll.signer);
	free((char *)a->info.at);
	free((char *)a->labels.at);
	*a = (struct roster_app){ 0 };
}

enum err roster_app_room(struct roster *r, size_t n)
{
	struct roster_app *more;

	if (n <= r->app_room && r->app != NULL)
		return ERR_OK;
	more = reallocarray(r->app, n + 1, sizeof(more[0]));
	if (more == NULL)
		return ERR_MEMORY;
	memset(more + r->app_room, 0, (n + 1 - r->app_room) * sizeof(more[0]));
	r->app = more;
	r->app_room = n;
	return ERR_OK;
}

size_t roster_apps(const struct roster *r)
{
	size_t n = 0;

	for (size_t a = 0; a < r->app_n; a++)
		n += r->app[a].conf != NULL;
	return n;
}
