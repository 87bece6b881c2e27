/* The key of a community is the same when there is no memory: it decides who owns the community, and for good
 * where it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <stdlib.h>

#include "agent/roster_app.h"

static bool empty; /* OpenSSL gets nothing more */
static unsigned asked;

static void *give(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	asked++;
	return empty ? NULL : malloc(n);
}

static void *give_again(void *old, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	asked++;
	return empty ? NULL : realloc(old, n);
}

static void take_back(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	free(at);
}

static void a_key_needs_no_memory(void **state)
{
	(void)state;
	/* The first eight bytes of `printf 1400000001/@TGS#_shop | sha256sum`. */
	const uint64_t key = UINT64_C(0x4068e6d667891114);

	assert_true(roster_key(1400000001, "@TGS#_shop") == key);
	empty = true;
	assert_null(OPENSSL_malloc(1)); /* OpenSSL does ask here */
	assert_true(roster_key(1400000001, "@TGS#_shop") == key);
	empty = false;
	assert_true(asked > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(a_key_needs_no_memory) };

	if (CRYPTO_set_mem_functions(give, give_again, take_back) != 1)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
