#include "exporters/web/hasher.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct line {
	struct hash_job *first, **end;
};

struct hasher {
	pthread_mutex_t lock; /* over todo, done and stop */
	pthread_cond_t more;
	struct line todo, done;
	bool stop;
	int event_fd;
	bool runs; /* the loop's */
	pthread_t thread;
	struct crypt_data *room; /* the thread's */
};

static void line_add(struct line *l, struct hash_job *job)
{
	job->next = NULL;
	*l->end = job;
	l->end = &job->next;
}

static struct hash_job *line_take(struct line *l)
{
	struct hash_job *job = l->first;

	if (job == NULL)
		return NULL;
	l->first = job->next;
	if (l->first == NULL)
		l->end = &l->first;
	return job;
}

static void check(struct hasher *h, struct hash_job *job)
{
	const char *found = crypt_r(job->password, job->hash, h->room);

	job->right = found != NULL && strlen(found) == HASH_LEN && CRYPTO_memcmp(found, job->hash, HASH_LEN) == 0;
	explicit_bzero(job->password, sizeof(job->password));
	explicit_bzero(h->room, sizeof(*h->room));
}

static void *work(void *arg)
{
	struct hasher *h = arg;
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		struct hash_job *job = line_take(&h->todo);

		if (job == NULL) {
			(void)pthread_cond_wait(&h->more, &h->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&h->lock);
		check(h, job);
		(void)pthread_mutex_lock(&h->lock);
		line_add(&h->done, job);
		(void)!write(h->event_fd, &one, sizeof(one));
	}
	(void)pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* Signals are the loop's. */
static bool start(struct hasher *h)
{
	sigset_t all, before;

	sigfillset(&all);
	if (h->runs || pthread_sigmask(SIG_BLOCK, &all, &before) != 0)
		return h->runs;
	h->runs = pthread_create(&h->thread, NULL, work, h) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return h->runs;
}

enum err hasher_new(struct hasher **ret)
{
	struct hasher *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return ERR_MEMORY;
	h->todo.end = &h->todo.first;
	h->done.end = &h->done.first;
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_cond_init(&h->more, NULL);
	h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->room = calloc(1, sizeof(*h->room));
	if (h->event_fd < 0 || h->room == NULL) {
		hasher_free(h);
		return ERR_SYSTEM;
	}
	*ret = h;
	return ERR_OK;
}

int hasher_fd(const struct hasher *h)
{
	return h->event_fd;
}

bool hasher_put(struct hasher *h, struct hash_job *job)
{
	if (!start(h))
		return false;
	(void)pthread_mutex_lock(&h->lock);
	line_add(&h->todo, job);
	(void)pthread_cond_signal(&h->more);
	(void)pthread_mutex_unlock(&h->lock);
	return true;
}

struct hash_job *hasher_take(struct hasher *h)
{
	struct hash_job *job;
	uint64_t n;

	(void)pthread_mutex_lock(&h->lock);
	job = line_take(&h->done);
	if (job == NULL)
		(void)!read(h->event_fd, &n, sizeof(n));
	(void)pthread_mutex_unlock(&h->lock);
	return job;
}

static void line_free(struct line *l)
{
	struct hash_job *job;

	while ((job = line_take(l)) != NULL) {
		explicit_bzero(job, sizeof(*job));
		free(job);
	}
}

void hasher_free(struct hasher *h)
{
	if (h == NULL)
		return;
	(void)pthread_mutex_lock(&h->lock);
	h->stop = true;
	(void)pthread_cond_signal(&h->more);
	(void)pthread_mutex_unlock(&h->lock);
	if (h->runs)
		(void)pthread_join(h->thread, NULL);
	line_free(&h->todo);
	line_free(&h->done);
	(void)pthread_cond_destroy(&h->more);
	(void)pthread_mutex_destroy(&h->lock);
	if (h->event_fd >= 0)
		close(h->event_fd);
	free(h->room);
	free(h);
}
