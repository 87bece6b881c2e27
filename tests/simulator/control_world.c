#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulator/control.h"

/* What a POST /world is about. */
struct change {
	struct simulator *simulator;
	const struct json *object;
	struct app *app;
	struct community *community; /* NULL: to be created */
	struct topic *topic;         /* NULL: the community itself, or to be created */
	const char *community_id, *topic_id;
	double now_s;
	struct why *why;
};

static void show_topic(const struct simulator *s, const struct community *c, const struct topic *t,
                       double now_s, struct json_out *o)
{
	struct topic_state state = topic_at(&s->world, c, t, now_s);

	json_open(o, NULL, '{');
	json_put_text(o, "id", t->id);
	json_put_text(o, "name", t->name);
	json_put_int(o, "NextMsgSeq", state.next_seq);
	json_put_int(o, "LastMsgTime", state.last_time);
	json_put_int(o, "CreateTime", state.create_time);
	json_put_bool(o, "muted", state.muted);
	json_put_int(o, "ErrorCode", t->error_code);
	json_put_bool(o, "deleted", t->dies_s <= now_s);
	json_put_real(o, "messages_per_hour", t->flow.per_hour);
	json_close(o, '}');
}

static size_t count_living(const struct community *c, double now_s)
{
	size_t n = 0;

	for (size_t i = 0; i < c->topic_n; i++)
		n += c->topics[i].born_s <= now_s && now_s < c->topics[i].dies_s;
	return n;
}

static void show_head(const struct community *c, double now_s, struct json_out *o)
{
	json_put_uint(o, "sdkappid", c->app->sdkappid);
	json_put_text(o, "community", c->id);
	json_put_text(o, "name", c->name);
	json_put_bool(o, "deleted", c->deleted);
	json_put_int(o, "ErrorCode", c->error_code);
	json_put_uint(o, "topics_alive", count_living(c, now_s));
}

static void show_list(struct simulator *s, uint64_t sdkappid, double now_s, struct json_out *o)
{
	json_open(o, "communities", '[');
	for (size_t a = 0; a < s->world.app_n; a++) {
		const struct app *app = &s->world.apps[a];

		for (size_t i = 0; (sdkappid == 0 || app->sdkappid == sdkappid) && i < app->community_n; i++) {
			json_open(o, NULL, '{');
			show_head(app->communities[i], now_s, o);
			json_close(o, '}');
		}
	}
	json_close(o, ']');
}

/* The community of that id in the app, or in the first app that has it. */
static struct community *find_community(struct simulator *s, uint64_t sdkappid, const char *id)
{
	for (size_t a = 0; a < s->world.app_n; a++) {
		struct app *app = &s->world.apps[a];
		struct community *c = sdkappid == 0 || app->sdkappid == sdkappid ? app_community(app, id) : NULL;

		if (c != NULL)
			return c;
	}
	return NULL;
}

enum err control_world_show(struct simulator *s, uint64_t sdkappid, const char *community, struct json_out *o,
                            struct why *why)
{
	struct moment now = moment_read();
	double now_s = simulator_world_s(s, &now);
	struct community *c;

	json_put_real(o, "now", s->world.start_unix_s + now_s);
	if (community == NULL) {
		show_list(s, sdkappid, now_s, o);
		return ERR_OK;
	}
	c = find_community(s, sdkappid, community);
	if (c == NULL)
		return err_because(why, ERR_CONFIG, "no community '%.100s'", community);
	if (community_advance(&s->world, c, now_s) != ERR_OK)
		return err_because(why, ERR_MEMORY, "out of memory");
	show_head(c, now_s, o);
	json_open(o, "topics", '[');
	for (size_t i = 0; i < c->topic_n; i++)
		if (c->topics[i].born_s <= now_s)
			show_topic(s, c, &c->topics[i], now_s, o);
	json_close(o, ']');
	return ERR_OK;
}

static bool is_true(const struct json *j)
{
	return j != NULL && j->kind == JSON_BOOL && j->truth;
}

static enum err find_subject(struct change *c)
{
	const struct json *object = c->object;
	uint64_t sdkappid = 0;

