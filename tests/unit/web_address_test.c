/* Where the listener listens. */
#include "tests/unit/web_house.h"

#include <fcntl.h>
#include <netinet/in.h>

struct address {
	const char *text, *bound; /* `bound` without its port */
};

/* Containers often have none. */
static bool has_ipv6(void)
{
	struct why why = { "" };
	int fd = -1;

	if (address_listen("[::1]:0", &fd, &why) != ERR_OK)
		return false;
	close(fd);
	return true;
}

static void addresses_are_understood(void **state)
{
	static const struct address address[] = {
		{ "127.0.0.1:0", "127.0.0.1:" },
		{ "127.0.0.1:00000", "127.0.0.1:" },
		{ "[::1]:0", "[::1]:" },
		{ "[::]:0", "[::]:" },
		{ ":0", "[::]:" },
		{ "0.0.0.0:0", "0.0.0.0:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(address) / sizeof(address[0]); i++) {
		struct web *w;
		const char *bound;

		if (strchr(address[i].bound, '[') != NULL && !has_ipv6())
			continue;
		w = open_web(&address[i].text, 1, 8, 10);
		bound = web_address(w, 0);
		CHECK(strncmp(bound, address[i].bound, strlen(address[i].bound)) == 0);
		CHECK(strtol(strrchr(bound, ':') + 1, NULL, 10) > 0 && web_address(w, 1) == NULL);
		CHECK(status_of(w, GET("/text")) == 200);
		web_free(w);
	}
}

static void an_address_without_a_host_serves_ipv4_and_ipv6(void **state)
{
	static const char *const listen[] = { ":0" };
	struct web *w = open_web(listen, 1, 8, 10);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct client c = { .web = w, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct answer r;

	(void)state;
	a.sin_port = htons((in_port_t)strtol(strrchr(web_address(w, 0), ':') + 1, NULL, 10));
	buf_init(&c.in, CLIENT_MAX);
	CHECK(c.fd >= 0 && connect(c.fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	client_write(&c, GET("/text"), strlen(GET("/text")));
	r = client_read(&c, false);
	CHECK(r.status == 200);
	buf_done(&r.body);
	client_close(&c);
	CHECK(status_of(w, GET("/text")) == 200); /* over ::1, or once more over 127.0.0.1 where there is none */
	web_free(w);
}

static void bad_addresses_are_named(void **state)
{
	static const char *const bad[] = {
		"",
		"localhost",
		"9100",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"[::1]:1 ",
		"127.0.0.1:1x",
		"127.0.0.1:+1",
		"::1:9100",
		"[::1]",
		"[::1]9100",
		"[]:9100",
		"[::1:9100",
		"::1]:9100",
		"[localhost]:1",
		"[127.0.0.1]:1",
		"[1:2:3:4:5:6:7:8:9]:1",
		"[%lo]:1",
		"127.0.0.1:000001",
		":99999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct why why = { "" };
		char expected[200];
		int fd = -1;

		(void)snprintf(expected, sizeof(expected), "listen address '%s' is not host:port, [v6]:port or :port",
		               bad[i]);
		if (address_listen(bad[i], &fd, &why) != ERR_CONFIG || fd != -1)
			fail_msg("'%s' is taken", bad[i]);
		assert_string_equal(why.text, expected);
	}
}

static void an_unknown_host_and_an_endless_text_are_bad_addresses_too(void **state)
{
	struct why why = { "" };
	char text[600];
	int fd;

	(void)state;
	CHECK(address_listen("not a host:1", &fd, &why) == ERR_CONFIG);
	CHECK(strncmp(why.text, "listen address 'not a host:1': ", 31) == 0 && why.text[31] != '\0');
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 6, ":9100", 6);
	CHECK(address_listen(text, &fd, &why) == ERR_CONFIG && strstr(why.text, "is not host:port") != NULL);
}

static void a_busy_port_is_a_clear_error_and_leaves_nothing_behind(void **state)
{
	struct web *w = open_one(8, 10), *second = NULL;
	const char *both[] = { "127.0.0.1:0", web_address(w, 0) };
	const struct web_conf c = { .listen = both, .listen_n = 2, .max_connections = 8, .idle_timeout_s = 10 };
	const size_t before = open_descriptors();
	struct why why = { "" };
	char expected[200];

	(void)state;
	(void)snprintf(expected, sizeof(expected), "cannot listen on '%s': Address already in use",
	               web_address(w, 0));
	CHECK(web_new(&c, routes, 1, NULL, &second, &why) == ERR_SYSTEM && second == NULL);
	assert_string_equal(why.text, expected);
	CHECK(open_descriptors() == before);
	CHECK(status_of(w, GET("/text")) == 200);
	web_free(w);
}

static int listening(int type, bool listens)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int fd = socket(AF_INET, type, 0);

	CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0);
	CHECK(!listens || listen(fd, 8) == 0);
	return fd;
}

static void sockets_that_are_handed_over_are_served_and_closed(void **state)
{
	const size_t before = open_descriptors();
	const int fds[] = { listening(SOCK_STREAM, true), listening(SOCK_STREAM, true) };
	const struct web_conf c = { .fds = fds, .fd_n = 2, .max_connections = 8, .idle_timeout_s = 10 };
	struct web *w = open_conf(&c);

	(void)state;
	CHECK(web_address(w, 1) != NULL && strncmp(web_address(w, 1), "127.0.0.1:", 10) == 0);
	CHECK(status_of(w, GET("/text")) == 200);
	web_free(w);
	CHECK(open_descriptors() == before);
}

static void what_does_not_listen_is_refused_and_closed_as_well(void **state)
{
	const size_t before = open_descriptors();

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		const int fds[] = { listening(SOCK_STREAM, true),
			                kind == 0   ? listening(SOCK_STREAM, false)
			                : kind == 1 ? listening(SOCK_DGRAM, false)
			                            : open("/dev/null", O_RDONLY),
			                listening(SOCK_STREAM, true) };
		const struct web_conf c = { .fds = fds, .fd_n = 3, .max_connections = 8, .idle_timeout_s = 10 };
		struct web *w = NULL;
		struct why why = { "" };

		CHECK(web_new(&c, routes, 1, NULL, &w, &why) == ERR_CONFIG && w == NULL);
		CHECK(strstr(why.text, "no TCP socket that listens") != NULL);
		CHECK(open_descriptors() == before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_that_are_handed_over_are_served_and_closed),
		cmocka_unit_test(what_does_not_listen_is_refused_and_closed_as_well),
		cmocka_unit_test(addresses_are_understood),
		cmocka_unit_test(an_address_without_a_host_serves_ipv4_and_ipv6),
		cmocka_unit_test(bad_addresses_are_named),
		cmocka_unit_test(an_unknown_host_and_an_endless_text_are_bad_addresses_too),
		cmocka_unit_test(a_busy_port_is_a_clear_error_and_leaves_nothing_behind),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
