/* One call of the API: what was asked, as the bytes said it, and what is answered. */
#ifndef SIMULATOR_CALL_H
#define SIMULATOR_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "tests/simulator/json.h"
#include "tests/simulator/world.h"

enum { CALL_BODY_MAX = 1024 * 1024, CALL_ANSWER_MAX = 64 * 1024 * 1024, CALL_TARGET_MAX = 16 * 1024 };

/* A query parameter, decoded; NULL when absent. */
struct parameters {
	char *sdkappid, *identifier, *usersig, *random, *contenttype;
	bool twice, broken; /* a parameter twice; a percent sign that stands for nothing */
};

struct call {
	/* As it came. */
	char *target; /* path and query, undecoded */
	char *path;   /* up to the question mark */
	bool is_post;
	struct parameters parameters;
	struct buf body;
	uint64_t connection;
	int64_t mono_ms, unix_ms; /* when it was complete; unix_ms without the clock's offset */

	/* What the checks made of it; filled as far as they came. */
	struct app *app;
	enum command command;
	struct json *json;
	struct community *community;
	const char *community_id; /* from the body, borrowed from json */
	size_t topics_asked;

	/* The answer. */
	int code; /* ErrorCode at the top */
	struct buf answer;
};

/* NULL when out of memory. Splits the target and decodes the query. */
struct call *call_new(const char *target);
void call_free(struct call *c);

const char *command_name(enum command c); /* "get_topic"; "other" */
/* COMMANDS when `name` is none. */
enum command command_of(const char *name);

/* Replaces the answer by {"ActionStatus":"FAIL",...} with this code. */
void call_refuse(struct call *c, int code, const char *fmt, ...) FORMAT(3, 4);
/* Begins and ends an object with the three fields every answer has. */
void call_answer_begin(struct call *c, struct json_out *o, const struct style *style);

#endif
