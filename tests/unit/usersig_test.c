#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/usersig/mint.h"
#include "tests/unit/token.h"

#define CHECK(X) assert_true(X)

static const char key_text[] = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";

/* ---- the vectors ---- */

static cJSON *load_vectors(void)
{
	static char text[256 << 10];
	FILE *f = fopen(TCE_GOLDEN "/usersig/vectors.json", "r");
	cJSON *o;

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	o = cJSON_Parse(text);
	assert_non_null(o);
	return o;
}

static char *mint_vector(const cJSON *v)
{
	const struct claim claim = {
		.sdk_app_id = (uint64_t)token_number(v, "sdkappid"),
		.identifier = token_text(v, "identifier"),
		.time_s = (int64_t)token_number(v, "time"),
		.expire_s = (int64_t)token_number(v, "expire"),
	};
	struct key key = { .len = strlen(token_text(v, "key")) };
	char *sig = NULL;

	memcpy(key.at, token_text(v, "key"), key.len);
	CHECK(mint(&claim, &key, &sig) == ERR_OK);
	return sig;
}

static void every_vector_gives_its_hmac_and_decodes_to_its_fields(void **state)
{
	cJSON *all = load_vectors();
	const cJSON *v;
	int n = 0;

	(void)state;
	cJSON_ArrayForEach(v, cJSON_GetObjectItem(all, "vectors"))
	{
		char *sig = mint_vector(v);
		cJSON *ours = token_open(sig), *theirs = token_open(token_text(v, "usersig"));
		char mac[48];

		print_message("  %s\n", token_text(v, "name"));
		assert_non_null(ours);
		assert_non_null(theirs);
		CHECK(cJSON_Compare(ours, theirs, 1));
		assert_string_equal(token_text(ours, "TLS.sig"), token_text(v, "sig_base64"));
		assert_string_equal(token_text(ours, "TLS.identifier"), token_text(v, "identifier"));
		token_mac(token_text(v, "key"), token_text(v, "hmac_content"), mac);
		assert_string_equal(mac, token_text(v, "sig_base64"));
		CHECK(strspn(sig, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-_") ==
		      strlen(sig));
		cJSON_Delete(ours);
		cJSON_Delete(theirs);
		free(sig);
		n++;
	}
	CHECK(n == 11);
	cJSON_Delete(all);
}

static void other_spellings_of_a_signature_decode_to_ours(void **state)
{
	cJSON *all = load_vectors();
	const cJSON *equivalent = cJSON_GetObjectItem(all, "equivalent"), *v;
	char *sig = mint_vector(cJSON_GetObjectItem(equivalent, "inputs"));
	cJSON *ours = token_open(sig);
	int n = 0;

	(void)state;
	cJSON_ArrayForEach(v, cJSON_GetObjectItem(equivalent, "items"))
	{
		cJSON *theirs = token_open(token_text(v, "usersig"));

		print_message("  %s\n", token_text(v, "label"));
		CHECK(cJSON_Compare(ours, theirs, 1));
		cJSON_Delete(theirs);
		n++;
	}
	CHECK(n >= 2);
	cJSON_Delete(ours);
	cJSON_Delete(all);
	free(sig);
}

/* The verifier the other tests rest on must itself be able to say no. */
static void the_verifier_of_these_tests_is_right(void **state)
{
	cJSON *all = load_vectors();
	const cJSON *v;
	int n = 0;

	(void)state;
	cJSON_ArrayForEach(v, cJSON_GetObjectItem(all, "verify"))
	{
		print_message("  %s\n", token_text(v, "label"));
		CHECK(token_verifies(token_text(v, "usersig"), token_number(v, "sdkappid"),
		                     token_text(v, "identifier"), token_text(v, "key"),
		                     token_number(v, "now")) == (strcmp(token_text(v, "expect"), "accept") == 0));
		n++;
	}
	CHECK(n == 9);
	cJSON_Delete(all);
}

/* ---- the signer ---- */

static struct signer *new_signer(const char *admin, enum key_kind kind, const char *name, int64_t ttl_s)
{
	const struct key_source source = { kind, name };
	struct signer *s = NULL;

	CHECK(signer_new(1400000000, admin, &source, ttl_s, 42, &s) == ERR_OK);
	return s;
}

static const char *get(struct signer *s, int64_t unix_s)
{
	const char *sig = NULL;
	struct why why = { 0 };

	CHECK(signer_get(s, unix_s, &sig, &why) == ERR_OK);
	return sig;
}

static void signatures_verify_whatever_the_identifier_holds(void **state)
{
	static const char *const names[] = {
		"administrator",  "a\"b\\c",  "用户-é", "0123456789", "a b+c/d=e&f",
		"tab\tand\nline", "\x01\x1f", "💬",      "",           "a32-byte-long-identifier-of-ascii",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct signer *s = new_signer(names[i], KEY_INLINE, key_text, 86400);
		const char *sig = get(s, 1700000000);

		CHECK(token_verifies(sig, 1400000000, names[i], key_text, 1700000000));
		CHECK(!token_verifies(sig, 1400000001, names[i], key_text, 1700000000));
		CHECK(!token_verifies(sig, 1400000000, names[i], "another key", 1700000000));
		CHECK(!token_verifies(sig, 1400000000, names[i], key_text, 1700000000 + 86401));
		signer_free(s);
	}
}

static void a_signature_is_kept_and_renewed_around_half_of_its_life(void **state)
{
	struct signer *s = new_signer("admin", KEY_INLINE, key_text, 86400);
	char first[1024];

	(void)state;
	CHECK(signer_expiry_s(s) == 0 && signer_renewals(s) == 0);
	(void)snprintf(first, sizeof(first), "%s", get(s, 1700000000));
	CHECK(signer_expiry_s(s) == 1700086400 && signer_renewals(s) == 1);
	assert_string_equal(first, get(s, 1700000000 + 43200 - 4321));
	CHECK(signer_renewals(s) == 1);
	assert_string_not_equal(first, get(s, 1700000000 + 43200 + 4321));
	CHECK(signer_renewals(s) == 2);
	CHECK(signer_expiry_s(s) == 1700000000 + 43200 + 4321 + 86400);
	signer_free(s);
}

static void thirty_days_take_one_renewal_each_half_life(void **state)
{
	enum { LIFE_S = 86400, STEP_S = 60, HALF_S = LIFE_S / 2, SLACK_S = HALF_S / 10 + STEP_S };
	const int64_t start_s = 1700000000, end_s = start_s + 30 * INT64_C(86400);
	struct signer *s = new_signer("admin", KEY_INLINE, key_text, LIFE_S);
	int64_t made_s = start_s;
	uint64_t renewals = 1;

	(void)state;
	for (int64_t now_s = start_s; now_s < end_s; now_s += STEP_S) {
		CHECK(get(s, now_s)[0] != '\0' && signer_expiry_s(s) > now_s);
		if (signer_renewals(s) == renewals)
			continue;
		CHECK(signer_renewals(s) == ++renewals);
		CHECK(now_s - made_s >= HALF_S - SLACK_S && now_s - made_s <= HALF_S + SLACK_S);
		made_s = now_s;
	}
	print_message("%llu signatures in 30 days\n", (unsigned long long)renewals);
	CHECK(renewals >= 55 && renewals <= 67);
	signer_free(s);
}

static void signers_with_other_seeds_renew_at_other_times(void **state)
{
	const struct key_source source = { KEY_INLINE, key_text };
	uint64_t renewed = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct signer *s;

		CHECK(signer_new(1, "a", &source, 86400, seed, &s) == ERR_OK);
		(void)get(s, 1700000000);
		(void)get(s, 1700000000 + 43200);
		renewed += signer_renewals(s) - 1;
		signer_free(s);
	}
	CHECK(renewed > 20 && renewed < 80);
}

