/* get_topic and nothing else: its question, its answer, the facts in it and their samples. Pure functions: no
 * clock, no I/O, no state but what is passed. Source: the page "Getting Topic Profile" and what is known
 * about the service beyond it (field variants, semantics of NextMsgSeq and LastMsgTime). */
#ifndef EXPORTERS_TOPIC_TOPIC_H
#define EXPORTERS_TOPIC_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/now.h"
#include "agent/chat/chat.h"
#include "exporters/metric/catalog.h"
#include "exporters/metric/idle.h"

struct topic_question {
	const char *community;     /* GroupId */
	const char *account;       /* From_Account */
	const char *const *topics; /* TopicIdList; topic_n 0: all topics */
	size_t topic_n;
};
/* The JSON body of the request. */
void topic_ask(struct buf *out, const struct topic_question *q);

/* Facts of one community as of one answer: immutable, with counted references. */
struct facts;

/* What the decoder must know beside the bytes. */
struct topic_context {
	const char *community; /* GroupId that was asked for */
	bool observer;         /* SelfInfo belongs to an account the operator named */
	int64_t silent_after_s;
	int64_t keep_ms; /* how long a topic in error keeps its facts: stale_after */
	struct now now;
};

/* What an answer gave, beside the facts. */
struct topic_answer {
	struct facts *facts;    /* owned by the caller; NULL unless the poll is complete: CHAT_FINE */
	struct outcome outcome; /* of this one attempt; ERR_OK when usable */
	struct {
		int code;
		uint32_t n;
	} errors[32]; /* per-topic ErrorCodes and how many topics had each */
	size_t error_n;
	uint32_t repaired; /* bytes the guard had to replace */
	uint32_t doubtful; /* fields of a wrong type or out of range, taken as absent */
	uint32_t lowered;  /* topics whose NextMsgSeq fell with the same CreateTime; held at the highest */
};

/* How a community has to be asked, learnt from its answers and kept by the caller from poll to poll. All
 * zero: one call for everything. Its fields are for the poll alone. */
struct topic_way {
	uint8_t step, filter;
	bool by_face;    /* the ids alone come with FaceUrl, not with NextMsgSeq */
	uint16_t batch;  /* ids in one call; 0: not learnt */
	uint16_t topics; /* how many the latest poll in batches had */
	uint16_t since;  /* complete polls since an easier way was tried */
};

/* One poll of one community: one call or several, one verdict. It asks for everything first; when that is too
 * large (10018), for the exported fields only; then for the ids alone and for the fields in batches of them.
 * Topics named in the question need no list of ids. A way that is no longer needed is left again. */
struct topic_poll;
/* Borrows the question's texts and `way`, which belongs to one poll at a time. NULL: no memory. */
struct topic_poll *topic_poll_new(const struct topic_question *q, struct topic_way *way);
/* The same question, in texts that stay while the ones it was made with go. */
void topic_poll_move(struct topic_poll *p, const struct topic_question *q);
/* The body of the next call. Asking again repeats the question. At most 2 MiB. */
void topic_poll_ask(const struct topic_poll *p, struct buf *body);
/* Takes the answer to the last question: checks, repairs (in place) and decodes it. `before` are the facts of
 * the last complete poll or NULL; they are compared with, never changed. What ret->outcome.verdict says:
 * CHAT_FINE: the poll is complete, ret->facts is set, and only topic_poll_free may follow.
 * CHAT_MORE: the poll goes on, with another question. .err tells how this attempt counts: ERR_OK, or the
 * reason why it has to be asked otherwise, ERR_TOO_LARGE above all; `why` explains it.
 * Else this attempt failed and `why` explains it. Asking again repeats the question and loses nothing; when
 * the caller gives up, the facts of the poll so far are lost. ERR_TOO_LARGE with CHAT_REFUSED is final.
 * The top-level ErrorCode counts only when the answer has no TopicAndSelfInfo elements. Out of memory is
 * ERR_LOCAL_RESOURCE. What else is in `ret` counts for this answer. */
void topic_poll_take(struct topic_poll *p, char *json, size_t len, const struct topic_context *c,
                     const struct facts *before, struct topic_answer *ret, struct why *why);
/* The answer was larger than this program takes: as if the service had said 10018. */
void topic_poll_too_large(struct topic_poll *p, struct topic_answer *ret, struct why *why);
void topic_poll_free(struct topic_poll *p); /* at any time; NULL is fine */

/* A poll that ends with its first answer, whatever that is. */
void topic_decode(char *json, size_t len, const struct topic_context *c, const struct facts *before,
                  struct topic_answer *ret, struct why *why);

struct facts *facts_hold(struct facts *f);
void facts_drop(struct facts *f);           /* NULL is fine */
size_t facts_topics(const struct facts *f); /* topics with a known id */
size_t facts_bytes(const struct facts *f);  /* memory it takes */

