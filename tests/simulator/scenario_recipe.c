#include "tests/simulator/scenario_recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 4096, CUSTOM_MAX = 1024 * 1024, TYPE_MAX = 32 };

static const double unlimited = 1e12;

void scenario_read_profile(struct setting *s, struct profile *p)
{
	config_setting_t *at = setting_member(s, "profile");
	double weight[HOURS];

	if (at == NULL)
		return;
	if (!config_setting_is_aggregate(at) || config_setting_length(at) != HOURS) {
		setting_refuse(s, at, "'profile' must be an array of 24 numbers");
		return;
	}
	for (int h = 0; h < HOURS; h++) {
		config_setting_t *hour = config_setting_get_elem(at, (unsigned)h);
		weight[h] = config_setting_type(hour) == CONFIG_TYPE_INT ? config_setting_get_int(hour)
		                                                         : config_setting_get_float(hour);
		if (!(weight[h] >= 0 && weight[h] <= 1000))
			setting_refuse(s, hour, "a weight of 'profile' must be 0 to 1000");
	}
	profile_set(p, weight, p->start_hour);
}

static uint32_t field_bit(const char *name)
{
	static const char *const names[FIELDS] = {
#define FIELD(ID, NAME, FILTERED) NAME,
#include "tests/simulator/field.def"
#undef FIELD
	};

	for (int i = 0; i < FIELDS; i++)
		if (strcmp(names[i], name) == 0)
			return (uint32_t)1 << i;
	return 0;
}

static void read_absent(struct setting *s, struct style *style)
{
	char **names = NULL;
	size_t n = 0;

	setting_texts(s, "absent", &names, &n);
	if (n > 0)
		style->absent = 0;
	for (size_t i = 0; i < n; i++) {
		if (field_bit(names[i]) == 0)
			setting_refuse(s, setting_member(s, "absent"), "no field '%.40s' is known", names[i]);
		style->absent |= field_bit(names[i]);
		free(names[i]);
	}
	free(names);
}

void scenario_read_style(struct setting *parent, struct style *style)
{
	static const char *const mutes[] = { "MuteAllMember", "ShutUpAllFlag", "both", NULL };
	static const char *const ids[] = { "GroupID", "GroupId", NULL };
	static const char *const unknown[] = { "error", "missing", NULL };
	static const char *const empty[] = { "array", "absent", NULL };
	/* The words of the pages, the newer ones included. */
	static const char *const flags[] = { "AcceptAndNotify",         "AcceptNotNotify",       "Discard",
		                                 "AcceptNotNotifyExceptAt", "NotReceiveMsgExceptAt", NULL };
	config_setting_t *at = setting_member(parent, "answer");
	int mute = (int)style->mute, id = style->group_id_small, lost = style->unknown_missing,
		none = style->empty_absent, flag = -1;
	const char *info;
	struct setting s;

	if (at == NULL)
		return;
	s = setting_begin(parent, at);
	setting_word(&s, "mute", mutes, &mute);
	setting_word(&s, "group_id", ids, &id);
	setting_word(&s, "unknown_topic", unknown, &lost);
	setting_word(&s, "empty", empty, &none);
	setting_word(&s, "msg_flag", flags, &flag);
	setting_bool(&s, "extra", &style->extra);
	setting_bool(&s, "no_unread", &style->no_unread);
	read_absent(&s, style);
	at = setting_member(&s, "error_info");
	info = at != NULL ? config_setting_get_string(at) : NULL;
	if (info != NULL && strlen(info) < sizeof(style->error_info))
		(void)snprintf(style->error_info, sizeof(style->error_info), "%s", info);
	else if (at != NULL)
		setting_refuse(&s, at, "'error_info' must be a text of at most 31 bytes");
	style->mute = (enum mute_field)mute;
	style->group_id_small = id == 1;
	style->unknown_missing = lost == 1;
	style->empty_absent = none == 1;
	if (flag >= 0)
		style->msg_flag = flags[flag];
	(void)setting_end(&s);
}

