/* TLS of the listener: versions, client certificates, other certificates while it runs, silent handshakes. */
#include "tests/unit/web_house.h"

#include <fcntl.h>
#include <openssl/ssl.h>

#include "tests/simulator/certs.c"

/* A certificate and its key, PEM and parsed. */
struct pair {
	EVP_PKEY *key;
	X509 *cert;
	char *cert_text, *key_text;
};

static const struct extension client_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "clientAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid" },
	{ 0, NULL },
};

static struct {
	struct authority ours, foreign;
	char *ca_text;
	struct pair server, renewed, client, stranger, expired;
} world;

static void pair_make(struct pair *p, const struct authority *signer, const char *name, long to_s,
                      const struct extension *extensions)
{
	p->key = EVP_EC_gen("P-256");
	CHECK(p->key != NULL);
	p->cert = cert_begin(p->key, name, X509_get_subject_name(signer->cert), -2 * DAY_S, to_s);
	CHECK(p->cert != NULL && cert_finish(p->cert, signer->cert, signer->key, extensions));
	p->cert_text = cert_pem(p->cert);
	p->key_text = key_pem(p->key);
	CHECK(p->cert_text != NULL && p->key_text != NULL);
}

static void pair_done(struct pair *p)
{
	free(p->cert_text);
	free(p->key_text);
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
}

static int make_world(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	CHECK(authority_new("Ours", &world.ours) && authority_new("Foreign", &world.foreign));
	world.ca_text = cert_pem(world.ours.cert);
	pair_make(&world.server, &world.ours, "first", DAY_S, server_extensions);
	pair_make(&world.renewed, &world.ours, "second", DAY_S, server_extensions);
	pair_make(&world.client, &world.ours, "prometheus", DAY_S, client_extensions);
	pair_make(&world.stranger, &world.foreign, "prometheus", DAY_S, client_extensions);
	pair_make(&world.expired, &world.ours, "prometheus", -DAY_S, client_extensions);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	pair_done(&world.server);
	pair_done(&world.renewed);
	pair_done(&world.client);
	pair_done(&world.stranger);
	pair_done(&world.expired);
	free(world.ca_text);
	authority_done(&world.ours);
	authority_done(&world.foreign);
	return 0;
}

static struct web_secure with(const struct pair *p)
{
	return (struct web_secure){ .cert = p->cert_text, .key = p->key_text };
}

static struct web *open_tls(const struct web_secure *secure, unsigned idle_timeout_s)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	const struct web_conf c = { .listen = listen,
		                        .listen_n = 1,
		                        .secure = secure,
		                        .max_connections = 8,
		                        .idle_timeout_s = idle_timeout_s };

	return open_conf(&c);
}

/* ---- a client ---- */
struct session {
	struct client c;
	SSL_CTX *ctx;
	SSL *ssl;
};

/* Turns the listener until the call that returned `code` can go on; false: it failed. */
static bool go_on(struct session *s, int code, int64_t end_ms)
{
	const int wants = SSL_get_error(s->ssl, code);

	if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE)
		return false;
	turn(s->c.web, s->c.fd, end_ms);
	return true;
}

/* With TLS of this version only; `p` NULL: without a certificate. */
static struct session session_open(struct web *w, int version, const struct pair *p)
{
	struct session s = { .c = client_open(w, 0), .ctx = SSL_CTX_new(TLS_client_method()) };

	CHECK(s.ctx != NULL && SSL_CTX_set_min_proto_version(s.ctx, version) == 1 &&
	      SSL_CTX_set_max_proto_version(s.ctx, version) == 1);
	SSL_CTX_set_security_level(s.ctx, 0); /* so that the old versions are really offered */
	CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(s.ctx), world.ours.cert) == 1);
	SSL_CTX_set_verify(s.ctx, SSL_VERIFY_PEER, NULL);
	if (p != NULL)
		CHECK(SSL_CTX_use_certificate(s.ctx, p->cert) == 1 && SSL_CTX_use_PrivateKey(s.ctx, p->key) == 1);
	s.ssl = SSL_new(s.ctx);
	CHECK(s.ssl != NULL && SSL_set_fd(s.ssl, s.c.fd) == 1);
	CHECK(fcntl(s.c.fd, F_SETFL, O_NONBLOCK) == 0);
	return s;
}

