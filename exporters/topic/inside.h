/* What the files of this room share. */
#ifndef EXPORTERS_TOPIC_INSIDE_H
#define EXPORTERS_TOPIC_INSIDE_H

#include "exporters/json/json.h"
#include "exporters/topic/topic.h"

/* From every byte of a text of facts on, so many may be read, whatever they are. */
enum { TEXT_STEP = 32 };
enum { TOPIC_ID_MAX = 256, CODE_WRONG_PARAMETER = 10004 };

/* What of an id the text holds: all of it, or what follows the community's id, or what follows the mark
 * behind that, or, in ids that the service made, what follows its second mark. */
#define TOPIC_MARK      "@TOPIC#_"
#define TOPIC_MARK_MADE "@TOPIC#c"
enum topic_id { ID_WHOLE, ID_AFTER_COMMUNITY, ID_AFTER_MARK, ID_MADE, ID_KINDS };

/* One topic: 36 bytes, since there are very many of them. */
enum topic_flag {
	TOPIC_ID_KIND = 3, /* a mask: enum topic_id */
	TOPIC_NAMED = 4,
	TOPIC_MUTE_KNOWN = 8,
	TOPIC_MUTED = 16,
	TOPIC_LAST_KNOWN = 32, /* LastMsgTime was there; last_message_s 0 then means: never */
	TOPIC_HELD = 64,       /* NextMsgSeq fell with the same CreateTime; next_seq is the highest seen */
	TOPIC_WATCHED = 128,   /* whether the observer is muted is known */
	TOPIC_WATCHER_MUTED = 256,
	TOPIC_SEQ_UNTOLD = 512, /* the latest answer had no NextMsgSeq; next_seq is what it was before */
};
struct topic {
	int64_t next_seq;   /* 0: not known */
	uint32_t created_s; /* 0: not known */
	uint32_t last_message_s;
	uint32_t good_s; /* mono, when the service last answered for it without an error */
	uint32_t id_at;  /* in the text, escaped; the name stands behind it */
	uint16_t id_len, name_len;
	uint16_t flags;
	uint8_t error_row; /* 1 + row of its own ErrorCode; 0: none */
	uint8_t has;       /* families it has a series of, bit m: metric m; set when the facts are sealed */
	uint32_t tie;      /* hash of the whole id: order among equals; likewise */
} __attribute__((packed, aligned(4)));
_Static_assert(TOPIC_FAMILIES <= 8, "struct topic has a bit for each");
_Static_assert(sizeof(struct topic) >= TEXT_STEP - 1, "one stands behind the texts");

struct facts {
	unsigned refs;
	uint32_t topic_n, text_len;
	bool observed;
	int64_t poll_s;          /* unix, when the answer came that told which topics there are */
	int64_t poll_ms;         /* mono, the same */
	int64_t messages;        /* running sum since start, see COMMUNITY_MESSAGES */
	int64_t fresh;           /* what this poll added to it */
	uint32_t last_message_s; /* of all topics */
	uint32_t quietest_s;     /* the earliest last message of a topic that ever had one; 0: there is none */
	struct {
		uint32_t muted, open, unknown;
	} mutes;
	uint32_t fine, failed;                                 /* topics without and with an error */
	uint32_t mute_known, muted, last_known, never, silent; /* of the fine ones */
	/* So far what lines of a community show. */
	uint32_t idle[IDLE_BUCKETS];
	uint32_t series[TOPIC_FAMILIES];
	uint32_t span_ms;      /* since the poll before; 0: there was none */
	const int64_t *unread; /* by topic, below 0: not known; only when observed */
	const char *text;
	const struct topic *topic;
	uint64_t revision[TOPIC_FAMILIES]; /* see facts_follow */
};

/* What the texts of facts take, so that numbers can stand behind them. */
static inline size_t text_room(size_t len)
{
	return (len + _Alignof(int64_t) - 1) / _Alignof(int64_t) * _Alignof(int64_t);
}

static inline struct span topic_name(const struct facts *f, const struct topic *t)
{
	return (struct span){ f->text + t->id_at + t->id_len, t->name_len };
}

static inline uint64_t topic_rank(const struct topic *t)
{
	return (uint64_t)t->last_message_s << 32 | t->tie;
}

/* Fills .has and .tie of the topics, which are those of `f`, and .series of `f`. */
void topics_rank(struct facts *f, struct topic *topic, const char *community);
/* The families that topic i has a line of. */
unsigned topic_families(const struct facts *f, size_t i);

/* Facts under construction, from one answer or several. Texts go to .text. */
struct draft {
	struct topic *topic;
	int64_t *unread;
	size_t n, room;
	struct buf text;
	uint32_t failed; /* elements in error, with or without an id */
};
void draft_init(struct draft *d);
/* Room for so many more topics and bytes of text. Errors: ERR_MEMORY. */
enum err draft_reserve(struct draft *d, size_t topics, size_t text) MUST_USE;
/* Back to what `mark`, a copy of the draft, held: drops what a failed answer left. */
void draft_rewind(struct draft *d, const struct draft *mark);
/* Drops topics whose id was there before (the first wins) and counts them; then seals. Sums come from the
 * topics. After an error, ERR_MEMORY, the draft can still be rewound. */
enum err draft_seal(struct draft *d, const struct topic_context *c, const struct facts *before,
                    uint32_t *ret_twice, struct facts **ret) MUST_USE;
void draft_done(struct draft *d);

