/* Made-up answers of the service, for forecast.c. */
#ifndef AGENT_FORECAST_WORLD_H
#define AGENT_FORECAST_WORLD_H

#include "agent/config/conf.h"
#include "exporters/store/store.h"

enum { FORECAST_ID_MAX = 32 };

/* A moment that is always the same, so that a forecast is. */
struct now forecast_now(void);
/* An id as the service makes them. */
void forecast_id(unsigned number, char at[FORECAST_ID_MAX]);
/* A community into the store, and its first poll. Errors: ERR_MEMORY. */
enum err forecast_poll(struct store *s, int64_t sdkappid, const char *id,
                       const struct conf_community *c) MUST_USE;

#endif
