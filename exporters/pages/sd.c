#include "exporters/pages/sd.h"

#include <inttypes.h>
#include <string.h>

#include "exporters/pages/status_inside.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { HOST_MAX = 253, PORT_MAX = 65535, SD_KEY_MAX = 16 << 10 };

void sd_begin(struct buf *out, const struct sd_community *c)
{
	char number[24];
	struct buf b;

	buf_wrap(&b, number, sizeof(number));
	buf_fmt(&b, "%" PRIu64, c->sdk_app_id);
	buf_str(out, "{\"targets\":[\"");
	buf_str(out, c->address);
	buf_str(out, "\"],\"labels\":{");
	object_text(out, "__metrics_path__", "/probe");
	object_text(out, "__param_app", c->app);
	object_text(out, "__param_community", c->id);
	object_text(out, "__meta_tencentchat_app", c->app);
	object_text(out, "__meta_tencentchat_sdkappid", buf_text(&b));
	object_text(out, "__meta_tencentchat_community", c->id);
	object_text(out, "__meta_tencentchat_community_name", c->name);
}

void sd_label(struct buf *out, const char *key, const char *value)
{
	char name[SD_KEY_MAX];
	struct buf b;

	buf_wrap(&b, name, sizeof(name));
	buf_fmt(&b, "__meta_tencentchat_label_%s", key);
	if (b.status != ERR_OK)
		out->status = ERR_LIMIT;
	else
		object_text(out, buf_text(&b), value);
}

void sd_end(struct buf *out)
{
	buf_str(out, "}}");
}

static bool is_port(const char *text)
{
	unsigned port = 0;
	size_t n = strspn(text, DIGITS);

	if (n == 0 || n > 5 || text[n] != '\0')
		return false;
	for (size_t i = 0; i < n; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	return port > 0 && port <= PORT_MAX;
}

bool sd_is_address(const char *host)
{
	const bool v6 = host[0] == '[';
	size_t n = v6 ? 1 + strspn(host + 1, DIGITS "abcdefABCDEF:.") : strspn(host, DIGITS LETTERS ".-");

	if (v6 && (n < 3 || host[n++] != ']'))
		return false;
	if (n == 0 || n > HOST_MAX)
		return false;
	return host[n] == '\0' || (host[n] == ':' && is_port(host + n + 1));
}
