/* Style, script and picture of the pages, as they are in the program: made of assets/ at build time. */
#ifndef EXPORTERS_PAGES_ASSETS_H
#define EXPORTERS_PAGES_ASSETS_H

#include "exporters/web/web.h"

struct asset {
	const char *path, *type;
	const char *etag, *gzip_etag; /* strong, with their quotes: one for each form of it */
	const unsigned char *plain, *gzip;
	size_t plain_len, gzip_len;
};
/* Written by assets/embed.cmake. */
extern const struct asset asset_table[];
extern const size_t asset_n;
extern const char asset_build[];

/* Another one when any asset is: a page that was loaded with other ones has to load again. */
const char *assets_build(void);
/* The path of route i; NULL past the last. */
const char *assets_path(size_t i);
/* A web_answer for all of them. */
void assets_answer(void *arg, const struct web_request *q, struct web_reply *reply);

#endif
