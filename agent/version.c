#include "agent/version.h"

#include <cjson/cJSON.h>
#include <libconfig.h>
#include <openssl/crypto.h>
#include <zlib.h>

#include "agent/fetch/fetch.h"
#include "exporters/metric/sample.h"
#include "exporters/web/web.h"

/* TCE_VERSION and TCE_REVISION come from the build. */

#ifdef __clang__
static const char compiler[] = __VERSION__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

struct version_row {
	const char *key;
	const char *value;
};

enum { VERSION_ROWS = 7 };

static void fill(struct version_row row[VERSION_ROWS])
{
	row[0] = (struct version_row){ "version", TCE_VERSION };
	row[1] = (struct version_row){ "revision", TCE_REVISION };
	row[2] = (struct version_row){ "compiler", compiler };
	row[3] = (struct version_row){ "libcurl", fetch_library() };
	row[4] = (struct version_row){ "openssl", OpenSSL_version(OPENSSL_VERSION_STRING) };
	row[5] = (struct version_row){ "libmicrohttpd", web_library() };
	row[6] = (struct version_row){ "cjson", cJSON_Version() };
}

const char *version_program(void)
{
	return TCE_VERSION;
}

void version_explain(struct buf *out)
{
	struct version_row row[VERSION_ROWS];

	fill(row);
	buf_fmt(out, "tencentchat_exporter, version %s\n", TCE_VERSION);
	for (int i = 1; i < VERSION_ROWS; i++)
		buf_fmt(out, "  %-15s%s\n", row[i].key, row[i].value);
	buf_fmt(out, "  %-15s%s\n", "zlib", zlibVersion());
	/* It does not tell which one is linked: the one whose header was there. */
	buf_fmt(out, "  %-15s%d.%d.%d\n", "libconfig", LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR,
	        LIBCONFIG_VER_REVISION);
}

void version_labels(struct buf *out)
{
	struct version_row row[VERSION_ROWS];

	fill(row);
	for (int i = 0; i < VERSION_ROWS; i++)
		label_add(out, row[i].key, span_of(row[i].value), SAMPLE_LABEL_MAX);
}

void version_user_agent(struct buf *out)
{
	buf_str(out, "tencentchat_exporter/" TCE_VERSION);
}
