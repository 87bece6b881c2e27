#include "agent/chat/chat.h"

#include <inttypes.h>
#include <string.h>

/* ---- hosts: "RESTful API Overview" and "Getting Topic Profile"; the last two are not on every page ---- */
struct region {
	const char *name, *host;
};

static const struct region regions[] = {
	{ "china", "https://console.tim.qq.com" },
	{ "singapore", "https://adminapisgp.im.qcloud.com" },
	{ "seoul", "https://adminapikr.im.qcloud.com" },
	{ "tokyo", "https://adminapijpn.im.qcloud.com" },
	{ "frankfurt", "https://adminapiger.im.qcloud.com" },
	{ "silicon-valley", "https://adminapiusa.im.qcloud.com" },
	{ "jakarta", "https://adminapiidn.im.qcloud.com" },
	{ "riyadh", "https://adminapiksa.im.qcloud.com" },
	{ "mumbai", "https://adminapiind.im.qcloud.com" },
};

const char *chat_host(const char *region)
{
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		if (strcmp(regions[i].name, region) == 0)
			return regions[i].host;
	return NULL;
}

const char *chat_regions(void)
{
	return "china, singapore, seoul, tokyo, frankfurt, silicon-valley, jakarta, riyadh, mumbai";
}

/* ---- commands ---- */
static const struct {
	const char *label, *path;
	int limit; /* calls a second, of all callers of an app together; each command's own page */
} commands[CHAT_COMMANDS] = {
	[CHAT_GET_TOPIC] = { "get_topic", "/v4/million_group_open_http_svc/get_topic", 200 },
	[CHAT_GET_APPID_GROUP_LIST] = { "get_appid_group_list", "/v4/group_open_http_svc/get_appid_group_list",
	                                1 },
};

const char *chat_command_label(enum chat_command command)
{
	return commands[command].label;
}

int chat_command_limit(enum chat_command command)
{
	return commands[command].limit;
}

/* RFC 3986 2.3: everything but the unreserved characters. */
void chat_encode(struct buf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			buf_add(out, text, 1);
		else
			buf_fmt(out, "%%%02X", (unsigned char)*text);
	}
}

void chat_url(struct buf *out, const struct chat_caller *who, enum chat_command command, uint32_t nonce)
{
	buf_str(out, who->host);
	buf_str(out, commands[command].path);
	buf_fmt(out, "?sdkappid=%" PRIu64 "&identifier=", who->sdk_app_id);
	chat_encode(out, who->admin);
	buf_str(out, "&usersig=");
	buf_str(out, who->usersig);
	buf_fmt(out, "&random=%" PRIu32 "&contenttype=json", nonce);
}

/* ---- codes ---- */
static const struct chat_code codes[CHAT_ROWS + 1] = {
#define CODE(NUMBER, VERDICT, REASON, SCOPE, WAIT_S, ON_PAGE, IN_ITEM, TEXT) \
	{ NUMBER, CHAT_##VERDICT, ERR_##REASON, CHAT_SCOPE_##SCOPE, WAIT_S, ON_PAGE, IN_ITEM, #NUMBER, TEXT },
#include "agent/chat/error.def"
#undef CODE
	{ 0, CHAT_RETRY, ERR_API_ERROR, CHAT_SCOPE_COMMUNITY, 0, false, true, "other",
	  "a code this program does not know" },
};

size_t chat_row(int number)
{
	size_t low = 0, high = CHAT_ROWS;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (codes[mid].number == number)
			return mid;
		if (codes[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return CHAT_ROWS;
}

const struct chat_code *chat_code(size_t row)
{
	return &codes[row <= CHAT_ROWS ? row : CHAT_ROWS];
}

/* An unknown code of the account service is about the signature or the rights, and repeating those locks the
 * account out; every other unknown code may be a passing fault. */
static bool is_unknown_account_code(int number)
{
	return chat_row(number) == CHAT_ROWS && number >= 70000 && number <= 72999;
}

enum chat_scope chat_scope_of(int number)
{
	return is_unknown_account_code(number) ? CHAT_SCOPE_APP : chat_code(chat_row(number))->scope;
}

struct outcome chat_judge(int number)
{
	const size_t row = chat_row(number);
	struct outcome o = { .verdict = codes[row].verdict, .err = codes[row].reason, .code = number };

	if (number == 0)
		return (struct outcome){ CHAT_FINE, ERR_OK, 0 };
	if (is_unknown_account_code(number))
		o.verdict = CHAT_DENIED;
	return o;
}
