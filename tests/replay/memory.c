/* Preloaded into the program by test_memory.py: counts what every allocation of the process leaves behind,
 * and refuses some. The orders stand in a file that both map, so that nothing but memory is touched here.
 * glibc itself allocates through these too. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Native 64-bit numbers, in this order in the file. */
struct orders {
	uint64_t mode;    /* see below; written by the test */
	uint64_t most;    /* where SWEEP begins anew; written by the test */
	uint64_t nth;     /* which allocation since the last failure SWEEP refuses next */
	uint64_t since;   /* allocations since then */
	uint64_t asked;   /* allocations in all */
	uint64_t refused; /* of which not granted */
	uint64_t sweeps;  /* how often SWEEP was through */
	int64_t live;     /* blocks that were not freed yet */
};
enum { GRANT, SWEEP, REFUSE };

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *at, size_t n);
extern void *__libc_memalign(size_t to, size_t n);
extern void __libc_free(void *at);

static struct orders none = { .nth = 1 };
static struct orders *orders = &none;

__attribute__((constructor)) static void take_orders(void)
{
	const char *path = getenv("TCE_TEST_MEMORY");
	const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		abort();
	((struct orders *)at)->live = none.live;
	orders = at;
}

/* Two threads may race for the same number; then one of them is refused a little early or late. */
static bool is_refused(void)
{
	uint64_t nth, since;

	__atomic_fetch_add(&orders->asked, 1, __ATOMIC_RELAXED);
	switch (__atomic_load_n(&orders->mode, __ATOMIC_RELAXED)) {
	case SWEEP:
		since = __atomic_add_fetch(&orders->since, 1, __ATOMIC_RELAXED);
		nth = __atomic_load_n(&orders->nth, __ATOMIC_RELAXED);
		if (since < nth)
			return false;
		orders->since = 0;
		nth += 1 + nth / 50;
		orders->sweeps += nth > orders->most;
		orders->nth = nth > orders->most ? 1 : nth;
		break;
	case REFUSE:
		break;
	default:
		return false;
	}
	__atomic_fetch_add(&orders->refused, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return true;
}

static void *count(void *at)
{
	if (at != NULL)
		__atomic_fetch_add(&orders->live, 1, __ATOMIC_RELAXED);
	return at;
}

void *malloc(size_t n)
{
	return is_refused() ? NULL : count(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : count(__libc_calloc(n, size));
}

void *realloc(void *at, size_t n)
{
	void *moved;

	if (is_refused())
		return NULL;
	moved = __libc_realloc(at, n);
	if (at == NULL)
		return count(moved);
	if (moved == NULL && n == 0)
		__atomic_fetch_sub(&orders->live, 1, __ATOMIC_RELAXED);
	return moved;
}

void *reallocarray(void *at, size_t n, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(n, size, &bytes))
		return realloc(at, bytes);
	errno = ENOMEM;
	return NULL;
}

void *memalign(size_t to, size_t n)
{
	return is_refused() ? NULL : count(__libc_memalign(to, n));
}

void *aligned_alloc(size_t to, size_t n)
{
	return memalign(to, n);
}

int posix_memalign(void **ret, size_t to, size_t n)
{
	void *at = memalign(to, n);

	if (at == NULL)
		return ENOMEM;
	*ret = at;
	return 0;
}

void free(void *at)
{
	if (at != NULL)
		__atomic_fetch_sub(&orders->live, 1, __ATOMIC_RELAXED);
	__libc_free(at);
}
