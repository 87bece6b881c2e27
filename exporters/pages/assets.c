#include "exporters/pages/assets.h"

#include <string.h>

#include "exporters/pages/pack.h"

const char *assets_build(void)
{
	return asset_build;
}

const char *assets_path(size_t i)
{
	return i < asset_n ? asset_table[i].path : NULL;
}

static const struct asset *asset_of(const char *path)
{
	size_t i = 0;

	while (i + 1 < asset_n && strcmp(asset_table[i].path, path) != 0)
		i++;
	return &asset_table[i];
}

void assets_answer(void *arg, const struct web_request *q, struct web_reply *reply)
{
	const struct asset *a = asset_of(q->path);
	const bool packed = pack_lists(q, "Accept-Encoding", "gzip");

	(void)arg;
	reply->type = a->type;
	reply->vary = "Accept-Encoding";
	reply->etag = packed ? a->gzip_etag : a->etag;
	if (pack_lists(q, "If-None-Match", reply->etag) || pack_lists(q, "If-None-Match", "*")) {
		reply->status = 304;
	} else if (packed) {
		reply->encoding = "gzip";
		buf_add(&reply->body, a->gzip, a->gzip_len);
	} else {
		buf_add(&reply->body, a->plain, a->plain_len);
	}
}
