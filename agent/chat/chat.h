/* The dialect every Chat REST call shares: hosts, paths, the query string, the error codes and what
 * they mean. No I/O, no state. Source of every fact: the pages "RESTful API Overview", "Getting Topic
 * Profile" and "Error Codes" of the service; rows of error.def say which. */
#ifndef AGENT_CHAT_CHAT_H
#define AGENT_CHAT_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

enum chat_command { CHAT_GET_TOPIC, CHAT_GET_APPID_GROUP_LIST, CHAT_COMMANDS /* must be last */ };

/* What an answer asks the caller to do. */
enum chat_verdict {
	CHAT_FINE,    /* usable */
	CHAT_MORE,    /* too much for one answer: ask for less */
	CHAT_RETRY,   /* may get better by itself */
	CHAT_SLOW,    /* the quota is hit: call more slowly */
	CHAT_RESIGN,  /* the UserSig was refused: make a new one */
	CHAT_DENIED,  /* key, rights or plan are wrong: only an operator can help */
	CHAT_GONE,    /* the subject was deleted */
	CHAT_REFUSED, /* the request itself is wrong; repeating it cannot help */
};

/* Whom a verdict is about. */
enum chat_scope { CHAT_SCOPE_COMMUNITY, CHAT_SCOPE_APP };

struct chat_code {
	int number;
	enum chat_verdict verdict;
	enum err reason; /* ERR_API_ERROR, ERR_THROTTLED, ERR_AUTH, ERR_GONE or ERR_TOO_LARGE */
	enum chat_scope scope;
	int wait_s;        /* stay away at least this long; 0: no advice */
	bool on_page;      /* listed on the get_topic page */
	bool in_item;      /* can stand in an element of TopicAndSelfInfo */
	const char *label; /* the number as text; "other" in the last row */
	const char *text;  /* for people */
};

/* Rows 0 .. CHAT_ROWS - 1 are the known codes, sorted by number; row CHAT_ROWS is "other". */
enum {
	CHAT_ROW_NONE = -1,
#define CODE(NUMBER, VERDICT, REASON, SCOPE, WAIT_S, ON_PAGE, IN_ITEM, TEXT) CHAT_ROW_##NUMBER,
#include "agent/chat/error.def"
#undef CODE
	CHAT_ROWS /* must be last */
};

/* What one call came to, as the poller hears it from whoever decoded the answer. */
struct outcome {
	enum chat_verdict verdict;
	enum err err; /* ERR_OK: usable; else the reason, ERR_DNS .. ERR_LOCAL_RESOURCE */
	int code;     /* ErrorCode, or the HTTP status with ERR_HTTP_STATUS; 0: none */
};

struct chat_caller {
	const char *host;  /* "https://adminapisgp.im.qcloud.com", without a slash at the end */
	const char *admin; /* an app administrator's user id */
	const char *usersig;
	uint64_t sdk_app_id;
};

/* "https://..." for a region of contract 3.2; NULL when the region is unknown. */
const char *chat_host(const char *region);
/* The known regions, "china, singapore, ...", for messages. */
const char *chat_regions(void);

const char *chat_command_label(enum chat_command command); /* "get_topic" */

/* The documented limit, calls a second. */
int chat_command_limit(enum chat_command command);

/* Appends a text percent-encoded, for a query. */
void chat_encode(struct buf *out, const char *text);
/* Appends the whole URL. The identifier is percent-encoded; a UserSig needs none. */
void chat_url(struct buf *out, const struct chat_caller *who, enum chat_command command, uint32_t nonce);

/* Row of a code, CHAT_ROWS when it is not known. */
size_t chat_row(int number);
/* The row's facts; row CHAT_ROWS gives {"other"}. Never NULL for row <= CHAT_ROWS. */
const struct chat_code *chat_code(size_t row);
/* What an ErrorCode other than 0 means, known or not: an unknown one is judged by its range
 * (70000 to 72999 account, else retried), and keeps its number in .code. */
struct outcome chat_judge(int number);
/* Whom a code is about; an unknown one of the account service is about the app. */
enum chat_scope chat_scope_of(int number);

#endif
