/* Where names are. A name is looked up by an easy handle of its own that resolves it and then refuses every
 * socket: libcurl's resolver thread does the work, and its multi handle, timers and wake-ups are the ones the
 * loop runs anyway. Calls are told the addresses with CURLOPT_RESOLVE and start no resolver thread. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/fetch/inside.h"

enum { NAME_MAX_BYTES = 253 }; /* RFC 1035 2.3.4, in text */

/* "host:port" of a URL as libcurl itself reads it; "" for an address. */
static enum err name_of(const char *url, char *ret, size_t room)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	struct in_addr numeric;
	enum err e = ERR_CONNECT;
	CURLUcode code;

	if (u == NULL)
		return ERR_MEMORY;
	code = curl_url_set(u, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_HOST, &host, CURLU_PUNYCODE);
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (code == CURLUE_OUT_OF_MEMORY)
		e = ERR_MEMORY;
	if (code != CURLUE_OK)
		goto out;
	if (host[0] == '[' || inet_pton(AF_INET, host, &numeric) == 1)
		ret[0] = '\0';
	else if (strlen(host) > NAME_MAX_BYTES || strchr("+-*", host[0]) != NULL) /* marks of CURLOPT_RESOLVE */
		goto out;
	else
		(void)snprintf(ret, room, "%s:%s", host, port);
	e = ERR_OK;
out:
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return e;
}

/* A free place, else the one that was asked for longest ago. */
static struct place *place_new(struct fetch *f)
{
	struct place *oldest = NULL;

	for (size_t i = 0; i < PLACES_MAX; i++) {
		struct place *p = &f->place[i];

		if (p->users > 0 || p->lookup != NULL)
			continue;
		if (p->name[0] == '\0')
			return p;
		if (oldest == NULL || p->asked_ms < oldest->asked_ms)
			oldest = p;
	}
	return oldest;
}

enum err place_find(struct fetch *f, const struct ask *a, struct place **ret)
{
	char name[PLACE_NAME];
	struct place *p = NULL;
	enum err e = name_of(a->url, name, sizeof(name));

	if (e == ERR_OK && ask_proxied(a)) /* which looks the host up itself */
		e = name_of(a->proxy, name, sizeof(name));
	if (e != ERR_OK)
		return e;
	if (name[0] != '\0') {
		for (size_t i = 0; p == NULL && i < PLACES_MAX && f->place[i].name[0] != '\0'; i++)
			if (strcasecmp(f->place[i].name, name) == 0)
				p = &f->place[i];
		if (p == NULL) {
			p = place_new(f);
			if (p == NULL)
				return ERR_LIMIT;
			*p = (struct place){ .fetch = f, .asked_ms = -1, .listed_ms = -1 };
			memcpy(p->name, name, sizeof(name));
		}
	}
	*ret = p;
	return ERR_OK;
}

/* A call made at an unknown time takes every address for old. */
static bool within(int64_t since_ms, int64_t mono_ms, int64_t span_ms)
{
	return since_ms >= 0 && mono_ms > 0 && mono_ms - since_ms < span_ms;
}

bool place_known(const struct place *p, int64_t mono_ms)
{
	int64_t last_ms = p->listed_ms;

	for (unsigned i = 0; i < p->address_n; i++)
		if (p->address[i].good_ms > last_ms)
			last_ms = p->address[i].good_ms;
	return p->address_n > 0 && (mono_ms == 0 || within(last_ms, mono_ms, ADDRESS_KEEP_MS));
}

static void lookup_drop(struct fetch *f, struct place *p)
{
	(void)curl_multi_remove_handle(f->multi, p->lookup);
	curl_easy_cleanup(p->lookup);
	p->lookup = NULL;
	f->lookups--;
}

static void place_fault(struct place *p, enum err e, const char *text)
{
	p->err = e;
	(void)snprintf(p->fault, sizeof(p->fault), "%s", text);
}

void place_refresh(struct fetch *f, struct place *p, int64_t mono_ms)
{
	if (p->lookup != NULL || (place_known(p, mono_ms) && within(p->asked_ms, mono_ms, LOOKUP_AGAIN_MS)))
		return;
	if (f->lookups == LOOKUPS_MAX) {
		place_fault(p, ERR_DNS, "too many other names do not resolve");
		return;
	}
	place_fault(p, ERR_LOCAL_RESOURCE, ""); /* until libcurl has taken the look-up over */
	p->lookup = curl_easy_init();
	if (p->lookup == NULL)
		return;
	f->lookups++;
	p->asked_ms = mono_ms;
	p->lookup_us = 0;
	p->found_n = 0;
	if (options_lookup(p) != CURLE_OK || curl_multi_add_handle(f->multi, p->lookup) != CURLM_OK)
		lookup_drop(f, p);
}

