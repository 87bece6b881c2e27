#include "tests/simulator/control.h"

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
	c = world_community(&s->world, sdkappid, community);
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