static void a_clock_set_back_and_a_refusal_make_a_new_one(void **state)
{
	struct signer *s = new_signer("admin", KEY_INLINE, key_text, 86400);

	(void)state;
	(void)get(s, 1700000000);
	(void)get(s, 1700000000 - 60);
	CHECK(signer_renewals(s) == 1);
	(void)get(s, 1700000000 - 61);
	CHECK(signer_renewals(s) == 2);
	signer_expire(s);
	CHECK(signer_renewals(s) == 2);
	(void)get(s, 1700000000 - 61);
	CHECK(signer_renewals(s) == 3);
	(void)get(s, 1700000000 + 10 * 86400);
	CHECK(signer_renewals(s) == 4);
	signer_free(s);
}

/* ---- where the key comes from ---- */

static char folder[64], path[96];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/tce-usersig.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/app.key", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void write_key(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	CHECK(chmod(path, mode) == 0);
}

static void a_file_is_read_again_at_each_signing(void **state)
{
	struct signer *s = new_signer("admin", KEY_FILE, path, 86400);

	(void)state;
	write_key("first\n", 0600);
	CHECK(token_verifies(get(s, 1700000000), 1400000000, "admin", "first", 1700000000));
	write_key("second\r\n", 0600);
	CHECK(token_verifies(get(s, 1700000000), 1400000000, "admin", "first", 1700000000));
	signer_expire(s);
	CHECK(token_verifies(get(s, 1700000000), 1400000000, "admin", "second", 1700000000));
	signer_free(s);
}