/* Finds topics of an older answer: by place first, since answers come in a stable order, else by a sorted
 * index. */
struct finder {
	const struct facts *in; /* NULL: finds nothing */
	uint32_t next;
	uint32_t *sorted;
	bool blind; /* there was no memory to search: "not found" may be wrong */
};
const struct topic *finder_find(struct finder *f, const struct facts *draft_view, const struct topic *t);
void finder_done(struct finder *f);

/* Topics that are asked for by their ids, in a fixed order: listed by the service, or named by the operator.
 * The question under way is about `from` to `to`. */
struct asked {
	const char *const *named; /* borrowed; NULL: the ids stand in .text */
	struct buf text;          /* each id with its NUL */
	uint32_t *at;             /* where in .text */
	size_t n, room;
	uint32_t *sorted; /* numbers in the order of the ids; NULL until one is searched */
	bool *answered;
	size_t from, to, next;
	enum err status; /* ERR_MEMORY sticks */
};
void asked_init(struct asked *a);
enum err asked_name(struct asked *a, const char *const *named, size_t n) MUST_USE;
/* Errors: ERR_MEMORY; ERR_LIMIT above 20,000 ids or 4 MiB. */
enum err asked_add(struct asked *a, const char *id) MUST_USE;
/* Ends the adding: drops ids that were there before and counts them. Errors: ERR_MEMORY. */
enum err asked_settle(struct asked *a, uint32_t *ret_twice) MUST_USE;
const char *asked_id(const struct asked *a, size_t i);
/* Makes the question about up to `size` ids from `from` on, 0: as many as one request can hold. */
void asked_window(struct asked *a, size_t from, size_t size);
/* An answer to the question begins: none of its ids is answered. */
void asked_rewind(struct asked *a);
/* Whether the question was about this id and it is the first answer to it. */
bool asked_match(struct asked *a, const char *id);
void asked_done(struct asked *a); /* reusable */

/* The pieces of a question, in this order. */
void ask_open(struct buf *out, const struct topic_question *q);
void ask_topics(struct buf *out, const struct asked *a);
void ask_filter(struct buf *out, const char *const *field, size_t n);
void ask_close(struct buf *out);

/* One answer on its way into a draft. */
struct intake {
	const struct topic_context *c;
	const struct facts *before;
	struct topic_answer *answer;
	struct draft *draft;
	struct asked *asked; /* topics that were not asked for are ignored; NULL: all were */
	struct finder finder;
	size_t len; /* bytes of the answer */
};
/* Guard, tree and the errors of the whole answer. The list, NULL when there is none, lives until
 * intake_close, which is called in any case. */
enum err intake_open(struct intake *in, char *json, size_t len, const cJSON **ret_list,
                     struct why *why) MUST_USE;
/* Whether a filter took something that is needed: no fine topic has it. */
bool intake_lacks(const struct intake *in, const cJSON *list);
enum err intake_topics(struct intake *in, const cJSON *list, struct why *why) MUST_USE;
/* The ids alone. An element in error without an id counts here; one with an id when it is asked for. */
enum err intake_ids(struct intake *in, const cJSON *list, struct asked *ret, struct why *why) MUST_USE;
/* `e` says how it went; fills .outcome and `why` of the answer where nothing said more. */
void intake_close(struct intake *in, enum err e, struct why *why);

/* ---- a poll ---- */
/* Where a poll stands. The next one starts at one of the first three. */
enum step { STEP_WHOLE, STEP_FILTER, STEP_IDS, STEP_BATCH };
/* SUSPECT: a filtered batch was refused; whether it is for the filter or for the number of its ids, the same
 * batch without a filter will tell. */
enum filter { FILTER_UNTRIED, FILTER_WORKS, FILTER_SUSPECT, FILTER_ABANDONED };

struct topic_poll {
	struct topic_question q;
	struct topic_way *way;       /* the caller's */
	struct topic_way start, now; /* as it was, and as this poll sees it */
	enum step step;
	size_t size; /* ids in a batch; 0: all that were named, without a filter */
	struct asked asked;
	struct draft draft;
	uint32_t place; /* where finding goes on in the facts before */
	bool begun;
	struct now at; /* when the answer came that told which topics there are */
};
/* The step a poll starts with. */
void way_begin(struct topic_poll *p);
/* How many ids the first batch has. */
size_t way_batch(struct topic_poll *p);
bool way_is_filtered(const struct topic_poll *p);
/* The question was too much, or refused as it is: chooses another. False: there is nothing less to ask for.
 */
bool way_less(struct topic_poll *p, bool refused);
/* The filter took what is needed: never again until everything has fitted in one answer once more. */
void way_unfilter(struct topic_poll *p);
/* An answer to the question was good. */
void way_proven(struct topic_poll *p);
/* What was learnt is remembered: while the poll goes on, when it is complete, when it cannot be. */
void way_more(struct topic_poll *p);
void way_complete(struct topic_poll *p);
void way_dead_end(struct topic_poll *p, bool refused);

/* Whether `t`, of the same id as `old`, is another topic: its CreateTime differs. */
bool topic_is_anew(const struct topic *old, const struct topic *t);

/* Order of ids; both must be of the same community. */
int topic_compare(const struct facts *a, const struct topic *x, const struct facts *b, const struct topic *y);
/* The numbers of all topics in the order of their ids, freed by the caller; NULL: no memory, or no topics. */
uint32_t *topics_sort(const struct facts *f);

#endif