static void session_close(struct session *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	client_close(&s->c);
}

static bool shake_hands(struct session *s)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	int code;

	while ((code = SSL_connect(s->ssl)) != 1)
		if (!go_on(s, code, end_ms))
			return false;
	return true;
}

/* Everything to the end of the connection, or to `mark`; false: not even the mark. */
static bool exchange(struct session *s, const char *request, const char *mark)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	char bytes[16 << 10];
	int code;

	buf_reset(&s->c.in);
	while (*request != '\0' && (code = SSL_write(s->ssl, request, (int)strlen(request))) <= 0)
		if (!go_on(s, code, end_ms))
			return false;
	while (s->c.in.len == 0 || memmem(s->c.in.at, s->c.in.len, mark, strlen(mark)) == NULL) {
		code = SSL_read(s->ssl, bytes, sizeof(bytes));
		if (code > 0)
			buf_add(&s->c.in, bytes, (size_t)code);
		else if (!go_on(s, code, end_ms))
			return false;
	}
	return true;
}

static bool is_served(struct web *w, int version, const struct pair *p)
{
	struct session s = session_open(w, version, p);
	const bool served = shake_hands(&s) && exchange(&s, GET("/text"), "fine\n");

	session_close(&s);
	return served;
}

static bool shows(const struct session *s, const char *name)
{
	X509 *cert = SSL_get1_peer_certificate(s->ssl);
	char found[64] = "";

	CHECK(cert != NULL);
	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, found, sizeof(found));
	X509_free(cert);
	return strcmp(found, name) == 0;
}

/* ---- tests ---- */
static void nothing_below_the_version_that_is_asked_for_is_spoken(void **state)
{
	struct web_secure secure = with(&world.server);
	struct web *w = open_tls(&secure, 10);

	(void)state;
	CHECK(is_served(w, TLS1_3_VERSION, NULL) && is_served(w, TLS1_2_VERSION, NULL));
	CHECK(!is_served(w, TLS1_1_VERSION, NULL) && !is_served(w, TLS1_VERSION, NULL));
	CHECK(status_of(w, GET("/text")) == 0); /* nor plain HTTP */
	web_free(w);
	secure.tls13 = true;
	w = open_tls(&secure, 10);
	CHECK(is_served(w, TLS1_3_VERSION, NULL) && !is_served(w, TLS1_2_VERSION, NULL));
	web_free(w);
}

static void a_long_stream_and_many_requests_pass(void **state)
{
	const struct web_secure secure = with(&world.server);
	struct web *w = open_tls(&secure, 10);
	struct session s = session_open(w, TLS1_3_VERSION, NULL);

	(void)state;
	CHECK(shake_hands(&s));
	for (int i = 0; i < 20; i++)
		CHECK(exchange(&s, GET("/text"), "fine\n"));
	CHECK(exchange(&s, GET("/stream"), "\r\n0\r\n\r\n") && s.c.in.len > BLOCKS * (16 << 10));
	CHECK(exchange(&s, GET("/text"), "fine\n") && seen.closed == 1 && seen.asked == 21);
	session_close(&s);
	web_free(w);
}

static void only_who_shows_a_certificate_of_the_authority_is_served(void **state)
{
	struct web_secure secure = with(&world.server);
	struct web *w;

	(void)state;
	secure.client_ca = world.ca_text;
	w = open_tls(&secure, 10);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		CHECK(is_served(w, version, &world.client));
		CHECK(!is_served(w, version, NULL));
		CHECK(!is_served(w, version, &world.stranger));
		CHECK(!is_served(w, version, &world.expired));
		CHECK(!is_served(w, version, &world.renewed)); /* a server's is no client's */
	}
	CHECK(seen.asked == 2);
	web_free(w);
}

