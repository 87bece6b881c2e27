#include "tests/unit/memory_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/fetch/fetch.h"

#define CHECK assert_true

enum { CALLS_MAX = 64, BODY_MAX = 8 << 10, QUESTION_MAX = 2 << 10, PAGE_MAX = 2, BATCH_MAX = 5 };
enum { EPOCH_S = 1699995000 }; /* unix seconds when the clock stood at 0 */

#define TOPIC "%s@TOPIC#_%03u"
#define ADMIN "identifier = \"admin\"; secret_key_env = \"TCE_TEST_KEY\"; region = \"singapore\"; "

const char service_config[] =
	"poll: { interval = \"60s\"; stale_after = \"10m\"; max_inflight = 4; };\n"
	"apps = ( { sdkappid = 1400000001; " ADMIN "\n"
	"  discovery: { enabled = true; interval = \"60s\"; exclude = [ \"*alone\" ]; };\n"
	"  communities = ( \"@TGS#_whole\", \"@TGS#_turned\", \"@TGS#_large\",\n"
	"    { id = \"@TGS#_watched\"; from_account = \"bot\"; },\n"
	"    { id = \"@TGS#_named\";\n"
	"      topics = [ \"@TGS#_named@TOPIC#_001\", \"@TGS#_named@TOPIC#_002\" ]; } ); },\n"
	"  { sdkappid = 1400000002; " ADMIN "\n"
	"  communities = ( \"@TGS#_breaks\", \"@TGS#_status\", \"@TGS#_text\", \"@TGS#_too_large\",\n"
	"    \"@TGS#_gone\" ); } );\n";

const struct service_community service_community[] = {
	{ "@TGS#_whole", MANNER_WHOLE, 3, 0, 0 },          { "@TGS#_watched", MANNER_WHOLE, 2, 0, 0 },
	{ "@TGS#_turned", MANNER_TURNED, 9, 0, 0 },        { "@TGS#_large", MANNER_LARGE, 8, 0, 0 },
	{ "@TGS#_named", MANNER_NAMED, 2, 0, 0 },          { "@TGS#_found_early", MANNER_WHOLE, 1, 1, 1 },
	{ "@TGS#_found_always", MANNER_WHOLE, 2, 1, 9 },   { "@TGS#_found_again", MANNER_TURNED, 3, 1, 9 },
	{ "@TGS#_found_late", MANNER_WHOLE, 2, 2, 9 },     { "@TGS#_breaks", MANNER_SICK_BREAKS, 0, 0, 0 },
	{ "@TGS#_status", MANNER_SICK_STATUS, 0, 0, 0 },   { "@TGS#_text", MANNER_SICK_TEXT, 0, 0, 0 },
	{ "@TGS#_too_large", MANNER_SICK_LARGE, 0, 0, 0 }, { "@TGS#_gone", MANNER_SICK_GONE, 0, 0, 0 },
};
const size_t service_communities = sizeof(service_community) / sizeof(service_community[0]);
const unsigned service_sdkappid[SERVICE_APPS] = { 1400000001, 1400000002 };
struct service_state service;
struct now service_now;
int64_t service_stop_ms;

/* Calls under way, oldest first. */
static struct call {
	size_t target;
	unsigned app;
	bool list;
	char question[QUESTION_MAX];
} calls[CALLS_MAX];
static char *lent;

/* ---- answers; written where nothing is allocated ---- */
static void put_topic(struct buf *b, const struct service_community *c, unsigned i)
{
	buf_fmt(b, "%s{\"ErrorCode\":0,\"SelfInfo\":{\"MsgSeq\":7,\"ShutUpTime\":0},",
	        b->at[b->len - 1] == '}' ? "," : "");
	buf_fmt(b, "\"TopicInfo\":{\"TopicId\":\"" TOPIC "\",\"TopicName\":\"name %u\",", c->id, i, i);
	buf_fmt(b, "\"NextMsgSeq\":%u,\"CreateTime\":1600000000,\"LastMsgTime\":%u,",
	        service.round * SERVICE_STEP + 1, 1699990000 + i);
	buf_str(b, "\"MuteAllMember\":\"Off\"}}");
}

