/* When each call came, and little else: a million of them, cheap enough to count every window of time. */
#ifndef SIMULATOR_TICKS_H
#define SIMULATOR_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulator/json.h"
#include "tests/simulator/world.h"

enum { TICKS_RING = 1 << 20 };

struct tick {
	int64_t mono_ms; /* CLOCK_MONOTONIC of this machine */
	uint64_t sdkappid;
	enum command command;
	int code;
};

/* Which calls to tell of. */
struct ticks_wanted {
	uint64_t since;       /* ids above */
	uint64_t sdkappid;    /* 0: every app */
	enum command command; /* COMMANDS: every command */
	int64_t code;         /* -2: every code; -1: no code was sent */
	int64_t window_ms;    /* of "busiest" */
	bool list;            /* the times one by one */
};

struct ticks;

struct ticks *ticks_new(void); /* NULL when out of memory */
void ticks_free(struct ticks *t);
void ticks_add(struct ticks *t, const struct tick *tick); /* its id is the number of calls so far, from 1 */
enum err ticks_show(const struct ticks *t, const struct ticks_wanted *w, struct json_out *o) MUST_USE;

#endif
