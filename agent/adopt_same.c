#include <string.h>

#include "agent/adopt.h"

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool same_list(const struct conf_list *a, const struct conf_list *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = same_text(a->at[i], b->at[i]);
	return same;
}

bool same_card(const struct conf_community *a, const struct conf_community *b)
{
	bool same = a->label_n == b->label_n && a->interval_ms == b->interval_ms &&
	            a->stale_after_ms == b->stale_after_ms && a->silent_after_ms == b->silent_after_ms &&
	            same_text(a->level, b->level) && same_text(a->name, b->name);

	for (size_t i = 0; same && i < a->label_n; i++)
		same = same_text(a->labels[i].key, b->labels[i].key) &&
		       same_text(a->labels[i].value, b->labels[i].value);
	return same;
}

bool same_pace(const struct conf_community *a, const struct conf_community *b)
{
	return a->interval_ms == b->interval_ms && a->adaptive_min_ms == b->adaptive_min_ms &&
	       a->adaptive_max_ms == b->adaptive_max_ms;
}

bool same_community(const struct conf_community *a, const struct conf_community *b)
{
	return same_card(a, b) && same_pace(a, b) && a->observer == b->observer &&
	       same_text(a->from_account, b->from_account) && same_list(&a->topics, &b->topics);
}

bool same_signer(const struct conf_app *a, const struct conf_app *b)
{
	return same_text(a->identifier, b->identifier) && a->usersig_ttl_ms == b->usersig_ttl_ms &&
	       a->key.kind == b->key.kind && same_text(a->key.name, b->key.name);
}

bool same_search(const struct conf_app *a, const struct conf_app *b)
{
	return a->discovery_enabled == b->discovery_enabled &&
	       same_list(&a->discovery_include, &b->discovery_include) &&
	       same_list(&a->discovery_exclude, &b->discovery_exclude);
}

bool same_app(const struct conf_app *a, const struct conf_app *b)
{
	return same_signer(a, b) && same_search(a, b) && a->discovery_interval_ms == b->discovery_interval_ms &&
	       a->budget >= b->budget && a->budget <= b->budget && same_text(a->name, b->name) &&
	       same_text(a->host, b->host) && same_text(a->ca_file, b->ca_file) && same_text(a->proxy, b->proxy);
}