static void age(struct place *p)
{
	curl_off_t us = 0;

	if (curl_easy_getinfo(p->lookup, CURLINFO_TOTAL_TIME_T, &us) == CURLE_OK && us > p->lookup_us)
		p->lookup_us = (int64_t)us;
}

void places_age(struct fetch *f)
{
	for (size_t i = 0; f->lookups > 0 && i < PLACES_MAX; i++)
		if (f->place[i].lookup != NULL)
			age(&f->place[i]);
}

/* ---- one of several addresses ---- */
static struct address *address_of(struct place *p, const char *text)
{
	for (unsigned i = 0; i < p->address_n; i++)
		if (strcmp(p->address[i].text, text) == 0)
			return &p->address[i];
	return NULL;
}

static bool rests(const struct address *a, int64_t mono_ms)
{
	return within(a->bad_ms, mono_ms, ADDRESS_REST_MS);
}

static bool all_rest(const struct place *p, int64_t mono_ms)
{
	for (unsigned i = 0; i < p->address_n; i++)
		if (!rests(&p->address[i], mono_ms))
			return false;
	return true;
}

bool place_offers(const struct place *p, const char *address, int64_t mono_ms)
{
	for (unsigned i = 0; i < p->address_n; i++)
		if (strcmp(p->address[i].text, address) == 0)
			return !rests(&p->address[i], mono_ms) || all_rest(p, mono_ms);
	return false;
}

/* Those that rest are left out: at the end of the list libcurl would still try them beside a slow one. */
void place_list(const struct place *p, int64_t mono_ms, char *ret, size_t room)
{
	const bool all = all_rest(p, mono_ms);
	size_t len = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < p->address_n; i++)
		if ((all || !rests(&p->address[i], mono_ms)) && len < room)
			len += (size_t)snprintf(ret + len, room - len, "%s%s", len > 0 ? "," : "", p->address[i].text);
}

void place_good(struct place *p, const char *address, int64_t mono_ms)
{
	struct address *a = address_of(p, address);

	if (a == NULL || mono_ms <= 0)
		return;
	if (mono_ms > a->good_ms)
		a->good_ms = mono_ms;
	if (mono_ms > a->bad_ms) /* a call that was under way then says nothing of now */
		a->bad_ms = -1;
}

void place_bad(struct place *p, const char *address, int64_t mono_ms)
{
	struct address *a = address_of(p, address);

	if (a != NULL && mono_ms > a->bad_ms)
		a->bad_ms = mono_ms;
}

/* ---- a look-up's end ---- */
/* What is known of an address stays known while the name has it. */
static void take_found(struct place *p)
{
	for (unsigned i = 0; i < p->found_n; i++) {
		const struct address *old = address_of(p, p->found[i].text);

		if (old != NULL)
			p->found[i] = *old;
	}
	memcpy(p->address, p->found, sizeof(p->address));
	p->address_n = p->found_n;
	p->listed_ms = p->asked_ms + p->lookup_us / 1000;
}

static void keep_good(struct place *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->address_n; i++)
		if (p->address[i].good_ms >= 0)
			p->address[n++] = p->address[i];
	p->address_n = n;
	p->listed_ms = -1;
}

void place_ended(struct fetch *f, CURL *lookup, CURLcode code)
{
	struct place *p = f->place;

	while (p->lookup != lookup)
		p++;
	age(p);
	lookup_drop(f, p);
	if (p->found_n > 0) {
		take_found(p);
		return;
	}
	/* What libcurl says when it cannot start a thread or open a socket pair is "cannot resolve", too. */
	if (strstr(p->fault, "thread failed to start") == NULL && code != CURLE_OUT_OF_MEMORY)
		p->err = ERR_DNS;
	if (p->fault[0] == '\0')
		place_fault(p, p->err, curl_easy_strerror(code));
	keep_good(p);
}

void places_done(struct fetch *f)
{
	for (size_t i = 0; i < PLACES_MAX; i++)
		if (f->place[i].lookup != NULL)
			lookup_drop(f, &f->place[i]);
}
