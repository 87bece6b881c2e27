#include "agent/roster.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 64 << 10 };

/* Stable over restarts, versions and machines, and spread evenly: both the load and the store's order rest on
 * it. */
static uint64_t place_key(int64_t sdkappid, const char *community)
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

static int by_key(const void *left, const void *right)
{
	const struct member *l = left, *r = right;

	if (l->key != r->key)
		return l->key < r->key ? -1 : 1;
	if (l->app != r->app)
		return l->app < r->app ? -1 : 1;
	return strcmp(l->conf->id, r->conf->id);
}

static void list_members(struct roster *r)
{
	size_t n = 0;

	for (size_t a = 0; a < r->app_n; a++) {
		const struct conf_app *app = &r->conf->app[a];

		for (size_t i = 0; i < app->community_n; i++) {
			r->member[n++] = (struct member){
				.conf = &app->community[i],
				.app = a,
				.key = place_key(app->sdkappid, app->community[i].id),
			};
		}
	}
	qsort(r->member, n, sizeof(r->member[0]), by_key);
}

/* Label text of one community in one allocation: the identity labels, then the info labels. */
static enum err label_community(struct roster *r, size_t i)
{
	struct member *m = &r->member[i];
	struct store_community *c = &r->community[i];
	const size_t id_quote = strlen("\"");
	size_t value, labels, all;
	struct buf b;

	buf_init(&b, LABELS_MAX);
	buf_span(&b, r->app_labels[m->app]);
	value = b.len + strlen(",community=\"");
	label_add(&b, "community", span_of(m->conf->id), 0);
	labels = b.len;
	buf_str(&b, ",");
	label_add(&b, "community_name", span_of(m->conf->name), SAMPLE_LABEL_MAX);
	for (size_t l = 0; l < m->conf->label_n; l++)
		label_add(&b, m->conf->labels[l].key, span_of(m->conf->labels[l].value), SAMPLE_LABEL_MAX);
	m->text = buf_take(&b, &all);
	if (m->text == NULL)
		return ERR_MEMORY;
	c->place.labels = (struct span){ m->text, labels };
	c->place.community = (struct span){ m->text + value, labels - value - id_quote };
	c->settings.info = (struct span){ m->text + labels + 1, all - labels - 1 };
	return ERR_OK;
}

static enum err fill_community(struct roster *r, size_t i)
{
	const struct member *m = &r->member[i];

	r->job[i] = (struct job){ .app = m->app, .period_ms = m->conf->interval_ms, .phase_key = m->key };
	r->community[i] = (struct store_community){
		.app = m->app,
		.settings = { .interval_ms = m->conf->interval_ms, .silent_after_ms = m->conf->silent_after_ms },
		.stale_after_ms = m->conf->stale_after_ms,
	};
	return label_community(r, i);
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
		.milli_per_s = (int64_t)(c->budget * 1000.0 + 0.5),
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
	const size_t apps = r->app_n + 1, communities = r->community_n + 1; /* never zero */

	r->member = calloc(communities, sizeof(r->member[0]));
	r->job = calloc(communities, sizeof(r->job[0]));
	r->community = calloc(communities, sizeof(r->community[0]));
	r->app = calloc(apps, sizeof(r->app[0]));
	r->app_labels = calloc(apps, sizeof(r->app_labels[0]));
	r->app_info = calloc(apps, sizeof(r->app_info[0]));
	return r->member != NULL && r->job != NULL && r->community != NULL && r->app != NULL &&
	               r->app_labels != NULL && r->app_info != NULL
	           ? ERR_OK
	           : ERR_MEMORY;
}

enum err roster_new(const struct conf *c, uint64_t seed, struct roster **ret)
{
	struct roster *r = calloc(1, sizeof(*r));
	enum err e;

	if (r == NULL)
		return ERR_MEMORY;
	r->conf = c;
	r->app_n = c->app_n;
	for (size_t a = 0; a < c->app_n; a++)
		r->community_n += c->app[a].community_n;
	e = allocate(r);
	for (size_t a = 0; e == ERR_OK && a < r->app_n; a++)
		e = fill_app(r, a, seed);
	if (e == ERR_OK)
		list_members(r);
	for (size_t i = 0; e == ERR_OK && i < r->community_n; i++)
		e = fill_community(r, i);
	if (e != ERR_OK) {
		roster_free(r);
		return e;
	}
	*ret = r;
	return ERR_OK;
}

void roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; r->member != NULL && i < r->community_n; i++)
		free(r->member[i].text);
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
	free(r->community);
	free(r->job);
	free(r->member);
	free(r);
}