static void without_the_key_the_old_signature_serves_until_it_ends(void **state)
{
	struct signer *s = new_signer("admin", KEY_FILE, path, 86400);
	const char *sig = NULL;
	struct why why = { 0 };

	(void)state;
	write_key("first", 0600);
	(void)get(s, 1700000000);
	CHECK(unlink(path) == 0);
	CHECK(token_verifies(get(s, 1700000000 + 80000), 1400000000, "admin", "first", 1700000000 + 80000));
	CHECK(signer_get(s, 1700000000 + 86401, &sig, &why) == ERR_KEY);
	CHECK(strstr(why.text, path) != NULL && strstr(why.text, "No such file") != NULL);
	write_key("again", 0600);
	CHECK(token_verifies(get(s, 1700000000 + 86402), 1400000000, "admin", "again", 1700000000 + 86402));
	signer_free(s);
}

static void a_refused_signature_serves_no_more_even_without_the_key(void **state)
{
	struct signer *s = new_signer("admin", KEY_FILE, path, 86400);
	const char *sig = NULL;
	struct why why = { 0 };

	(void)state;
	write_key("first", 0600);
	(void)get(s, 1700000000);
	CHECK(unlink(path) == 0);
	signer_expire(s);
	CHECK(signer_get(s, 1700000001, &sig, &why) == ERR_KEY && sig == NULL);
	CHECK(strstr(why.text, "No such file") != NULL);
	write_key("again", 0600);
	CHECK(token_verifies(get(s, 1700000002), 1400000000, "admin", "again", 1700000002));
	signer_free(s);
}

static void variables_and_credentials_are_sources(void **state)
{
	struct signer *env = new_signer("admin", KEY_ENV, "TCE_TEST_KEY", 86400);
	struct signer *credential = new_signer("admin", KEY_CREDENTIAL, "app.key", 86400);
	const char *sig = NULL;
	struct why why = { 0 };

	(void)state;
	CHECK(unsetenv("TCE_TEST_KEY") == 0 && unsetenv("CREDENTIALS_DIRECTORY") == 0);
	CHECK(signer_get(env, 1, &sig, &why) == ERR_KEY && strstr(why.text, "TCE_TEST_KEY") != NULL);
	CHECK(signer_get(credential, 1, &sig, &why) == ERR_KEY &&
	      strstr(why.text, "CREDENTIALS_DIRECTORY") != NULL);
	CHECK(setenv("TCE_TEST_KEY", "from-env", 1) == 0 && setenv("CREDENTIALS_DIRECTORY", folder, 1) == 0);
	write_key("from-credential", 0400);
	CHECK(token_verifies(get(env, 1), 1400000000, "admin", "from-env", 1));
	CHECK(token_verifies(get(credential, 1), 1400000000, "admin", "from-credential", 1));
	signer_free(env);
	signer_free(credential);
}

