#include "tests/simulator/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "agent/base/buf.h"
#include "tests/simulator/pattern.h"

static const double buried_s = 3600; /* how long churn's dead stay known */

void topic_plan_init(struct topic_plan *p)
{
	*p = (struct topic_plan){ .age_s = NAN, .per_hour = NAN, .silent_for_s = NAN };
	p->born_s = -INFINITY;
	p->dies_s = INFINITY;
	p->next_seq = p->last_time = p->create_time = -1;
	p->muted = -1;
}

void recipe_init(struct recipe *r)
{
	*r = (struct recipe){
		.skew = 1, .age_s = 30 * 86400.0, .silent_for_s = 3 * 86400.0, .topics_enabled = true
	};
	r->mute_every_s = 600;
	r->mute_for_s = 120;
	r->churn_life_s = 300;
}

void recipe_finish(struct recipe *r)
{
	r->weights = 0;
	for (size_t i = 1; i <= r->topic_n; i++)
		r->weights += pow((double)i, -r->skew);
}

struct app *world_app(struct world *w, uint64_t sdkappid)
{
	for (size_t i = 0; i < w->app_n; i++)
		if (w->apps[i].sdkappid == sdkappid)
			return &w->apps[i];
	return NULL;
}

/* The slot that holds `id`, or the empty one where it belongs. At most half of the slots are taken. */
static size_t app_slot(const struct app *a, const char *id)
{
	size_t at = (size_t)mix_text(a->sdkappid, id) & (a->slot_n - 1);

	while (a->slots[at] != NULL && strcmp(a->slots[at]->id, id) != 0)
		at = (at + 1) & (a->slot_n - 1);
	return at;
}

struct community *app_community(const struct app *a, const char *id)
{
	return a->slot_n > 0 ? a->slots[app_slot(a, id)] : NULL;
}

struct community *world_community(struct world *w, uint64_t sdkappid, const char *id)
{
	for (size_t i = 0; i < w->app_n; i++) {
		struct app *a = &w->apps[i];
		struct community *c = sdkappid == 0 || a->sdkappid == sdkappid ? app_community(a, id) : NULL;

		if (c != NULL)
			return c;
	}
	return NULL;
}

bool app_has_identifier(const struct app *a, const char *id)
{
	for (size_t i = 0; i < a->identifier_n; i++)
		if (strcmp(a->identifiers[i], id) == 0)
			return true;
	return false;
}

const struct account *app_account(const struct app *a, const char *id)
{
	for (size_t i = 0; i < a->account_n; i++)
		if (strcmp(a->accounts[i].id, id) == 0)
			return &a->accounts[i];
	return NULL;
}

/* An id as the service makes them: the community's, a mark, and twelve characters. */
static char *make_topic_id(const struct community *c, uint64_t salt)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	struct buf b;
	size_t len;

	buf_init(&b, 2 * WORLD_ID_MAX);
	buf_fmt(&b, "%s@TOPIC#_@TOPIC#c", c->id);
	for (int i = 0; i < 11; i++, salt >>= 5)
		buf_add(&b, &letters[salt & 31], 1);
	return buf_take(&b, &len);
}

static char *make_topic_name(const struct recipe *r, size_t number)
{
	const char *given = r->topic_name_n > 0 ? r->topic_names[number % r->topic_name_n] : "topic {}";
	struct buf b;
	size_t len;

	if (pattern_has_place(given))
		return pattern_fill(given, number + 1);
	buf_init(&b, 8192);
	buf_str(&b, given);
	if (number >= r->topic_name_n)
		buf_fmt(&b, " %zu", number / r->topic_name_n + 1);
	return buf_take(&b, &len);
}

struct topic *community_topic(const struct community *c, const char *id)
{
	uint64_t salt = mix_text(c->salt, id);

	/* Newest first: an id that was deleted and made again means the living one. */
	for (size_t i = c->topic_n; i > 0; i--)
		if (c->topics[i - 1].salt == salt && strcmp(c->topics[i - 1].id, id) == 0)
			return &c->topics[i - 1];
	return NULL;
}

static struct topic *community_room(struct community *c)
{
	if (c->topic_n == c->topic_cap) {
		size_t cap = c->topic_cap > 0 ? c->topic_cap * 2 : 8;
		struct topic *topics = realloc(c->topics, cap * sizeof(*topics));
		if (topics == NULL)
			return NULL;
		c->topics = topics;
		c->topic_cap = cap;
	}
	return &c->topics[c->topic_n];
}