static void newcomers_get_the_new_certificate_and_old_connections_their_answer(void **state)
{
	struct web_secure secure = with(&world.server);
	struct web *w = open_tls(&secure, 10);
	struct session old = session_open(w, TLS1_3_VERSION, NULL), fresh;
	struct why why = { "" };

	(void)state;
	seen.stream.left = 200; /* more than the kernel holds: it is under way during the change */
	CHECK(shake_hands(&old) && shows(&old, "first") && exchange(&old, GET("/stream"), "aaaa"));
	secure.key = world.renewed.key_text;
	CHECK(web_reload(w, &secure, &why) == ERR_CONFIG && why.text[0] != '\0'); /* not a pair */
	CHECK(is_served(w, TLS1_3_VERSION, NULL));
	secure = with(&world.renewed);
	CHECK(web_reload(w, &secure, &why) == ERR_OK);
	fresh = session_open(w, TLS1_3_VERSION, NULL);
	CHECK(shake_hands(&fresh) && shows(&fresh, "second") && exchange(&fresh, GET("/text"), "fine\n"));
	CHECK(seen.closed == 0);
	CHECK(exchange(&old, "", "\r\n0\r\n\r\n"));
	CHECK(exchange(&old, GET("/text"), "fine\n") &&
	      memmem(old.c.in.at, old.c.in.len, "Connection: close", 17) != NULL);
	CHECK(exchange(&fresh, GET("/text"), "fine\n") &&
	      memmem(fresh.c.in.at, fresh.c.in.len, "Connection: close", 17) == NULL);
	session_close(&old);
	session_close(&fresh);
	web_free(w);
}

static void a_certificate_comes_and_goes_while_it_runs(void **state)
{
	const struct web_secure secure = with(&world.server), plain = { .cert = NULL };
	const size_t before = open_descriptors();
	struct web *w = open_one(8, 10);
	struct client held[6];
	struct why why = { "" };

	(void)state;
	for (int i = 0; i < 6; i++) { /* each change leaves one behind: the oldest are hung up on */
		const int64_t end_ms = clock_ms() + PATIENCE_MS;

		held[i] = client_open(w, 0);
		for (const unsigned n = web_connections(w); web_connections(w) <= n && i < 3;)
			turn(w, -1, end_ms);
		CHECK(web_reload(w, i % 2 == 0 ? &secure : &plain, &why) == ERR_OK);
	}
	CHECK(status_of(w, GET("/text")) == 200 && !is_served(w, TLS1_3_VERSION, NULL));
	CHECK(web_reload(w, &secure, &why) == ERR_OK);
	CHECK(is_served(w, TLS1_3_VERSION, NULL) && web_reload(w, &secure, &why) == ERR_OK);
	for (int i = 0; i < 6; i++)
		client_close(&held[i]);
	web_free(w);
	CHECK(open_descriptors() == before);
}

static void who_stalls_in_the_handshake_is_hung_up_on(void **state)
{
	const struct web_secure secure = with(&world.server);
	struct web *w = open_tls(&secure, 1);
	struct client silent = client_open(w, 0), slow = client_open(w, 0);
	const unsigned char hello[] = { 22, 3, 1, 0, 200, 1, 0 }; /* the start of one */

	(void)state;
	client_write(&slow, (const char *)hello, sizeof(hello));
	CHECK(client_ended(&silent) && client_ended(&slow) && web_connections(w) == 0);
	CHECK(is_served(w, TLS1_3_VERSION, NULL));
	client_close(&silent);
	client_close(&slow);
	web_free(w);
}

static void what_is_no_certificate_is_said_before_anybody_comes(void **state)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	struct web_secure secure = with(&world.server);
	const struct web_conf c = {
		.listen = listen, .listen_n = 1, .secure = &secure, .max_connections = 8, .idle_timeout_s = 10
	};
	const size_t before = open_descriptors();
	struct why why = { "" };
	struct web *w = NULL;

	(void)state;
	secure.cert = "nothing";
	CHECK(web_new(&c, routes, 1, NULL, &w, &why) == ERR_CONFIG && w == NULL && why.text[0] != '\0');
	secure = with(&world.server);
	secure.client_ca = "nothing";
	CHECK(web_new(&c, routes, 1, NULL, &w, &why) == ERR_CONFIG && w == NULL);
	CHECK(open_descriptors() == before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_below_the_version_that_is_asked_for_is_spoken),
		cmocka_unit_test(a_long_stream_and_many_requests_pass),
		cmocka_unit_test(only_who_shows_a_certificate_of_the_authority_is_served),
		cmocka_unit_test(newcomers_get_the_new_certificate_and_old_connections_their_answer),
		cmocka_unit_test(a_certificate_comes_and_goes_while_it_runs),
		cmocka_unit_test(who_stalls_in_the_handshake_is_hung_up_on),
		cmocka_unit_test(what_is_no_certificate_is_said_before_anybody_comes),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
