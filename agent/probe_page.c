/* The page of a probe. It comes from the rooms that make /metrics, with a store that knows one community. */
#include "agent/probe.h"

#include <stdlib.h>

/* One body under way. */
struct sheet {
	struct daemon *daemon;
	struct exposition *exposition;
	struct exposition_cache *cache;
};

static size_t sheet_next(void *arg, char *at, size_t room)
{
	struct sheet *s = arg;

	return exposition_next(s->exposition, at, room);
}

static void sheet_free(struct sheet *s)
{
	exposition_close(s->exposition);
	exposition_cache_free(s->cache);
	free(s);
}

static void sheet_close(void *arg)
{
	struct sheet *s = arg;

	s->daemon->scrapes--;
	sheet_free(s);
}

static struct metric_set families(const struct daemon *d)
{
	struct metric_set set = d->metrics;

	for (int m = 0; m < METRIC_COUNT; m++) {
		const enum metric_scope scope = metric_info((enum metric)m)->scope;

		set.has[m] = scope == METRIC_PROBE || (set.has[m] && scope <= METRIC_COMMUNITY);
	}
	return set;
}

/* Takes the pin. NULL: no memory. */
static struct sheet *sheet_new(const struct probe_reader *r, struct pin *pin,
                               const struct health_probe *health)
{
	struct daemon *d = r->probe->daemon;
	const struct metric_set set = families(d);
	struct exposition_parts parts = { .pin = pin, .want = exposition_everything(&set), .probe = health };
	struct sheet *s = calloc(1, sizeof(*s));

	parts.want.type = r->type;
	parts.want.coding = r->coding;
	if (s != NULL && r->coding == CODING_GZIP)
		s->cache = parts.cache = exposition_cache_new();
	if (s == NULL || (r->coding == CODING_GZIP && s->cache == NULL)) {
		store_unpin(pin);
		free(s);
		return NULL;
	}
	s->daemon = d;
	if (exposition_open(&parts, &s->exposition) == ERR_OK)
		return s;
	s->exposition = NULL;
	sheet_free(s);
	return NULL;
}

static void give(struct probe_reader *r, struct sheet *s)
{
	struct web_reply reply;

	web_reply_init(&reply);
	reply.type = exposition_type_text(r->type);
	reply.encoding = exposition_coding_text(r->coding);
	reply.vary = "Accept, Accept-Encoding";
	reply.stream = (struct web_stream){
		.next = sheet_next,
		.close = sheet_close,
		.arg = s,
		.size = r->http10 ? exposition_measure(s->exposition) : WEB_SIZE_UNKNOWN,
	};
	s->daemon->scrapes++;
	web_later_answer(r->later, &reply);
	r->probe->daemon->probe_readers--;
	free(r);
}

void probe_refuse(struct probe_reader *r, unsigned status, int retry_after_s, const char *text)
{
	struct web_reply reply;

	web_reply_init(&reply);
	reply.status = status;
	reply.retry_after_s = retry_after_s;
	buf_str(&reply.body, text);
	web_later_answer(r->later, &reply);
	r->probe->daemon->probe_readers--;
	free(r);
}

/* The community alone, as if it had been polled for the first time. Takes the facts. */
static enum err world_new(const struct probe *p, struct facts *facts, const struct probe_end *end,
                          struct store **ret)
{
	const struct now *now = &p->daemon->now;
	struct store *s = NULL;
	size_t slot;
	enum err e = store_new(1, &s);

	if (e == ERR_OK)
		e = store_add(s, &p->card, &slot);
	if (e != ERR_OK) {
		facts_drop(facts);
		store_free(s);
		return e;
	}
	store_interval(s, slot, p->interval_ms);
	if (facts != NULL)
		store_facts(s, slot, facts, now);
	store_ended(s, slot, &end->outcome, end->took_us, now);
	*ret = s;
	return ERR_OK;
}

static void give_page(struct probe_reader *r, struct store *world, const struct probe_end *end)
{
	const struct now *now = &r->probe->daemon->now;
	const struct health_probe health = { .success = end->outcome.err == ERR_OK,
		                                 .took_ms = now->mono_ms - r->began_ms };
	struct sheet *s = NULL;
	struct pin *pin;

	if (world != NULL && store_pin(world, now, &pin) == ERR_OK)
		s = sheet_new(r, pin, &health);
	if (s != NULL)
		give(r, s);
	else
		probe_refuse(r, 503, 1, "out of memory, try again in a second\n");
}

void probe_give_pages(struct probe *p, struct probe_reader *readers, struct facts *facts,
                      const struct probe_end *end)
{
	struct store *world;

	if (world_new(p, facts, end, &world) != ERR_OK)
		world = NULL;
	while (readers != NULL) {
		struct probe_reader *r = readers;

		readers = r->next;
		give_page(r, world, end);
	}
	store_free(world); /* pins outlive it */
}