/* What the plan leaves open is drawn from the recipe, by the topic's own salt. */
static void topic_draw(const struct world *w, const struct community *c, const struct topic_plan *p,
                       size_t number, struct topic *t)
{
	const struct recipe *r = c->recipe;
	double share, age_s = p->age_s, silent_s = p->silent_for_s;
	bool never = p->never_active, given = p->next_seq >= 0 || p->last_time >= 0 || !isnan(p->per_hour);
	struct flow_state before;

	if (!given && isnan(silent_s)) {
		never = never || mix_fraction(t->salt, 1) < r->never_share;
		if (mix_fraction(t->salt, 2) < r->silent_share)
			silent_s = r->silent_for_s * (1 + mix_fraction(t->salt, 3));
	}
	if (isnan(age_s))
		age_s = r->age_s * (0.5 + mix_fraction(t->salt, 4));
	if (!isnan(silent_s) && age_s <= silent_s)
		age_s = silent_s * 2;
	/* The made-up topics of churn come after the others and share the places again. */
	share = r->weights > 0 ? pow((double)(number % r->topic_n + 1), -r->skew) / r->weights : 0;

	t->flow = (struct flow){ .since_s = isfinite(t->born_s) ? t->born_s : -age_s, .salt = t->salt };
	t->flow.per_hour = !isnan(p->per_hour) ? p->per_hour : r->per_hour * share;
	t->create_time = p->create_time >= 0 ? p->create_time : (int64_t)floor(w->start_unix_s + t->flow.since_s);
	t->first_seq = 1;
	if (!isnan(silent_s) && !never) {
		before = flow_at(&t->flow, &r->profile, -silent_s);
		t->first_seq += before.count;
		t->first_last = before.count > 0 ? (int64_t)floor(w->start_unix_s + before.last_s) : 0;
	}
	if (p->next_seq >= 0 || p->last_time >= 0) {
		t->first_seq = p->next_seq >= 0 ? p->next_seq : 2;
		t->first_last = p->last_time >= 0 ? p->last_time : 0;
		t->flow.since_s = 0;
	}
	if (never || !isnan(silent_s) || (given && isnan(p->per_hour)))
		t->flow.per_hour = 0;
	t->muted = p->muted >= 0 ? p->muted : mix_fraction(t->salt, 5) < r->mute_share ? -1 : 0;
}

enum err topic_add(struct world *w, struct community *c, const struct topic_plan *p, double now_s,
                   struct topic **ret)
{
	size_t number = c->topic_n;
	struct topic *t;

	if (number == WORLD_TOPICS_MAX)
		return ERR_LIMIT;
	t = p->id != NULL ? community_topic(c, p->id) : NULL;
	if (t != NULL && t->dies_s > now_s)
		return ERR_CONFIG;
	t = community_room(c);
	if (t == NULL)
		return ERR_MEMORY;
	*t = (struct topic){ .born_s = p->born_s, .dies_s = p->dies_s, .error_code = p->error_code };
	t->read_seq = t->shut_up = -1;
	t->id = p->id != NULL ? strdup(p->id) : make_topic_id(c, mix(c->salt, c->made++));
	t->name = p->name != NULL ? strdup(p->name) : make_topic_name(c->recipe, number);
	if (t->id == NULL || t->name == NULL) {
		free(t->id);
		free(t->name);
		return ERR_MEMORY;
	}
	t->salt = mix_text(c->salt, t->id);
	topic_draw(w, c, p, number, t);
	c->topic_n++;
	if (ret != NULL)
		*ret = t;
	return ERR_OK;
}

static void topic_done(struct topic *t)
{
	free(t->id);
	free(t->name);
}

static void community_free(struct community *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->topic_n; i++)
		topic_done(&c->topics[i]);
	free(c->topics);
	free(c->id);
	free(c->name);
	free(c);
}

static enum err app_room(struct app *a)
{
	size_t cap = a->community_cap > 0 ? a->community_cap * 2 : 16;
	struct community **list, **slots;

	if (a->community_n >= WORLD_COMMUNITIES_MAX)
		return ERR_LIMIT;
	if (a->community_n < a->community_cap)
		return ERR_OK;
	list = realloc(a->communities, cap * sizeof(struct community *));
	if (list == NULL)
		return ERR_MEMORY;
	a->communities = list;
	slots = calloc(2 * cap, sizeof(struct community *));
	if (slots == NULL)
		return ERR_MEMORY;
	free(a->slots);
	a->slots = slots;
	a->slot_n = 2 * cap;
	a->community_cap = cap;
	for (size_t i = 0; i < a->community_n; i++)
		slots[app_slot(a, list[i]->id)] = list[i];
	return ERR_OK;
}

static void app_insert(struct app *a, struct community *c)
{
	a->slots[app_slot(a, c->id)] = c;
	a->communities[a->community_n++] = c;
}