/* Known topics by mute state; their sum is facts_topics. */
struct topic_mutes {
	uint64_t muted, open, unknown;
};
struct topic_mutes facts_mutes(const struct facts *f);

/* Known topics by how long ago, as of the poll, their last message was: IDLE_BUCKETS counts. A topic whose
 * LastMsgTime is not known is in none. */
const uint32_t *facts_idle(const struct facts *f);

/* What this poll alone added to the community's messages. */
uint64_t facts_new_messages(const struct facts *f);

/* Milli-messages a minute between the two latest usable answers; below 0: there was one only. */
int64_t facts_rate_milli(const struct facts *f);
/* Unix time of the last message of the topic that is quiet the longest, of those that ever had one; 0: none
 * had, or that is not known. */
int64_t facts_quietest_s(const struct facts *f);

/* Facts lie anywhere in memory, and the way there takes longer than their lines do. Asking for those that are
 * read next but one hides it. A hint: nothing depends on it. */
enum facts_part { FACTS_SUMS, FACTS_ALL }; /* ALL: with the topics, as topic_samples reads them */
void facts_ahead(const struct facts *f, enum facts_part part);

/* Where the samples of a community belong: its identity labels, `sdkappid="1",community="@TGS#_x"`, escaped,
 * and within them the escaped community id, which most topic ids repeat. */
struct topic_place {
	struct span labels, community;
};

/* ---- which topics have series of their own ---- */
enum { TOPIC_FAMILIES = M_TOPIC_ERROR + 1 }; /* the first of the catalogue */

/* Topics have a rank: by their last message, those that never had one lowest, and among equals by a hash of
 * the id, so that hardly any two are the same. Those below a floor have no series: 0: all have, TOPIC_NONE:
 * none. */
#define TOPIC_NONE UINT64_MAX

/* Series of all topics, by family. */
const uint32_t *facts_series(const struct facts *f);
/* Topics from the floor on, and their series of these families (bit m: metric m). */
struct topic_count {
	uint64_t topics, series;
};
struct topic_count facts_above(const struct facts *f, uint64_t floor, unsigned families);
/* Adds the series of these families to `bucket[(rank >> shift) % TOPIC_BUCKETS]`, for topics whose rank has
 * all the higher bits of `prefix`. */
enum { TOPIC_BUCKET_BITS = 12, TOPIC_BUCKETS = 1 << TOPIC_BUCKET_BITS };
void facts_spread(const struct facts *f, unsigned families, uint64_t prefix, int shift,
                  uint64_t bucket[TOPIC_BUCKETS]);

/* ---- what a poll changed ---- */
/* Compares `f` exactly with the facts that stood there before: a TOPIC family of which topic_samples writes
 * the same bytes from both keeps the revision it had, any other gets `revision`, and with `before` NULL all
 * do. (One whose topics merely have other numbers may get it too.) To be called once, while nobody else has
 * `f`; `before` is read, not kept. Each `revision` is above 0 and above all that were given before. */
void facts_follow(struct facts *f, const struct facts *before, uint64_t revision);
/* Two facts of one community with the same revision at the same floor have the same lines of this TOPIC
 * family there. Where some topics may be below the floor, a new message anywhere counts as a change of every
 * family, since it may lift a topic above. 0: facts_follow was never called. */
uint64_t facts_revision(const struct facts *f, enum metric m, uint64_t floor);

/* ---- samples ---- */
/* Writes the lines of one TOPIC family for the topics from number `from` on that are not below the floor, as
 * many as fit in `out`. Returns the number of the first topic not written, or facts_topics(f) at the end.
 * Progress is certain when `out` has SAMPLE_LINE_MAX bytes of room. */
size_t topic_samples(const struct facts *f, enum metric m, const struct topic_place *at, uint64_t floor,
                     size_t from, struct buf *out);

/* What one COMMUNITY family that comes from facts shows; below 0: not known, or another family. */
int64_t topic_community_value(const struct facts *f, enum metric m, uint64_t floor);
/* Writes the line of that family; nothing when the fact is not known. */
void topic_community_sample(const struct facts *f, enum metric m, const struct topic_place *at,
                            uint64_t floor, struct buf *out);

/* ---- one topic at a time, for whoever wants no lines; i below facts_topics ---- */
/* Appends its id as label text is written; `community` as in struct topic_place. */
void topic_id(const struct facts *f, size_t i, struct span community, struct buf *out);
/* Its name, as label text is written; borrowed. False: not known. */
bool topic_named(const struct facts *f, size_t i, struct span *ret);
/* The label of its own ErrorCode; NULL: it has none. */
const char *topic_error(const struct facts *f, size_t i);
/* What its line of a TOPIC family shows. False: it has no such line. */
bool topic_value(const struct facts *f, enum metric m, size_t i, uint64_t *ret);

#endif
