/* The configuration read again: on SIGHUP, on POST /-/reload, and when it changed and is watched. */
#ifndef AGENT_RELOAD_H
#define AGENT_RELOAD_H

#include "agent/daemon.h"

/* Reads the file whole, lets the flags win over it, and only then changes what differs. A file with a fault,
 * and one that takes most communities away, changes nothing. Writes a text for whoever asked: what was done,
 * or the first faults. Tells log and figures. Errors: ERR_CONFIG; ERR_MEMORY, and nothing changed either. */
enum err reload(struct daemon *d, struct buf *said) MUST_USE;
/* Once a turn: what a signal or a change of the file asked for. */
void reload_turn(struct daemon *d);

/* watch.c: looks now and then whether a reload would read something else. Errors: ERR_CONFIG, and `why` says
 * what the flag may be. */
enum err watch_open(struct daemon *d, struct why *why) MUST_USE;
/* It does, and has for two looks in a row, so that nobody is writing it now. */
bool watch_turn(struct daemon *d);
/* What was seen then was read, well or not: it is not read again. */
void watch_done(struct daemon *d);

/* shrink.c: ERR_CONFIG when `next` has lost 10 communities and more than half of those that `before` names,
 * of all apps or of one that stays, and does not say that it may; `faults` gets a line each. Both are read
 * and narrowed alike. Errors: ERR_MEMORY, too. */
enum err shrink_check(const struct conf *before, const struct conf *next, struct buf *faults) MUST_USE;

#endif