enum err community_add(struct world *w, struct app *a, const struct recipe *r, const char *id,
                       const char *name, double now_s, struct community **ret, struct why *why)
{
	struct community *c = NULL;
	struct topic_plan plan;
	enum err e;

	if (app_community(a, id) != NULL)
		return err_because(why, ERR_CONFIG, "community '%s' exists already", id);
	e = app_room(a);
	if (e != ERR_OK)
		return err_because(why, e, "no room for community '%s'", id);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_because(why, ERR_MEMORY, "out of memory");
	c->app = a;
	c->recipe = r;
	c->error_code = r->error_code;
	c->id = strdup(id);
	c->name = strdup(name != NULL ? name : id);
	e = c->id != NULL && c->name != NULL ? ERR_OK : err_because(why, ERR_MEMORY, "out of memory");
	if (e == ERR_OK)
		c->salt = mix_text(w->seed ^ a->sdkappid, id);
	topic_plan_init(&plan);
	for (size_t i = 0; e == ERR_OK && i < r->topic_n; i++) {
		e = topic_add(w, c, i < r->plan_n ? &r->plans[i] : &plan, now_s, NULL);
		if (e != ERR_OK)
			(void)err_because(why, e, "topic %zu of community '%s': %s", i + 1, id,
			                  e == ERR_CONFIG ? "its id exists already" : err_text(e));
	}
	if (e != ERR_OK) {
		community_free(c);
		return e;
	}
	app_insert(a, c);
	if (ret != NULL)
		*ret = c;
	return ERR_OK;
}

static void community_forget_buried(struct community *c, double now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->topic_n; i++) {
		struct topic *t = &c->topics[i];
		if (t->churned && t->dies_s + buried_s < now_s)
			topic_done(t);
		else
			c->topics[kept++] = *t;
	}
	c->topic_n = kept;
}

enum err community_advance(struct world *w, struct community *c, double now_s)
{
	const struct recipe *r = c->recipe;
	double period_s = r->churn_per_hour > 0 ? 3600 / r->churn_per_hour : 0;
	double longest_s = r->churn_life_s * 1.5 + buried_s;
	struct topic_plan plan;
	enum err e = ERR_OK;

	if (period_s <= 0)
		return ERR_OK;
	community_forget_buried(c, now_s);
	/* After a long silence the births whose topics are forgotten by now are skipped. */
	if ((double)c->births * period_s < now_s - longest_s - period_s)
		c->births = (uint64_t)((now_s - longest_s) / period_s) - 1;
	topic_plan_init(&plan);
	while (e == ERR_OK) {
		struct topic *t;
		double born_s = ((double)c->births + mix_fraction(c->salt, c->births)) * period_s;

		if (born_s > now_s)
			break;
		plan.born_s = born_s;
		plan.dies_s = born_s + r->churn_life_s * (0.5 + mix_fraction(c->salt ^ 1, c->births));
		plan.id = make_topic_id(c, mix(c->salt ^ 2, c->births));
		e = plan.id != NULL ? topic_add(w, c, &plan, now_s, &t) : ERR_MEMORY;
		if (e == ERR_OK)
			t->churned = true;
		free(plan.id);
		c->births++;
	}
	return e == ERR_LIMIT ? ERR_OK : e; /* a full community has no more births */
}

struct topic_state topic_at(const struct world *w, const struct community *c, const struct topic *t,
                            double now_s)
{
	const struct recipe *r = c->recipe;
	struct flow_state flow = flow_at(&t->flow, &r->profile, now_s);
	struct topic_state s = { .create_time = t->create_time };

	s.exists = t->born_s <= now_s && now_s < t->dies_s && !c->deleted;
	if (__builtin_add_overflow(t->first_seq, flow.count, &s.next_seq))
		s.next_seq = INT64_MAX;
	s.last_time = flow.count > 0 ? (int64_t)floor(w->start_unix_s + flow.last_s) : t->first_last;
	s.muted = t->muted == 1;
	if (t->muted < 0) {
		double phase_s = mix_fraction(t->salt, 6) * r->mute_every_s;
		s.muted = fmod(now_s + phase_s, r->mute_every_s) < r->mute_for_s;
	}
	return s;
}

void topic_pin(struct topic *t, const struct topic_state *state, double per_hour, double now_s)
{
	t->first_seq = state->next_seq;
	t->first_last = state->last_time;
	t->create_time = state->create_time;
	t->flow.since_s = now_s;
	t->flow.per_hour = per_hour;
}

static void app_done(struct app *a)
{
	for (size_t i = 0; i < a->community_n; i++)
		community_free(a->communities[i]);
	for (size_t i = 0; i < a->identifier_n; i++)
		free(a->identifiers[i]);
	for (size_t i = 0; i < a->account_n; i++)
		free(a->accounts[i].id);
	if (a->key != NULL)
		OPENSSL_cleanse(a->key, strlen(a->key));
	free(a->key);
	free(a->accounts);
	free(a->identifiers);
	free(a->slots);
	free(a->communities);
}

static void recipe_done(struct recipe *r)
{
	for (size_t i = 0; i < r->plan_n; i++) {
		free(r->plans[i].id);
		free(r->plans[i].name);
	}
	for (size_t i = 0; i < r->topic_name_n; i++)
		free(r->topic_names[i]);
	free(r->plans);
	free(r->topic_names);
	free(r->type);
	free(r->name);
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < w->app_n; i++)
		app_done(&w->apps[i]);
	for (size_t i = 0; i < w->recipe_n; i++)
		recipe_done(&w->recipes[i]);
	recipe_done(&w->plain);
	free(w->apps);
	free(w->recipes);
	*w = (struct world){ 0 };
}