static void read_topic(struct setting *parent, config_setting_t *at, struct topic_plan *p)
{
	struct setting s = setting_begin(parent, at);
	bool muted = false;

	setting_text(&s, "id", WORLD_ID_MAX, &p->id);
	setting_text(&s, "name", NAME_BYTES_MAX, &p->name);
	setting_duration(&s, "age", &p->age_s);
	setting_duration(&s, "silent_for", &p->silent_for_s);
	setting_duration(&s, "born_after", &p->born_s);
	setting_duration(&s, "deleted_after", &p->dies_s);
	setting_real(&s, "messages_per_hour", 0, unlimited, &p->per_hour);
	setting_int(&s, "next_msg_seq", 0, INT64_MAX, &p->next_seq);
	setting_int(&s, "last_msg_time", 0, INT64_MAX, &p->last_time);
	setting_int(&s, "create_time", 0, INT64_MAX, &p->create_time);
	setting_int32(&s, "error_code", 0, INT32_MAX, &p->error_code);
	setting_bool(&s, "never_active", &p->never_active);
	setting_bool(&s, "muted", &muted);
	if (setting_member(&s, "muted") != NULL)
		p->muted = muted;
	if (p->dies_s <= p->born_s)
		setting_refuse(&s, at, "'deleted_after' must be later than 'born_after'");
	(void)setting_end(&s);
}

static void read_topics(struct setting *s, struct recipe *r)
{
	config_setting_t *at = setting_member(s, "topics");
	int n = at != NULL ? config_setting_length(at) : 0;
	size_t more = 0;

	if (at == NULL)
		return;
	if (config_setting_type(at) == CONFIG_TYPE_INT) {
		setting_size(s, "topics", WORLD_TOPICS_MAX, &r->topic_n);
		return;
	}
	if (!config_setting_is_list(at)) {
		setting_refuse(s, at, "'topics' must be a number or a list ( { ... }, ... )");
		return;
	}
	r->plans = calloc((size_t)n + 1, sizeof(*r->plans));
	if (r->plans == NULL) {
		setting_refuse(s, at, "out of memory");
		return;
	}
	r->plan_n = (size_t)n;
	for (int i = 0; i < n; i++) {
		topic_plan_init(&r->plans[i]);
		read_topic(s, config_setting_get_elem(at, (unsigned)i), &r->plans[i]);
	}
	setting_size(s, "more_topics", WORLD_TOPICS_MAX, &more);
	r->topic_n = (size_t)n + more;
}

static void read_habits(struct setting *parent, struct recipe *r)
{
	config_setting_t *silent = setting_member(parent, "silent"), *mutes = setting_member(parent, "mutes");
	config_setting_t *churn = setting_member(parent, "churn");
	struct setting s;

	if (silent != NULL) {
		s = setting_begin(parent, silent);
		setting_real(&s, "share", 0, 1, &r->silent_share);
		setting_duration(&s, "for", &r->silent_for_s);
		(void)setting_end(&s);
	}
	if (mutes != NULL) {
		s = setting_begin(parent, mutes);
		setting_real(&s, "share", 0, 1, &r->mute_share);
		setting_duration(&s, "every", &r->mute_every_s);
		setting_duration(&s, "for", &r->mute_for_s);
		if (r->mute_every_s <= 0)
			setting_refuse(&s, mutes, "'every' must be above 0s");
		(void)setting_end(&s);
	}
	if (churn != NULL) {
		s = setting_begin(parent, churn);
		setting_real(&s, "per_hour", 0, 36000, &r->churn_per_hour);
		setting_duration(&s, "lifetime", &r->churn_life_s);
		(void)setting_end(&s);
	}
}

void scenario_read_recipe(struct setting *s, struct recipe *r)
{
	setting_text(s, "type", TYPE_MAX, &r->type);
	setting_text(s, "name", NAME_BYTES_MAX, &r->name);
	scenario_read_style(s, &r->style);
	scenario_read_profile(s, &r->profile);
	read_topics(s, r);
	setting_texts(s, "topic_names", &r->topic_names, &r->topic_name_n);
	setting_real(s, "messages_per_hour", 0, unlimited, &r->per_hour);
	setting_real(s, "skew", 0, 10, &r->skew);
	setting_duration(s, "age", &r->age_s);
	setting_real(s, "never_active", 0, 1, &r->never_share);
	read_habits(s, r);
	setting_size(s, "custom_string", CUSTOM_MAX, &r->custom_len);
	setting_bool(s, "topics_enabled", &r->topics_enabled);
	setting_int32(s, "error_code", 0, INT32_MAX, &r->error_code);
}
