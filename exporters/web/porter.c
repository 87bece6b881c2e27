/* Who is at the door. A name and password that were seen before are known by a keyed digest, what the hasher
 * found out about them beside it; the digest's key is this process's, and every part has its length in front
 * (CVE-2022-46146: parts that were only joined let one password pass for another). */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "exporters/web/hasher.h"
#include "exporters/web/inside.h"
#include "exporters/web/notes.h"

enum {
	JOBS_MAX = 8, /* passwords that wait or are being hashed */
};

struct user {
	char *name;
	size_t name_len;
	char hash[HASH_LEN + 1];
};

struct users {
	struct user *at;
	size_t n;
};

/* Starts with what is lent to the hasher. */
struct question {
	struct hash_job job;
	uint8_t digest[DIGEST];
	bool known;           /* such a user exists; if not, nothing is right */
	bool stale;           /* the users changed meanwhile: the answer says nothing */
	struct call *waiting; /* everybody who asked the same meanwhile */
	struct question *next, **link;
};

struct porter {
	struct hasher *hasher;
	struct users users;
	uint8_t key[DIGEST];
	struct notes notes;
	struct question *open;
	size_t open_n;
	struct call *known; /* their `pass` is found out and not yet handed out */
};

enum err porter_new(const struct web *w, struct porter **ret)
{
	struct porter *p = calloc(1, sizeof(*p));
	enum err e = ERR_MEMORY;

	if (p == NULL)
		return ERR_MEMORY;
	e = hasher_new(&p->hasher);
	if (e == ERR_OK && (getrandom(p->key, sizeof(p->key), 0) != (ssize_t)sizeof(p->key) ||
	                    !web_watch(w, hasher_fd(p->hasher))))
		e = ERR_SYSTEM;
	if (e != ERR_OK) {
		porter_free(p);
		return e;
	}
	*ret = p;
	return ERR_OK;
}

static void users_done(struct users *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->at[i].name);
	free(u->at);
	*u = (struct users){ 0 };
}

static enum err users_copy(const struct web_user *user, size_t n, struct users *ret)
{
	struct users u = { .at = calloc(n + 1, sizeof(u.at[0])) };

	for (size_t i = 0; u.at != NULL && i < n; i++) {
		struct user *to = &u.at[u.n];

		if (strlen(user[i].password_hash) != HASH_LEN) {
			users_done(&u);
			return ERR_CONFIG;
		}
		to->name = strdup(user[i].name);
		if (to->name == NULL)
			break;
		to->name_len = strlen(to->name);
		memcpy(to->hash, user[i].password_hash, HASH_LEN + 1);
		u.n++;
	}
	if (u.n < n || u.at == NULL) {
		users_done(&u);
		return ERR_MEMORY;
	}
	*ret = u;
	return ERR_OK;
}

/* What was wrong may be right with the new users; what was right has the old hash in its digest. Who waits
 * asked the old ones. */
enum err porter_users(struct porter *p, const struct web_user *user, size_t n)
{
	struct users u;
	const enum err e = users_copy(user, n, &u);

	if (e != ERR_OK)
		return e;
	users_done(&p->users);
	p->users = u;
	notes_forget_wrong(&p->notes);
	for (struct question *q = p->open; q != NULL; q = q->next)
		q->stale = true;
	return ERR_OK;
}

bool porter_is_needed(const struct porter *p)
{
	return p != NULL && p->users.n > 0;
}

static uint8_t *add_part(uint8_t *to, const char *at, size_t len)
{
	*to++ = (uint8_t)len;
	memcpy(to, at, len);
	return to + len;
}

static bool digest_of(const struct porter *p, const struct credentials *c, const char *hash,
                      uint8_t ret[DIGEST])
{
	uint8_t parts[3 + CREDENTIAL_MAX + HASH_LEN + CREDENTIAL_MAX], *end = parts;
	bool done;

	end = add_part(end, c->user, c->user_len);
	end = add_part(end, hash, HASH_LEN);
	end = add_part(end, c->password, c->password_len);
	done = HMAC(EVP_sha256(), p->key, sizeof(p->key), parts, (size_t)(end - parts), ret, NULL) != NULL;
	explicit_bzero(parts, sizeof(parts));
	return done;
}

