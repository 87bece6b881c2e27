/* Names and passwords: which are taken, what is asked of the thread that hashes, and who waits meanwhile. */
#include "tests/unit/web_house.h"

#include <crypt.h>

#include "exporters/web/basic.h"

enum { COST_TEXT = 64 };

static char hash_of_secret[COST_TEXT], hash_of_other[COST_TEXT];

static void make_hash(const char *password, const char *prefix, char to[COST_TEXT])
{
	static struct crypt_data room;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash;

	CHECK(crypt_gensalt_rn(prefix, 4, NULL, 0, setting, sizeof(setting)) != NULL);
	hash = crypt_r(password, setting, &room);
	CHECK(hash != NULL && strlen(hash) == 60);
	(void)snprintf(to, COST_TEXT, "%s", hash);
}

static int make_hashes(void **state)
{
	(void)state;
	make_hash("secret", "$2y$", hash_of_secret);
	make_hash("other", "$2b$", hash_of_other);
	return 0;
}

static struct web *open_guarded(unsigned max_connections)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	const struct web_user user[] = { { "prometheus", hash_of_secret },
		                             { "h\xc3\xa9l\xc3\xa8ne", hash_of_other } };
	const struct web_secure secure = { .user = user, .user_n = 2 };
	const struct web_conf c = { .listen = listen,
		                        .listen_n = 1,
		                        .secure = &secure,
		                        .max_connections = max_connections,
		                        .idle_timeout_s = 10 };

	return open_conf(&c);
}

