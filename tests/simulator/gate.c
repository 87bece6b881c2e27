#include "tests/simulator/gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulator/usersig_check.h"

/* False unless the whole text is a decimal number from 0 to 2^32 - 1. */
static bool number_of(const char *text, uint64_t *ret)
{
	char *end;
	unsigned long long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || n > UINT32_MAX)
		return false;
	*ret = n;
	return true;
}

static const struct {
	const char *path;
	enum command command;
} paths[] = {
	{ "/v4/million_group_open_http_svc/get_topic", COMMAND_GET_TOPIC },
	{ "/v4/group_open_http_svc/get_appid_group_list", COMMAND_GROUP_LIST },
};

/* The command is known before anything is refused, so that the journal and the faults see it. */
static void find_command(struct call *c)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(c->path, paths[i].path) == 0)
			c->command = paths[i].command;
}

static bool check_url(struct call *c)
{
	static const char *const services[] = { "/v4/million_group_open_http_svc/", "/v4/group_open_http_svc/" };
	bool service = false;

	if (!c->is_post) {
		call_refuse(c, 60002, "only POST is supported");
		return false;
	}
	if (c->command == COMMAND_OTHER) {
		for (size_t i = 0; i < 2; i++)
			service = service || strncmp(c->path, services[i], strlen(services[i])) == 0;
		if (service)
			call_refuse(c, 10003, "invalid command word");
		else
			call_refuse(c, 60009, "the requested resource does not exist");
		return false;
	}
	if (c->parameters.twice || c->parameters.broken) {
		call_refuse(c, 60002, "the query string cannot be parsed");
		return false;
	}
	return true;
}

static bool check_parameters(struct call *c)
{
	const struct parameters *p = &c->parameters;
	uint64_t number;

	if (p->sdkappid == NULL || *p->sdkappid == '\0')
		call_refuse(c, 60012, "sdkappid is missing from the URL");
	else if (!number_of(p->sdkappid, &number))
		call_refuse(c, 60002, "sdkappid is not a number");
	else if (p->identifier == NULL || *p->identifier == '\0')
		call_refuse(c, 60004, "identifier is missing from the URL");
	else if (p->usersig == NULL)
		call_refuse(c, 70002, "usersig is missing from the URL");
	else if (p->random == NULL || p->contenttype == NULL)
		call_refuse(c, 60008, "%s is missing from the URL", p->random == NULL ? "random" : "contenttype");
	else if (!number_of(p->random, &number))
		call_refuse(c, 60002, "random is not a 32-bit unsigned integer");
	else if (strcmp(p->contenttype, "json") != 0)
		call_refuse(c, 60002, "contenttype must be json");
	else if (c->app == NULL)
		call_refuse(c, 70020, "SDKAppID is unknown at this data centre");
	else
		return true;
	return false;
}

/* Counts bad signatures in a row; too many lock the app for a while (70050). */
static bool check_signature(const struct world *w, struct call *c, int64_t sign_unix_s)
{
	struct app *a = c->app;
	const struct usersig_wanted wanted = { c->parameters.identifier, a->sdkappid, a->key };
	int code;

	if (c->mono_ms < a->locked_until_ms) {
		call_refuse(c, 70050, "too many failed signature checks, try again in a minute");
		return false;
	}
	code = usersig_check(c->parameters.usersig, &wanted, sign_unix_s);
	if (code == 0) {
		a->failures = 0;
		if (app_has_identifier(a, c->parameters.identifier))
			return true;
		call_refuse(c, 60010, "identifier is not an administrator of the app");
		return false;
	}
	if (a->failures == 0 || c->mono_ms - a->first_failure_ms > w->lock_ms) {
		a->failures = 0;
		a->first_failure_ms = c->mono_ms;
	}
	a->failures++;
	if (w->lock_failures > 0 && a->failures >= w->lock_failures) {
		a->locked_until_ms = c->mono_ms + w->lock_ms;
		a->failures = 0;
	}
	call_refuse(c, code, "UserSig check failed");
	return false;
}

/* Refused calls count as well: whoever keeps knocking stays outside. */
static bool quota_take(struct quota *q, int64_t mono_ms)
{
	int64_t second = mono_ms / 1000;

	/* A call may be overtaken on its way to the lock: it counts where the others are. */
	if (second > q->second) {
		q->second = second;
		q->used = 0;
	}
	q->used++;
	return q->per_s == 0 || q->used <= q->per_s;
}

static bool check_quota(struct call *c)
{
	struct quota *own = &c->app->quotas[c->command], *total = &c->app->total;
	bool within_total = quota_take(total, c->mono_ms), within_own = quota_take(own, c->mono_ms);

	if (!within_own)
		call_refuse(c, own->code, "too many calls of %s", command_name(c->command));
	else if (!within_total)
		call_refuse(c, total->code, "too many calls of the SDKAppID");
	return within_own && within_total;
}

static bool check_body(struct call *c, const struct why *why)
{
	if (c->body.status != ERR_OK)
		call_refuse(c, 60002, "the request body is larger than 1 MiB");
	else if (c->json == NULL)
		call_refuse(c, 60003, "the request body is not valid JSON: %s", why->text);
	else if (c->json->kind != JSON_OBJECT)
		call_refuse(c, 10011, "the request body is not a JSON object");
	else
		return true;
	return false;
}

bool gate_pass(struct world *w, struct call *c, int64_t sign_unix_s)
{
	struct why why = { "" };
	uint64_t number;

	find_command(c);
	if (c->parameters.sdkappid != NULL && number_of(c->parameters.sdkappid, &number))
		c->app = world_app(w, number);
	/* Parsed before any check, so that faults and the journal know the community of a refused call too. */
	if (json_parse(c->body.at, c->body.len, &c->json, &why) == ERR_OK)
		c->community_id = json_str(json_get(c->json, "GroupId"));
	c->topics_asked = json_count(json_get(c->json, "TopicIdList"));
	return check_url(c) && check_parameters(c) && check_signature(w, c, sign_unix_s) && check_quota(c) &&
	       check_body(c, &why);
}