static void put_topics(struct buf *b, const struct service_community *c, const char *list)
{
	const bool turned = c->manner == MANNER_TURNED && service.round % 2 == 0;

	buf_str(b, "{\"ErrorCode\":0,\"TopicAndSelfInfo\":[");
	for (unsigned k = 0; k < c->topics; k++) {
		const unsigned i = 1 + (turned ? c->topics - 1 - k : k);
		char id[64];

		(void)snprintf(id, sizeof(id), "\"" TOPIC "\"", c->id, i);
		if (list == NULL || strstr(list, id) != NULL)
			put_topic(b, c, i);
	}
	buf_str(b, "]}");
}

static void put_ids(struct buf *b, const struct service_community *c)
{
	buf_str(b, "{\"ErrorCode\":0,\"TopicAndSelfInfo\":[");
	for (unsigned i = 1; i <= c->topics; i++)
		buf_fmt(b, "%s{\"ErrorCode\":0,\"TopicInfo\":{\"TopicId\":\"" TOPIC "\",\"NextMsgSeq\":%u}}",
		        i > 1 ? "," : "", c->id, i, service.round * SERVICE_STEP + 1);
	buf_str(b, "]}");
}

static unsigned ids_in(const char *list)
{
	unsigned n = 0;

	while ((list = strstr(list, "@TOPIC#")) != NULL) {
		list++;
		n++;
	}
	return n;
}

static void answer_topics(struct buf *b, const char *question, struct reply *r)
{
	const char *list = strstr(question, "\"TopicIdList\"");
	const struct service_community *c = NULL;

	for (size_t i = 0; i < service_communities; i++) {
		char id[64];

		(void)snprintf(id, sizeof(id), "{\"GroupId\":\"%s\",", service_community[i].id);
		if (strncmp(question, id, strlen(id)) == 0)
			c = &service_community[i];
	}
	assert_non_null(c);
	CHECK(c->manner != MANNER_NAMED || list != NULL);
	r->status = c->manner == MANNER_SICK_STATUS ? 500 : 200;
	if (c->manner == MANNER_SICK_STATUS)
		r->err = ERR_HTTP_STATUS;
	else if (c->manner == MANNER_SICK_BREAKS)
		r->err = ERR_RESET;
	else if (c->manner == MANNER_SICK_LARGE)
		r->err = ERR_TOO_LARGE;
	else if (c->manner == MANNER_SICK_TEXT)
		buf_str(b, "{\"ErrorCode\":0,\"TopicAndSelfInfo\":[{]}");
	else if (c->manner == MANNER_SICK_GONE)
		buf_str(b, "{\"ErrorCode\":10010}");
	else if (c->manner == MANNER_LARGE && list == NULL && strstr(question, "[\"NextMsgSeq\"]") != NULL)
		put_ids(b, c);
	else if (c->manner == MANNER_LARGE && (list == NULL || ids_in(list) > BATCH_MAX))
		buf_str(b, "{\"ErrorCode\":10018}");
	else
		put_topics(b, c, list);
}

/* Pages of PAGE_MAX ids, and on each one that the configuration excludes. */
static void answer_list(struct buf *b, const char *question)
{
	const unsigned from = (unsigned)strtoul(strstr(question, "\"Next\":") + strlen("\"Next\":"), NULL, 10);
	unsigned n = 0;

	buf_str(b, "{\"ErrorCode\":0,\"GroupIdList\":[{\"GroupId\":\"@TGS#_alone\"}");
	for (size_t i = 0; i < service_communities; i++) {
		const struct service_community *c = &service_community[i];

		if (c->listed_from > service.round || c->listed_to < service.round)
			continue;
		if (n >= from && n < from + PAGE_MAX)
			buf_fmt(b, ",{\"GroupId\":\"%s\"}", c->id);
		n++;
	}
	buf_fmt(b, "],\"Next\":%u}", n > from + PAGE_MAX ? from + PAGE_MAX : 0);
}