/* "name:password" for a page; NULL: without. */
static size_t request_as(char to[1024], const char *target, const char *who)
{
	char coded[600];

	if (who == NULL)
		return (size_t)snprintf(to, 1024, "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
	encode(who, coded);
	return (size_t)snprintf(to, 1024, "GET %s HTTP/1.1\r\n" HOST "Authorization: Basic %s\r\n\r\n", target,
	                        coded);
}

static int status_as(struct web *w, const char *target, const char *who)
{
	char request[1024];

	(void)request_as(request, target, who);
	return status_of(w, request);
}

/* ---- the field ---- */
static bool parses(const char *field, const char *user, const char *password)
{
	struct credentials c;

	return basic_parse(field, strlen(field), &c) && strcmp(c.user, user) == 0 && c.user_len == strlen(user) &&
	       strcmp(c.password, password) == 0 && c.password_len == strlen(password);
}

static void the_field_is_read_strictly_and_its_scheme_in_any_case(void **state)
{
	static const char *const bad[] = {
		"",
		"Basic",
		"Basic ",
		"Basic\tYTpi",
		"Basi YTpi",
		"BasicYTpi",
		"Bearer YTpi",
		"Basic YTp",
		"Basic YTpi=",
		"Basic YQ==",
		"Basic YTpi YTpi",
		"Basic Y-pi",
		"Basic YTpi,",
		"Basic YTo=YTo=",
		"Basic YTp=",
		"Basic YTpj==",
		"Basic YR==",
		"Basic YQBiOmM=" /* a NUL in the name */,
		"Basic YTpiAGM=" /* and in the password */,
		"Basic YTr/" /* no UTF-8 */,
		"Basic YToB" /* a control character */,
		"Basic YTrChQ==" /* another */,
	};
	char coded[1200] = "Basic ", plain[600];
	struct credentials c;

	(void)state;
	CHECK(parses("Basic YTpi", "a", "b") && parses("bAsIc   YTpi \t", "a", "b"));
	CHECK(parses("Basic Og==", "", "") && parses("Basic YTpiOmM=", "a", "b:c"));
	CHECK(parses("Basic aMOpbMOobmU6w6k=", "h\xc3\xa9l\xc3\xa8ne", "\xc3\xa9"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (basic_parse(bad[i], strlen(bad[i]), &c) || c.user_len + c.password_len > 0)
			fail_msg("'%s' was taken", bad[i]);
	for (size_t len = CREDENTIAL_MAX; len <= CREDENTIAL_MAX + 1; len++) {
		memset(plain, 'x', len);
		memcpy(plain + len, ":y", 3);
		encode(plain, coded + 6);
		CHECK(basic_parse(coded, strlen(coded), &c) == (len == CREDENTIAL_MAX));
	}
}

/* ---- requests ---- */
static void nothing_is_told_to_who_has_no_password(void **state)
{
	struct web *w = open_guarded(8);
	struct answer a;

	(void)state;
	a = ask(w, GET("/text"), strlen(GET("/text")), false, NULL);
	CHECK(a.status == 401 && a.whole);
	CHECK(answer_has(&a, "WWW-Authenticate", "Basic realm=\"tencentchat_exporter\", charset=\"UTF-8\""));
	buf_done(&a.body);
	CHECK(status_of(w, GET("/nowhere")) == 401); /* not even which pages there are */
	CHECK(status_of(w, "DELETE /text HTTP/1.1\r\n" HOST "\r\n") == 401);
	CHECK(status_as(w, "/probe", NULL) == 401);
	CHECK(status_of(w, "GET /text HTTP/1.1\r\n" HOST "Authorization: Bearer x\r\n\r\n") == 401);
	CHECK(status_of(w, "GET /text HTTP/1.1\r\n" HOST
	                   "Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n\r\n") == 400);
	CHECK(status_of(w, "POST /act HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc") == 400);
	CHECK(seen.asked == 0 && seen.acted == 0);
	web_free(w);
}

static void the_right_password_opens_every_page_and_a_wrong_one_none(void **state)
{
	struct web *w = open_guarded(8);

	(void)state;
	for (int round = 0; round < 2; round++) { /* hashed, then remembered */
		CHECK(status_as(w, "/text", "prometheus:secret") == 200);
		CHECK(status_as(w, "/text", "h\xc3\xa9l\xc3\xa8ne:other") == 200);
		CHECK(status_as(w, "/nowhere", "prometheus:secret") == 404);
		CHECK(status_as(w, "/text", "prometheus:other") == 401);
		CHECK(status_as(w, "/text", "prometheus:secretx") == 401);
		CHECK(status_as(w, "/text", "prometheus:") == 401);
		CHECK(status_as(w, "/text", "nobody:secret") == 401);
		CHECK(status_as(w, "/text", "prometheuss:ecret") == 401);
	}
	CHECK(seen.asked == 4);
	web_free(w);
}

static void after_its_password_a_request_is_judged_as_any_other(void **state)
{
	struct web *w = open_guarded(8);
	char request[1024];

	(void)state;
	(void)request_as(request, "/act", "prometheus:secret"); /* not known yet */
	CHECK(status_of(w, request) == 405 && seen.acted == 0);
	memcpy(request, "PUT", 3);
	CHECK(status_of(w, request) == 200 && seen.acted == 1);
	web_free(w);
}

static void requests_on_one_connection_are_answered_in_order(void **state)
{
	struct web *w = open_guarded(8);
	struct client c = client_open(w, 0);
	char request[1024];
	static const struct {
		const char *who;
		int status;
	} all[] = {
		{ "prometheus:wrong", 401 }, { "prometheus:secret", 200 }, { NULL, 401 }, { "prometheus:secret", 200 }
	};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		client_write(&c, request, request_as(request, "/text", all[i].who));
	for (size_t i = 0; i < 4; i++) {
		struct answer a = client_read(&c, false);

		if (a.status != all[i].status || !a.whole)
			fail_msg("answer %zu is %d", i, a.status);
		buf_done(&a.body);
	}
	client_close(&c);
	web_free(w);
}

/* Who is known goes on while others wait; who comes above the queue hears it at once. By counts, not by time.
 */
static void a_flood_of_guesses_holds_up_nobody_who_is_known(void **state)
{
	enum { FLOOD = 50 };
	struct web *w = open_guarded(64);
	struct client c[FLOOD];
	char request[1024], who[64];
	int refused = 0, busy = 0;

	(void)state;
	CHECK(status_as(w, "/text", "prometheus:secret") == 200);
	for (int i = 0; i < FLOOD; i++) {
		(void)snprintf(who, sizeof(who), "prometheus:guess%d", i);
		c[i] = client_open(w, 0);
		client_write(&c[i], request, request_as(request, "/text", who));
	}
	for (int i = 0; i < 20; i++)
		CHECK(status_as(w, "/text", "prometheus:secret") == 200);
	for (int i = 0; i < FLOOD; i++) {
		struct answer a = client_read(&c[i], false);

		CHECK(a.whole && (a.status == 401 || (a.status == 429 && answer_has(&a, "Retry-After", "1"))));
		refused += a.status == 401;
		busy += a.status == 429;
		buf_done(&a.body);
		client_close(&c[i]);
	}
	CHECK(refused + busy == FLOOD && refused >= 8);
	CHECK(status_as(w, "/text", "prometheus:secret") == 200 && seen.asked == 22);
	web_free(w);
}

/* A hundred wrong ones and more are remembered, and none of them in the place of the right one. */
static void a_hundred_guesses_do_not_make_the_right_password_forgotten(void **state)
{
	struct web *w = open_guarded(8);
	char request[1024], who[64];

	(void)state;
	CHECK(status_as(w, "/text", "prometheus:secret") == 200);
	for (int i = 0; i < 130; i++) {
		(void)snprintf(who, sizeof(who), "nobody%d:secret", i);
		CHECK(status_as(w, "/text", who) == 401);
	}
	(void)request_as(request, "/text", "prometheus:secret");
	for (int i = 0; i < 3; i++) { /* nothing was hashed for it: the listener's first turns answer */
		struct client c = client_open(w, 0);
		struct answer a;

		client_write(&c, request, strlen(request));
		a = client_read(&c, false);
		CHECK(a.status == 200);
		buf_done(&a.body);
		client_close(&c);
	}
	web_free(w);
}

static void who_waits_for_a_password_and_leaves_or_is_left_harms_nobody(void **state)
{
	const size_t before = open_descriptors();
	struct web *w = open_guarded(16);
	struct client c[9];
	char request[1024];

	(void)state;
	for (int i = 0; i < 9; i++) { /* nine that ask the same are one question */
		c[i] = client_open(w, 0);
		client_write(&c[i], request, request_as(request, "/text", "prometheus:secret"));
	}
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; web_connections(w) < 9;)
		turn(w, -1, end_ms);
	client_close(&c[0]);
	for (int i = 1; i < 9; i++) {
		struct answer a = client_read(&c[i], false);

		CHECK(a.status == 200 && a.whole);
		buf_done(&a.body);
		client_close(&c[i]);
	}
	c[0] = client_open(w, 0);
	client_write(&c[0], request, request_as(request, "/text", "prometheus:once more"));
	web_turn(w);
	web_turn(w);
	web_free(w); /* with one who waits */
	client_close(&c[0]);
	CHECK(open_descriptors() == before);
}

static void other_users_are_taken_over_and_who_is_gone_is_out(void **state)
{
	struct web *w = open_guarded(8);
	const struct web_user user[] = { { "prometheus", hash_of_other } };
	const struct web_secure other = { .user = user, .user_n = 1 }, open = { .user_n = 0 };
	const struct web_user broken_user[] = { { "x", "short" } };
	const struct web_secure broken = { .user = broken_user, .user_n = 1 };
	struct why why = { "" };

	(void)state;
	CHECK(status_as(w, "/text", "prometheus:secret") == 200 &&
	      status_as(w, "/text", "prometheus:other") == 401);
	CHECK(web_reload(w, &broken, &why) == ERR_CONFIG && why.text[0] != '\0');
	CHECK(status_as(w, "/text", "prometheus:secret") == 200);
	CHECK(web_reload(w, &other, &why) == ERR_OK);
	CHECK(status_as(w, "/text", "prometheus:secret") == 401 &&
	      status_as(w, "/text", "prometheus:other") == 200);
	CHECK(status_as(w, "/text", "h\xc3\xa9l\xc3\xa8ne:other") == 401);
	CHECK(web_reload(w, &open, &why) == ERR_OK && status_as(w, "/text", NULL) == 200);
	web_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_field_is_read_strictly_and_its_scheme_in_any_case),
		cmocka_unit_test(nothing_is_told_to_who_has_no_password),
		cmocka_unit_test(the_right_password_opens_every_page_and_a_wrong_one_none),
		cmocka_unit_test(after_its_password_a_request_is_judged_as_any_other),
		cmocka_unit_test(requests_on_one_connection_are_answered_in_order),
		cmocka_unit_test(a_flood_of_guesses_holds_up_nobody_who_is_known),
		cmocka_unit_test(a_hundred_guesses_do_not_make_the_right_password_forgotten),
		cmocka_unit_test(who_waits_for_a_password_and_leaves_or_is_left_harms_nobody),
		cmocka_unit_test(other_users_are_taken_over_and_who_is_gone_is_out),
	};

	return cmocka_run_group_tests(tests, make_hashes, NULL);
}
