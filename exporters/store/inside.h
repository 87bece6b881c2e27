/* What the files of this room share. */
#ifndef EXPORTERS_STORE_INSIDE_H
#define EXPORTERS_STORE_INSIDE_H

#include "exporters/store/store.h"

/* What a community is, in one block with its texts. Immutable, with counted references: the slot holds one,
 * and every order it stands in. */
struct card {
	unsigned refs;
	struct store_community is;
	char text[];
};
struct card *card_new(const struct store_community *c); /* NULL: no memory */
void card_drop(struct card *c);                         /* NULL is fine */

/* One place on the page. It counts only while the slot still holds this card: a removed community, or one
 * that was changed, leaves its old seats behind. Since a seat holds a reference, no new card can have the
 * same address. */
struct seat {
	uint64_t key;    /* the card's, at hand for sorting and comparing */
	uint64_t serial; /* no seat of another card of the store has it, or ever had */
	struct card *card;
	size_t slot;
};

/* The communities of a page in order. Immutable, with counted references: pins share it. */
struct order {
	unsigned refs;
	size_t n;
	struct seat seat[];
};

/* One slot. */
struct entry {
	struct card *card; /* NULL: the slot is free */
	struct facts *facts;
	struct health_community health;
	int64_t fresh_ms; /* mono, when the facts came */
	int64_t interval_ms;
	union {
		uint32_t seat;      /* in the order, while that is settled */
		uint32_t free_next; /* of a free slot: the next free one, or NO_SLOT */
	};
	bool ended; /* the community was deleted: what it said is over */
};
#define NO_SLOT UINT32_MAX

/* Rows of consecutive seats as a pin shows them, immutable, with counted references. A poll spoils one
 * stretch; pins share the others. Since the order is also the order of polls, few are spoilt at a time. */
enum { STRETCH = 128 };
struct row {
	struct facts *facts; /* NULL: none to show */
	struct health_community health;
	int64_t interval_ms;
	uint32_t app;
	enum metric_scope level;
};
_Static_assert(sizeof(struct row) <= 64, "a pin of very many pays for each line of memory");
struct stretch {
	unsigned refs;
	unsigned n;
	int64_t until_ms; /* when the next facts grow too old to be shown */
	bool counted;     /* cap.c was here; it remembers what is above the floor it had */
	uint64_t floor, topics, shown;
	struct row row[];
};

/* Sums of one app. */
struct sums {
	uint64_t state[STATE_COUNT];
	struct topic_mutes topics;
	uint64_t idle[IDLE_BUCKETS];
};

/* Series of topics by family, over all stretches that are not spoilt. */
struct series {
	uint64_t shown[TOPIC_FAMILIES];   /* of communities with topic series */
	uint64_t leveled[TOPIC_FAMILIES]; /* of the others */
};

struct store {
	uint64_t revision; /* the last number given to a seat, or to the facts of a poll */
	size_t app_n;
	int64_t *lag_ms; /* by app */
	struct entry *entry;
	size_t entry_n, entry_room; /* slots ever used, and allocated */
	uint32_t free_first;        /* NO_SLOT: none */

	struct order *order;   /* NULL until the first pin */
	bool moved;            /* a community came, changed or went since .order was made */
	struct seat *newcomer; /* not in .order yet, unsorted */
	size_t newcomer_n, newcomer_room;

	struct stretch **stretch; /* of .order; NULL: spoilt. None while .moved */
	size_t stretch_n;
	struct sums *sums; /* by app, over all stretches that are not spoilt */
	struct series series;
	uint64_t max_series; /* 0: no cap */
	unsigned families;   /* that count for it */
	uint64_t floor;      /* of the latest pin */
	uint64_t chosen;     /* series above the floor when it was chosen */
	struct pin *latest;  /* the store's own reference; NULL: something changed since */
};

/* Room for so many more newcomers. Errors: ERR_MEMORY. */
enum err order_room(struct store *s, size_t more) MUST_USE;
void order_join(struct store *s, size_t slot); /* after order_room */
/* Leaves out who went, sorts the newcomers, merges them in and numbers the seats. Errors: ERR_MEMORY; nothing
 * changed. */
enum err order_settle(struct store *s) MUST_USE;
void order_drop(struct order *o); /* NULL is fine */

/* What the next pin has to look at again: one slot, all of them, or the order too. */
void spoil_slot(struct store *s, const struct entry *e);
void spoil_all(struct store *s);
void spoil_order(struct store *s);

/* ---- cap.c ---- */
/* Chooses the floor of a new pin and counts. Visits topics only while there are more series than the cap
 * allows: those of stretches that are new, and all of them when the floor moves. */
void cap_choose(struct store *s, struct store_fold *ret);

#endif
