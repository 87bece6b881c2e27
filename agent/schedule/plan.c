#include "agent/schedule/plan.h"

#include <assert.h>
#include <stdlib.h>

struct item {
	int64_t due_ms;
	size_t target;
};

struct plan {
	uint64_t random; /* state of the jitter's generator */
	size_t n, used;
	struct item *heap;
};

enum err plan_new(size_t n, uint64_t seed, struct plan **ret)
{
	struct plan *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ERR_MEMORY;
	p->random = seed;
	if (plan_reserve(p, n) != ERR_OK) {
		plan_free(p);
		return ERR_MEMORY;
	}
	*ret = p;
	return ERR_OK;
}

void plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	free(p->heap);
	free(p);
}

enum err plan_reserve(struct plan *p, size_t n)
{
	struct item *heap;

	if (n <= p->n)
		return ERR_OK;
	heap = reallocarray(p->heap, n, sizeof(heap[0]));
	if (heap == NULL)
		return ERR_MEMORY;
	p->heap = heap;
	p->n = n;
	return ERR_OK;
}

void plan_clear(struct plan *p)
{
	p->used = 0;
}

static bool before(const struct item *a, const struct item *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->target < b->target;
}

void plan_put(struct plan *p, size_t target, int64_t due_ms)
{
	const struct item item = { due_ms, target };
	size_t i = p->used;

	assert(target < p->n && p->used < p->n);
	for (p->used++; i > 0 && before(&item, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
		p->heap[i] = p->heap[(i - 1) / 2];
	p->heap[i] = item;
}

/* Puts `item` where it belongs in the heap below `i`, which is free. */
static void sink(struct plan *p, size_t i, struct item item)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= p->used)
			break;
		if (child + 1 < p->used && before(&p->heap[child + 1], &p->heap[child]))
			child++;
		if (!before(&p->heap[child], &item))
			break;
		p->heap[i] = p->heap[child];
		i = child;
	}
	p->heap[i] = item;
}

void plan_drop(struct plan *p)
{
	assert(p->used > 0);
	p->used--;
	sink(p, 0, p->heap[p->used]);
}

void plan_revise(struct plan *p, plan_ask *ask, void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->used; i++) {
		struct item item = p->heap[i];

		item.due_ms = ask(arg, item.target, item.due_ms);
		if (item.due_ms != PLAN_TAKE)
			p->heap[kept++] = item;
	}
	p->used = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sink(p, i, p->heap[i]);
}

bool plan_peek(const struct plan *p, size_t *ret_target)
{
	if (p->used == 0)
		return false;
	*ret_target = p->heap[0].target;
	return true;
}

bool plan_take(struct plan *p, const struct now *now, size_t *ret_target)
{
	if (plan_wait_ms(p, now) > 0)
		return false;
	*ret_target = p->heap[0].target;
	plan_drop(p);
	return true;
}

int64_t plan_due_ms(const struct plan *p)
{
	return p->used > 0 ? p->heap[0].due_ms : INT64_MAX;
}

int64_t plan_wait_ms(const struct plan *p, const struct now *now)
{
	const int64_t due_ms = plan_due_ms(p);

	if (due_ms == INT64_MAX)
		return INT64_MAX;
	return due_ms > now->mono_ms ? due_ms - now->mono_ms : 0;
}

/* splitmix64 (Steele, Lea, Flood 2014): small, and good enough to spread polls. */
int64_t plan_jitter(struct plan *p, int64_t span_ms)
{
	uint64_t z;

	if (span_ms <= 0)
		return 0;
	p->random += UINT64_C(0x9e3779b97f4a7c15);
	z = p->random;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (int64_t)(z % (uint64_t)span_ms);
}

int64_t plan_slot(uint64_t key, int64_t period_ms, int64_t after_ms)
{
	const int64_t phase_ms = (int64_t)((unsigned __int128)key * (uint64_t)period_ms >> 64);
	int64_t into_ms = (after_ms - phase_ms) % period_ms; /* how far past the last grid time */

	if (into_ms < 0)
		into_ms += period_ms;
	return after_ms + period_ms - into_ms;
}
