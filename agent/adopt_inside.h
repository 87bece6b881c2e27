/* What the files of adopt share. */
#ifndef AGENT_ADOPT_INSIDE_H
#define AGENT_ADOPT_INSIDE_H

#include "agent/adopt.h"

/* An app of the next configuration. */
struct next_app {
	const struct conf_app *conf;
	size_t number;
	bool fresh, searched;
	struct roster_app filled; /* takes its place; of a fresh one nothing is left here */
	size_t list_job;          /* `searched`: a new one, in the place of the old */
};

/* A member of the roster. */
struct row {
	const struct conf_community *conf; /* what it is from now on; NULL: it goes */
	struct card *draft;                /* NULL: the store's stays */
	bool here, discovered;
};

struct change {
	struct daemon *d;
	const struct conf *next;
	struct next_app *app; /* as they stand in `next` */
	size_t filled_n;      /* of them so far */
	size_t *by_number;    /* place in `app`, of the numbers before; SIZE_MAX: nobody, or it goes */
	size_t numbers;
	struct row *row; /* by slot, of the slots before */
	size_t slots;
	struct newcomer *who;
	size_t who_n, draft_n;
	int64_t hash;
	struct adopted did;
};

/* adopt_commit.c: nothing fails, and nothing refers to the configuration before any more. */
void adopt_commit(struct change *c);

#endif
