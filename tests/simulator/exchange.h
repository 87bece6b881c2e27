/* One request of the API on its way through the server, and the sending of its answer. */
#ifndef SIMULATOR_EXCHANGE_H
#define SIMULATOR_EXCHANGE_H

#include <microhttpd.h>

#include "tests/simulator/call.h"
#include "tests/simulator/simulator.h"

struct exchange {
	struct simulator *simulator;
	struct call *call; /* NULL: the target was too long */
	struct faults_hit hit;
	struct moment began;
	uint64_t journal_id, sent;
	int fd;
	int64_t offset_s; /* of the clock, for the Date header */
	bool started;     /* the head was seen */
	bool gzip;        /* the answer is to be compressed */
};

/* Sleeps; false when the client has left or the simulator ends. ms -1: for ever. */
bool exchange_wait_ms(const struct exchange *x, int64_t ms);

int exchange_code(const struct exchange *x);   /* the ErrorCode that reaches the client, -1 when none does */
int exchange_status(const struct exchange *x); /* 0: no answer is sent */
bool exchange_accepts_gzip(const char *accept_encoding);

/* Queues the answer as the faults want it, or ends the connection as they want it. */
enum MHD_Result exchange_send(struct exchange *x, struct MHD_Connection *connection);

#endif