	c->community_id = json_str(json_get(object, "community"));
	c->topic_id = json_str(json_get(object, "topic"));
	if (c->community_id == NULL || *c->community_id == '\0' || strlen(c->community_id) > WORLD_ID_MAX)
		return err_because(c->why, ERR_CONFIG, "'community' must be a text of 1 to %d bytes", WORLD_ID_MAX);
	if (json_get(object, "topic") != NULL && (c->topic_id == NULL || *c->topic_id == '\0'))
		return err_because(c->why, ERR_CONFIG, "'topic' must be a text");
	if (json_get(object, "sdkappid") != NULL && !json_uint(json_get(object, "sdkappid"), &sdkappid))
		return err_because(c->why, ERR_CONFIG, "'sdkappid' must be a whole number");
	c->app = sdkappid != 0 ? world_app(&c->simulator->world, sdkappid) : &c->simulator->world.apps[0];
	if (c->app == NULL)
		return err_because(c->why, ERR_CONFIG, "no app %llu", (unsigned long long)sdkappid);
	c->community = find_community(c->simulator, sdkappid, c->community_id);
	if (c->community != NULL && community_advance(&c->simulator->world, c->community, c->now_s) != ERR_OK)
		return err_because(c->why, ERR_MEMORY, "out of memory");
	if (c->community != NULL && c->topic_id != NULL)
		c->topic = community_topic(c->community, c->topic_id);
	return ERR_OK;
}

static enum err create_community(struct change *c)
{
	const struct json *topics = json_get(c->object, "topics");
	int64_t n = 0;
	struct topic_plan plan;
	enum err e = ERR_OK;

	if (c->community != NULL && !c->community->deleted)
		return err_because(c->why, ERR_CONFIG, "community '%.100s' exists already", c->community_id);
	if (topics != NULL && (!json_int(topics, &n) || n < 0 || n > WORLD_TOPICS_MAX))
		return err_because(c->why, ERR_CONFIG, "'topics' must be 0 to %d", WORLD_TOPICS_MAX);
	if (c->community != NULL) {
		c->community->deleted = false;
		return ERR_OK;
	}
	e = community_add(&c->simulator->world, c->app, &c->simulator->world.plain, c->community_id, NULL,
	                  c->now_s, &c->community, c->why);
	topic_plan_init(&plan);
	plan.born_s = c->now_s;
	for (int64_t i = 0; e == ERR_OK && i < n; i++)
		e = topic_add(&c->simulator->world, c->community, &plan, c->now_s, NULL);
	return e;
}

static enum err create_topic(struct change *c)
{
	struct topic_plan plan;
	enum err e;

	topic_plan_init(&plan);
	plan.id = (char *)(uintptr_t)c->topic_id; /* topic_add copies it */
	plan.born_s = c->now_s;
	plan.per_hour = 0;
	e = topic_add(&c->simulator->world, c->community, &plan, c->now_s, &c->topic);
	if (e == ERR_CONFIG)
		return err_because(c->why, e, "topic '%.100s' exists already", c->topic_id);
	return e == ERR_OK ? e : err_because(c->why, e, "cannot add the topic: %s", err_text(e));
}

static enum err delete_subject(struct change *c)
{
	if (c->topic_id == NULL) {
		c->community->deleted = true;
		return ERR_OK;
	}
	if (c->topic->dies_s <= c->now_s)
		return err_because(c->why, ERR_CONFIG, "topic '%.100s' is deleted already", c->topic_id);
	c->topic->dies_s = c->now_s;
	return ERR_OK;
}

static bool set_muted(struct topic *t, const struct json *value)
{
	const char *text = json_str(value);
	bool on = is_true(value) || (text != NULL && strcmp(text, "On") == 0);

	if (!on && value->kind != JSON_BOOL && (text == NULL || strcmp(text, "Off") != 0))
		return false;
	t->muted = on;
	return true;
}

static bool set_text(char **to, const struct json *value)
{
	char *copy = json_str(value) != NULL ? strdup(json_str(value)) : NULL;

	if (copy == NULL)
		return false;
	free(*to);
	*to = copy;
	return true;
}

static bool set_code(int *to, const struct json *value)
{
	int64_t n;

	if (!json_int(value, &n) || n < 0 || n > INT32_MAX)
		return false;
	*to = (int)n;
	return true;
}

