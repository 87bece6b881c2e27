/* What the files of this room share. */
#ifndef EXPORTERS_TOPIC_INSIDE_H
#define EXPORTERS_TOPIC_INSIDE_H

#include "exporters/topic/topic.h"

enum { TOPIC_ID_MAX = 256 };

/* One topic: 40 bytes. */
enum topic_flag {
	TOPIC_OWN_ID = 1, /* the text holds the whole id; else what follows the community's id */
	TOPIC_NAMED = 2,
	TOPIC_MUTE_KNOWN = 4,
	TOPIC_MUTED = 8,
	TOPIC_LAST_KNOWN = 16, /* LastMsgTime was there; last_message_s 0 then means: never */
	TOPIC_HELD = 32,       /* NextMsgSeq fell with the same CreateTime; next_seq is the highest seen */
	TOPIC_WATCHED = 64,    /* whether the observer is muted is known */
	TOPIC_WATCHER_MUTED = 128,
	TOPIC_SEQ_UNTOLD = 256, /* the latest answer had no NextMsgSeq; next_seq is what it was before */
};
struct topic {
	int64_t next_seq;   /* 0: not known */
	uint32_t created_s; /* 0: not known */
	uint32_t last_message_s;
	uint32_t good_s;         /* mono, when the service last answered for it without an error */
	uint32_t id_at, name_at; /* in the text, escaped */
	uint16_t id_len, name_len;
	uint16_t flags;
	uint8_t error_row; /* 1 + row of its own ErrorCode; 0: none */
};

struct facts {
	unsigned refs;
	uint32_t topic_n, text_len;
	int64_t poll_s;   /* unix, when the answer came */
	int64_t messages; /* running sum since start, see COMMUNITY_MESSAGES */
	int64_t last_message_s;
	struct topic_mutes mutes;
	uint32_t fine, failed;                                 /* topics without and with an error */
	uint32_t mute_known, muted, last_known, never, silent; /* of the fine ones */
	bool observed;
	const int64_t *unread; /* by topic, below 0: not known; only when observed */
	const char *text;
	const struct topic *topic;
};

/* Facts under construction. Texts go to .text; .topic has room for every element of the answer. */
struct draft {
	struct topic *topic;
	int64_t *unread;
	size_t n;
	struct buf text;
	uint32_t failed; /* elements in error, with or without an id */
};
/* Drops topics whose id was there before (the first wins) and counts them; then seals. Sums come from the
 * topics. Errors: ERR_MEMORY. */
enum err facts_seal(struct draft *d, const struct topic_context *c, const struct facts *before,
                    uint32_t *ret_twice, struct facts **ret) MUST_USE;

/* Finds topics of an older answer: by place first, since answers come in a stable order, else by a sorted
 * index. */
struct finder {
	const struct facts *in; /* NULL: finds nothing */
	uint32_t next;
	uint32_t *sorted;
};
const struct topic *finder_find(struct finder *f, const struct facts *draft_view, const struct topic *t);
void finder_done(struct finder *f);

/* Whether `t`, of the same id as `old`, is another topic: its CreateTime differs. */
bool topic_is_anew(const struct topic *old, const struct topic *t);

/* Order of ids; both must be of the same community. */
int topic_compare(const struct facts *a, const struct topic *x, const struct facts *b, const struct topic *y);

#endif
