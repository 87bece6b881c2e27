/* The truth the simulator tells: apps, their communities, their topics.
 *
 * - World time is seconds since the start of the simulator; nothing here reads a clock. Every value of a
 *   topic is a function of the seed and the world time, plus what was changed by hand.
 * - A topic that ends stays known (an answer may say that it was deleted) until an hour later, if it was
 *   born of churn; others stay for good. A deleted community stays in its list, marked.
 * - Pointers to a topic hold until the next call that adds topics (topic_add, community_advance).
 * - Not thread-safe: the simulator's lock covers it. */
#ifndef SIMULATOR_WORLD_H
#define SIMULATOR_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"
#include "tests/simulator/flow.h"

enum command { COMMAND_GET_TOPIC, COMMAND_GROUP_LIST, COMMAND_OTHER, COMMANDS /* must be last */ };

enum field {
#define FIELD(ID, NAME, FILTERED) FIELD_##ID,
#include "tests/simulator/field.def"
#undef FIELD
	FIELDS /* must be last */
};
#define FIELD_BIT(ID) ((uint32_t)1 << FIELD_##ID)

enum mute_field { MUTE_WORD, MUTE_FLAG, MUTE_BOTH, MUTE_FIELDS /* must be last */ };

/* How an answer is spelled: what the pages of the service leave open. */
struct style {
	enum mute_field mute; /* MuteAllMember "On"/"Off", ShutUpAllFlag 0/1, or both */
	bool group_id_small;  /* GroupId instead of GroupID */
	bool extra;           /* fields that no page names */
	bool no_unread;       /* NoUnreadSeqList in SelfInfo */
	bool empty_absent;    /* a community without topics has no array at all */
	bool unknown_missing; /* an unknown id of TopicIdList is left out instead of 110003 */
	uint32_t absent;      /* FIELD_BIT of each field never sent */
	char error_info[32];  /* ErrorInfo of success */
	const char *msg_flag; /* a static text */
};

/* What a scenario says about one topic. NAN and -1 mean: not said. */
struct topic_plan {
	char *id, *name; /* NULL: made up */
	double age_s, per_hour, silent_for_s;
	double born_s, dies_s; /* world time; -INFINITY and INFINITY */
	int64_t next_seq, last_time, create_time;
	int muted;
	int error_code; /* 0: none */
	bool never_active;
};

/* What a scenario says about one community or about many of a kind. */
struct recipe {
	char *type; /* GroupType, "Community" */
	char *name; /* display name for people who read /world */
	struct style style;
	struct profile profile;
	struct topic_plan *plans; /* named topics; the rest is made up */
	size_t plan_n, topic_n;   /* topic_n counts all of them */
	char **topic_names;       /* taken in turn; may be patterns */
	size_t topic_name_n;
	double per_hour, skew; /* of the whole community; the i-th topic's share falls as 1 / i^skew */
	double weights;        /* sum of those shares, from recipe_finish */
	double age_s;
	double never_share, silent_share, silent_for_s;
	double mute_share, mute_every_s, mute_for_s;
	double churn_per_hour, churn_life_s;
	size_t custom_len;
	bool topics_enabled;
	int error_code; /* of the whole community, 0: none */
};

struct topic {
	char *id, *name;
	uint64_t salt;
	struct flow flow;
	int64_t first_seq, first_last; /* NextMsgSeq and LastMsgTime at flow.since_s */
	int64_t create_time;
	double born_s, dies_s;
	int muted;        /* 0, 1, -1: comes and goes */
	int error_code;   /* of its element, 0: none */
	int64_t read_seq; /* SelfInfo.MsgSeq, -1: from the account */
	int64_t shut_up;  /* SelfInfo.ShutUpTime, -1: from the account */
	bool churned;
};

struct community {
	struct app *app;
	const struct recipe *recipe;
	char *id, *name;
	uint64_t salt;
	struct topic *topics;
	size_t topic_n, topic_cap;
	uint64_t births; /* topics of churn that were added so far */
	uint64_t made;   /* ids made up so far */
	int error_code;
	bool deleted;
};

struct account {
	char *id;
	int64_t read_lag; /* how far MsgSeq is behind; -1: it never reads */
	bool muted;
};

/* Calls allowed in one second of the monotonic clock, and the code of those above. per_s 0: no limit. */
struct quota {
	int per_s, code;
	int64_t second;
	int used;
};

struct app {
	uint64_t sdkappid;
	char **identifiers; /* administrators; the first one goes into ready.json */
	size_t identifier_n;
	char *key;
	struct account *accounts; /* empty: every From_Account is known */
	size_t account_n;
	int unknown_account_code;
	struct quota quotas[COMMANDS], total;
	int failures; /* signature checks failed in a row */
	int64_t first_failure_ms, locked_until_ms;
	struct community **communities; /* in the order of creation: positions are page cursors */
	size_t community_n, community_cap;
	struct community **slots; /* the same by the hash of their id; NULL: free */
	size_t slot_n;            /* a power of two */
};

struct world {
	uint64_t seed;
	double start_unix_s; /* Unix time at world time 0 */
	struct app *apps;
	size_t app_n;
	struct recipe *recipes;
	size_t recipe_n;
	struct recipe plain; /* of communities made by hand */
	int lock_failures;   /* bad signatures in a row until 70050 */
	int64_t lock_ms;     /* they count within this time, and the lock lasts as long */
	bool gzip;           /* answers are compressed for clients that accept it */
};

/* A topic at one moment. */
struct topic_state {
	int64_t next_seq, last_time, create_time;
	bool muted, exists;
};

enum {
	WORLD_APPS_MAX = 64,
	WORLD_COMMUNITIES_MAX = 200000, /* of one app */
	WORLD_TOPICS_MAX = 50000,       /* of one community */
	WORLD_ID_MAX = 256,
};

void world_free(struct world *w); /* `w` itself is the caller's */

struct app *world_app(struct world *w, uint64_t sdkappid);
/* Of the app, or of the first app that has the id when `sdkappid` is 0. */
struct community *world_community(struct world *w, uint64_t sdkappid, const char *id);
struct community *app_community(const struct app *a, const char *id);
bool app_has_identifier(const struct app *a, const char *id);
const struct account *app_account(const struct app *a, const char *id);

/* Makes a community with the topics of its recipe. ERR_CONFIG when the id is taken. */
enum err community_add(struct world *w, struct app *a, const struct recipe *r, const char *id,
                       const char *name, double now_s, struct community **ret, struct why *why) MUST_USE;
/* Lets births happen that are due, and forgets what churn buried an hour ago. */
enum err community_advance(struct world *w, struct community *c, double now_s) MUST_USE;
struct topic *community_topic(const struct community *c, const char *id);

void topic_plan_init(struct topic_plan *p);
void recipe_init(struct recipe *r);
void recipe_finish(struct recipe *r); /* after topic_n and skew are known */
/* ERR_CONFIG when the id is taken, ERR_LIMIT when the community is full. */
enum err topic_add(struct world *w, struct community *c, const struct topic_plan *p, double now_s,
                   struct topic **ret) MUST_USE;
struct topic_state topic_at(const struct world *w, const struct community *c, const struct topic *t,
                            double now_s);
/* Goes on from `state` at `now_s`, at `per_hour` messages an hour. */
void topic_pin(struct topic *t, const struct topic_state *state, double per_hour, double now_s);

#endif
