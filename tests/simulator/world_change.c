#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulator/orders.h"
#include "tests/simulator/pattern.h"

enum { POST_MAX = 1000000000, COUNT_MAX = 100000, NAME_MAX_LEN = 4096 };

/* One change: of a community, or of a topic in it. */
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

static bool is_true(const struct json *j)
{
	return j != NULL && j->kind == JSON_BOOL && j->truth;
}

static enum err find_subject(struct change *c)
{
	struct world *w = &c->simulator->world;
	uint64_t sdkappid = 0;

	if (json_get(c->object, "sdkappid") != NULL && !json_uint(json_get(c->object, "sdkappid"), &sdkappid))
		return err_because(c->why, ERR_CONFIG, "'sdkappid' must be a whole number");
	if (strlen(c->community_id) > WORLD_ID_MAX || (c->topic_id != NULL && strlen(c->topic_id) > WORLD_ID_MAX))
		return err_because(c->why, ERR_CONFIG, "an id has at most %d bytes", WORLD_ID_MAX);
	c->app = sdkappid != 0 ? world_app(w, sdkappid) : &w->apps[0];
	if (c->app == NULL)
		return err_because(c->why, ERR_CONFIG, "no app %llu", (unsigned long long)sdkappid);
	c->community = world_community(w, sdkappid, c->community_id);
	c->topic = NULL;
	if (c->community != NULL && community_advance(w, c->community, c->now_s) != ERR_OK)
		return err_because(c->why, ERR_MEMORY, "out of memory");
	if (c->community != NULL && c->topic_id != NULL)
		c->topic = community_topic(c->community, c->topic_id);
	return ERR_OK;
}

/* New topics for a community, all born now. */
static enum err add_topics(struct change *c, int64_t n)
{
	const char *name = json_str(json_get(c->object, "topic_name"));
	struct topic_plan plan;
	enum err e = ERR_OK;

	topic_plan_init(&plan);
	plan.born_s = c->now_s;
	for (int64_t i = 1; e == ERR_OK && i <= n; i++) {
		plan.name = name != NULL ? pattern_fill(name, (size_t)i) : NULL;
		e = name == NULL || plan.name != NULL
		        ? topic_add(&c->simulator->world, c->community, &plan, c->now_s, NULL)
		        : ERR_MEMORY;
		free(plan.name);
	}
	return e == ERR_OK ? e : err_because(c->why, e, "cannot add the topics: %s", err_text(e));
}

/* Topics that are still alive end now. */
static void end_topics(struct change *c)
{
	for (size_t i = 0; i < c->community->topic_n; i++)
		if (c->community->topics[i].dies_s > c->now_s)
			c->community->topics[i].dies_s = c->now_s;
}

/* One that was deleted comes back as it was; with `topics`, its old topics have ended. */
static enum err create_community(struct change *c)
{
	const struct json *topics = json_get(c->object, "topics"), *name = json_get(c->object, "topic_name");
	int64_t n = 0;
	enum err e = ERR_OK;

	if (c->community != NULL && !c->community->deleted)
		return err_because(c->why, ERR_CONFIG, "community '%.100s' exists already", c->community_id);
	if (topics != NULL && (!json_int(topics, &n) || n < 0 || n > WORLD_TOPICS_MAX))
		return err_because(c->why, ERR_CONFIG, "'topics' must be 0 to %d", WORLD_TOPICS_MAX);
	if (name != NULL &&
	    (json_str(name) == NULL || *json_str(name) == '\0' || strlen(json_str(name)) > NAME_MAX_LEN))
		return err_because(c->why, ERR_CONFIG, "'topic_name' must be a text of 1 to %d bytes", NAME_MAX_LEN);
	if (c->community == NULL)
		e = community_add(&c->simulator->world, c->app, &c->simulator->world.plain, c->community_id, NULL,
		                  c->now_s, &c->community, c->why);
	else if (topics != NULL)
		end_topics(c);
	if (e != ERR_OK)
		return e;
	c->community->deleted = false;
	return add_topics(c, n);
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

/* So many messages arrive in the topic at this moment. */
static enum err post_messages(struct change *c, const struct json *messages)
{
	struct topic *t = c->topic;
	struct topic_state state;
	int64_t n;

