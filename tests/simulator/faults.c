#include "tests/simulator/faults.h"

#include <stdlib.h>
#include <string.h>

#include "tests/simulator/call.h"

static const struct {
	const char *name;
	enum fault_stage stage;
	bool refused;
} kinds[FAULT_KIND_COUNT] = {
#define KIND(ID, NAME, STAGE, REFUSED) { NAME, STAGE_##STAGE, REFUSED },
	FAULT_KINDS(KIND)
#undef KIND
};

void fault_free(struct fault *f)
{
	if (f == NULL)
		return;
	free(f->community);
	free(f->location);
	free(f->retry_after);
	free(f->body);
	free(f->encoding);
	free(f->topic);
	free(f->path);
	json_free(f->order);
	free(f);
}

void faults_init(struct faults *f, uint64_t seed)
{
	*f = (struct faults){ .random = seed };
}

bool faults_remove(struct faults *f, uint64_t id)
{
	size_t kept = 0, before = f->n;

	for (size_t i = 0; i < f->n; i++) {
		if (id == 0 || f->list[i]->id == id)
			fault_free(f->list[i]);
		else
			f->list[kept++] = f->list[i];
	}
	f->n = kept;
	return id == 0 || kept < before;
}

void faults_done(struct faults *f)
{
	(void)faults_remove(f, 0);
	free(f->list);
	f->list = NULL;
	f->cap = 0;
}

enum err faults_add(struct faults *f, const struct json *j, uint64_t *ret_id, struct why *why)
{
	struct fault *fault;
	enum err e;

	if (j == NULL || j->kind != JSON_OBJECT)
		return err_because(why, ERR_CONFIG, "a fault is a JSON object");
	if (f->n == FAULTS_MAX)
		return err_because(why, ERR_LIMIT, "no more than %d faults at once", FAULTS_MAX);
	if (f->n == f->cap) {
		size_t cap = f->cap > 0 ? f->cap * 2 : 16;
		struct fault **list = realloc(f->list, cap * sizeof(struct fault *));
		if (list == NULL)
			return err_because(why, ERR_MEMORY, "out of memory");
		f->list = list;
		f->cap = cap;
	}
	fault = calloc(1, sizeof(*fault));
	e = fault != NULL ? fault_read(j, fault, why) : err_because(why, ERR_MEMORY, "out of memory");
	if (e != ERR_OK) {
		fault_free(fault);
		return e;
	}
	fault->id = ++f->last_id;
	f->list[f->n++] = fault;
	*ret_id = fault->id;
	return ERR_OK;
}

void faults_show(const struct faults *f, struct json_out *o)
{
	json_open(o, "faults", '[');
	for (size_t i = 0; i < f->n; i++) {
		const struct fault *fault = f->list[i];

		json_open(o, NULL, '{');
		json_put_uint(o, "id", fault->id);
		json_put_text(o, "kind", kinds[fault->kind].name);
		if (fault->sdkappid != 0)
			json_put_uint(o, "sdkappid", fault->sdkappid);
		if (fault->community != NULL)
			json_put_text(o, "community", fault->community);
		if (fault->command != COMMANDS)
			json_put_text(o, "command", command_name(fault->command));
		if (fault->after > 0)
			json_put_int(o, "after", fault->after);
		if (fault->count >= 0)
			json_put_int(o, "count", fault->count);
		json_put_real(o, "probability", fault->probability);
		json_put_uint(o, "hits", fault->hits);
		json_close(o, '}');
	}
	json_close(o, ']');
}

static bool text_copy(char **to, const char *from)
{
	*to = from != NULL ? strdup(from) : NULL;
	return from == NULL || *to != NULL;
}

/* Copied whole, the body too: a fault may be removed while its answer is sent. */
static struct fault *fault_copy(const struct fault *f)
{
	struct fault *copy = malloc(sizeof(*copy));
	bool ok;

	if (copy == NULL)
		return NULL;
	*copy = *f;
	copy->community = NULL;
	ok = text_copy(&copy->location, f->location);
	ok = text_copy(&copy->retry_after, f->retry_after) && ok;
	ok = text_copy(&copy->encoding, f->encoding) && ok;
	ok = text_copy(&copy->topic, f->topic) && ok;
	ok = text_copy(&copy->path, f->path) && ok;
	copy->order = f->order != NULL ? json_copy(f->order) : NULL;
	copy->body = f->body != NULL ? malloc(f->body_len + 1) : NULL;
	ok = ok && (f->order == NULL || copy->order != NULL) && (f->body == NULL || copy->body != NULL);
	if (!ok) {
		fault_free(copy);
		return NULL;
	}
	if (copy->body != NULL)
		memcpy(copy->body, f->body, f->body_len);
	return copy;
}

static bool fault_matches(struct faults *f, struct fault *fault, const struct faults_aim *aim)
{
	if (fault->sdkappid != 0 && fault->sdkappid != aim->sdkappid)
		return false;
	if (fault->community != NULL && (aim->community == NULL || strcmp(fault->community, aim->community) != 0))
		return false;
	if (fault->command != COMMANDS && fault->command != aim->command)
		return false;
	if (aim->refused && !kinds[fault->kind].refused)
		return false;
	if (fault->probability < 1 && mix_fraction(f->random++, 7) >= fault->probability)
		return false;
	if (fault->after > 0) {
		fault->after--;
		return false;
	}
	return true;
}

enum err faults_draw(struct faults *f, const struct faults_aim *aim, struct faults_hit *ret)
{
	struct faults_hit hit = { 0 };
	struct fault **places[STAGES] = { NULL, &hit.answer, &hit.wire, &hit.change };
	size_t kept = 0;
	bool lost = false;

	for (size_t i = 0; i < f->n; i++) {
		struct fault *fault = f->list[i], **place = places[kinds[fault->kind].stage];
		bool taken = (place == NULL || *place == NULL) && fault_matches(f, fault, aim);

		if (taken && place == NULL)
			hit.delay_ms += fault->ms;
		else if (taken)
			lost = (*place = fault_copy(fault)) == NULL || lost;
		fault->hits += taken;
		if (taken && fault->count > 0 && --fault->count == 0)
			fault_free(fault);
		else
			f->list[kept++] = fault;
	}
	f->n = kept;
	if (lost) {
		faults_release(&hit);
		return ERR_MEMORY;
	}
	*ret = hit;
	return ERR_OK;
}

void faults_release(struct faults_hit *h)
{
	fault_free(h->answer);
	fault_free(h->wire);
	fault_free(h->change);
	*h = (struct faults_hit){ 0 };
}

const char *faults_hit_name(const struct faults_hit *h)
{
	const struct fault *f = h->wire != NULL ? h->wire : h->answer != NULL ? h->answer : h->change;

	if (f != NULL)
		return kinds[f->kind].name;
	return h->delay_ms > 0 ? kinds[FAULT_DELAY].name : "";
}
