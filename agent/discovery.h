/* Communities that nobody configured: an app's list of them is read like any other poll, and whoever is on it
 * and wanted joins the roster; whoever was discovered and is not on a whole list any more leaves it. */
#ifndef AGENT_DISCOVERY_H
#define AGENT_DISCOVERY_H

#include "agent/config/conf.h"
#include "agent/poll/poller.h"
#include "exporters/groups/groups.h"

struct daemon;
struct member;

/* The list of one app. */
struct discovery {
	struct groups_walk walk;
	struct groups_page page; /* the latest one, until all of its ids are taken; no ids: none */
	size_t taken;            /* of it so far */
	size_t crowd;            /* wanted ones on it, until a whole list was read; then newcomers are few: 0 */
	bool whole;              /* a whole list was read */
	bool last;               /* it ends the list */
	bool spoiled;            /* somebody on this list found no memory: nobody is removed */
	uint32_t listing;        /* which one is being read; counts from 1 */
	size_t added;            /* by this one so far */
	bool failing;            /* the latest one did not work */
};

/* Room for apps with numbers below `n`. Errors: ERR_MEMORY. */
enum err discovery_room(struct daemon *d, size_t n) MUST_USE;
/* The job that reads the list of this app. */
struct job discovery_job(const struct conf *c, const struct conf_app *app, size_t a);
/* Whether an app looks for communities, and for this one. */
bool discovery_wants(const struct conf_app *app, const char *id);
/* Whether a member stood on the latest list, or on the one before. */
bool discovery_lists(const struct daemon *d, const struct member *m);
/* The list that is being read is over, without an end. */
void discovery_forget(struct daemon *d, size_t a);
/* One for each app; those with discovery get a job. Errors: ERR_MEMORY. */
enum err discovery_open(struct daemon *d) MUST_USE;
void discovery_close(struct daemon *d);
struct poller_sink discovery_sink(struct daemon *d);
/* A page has ten thousand communities: they are taken some hundred in a turn. */
void discovery_turn(struct daemon *d);
/* Some of this app's latest page are not taken yet. */
bool discovery_busy(const struct daemon *d, size_t app);

#endif