	if (t == NULL || t->dies_s <= c->now_s)
		return err_because(c->why, ERR_CONFIG, "'post' needs a 'topic' that is alive");
	if (!json_int(messages, &n) || n < 1 || n > POST_MAX)
		return err_because(c->why, ERR_CONFIG, "'post' must be 1 to %d", POST_MAX);
	state = topic_at(&c->simulator->world, c->community, t, c->now_s);
	if (state.next_seq > INT64_MAX - n)
		return err_because(c->why, ERR_CONFIG, "the topic has no sequence numbers left");
	state.next_seq += n;
	state.last_time = (int64_t)floor(c->simulator->world.start_unix_s + c->now_s);
	topic_pin(t, &state, t->flow.per_hour, c->now_s);
	return ERR_OK;
}

static enum err apply(struct change *c)
{
	const struct json *set = json_get(c->object, "set"), *post = json_get(c->object, "post");
	bool create = is_true(json_get(c->object, "create")), remove = is_true(json_get(c->object, "delete"));
	enum err e = ERR_OK;

	if (create + remove + (set != NULL) + (post != NULL) == 0 || (create && remove) ||
	    (remove && (set != NULL || post != NULL)))
		return err_because(c->why, ERR_CONFIG,
		                   "'create', 'set', 'post' or 'delete' is needed, and 'delete' stands alone");
	if ((json_get(c->object, "topics") != NULL || json_get(c->object, "topic_name") != NULL) &&
	    (!create || c->topic_id != NULL))
		return err_because(c->why, ERR_CONFIG, "'topics' and 'topic_name' are of a community to be created");
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
	if (e == ERR_OK && post != NULL)
		e = post_messages(c, post);
	return e;
}

/* The change for one number: both ids are patterns then. */
static enum err apply_number(struct change *c, const char *community, const char *topic, size_t number)
{
	char *community_id = pattern_fill(community, number);
	char *topic_id = topic != NULL ? pattern_fill(topic, number) : NULL;
	enum err e = ERR_OK;

	if (community_id == NULL || (topic != NULL && topic_id == NULL))
		e = err_because(c->why, ERR_MEMORY, "out of memory");
	c->community_id = community_id;
	c->topic_id = topic_id;
	if (e == ERR_OK)
		e = find_subject(c);
	if (e == ERR_OK)
		e = apply(c);
	free(community_id);
	free(topic_id);
	return e;
}

static enum err apply_object(struct change *c)
{
	static const char *const known[] = { "sdkappid", "community", "topic", "set",   "post",       "create",
		                                 "delete",   "topics",    "count", "first", "topic_name", NULL };
	const char *stranger = json_stranger(c->object, known);
	const char *community = json_str(json_get(c->object, "community"));
	const char *topic = json_str(json_get(c->object, "topic"));
	const struct json *count = json_get(c->object, "count"), *first = json_get(c->object, "first");
	int64_t n = 1, from = 1;
	enum err e = ERR_OK;

	if (stranger != NULL)
		return err_because(c->why, ERR_CONFIG, "unknown member '%.40s'", stranger);
	if (community == NULL || *community == '\0')
		return err_because(c->why, ERR_CONFIG, "'community' must be a text");
	if (json_get(c->object, "topic") != NULL && (topic == NULL || *topic == '\0'))
		return err_because(c->why, ERR_CONFIG, "'topic' must be a text");
	if ((count != NULL && (!json_int(count, &n) || n < 1 || n > COUNT_MAX)) ||
	    (first != NULL && (count == NULL || !json_int(first, &from) || from < 0 || from > INT32_MAX)))
		return err_because(c->why, ERR_CONFIG, "'count' must be 1 to %d, and 'first' needs it", COUNT_MAX);
	if (count == NULL) {
		c->community_id = community;
		c->topic_id = topic;
		e = find_subject(c);
		return e == ERR_OK ? apply(c) : e;
	}
	for (int64_t i = 0; e == ERR_OK && i < n; i++)
		e = apply_number(c, community, topic, (size_t)(from + i));
	return e;
}

enum err world_change(struct simulator *s, const struct json *j, struct json_out *o, struct why *why)
{
	struct moment now = moment_read();
	struct change c = { .simulator = s, .now_s = simulator_world_s(s, &now), .why = why };
	enum err e = ERR_OK;

	if (j->kind != JSON_OBJECT && j->kind != JSON_ARRAY)
		return err_because(why, ERR_CONFIG, "a change is a JSON object, or an array of them");
	if (j->kind == JSON_ARRAY && j->child == NULL)
		return err_because(why, ERR_CONFIG, "an array without a change");
	if (j->kind == JSON_OBJECT) {
		c.object = j;
		e = apply_object(&c);
	}
	for (const struct json *one = j->kind == JSON_ARRAY ? j->child : NULL; e == ERR_OK && one != NULL;
	     one = one->next) {
		c.object = one;
		e = one->kind == JSON_OBJECT ? apply_object(&c)
		                             : err_because(why, ERR_CONFIG, "a change is a JSON object");
	}
	if (e == ERR_OK)
		json_put_real(o, "now", s->world.start_unix_s + c.now_s);
	return e;
}
