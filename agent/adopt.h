/* Another configuration takes the place of the one in force, by difference. */
#ifndef AGENT_ADOPT_H
#define AGENT_ADOPT_H

#include "agent/daemon.h"

/* What came of it. */
struct adopted {
	size_t apps_added, apps_removed, apps_changed;
	size_t added, removed, changed; /* communities, discovered ones that end or get other settings too */
};

/* Takes `next`, which is in force from now on, and frees the one before. Apps are the same by sdkappid,
 * communities by that and id; whatever is the same keeps facts, health, counters, phase and polls under way.
 * Errors: ERR_MEMORY; then nothing changed, and `next` is the caller's. */
enum err adopt(struct daemon *d, struct conf *next, struct adopted *ret) MUST_USE;

/* adopt_same.c: what differs between two configurations of the same thing. */
bool same_list(const struct conf_list *a, const struct conf_list *b);
/* What the store knows of a community; what the poller does; anything at all. */
bool same_card(const struct conf_community *a, const struct conf_community *b);
bool same_pace(const struct conf_community *a, const struct conf_community *b);
bool same_community(const struct conf_community *a, const struct conf_community *b);
/* Whom the signer signs for, with which key and for how long. */
bool same_signer(const struct conf_app *a, const struct conf_app *b);
/* Which ids are wanted, if any are looked for at all. */
bool same_search(const struct conf_app *a, const struct conf_app *b);
bool same_app(const struct conf_app *a, const struct conf_app *b);

#endif