/* One member of "set" on a topic; false when it is unknown or of a wrong kind. */
static bool set_member(struct topic *t, struct topic_state *state, double *per_hour, const struct json *value)
{
	const char *name = value->name;

	if (strcmp(name, "NextMsgSeq") == 0)
		return json_int(value, &state->next_seq);
	if (strcmp(name, "LastMsgTime") == 0)
		return json_int(value, &state->last_time);
	if (strcmp(name, "CreateTime") == 0)
		return json_int(value, &state->create_time);
	if (strcmp(name, "messages_per_hour") == 0)
		return json_real(value, per_hour) && *per_hour >= 0 && *per_hour < 1e12;
	if (strcmp(name, "MuteAllMember") == 0)
		return set_muted(t, value);
	if (strcmp(name, "TopicName") == 0)
		return set_text(&t->name, value);
	if (strcmp(name, "ErrorCode") == 0)
		return set_code(&t->error_code, value);
	if (strcmp(name, "MsgSeq") == 0)
		return json_int(value, &t->read_seq);
	if (strcmp(name, "ShutUpTime") == 0)
		return json_int(value, &t->shut_up);
	return false;
}

static enum err set_topic(struct change *c, const struct json *set)
{
	struct topic *t = c->topic;
	struct topic_state state = topic_at(&c->simulator->world, c->community, t, c->now_s);
	double per_hour = t->flow.per_hour;

	for (const struct json *value = set->child; value != NULL; value = value->next)
		if (!set_member(t, &state, &per_hour, value))
			return err_because(c->why, ERR_CONFIG, "'%.40s' cannot be set on a topic to such a value",
			                   value->name);
	topic_pin(t, &state, per_hour, c->now_s);
	return ERR_OK;
}

static enum err set_community(struct change *c, const struct json *set)
{
	for (const struct json *value = set->child; value != NULL; value = value->next) {
		bool done = strcmp(value->name, "ErrorCode") == 0 ? set_code(&c->community->error_code, value)
		            : strcmp(value->name, "name") == 0    ? set_text(&c->community->name, value)
		                                                  : false;
		if (!done)
			return err_because(c->why, ERR_CONFIG, "'%.40s' cannot be set on a community to such a value",
			                   value->name);
	}
	return ERR_OK;
}

static enum err apply(struct change *c)
{
	const struct json *set = json_get(c->object, "set");
	bool create = is_true(json_get(c->object, "create")), remove = is_true(json_get(c->object, "delete"));
	enum err e = ERR_OK;

	if (create + remove + (set != NULL) == 0 || (create && remove) || (remove && set != NULL))
		return err_because(c->why, ERR_CONFIG,
		                   "one of 'create', 'delete' and 'set' is needed; 'set' goes with 'create'");
	if (set != NULL && set->kind != JSON_OBJECT)
		return err_because(c->why, ERR_CONFIG, "'set' must be an object");
	if (c->community == NULL && (!create || c->topic_id != NULL))
		return err_because(c->why, ERR_CONFIG, "no community '%.100s'", c->community_id);
	if (c->topic_id != NULL && c->topic == NULL && !create)
		return err_because(c->why, ERR_CONFIG, "no topic '%.100s'", c->topic_id);
	if (remove)
		return delete_subject(c);
	if (create)
		e = c->topic_id != NULL ? create_topic(c) : create_community(c);
	if (e == ERR_OK && set != NULL)
		e = c->topic_id != NULL ? set_topic(c, set) : set_community(c, set);
	return e;
}

static enum err check_names(const struct change *c)
{
	static const char *const known[] = {
		"sdkappid", "community", "topic", "set", "create", "delete", "topics"
	};

	for (const struct json *j = c->object->child; j != NULL; j = j->next) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], j->name) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return err_because(c->why, ERR_CONFIG, "unknown member '%.40s'", j->name);
	}
	return ERR_OK;
}

enum err control_world_change(struct simulator *s, const struct json *j, struct json_out *o, struct why *why)
{
	struct moment now = moment_read();
	struct change c = { .simulator = s, .object = j, .now_s = simulator_world_s(s, &now), .why = why };
	enum err e;

	if (j->kind != JSON_OBJECT)
		return err_because(why, ERR_CONFIG, "a change is a JSON object");
	e = check_names(&c);
	if (e == ERR_OK)
		e = find_subject(&c);
	if (e == ERR_OK)
		e = apply(&c);
	if (e == ERR_OK)
		json_put_real(o, "now", s->world.start_unix_s + c.now_s);
	return e;
}