static struct question *find_question(const struct porter *p, const uint8_t digest[DIGEST])
{
	for (struct question *q = p->open; q != NULL; q = q->next)
		if (CRYPTO_memcmp(q->digest, digest, DIGEST) == 0 && !q->stale)
			return q;
	return NULL;
}

static struct question *open_question(struct porter *p, const struct credentials *c, const char *hash,
                                      const uint8_t digest[DIGEST])
{
	struct question *q = p->open_n < JOBS_MAX ? calloc(1, sizeof(*q)) : NULL;

	if (q == NULL)
		return NULL;
	memcpy(q->job.password, c->password, c->password_len);
	memcpy(q->job.hash, hash, HASH_LEN);
	memcpy(q->digest, digest, DIGEST);
	q->next = p->open;
	q->link = &p->open;
	if (!hasher_put(p->hasher, &q->job)) {
		explicit_bzero(q, sizeof(*q));
		free(q);
		return NULL;
	}
	if (q->next != NULL)
		q->next->link = &q->next;
	p->open = q;
	p->open_n++;
	return q;
}

static void close_question(struct porter *p, struct question *q)
{
	*q->link = q->next;
	if (q->next != NULL)
		q->next->link = q->link;
	p->open_n--;
	explicit_bzero(q, sizeof(*q));
	free(q);
}

static const struct user *find_user(const struct users *u, const struct credentials *c)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->at[i].name_len == c->user_len && memcmp(u->at[i].name, c->user, c->user_len) == 0)
			return &u->at[i];
	return NULL;
}

/* A name that nobody has costs the same as that of a user, always the same one, or the time would tell. */
static const struct user *stand_in(const struct porter *p, const struct credentials *c)
{
	unsigned sum = p->key[0];

	for (size_t i = 0; i < c->user_len; i++)
		sum = sum * 31 + (unsigned char)c->user[i];
	return &p->users.at[sum % p->users.n];
}

static enum pass ask(struct porter *p, const struct credentials *c, struct call *call)
{
	const struct user *known = find_user(&p->users, c);
	const char *hash = known != NULL ? known->hash : stand_in(p, c)->hash;
	uint8_t digest[DIGEST];
	struct question *q;
	bool right;

	if (!digest_of(p, c, hash, digest))
		return PASS_BUSY;
	if (notes_find(&p->notes, digest, &right))
		return right && known != NULL ? PASS_YES : PASS_NO;
	q = find_question(p, digest);
	if (q == NULL) {
		q = open_question(p, c, hash, digest);
		if (q == NULL)
			return PASS_BUSY;
		q->known = known != NULL;
	}
	call->job = &q->job;
	call->next = q->waiting;
	q->waiting = call;
	return PASS_WAIT;
}

enum pass porter_ask(struct porter *p, const char *field, struct call *call)
{
	struct credentials c;
	enum pass pass = PASS_NO;

	if (field == NULL || !basic_parse(field, strlen(field), &c))
		return PASS_NO;
	pass = ask(p, &c, call);
	credentials_wipe(&c);
	return pass;
}

static void settle(struct porter *p, struct question *q)
{
	const bool right = q->job.right && q->known;

	if (!q->stale)
		notes_add(&p->notes, q->digest, right);
	while (q->waiting != NULL) {
		struct call *call = q->waiting;

		q->waiting = call->next;
		call->job = NULL;
		call->pass = q->stale ? PASS_BUSY : right ? PASS_YES : PASS_NO;
		call->next = p->known;
		p->known = call;
	}
	close_question(p, q);
}

struct call *porter_take(struct porter *p)
{
	struct call *call;

	while (p->known == NULL) {
		struct hash_job *job = hasher_take(p->hasher);

		if (job == NULL)
			return NULL;
		settle(p, (struct question *)job);
	}
	call = p->known;
	p->known = call->next;
	return call;
}

/* Nobody is left in p->known when the loop goes on: calls_turn takes them all. */
void porter_leave(struct call *call)
{
	struct question *q = (struct question *)call->job;

	if (q == NULL)
		return;
	for (struct call **at = &q->waiting; *at != NULL; at = &(*at)->next)
		if (*at == call) {
			*at = call->next;
			break;
		}
	call->job = NULL;
}

void porter_free(struct porter *p)
{
	if (p == NULL)
		return;
	hasher_free(p->hasher); /* and every question with it */
	users_done(&p->users);
	explicit_bzero(p, sizeof(*p));
	free(p);
}
