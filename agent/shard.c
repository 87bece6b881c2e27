#include "agent/shard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon.h"
#include "agent/roster_app.h"

enum { CALL_MILLI = 1000, DIGITS_MAX = 9 };

/* ---- the flags ---- */
/* Only digits, few enough for an unsigned. */
static bool whole(const char *text, unsigned *ret)
{
	const size_t len = strlen(text);

	if (len == 0 || len > DIGITS_MAX || strspn(text, "0123456789") != len)
		return false;
	*ret = (unsigned)strtoul(text, NULL, 10);
	return true;
}

/* "2", or "tencentchat-exporter-2". */
static bool ordinal(const char *text, unsigned *ret)
{
	const char *dash = strrchr(text, '-');

	return whole(dash != NULL && dash != text ? dash + 1 : text, ret);
}

enum err shard_read(const char *number, const char *total, struct conf_shard *ret, struct why *why)
{
	struct conf_shard s = { 0, 1 };

	if ((number == NULL) != (total == NULL))
		return err_because(why, ERR_CONFIG, "flag '--%s' needs '--%s' as well",
		                   number != NULL ? "shard" : "total-shards",
		                   number != NULL ? "total-shards" : "shard");
	if (number != NULL && (!whole(total, &s.total) || s.total < 1 || s.total > SHARDS_MAX))
		return err_because(why, ERR_CONFIG, "flag '--total-shards': '%.40s' is not a number from 1 to %d",
		                   total, SHARDS_MAX);
	if (number != NULL && !ordinal(number, &s.number))
		return err_because(
			why, ERR_CONFIG,
			"flag '--shard': '%.80s' is neither a number nor the name of a pod, which ends in -NUMBER",
			number);
	if (s.number >= s.total)
		return err_because(why, ERR_CONFIG,
		                   "flag '--shard': '%.80s' is not below '--total-shards', %u; the first shard is 0",
		                   number, s.total);
	*ret = s;
	return ERR_OK;
}

/* ---- who owns whom ---- */
/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators": no two numbers give the same. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t weight(uint64_t key, unsigned shard)
{
	return mix(key ^ mix((uint64_t)shard + 1));
}

unsigned shard_owner(unsigned total, uint64_t key)
{
	uint64_t most = weight(key, 0);
	unsigned owner = 0;

	for (unsigned i = 1; i < total; i++) {
		const uint64_t w = weight(key, i);

		if (w > most) {
			most = w;
			owner = i;
		}
	}
	return owner;
}

bool shard_has(const struct conf_shard *s, int64_t sdkappid, const char *community)
{
	return s->total <= 1 || shard_owner(s->total, roster_key(sdkappid, community)) == s->number;
}

/* ---- its part of the calls ---- */
int64_t shard_share(const struct conf_shard *s, int64_t milli_per_s)
{
	int64_t part;

	if (s->total <= 1)
		return milli_per_s;
	part = milli_per_s / s->total;
	if (part >= CALL_MILLI)
		part -= part % CALL_MILLI;
	return part > 0 ? part : 1;
}

/* A job that is alone first waits for its phase's part of the time that two calls take, see poller_add. At an
 * M-th of the budget these take as long as 2 M calls at the whole of it; so N / (2 M) is N calls: the first
 * pages of neighbours are one call of the whole budget apart, and their further pages keep that distance. */
uint64_t shard_list_phase(const struct conf_shard *s)
{
	return s->total <= 1 ? 0 : s->number * ((UINT64_C(1) << 63) / s->total);
}

static void narrow_app(const struct conf_shard *s, struct conf_app *app)
{
	struct conf_community *community = (struct conf_community *)app->community;
	size_t n = 0;

	app->whole = (struct conf_whole){ .community_n = app->community_n, .budget = app->budget };
	for (size_t i = 0; i < app->community_n; i++)
		if (shard_has(s, app->sdkappid, community[i].id))
			community[n++] = community[i];
	app->community_n = n;
	app->budget = (double)shard_share(s, llround(app->budget * CALL_MILLI)) / CALL_MILLI;
}

enum err shard_narrow(struct conf *c)
{
	struct conf_app *app = (struct conf_app *)c->app;

	if (c->shard.total <= 1)
		return ERR_OK;
	if (figures_hash(c, &c->whole_hash) != ERR_OK)
		return ERR_MEMORY;
	for (size_t a = 0; a < c->app_n; a++)
		narrow_app(&c->shard, &app[a]);
	return ERR_OK;
}
