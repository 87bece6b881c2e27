/* Who waits for a password while hashing does not end. It ends when a test says so. */
#include "tests/unit/web_house.h"

#include <crypt.h>
#include <semaphore.h>

#include "exporters/web/hasher.h"

#define HASH "$2y$10$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvwxyz01234"

/* Stands in for the C library's: one hash for each post. Only "secret" is right. */
static sem_t may_end;

char *crypt_r(const char *password, const char *setting, struct crypt_data *room)
{
	while (sem_wait(&may_end) != 0)
		;
	(void)snprintf(room->output, sizeof(room->output), "%s",
	               strcmp(password, "secret") == 0 ? setting : "*0");
	return room->output;
}

static struct web *open_guarded(unsigned idle_timeout_s)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	static const struct web_user user = { "a", HASH };
	static const struct web_secure secure = { .user = &user, .user_n = 1 };
	const struct web_conf c = { .listen = listen,
		                        .listen_n = 1,
		                        .secure = &secure,
		                        .max_connections = 64,
		                        .idle_timeout_s = idle_timeout_s };

	CHECK(sem_init(&may_end, 0, 0) == 0);
	return open_conf(&c);
}

/* "a:secret" */
#define SECRET "GET /text HTTP/1.1\r\n" HOST "Authorization: Basic YTpzZWNyZXQ=\r\n\r\n"

static void ask_wrong(struct client *c, int i)
{
	char request[200], plain[32], coded[64];

	(void)snprintf(plain, sizeof(plain), "a:guess %d", i);
	encode(plain, coded);
	(void)snprintf(request, sizeof(request), "GET /text HTTP/1.1\r\n" HOST "Authorization: Basic %s\r\n\r\n",
	               coded);
	client_write(c, request, strlen(request));
}

static void let_in(struct web *w)
{
	CHECK(sem_post(&may_end) == 0);
	CHECK(status_of(w, SECRET) == 200);
}

static void eight_wait_the_others_hear_it_and_who_is_known_is_served(void **state)
{
	enum { FLOOD = 50, OPEN = 8 };
	struct web *w = open_guarded(10);
	struct client c[FLOOD];
	int busy = 0;

	(void)state;
	let_in(w);
	for (int i = 0; i < FLOOD; i++) { /* nobody's password is hashed to its end */
		c[i] = client_open(w, 0);
		ask_wrong(&c[i], i);
	}
	for (int i = 0; i < 20; i++)
		CHECK(status_of(w, SECRET) == 200);
	for (int i = OPEN; i < FLOOD; i++) {
		struct answer a = client_read(&c[i], false);

		CHECK(a.whole && answer_has(&a, "Retry-After", "1") && client_ended(&c[i]));
		busy += a.status == 429;
		buf_done(&a.body);
	}
	CHECK(busy == FLOOD - OPEN);
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; web_connections(w) > OPEN;)
		turn(w, -1, end_ms);
	for (int i = 0; i < OPEN; i++)
		CHECK(sem_post(&may_end) == 0);
	for (int i = 0; i < OPEN; i++) {
		struct answer a = client_read(&c[i], false);

		CHECK(a.status == 401 && a.whole);
		buf_done(&a.body);
	}
	for (int i = 0; i < FLOOD; i++)
		client_close(&c[i]);
	web_free(w);
}

static void a_password_that_takes_too_long_costs_the_connection_and_nothing_else(void **state)
{
	struct web *w = open_guarded(1);
	struct client c = client_open(w, 0), gone = client_open(w, 0);
	struct answer a;

	(void)state;
	client_write(&gone, SECRET, strlen(SECRET));
	client_write(&c, SECRET, strlen(SECRET));
	a = client_read(&c, false);
	CHECK(a.status == 0 && client_ended(&c) && client_ended(&gone));
	buf_done(&a.body);
	client_close(&c);
	client_close(&gone);
	let_in(w); /* what the two had asked */
	web_free(w);
}

/* Asked of the old users, it is nothing worth under the new ones. */
static void who_waits_while_the_users_change_asks_again(void **state)
{
	static const struct web_user user = { "a", HASH };
	static const struct web_secure same = { .user = &user, .user_n = 1 };
	struct web *w = open_guarded(10);
	struct client c = client_open(w, 0);
	struct why why = { "" };
	struct answer a;

	(void)state;
	client_write(&c, SECRET, strlen(SECRET));
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; w->guest == NULL || w->guest->waiting == NULL;)
		turn(w, -1, end_ms);
	CHECK(web_reload(w, &same, &why) == ERR_OK);
	CHECK(sem_post(&may_end) == 0);
	a = client_read(&c, false);
	CHECK(a.status == 429 && a.whole);
	buf_done(&a.body);
	client_close(&c);
	let_in(w);
	web_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_wait_the_others_hear_it_and_who_is_known_is_served),
		cmocka_unit_test(a_password_that_takes_too_long_costs_the_connection_and_nothing_else),
		cmocka_unit_test(who_waits_while_the_users_change_asks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
