/* The pages for people and for probes: landing, health, readiness. */
#ifndef EXPORTERS_PAGES_PAGES_H
#define EXPORTERS_PAGES_PAGES_H

#include "exporters/store/store.h"
#include "exporters/web/web.h"

struct page_app {
	const char *name;
	const struct health_app *health;
};

struct page_state {
	const char *version;
	const char *telemetry_path;
	const char *unready; /* why /-/ready would say 503; NULL: ready */
	const char *unwell;  /* why /-/healthy would say 503; NULL: healthy */
	const struct page_app *app;
	size_t app_n;
};

void page_landing(const struct page_state *s, struct web_reply *reply);
void page_healthy(const struct page_state *s, struct web_reply *reply);
void page_ready(const struct page_state *s, struct web_reply *reply);

#endif