/* What /proc/PID/environ shows are the bytes of the block; the test looks at the variable's own. */
static void a_key_leaves_the_environment_when_it_is_read_first(void **state)
{
	struct signer *a = new_signer("admin", KEY_ENV, "TCE_TEST_KEY_2", 86400);
	struct signer *b = new_signer("admin", KEY_ENV, "TCE_TEST_KEY_2", 86400);
	static char variable[] = "TCE_TEST_KEY_2=moved";

	(void)state;
	CHECK(putenv(variable) == 0);
	CHECK(token_verifies(get(a, 1), 1400000000, "admin", "moved", 1));
	CHECK(getenv("TCE_TEST_KEY_2") == NULL);
	for (size_t i = strlen("TCE_TEST_KEY_2="); i < sizeof(variable); i++)
		CHECK(variable[i] == '\0');
	CHECK(token_verifies(get(b, 1), 1400000000, "admin", "moved", 1)); /* who comes later finds it, too */
	CHECK(setenv("TCE_TEST_KEY_2", "new", 1) == 0);
	signer_expire(b);
	CHECK(token_verifies(get(b, 2), 1400000000, "admin", "new", 2));
	signer_free(a);
	signer_free(b);
}

static enum err check_key(const char *text, mode_t mode, int *loose, struct why *why)
{
	const struct key_source source = { KEY_FILE, path };

	write_key(text, mode);
	return key_check(&source, loose, why);
}

static void a_key_that_cannot_be_one_is_refused_without_showing_it(void **state)
{
	char longest[KEY_MAX + 3];
	struct why why = { 0 };
	int loose = -1;

	(void)state;
	CHECK(check_key("good", 0600, &loose, &why) == ERR_OK && loose == 0);
	CHECK(check_key("good", 0640, &loose, &why) == ERR_OK && loose != 0);
	CHECK(check_key("good", 0604, &loose, &why) == ERR_OK && loose != 0);
	CHECK(check_key("", 0600, NULL, &why) == ERR_KEY && strstr(why.text, "empty") != NULL);
	CHECK(check_key("\n", 0600, NULL, &why) == ERR_KEY && strstr(why.text, "empty") != NULL);
	CHECK(check_key("c4n4ry c4n4ry", 0600, NULL, &why) == ERR_KEY && strstr(why.text, "byte 7") != NULL);
	CHECK(strstr(why.text, "c4n4ry") == NULL);
	CHECK(check_key("c4n4ry\nc4n4ry", 0600, NULL, &why) == ERR_KEY);
	memset(longest, 'k', sizeof(longest));
	longest[KEY_MAX] = '\0';
	CHECK(check_key(longest, 0600, NULL, &why) == ERR_OK);
	longest[KEY_MAX] = 'k';
	longest[KEY_MAX + 1] = '\0';
	CHECK(check_key(longest, 0600, NULL, &why) == ERR_KEY && strstr(why.text, "512") != NULL);
}

static void a_fifo_or_a_folder_is_refused_at_once(void **state)
{
	const struct key_source fifo = { KEY_FILE, path }, dir = { KEY_FILE, folder };
	struct why why = { 0 };

	(void)state;
	(void)unlink(path);
	CHECK(mkfifo(path, 0600) == 0);
	(void)alarm(10); /* a reader that waits would wait for ever */
	CHECK(key_check(&fifo, NULL, &why) == ERR_KEY && strstr(why.text, "not a regular file") != NULL);
	(void)alarm(0);
	CHECK(key_check(&dir, NULL, &why) == ERR_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_gives_its_hmac_and_decodes_to_its_fields),
		cmocka_unit_test(other_spellings_of_a_signature_decode_to_ours),
		cmocka_unit_test(the_verifier_of_these_tests_is_right),
		cmocka_unit_test(signatures_verify_whatever_the_identifier_holds),
		cmocka_unit_test(a_signature_is_kept_and_renewed_around_half_of_its_life),
		cmocka_unit_test(thirty_days_take_one_renewal_each_half_life),
		cmocka_unit_test(signers_with_other_seeds_renew_at_other_times),
		cmocka_unit_test(a_clock_set_back_and_a_refusal_make_a_new_one),
		cmocka_unit_test(a_file_is_read_again_at_each_signing),
		cmocka_unit_test(without_the_key_the_old_signature_serves_until_it_ends),
		cmocka_unit_test(a_refused_signature_serves_no_more_even_without_the_key),
		cmocka_unit_test(variables_and_credentials_are_sources),
		cmocka_unit_test(a_key_leaves_the_environment_when_it_is_read_first),
		cmocka_unit_test(a_key_that_cannot_be_one_is_refused_without_showing_it),
		cmocka_unit_test(a_fifo_or_a_folder_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