/* ---- fetch.h, as far as the program gets ---- */
enum err fetch_new(const struct fetch_conf *c, struct fetch **ret)
{
	*ret = malloc(1); /* never looked into */
	(void)c;
	return *ret != NULL ? ERR_OK : ERR_MEMORY;
}

enum err fetch_reserve(struct fetch *f, unsigned max_inflight)
{
	void *more = malloc(max_inflight); /* as a fetch would */

	(void)f;
	free(more);
	return more != NULL ? ERR_OK : ERR_MEMORY;
}

void fetch_timeout(struct fetch *f, long timeout_ms)
{
	(void)f;
	(void)timeout_ms;
}

void fetch_free(struct fetch *f)
{
	free(lent);
	lent = NULL;
	service.flying = 0;
	free(f);
}

bool fetch_room(const struct fetch *f)
{
	(void)f;
	return service.flying < CALLS_MAX;
}

unsigned fetch_inflight(const struct fetch *f)
{
	(void)f;
	return service.flying;
}

enum err fetch_send(struct fetch *f, const struct ask *a)
{
	struct call *c = &calls[service.flying];
	void *kept = malloc(a->len); /* as a fetch would */

	(void)f;
	free(kept);
	if (kept == NULL)
		return ERR_MEMORY;
	CHECK(service.flying < CALLS_MAX && a->len < sizeof(c->question));
	CHECK(strstr(a->url, "usersig=eJ") != NULL);
	c->target = a->target;
	c->app = strstr(a->url, "sdkappid=1400000001") != NULL ? 0 : 1;
	c->list = strstr(a->url, "/get_appid_group_list?") != NULL;
	memcpy(c->question, a->body, a->len);
	c->question[a->len] = '\0';
	service.sent[c->app]++;
	++*a->written;
	service.flying++;
	return ERR_OK;
}

bool fetch_take(struct fetch *f, struct reply *ret)
{
	static char text[BODY_MAX];
	struct call *c = &calls[0];
	struct buf b;

	(void)f;
	free(lent);
	lent = NULL;
	if (service.flying == 0)
		return false;
	*ret =
		(struct reply){ .target = c->target, .status = 200, .sent = 1, .took_us = 1000, .retry_after_s = -1 };
	buf_wrap(&b, text, sizeof(text) - 1);
	if (service.refuses)
		buf_str(&b, "{\"ErrorCode\":70009}");
	else if (c->list)
		answer_list(&b, c->question);
	else
		answer_topics(&b, c->question, ret);
	service.refuses = false;
	CHECK(b.status == ERR_OK);
	text[b.len] = '\0';
	ret->bytes = b.len;
	service.delivered[c->app]++;
	service.flying--;
	memmove(&calls[0], &calls[1], service.flying * sizeof(calls[0]));
	lent = malloc(b.len + 1);
	ret->body = lent;
	if (lent != NULL) {
		memcpy(lent, text, b.len + 1);
		ret->len = b.len;
	} else if (ret->err == ERR_OK) {
		ret->err = ERR_LOCAL_RESOURCE;
	}
	return true;
}

enum err fetch_wait(struct fetch *f, const int *fds, size_t n, int64_t wait_ms)
{
	(void)f;
	(void)fds;
	(void)n;
	if (service.flying > 0 || wait_ms < 1)
		wait_ms = 1;
	if (wait_ms > service_stop_ms - service_now.mono_ms)
		wait_ms = service_stop_ms - service_now.mono_ms;
	service_now.mono_ms += wait_ms;
	service_now.unix_s = service_now.mono_ms / 1000 + EPOCH_S;
	return ERR_OK;
}

struct now now_read(void)
{
	return service_now;
}

int64_t now_monotonic_us(void)
{
	return service_now.mono_ms * 1000;
}

const char *fetch_library(void)
{
	return "none";
}
