/* A certificate cannot be changed under MHD, nor whether there is one: a new daemon takes the newcomers, and
 * the one before it ends with its last connection. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/web/inside.h"

enum {
	HALLS_MAX = 4, /* above, the oldest is closed with whoever is in it */
	/* Refuses in libmicrohttpd 1.0 what check.c refuses with 0.9, where it has faults of its own. */
	STRICT = MHD_VERSION >= 0x01000000,
};

/* No SHA-1, nothing below 128 bits, and every key is agreed upon for one connection. */
#define PRIORITY_1_3 "SECURE128:-VERS-ALL:+VERS-TLS1.3:-RSA:-SHA1:%SERVER_PRECEDENCE"
#define PRIORITY_1_2 "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-SHA1:%SERVER_PRECEDENCE"

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same(const struct hall *h, const struct web_secure *s)
{
	return h != NULL && h->tls13 == s->tls13 && same_text(h->cert, s->cert) && same_text(h->key, s->key) &&
	       same_text(h->client_ca, s->client_ca);
}

static bool copy_text(const char *text, char **ret)
{
	*ret = text != NULL ? strdup(text) : NULL;
	return text == NULL || *ret != NULL;
}

/* MHD only says that it failed. */
static enum err check_pems(const struct web_secure *s, struct why *why)
{
	const gnutls_datum_t cert = { (unsigned char *)s->cert, (unsigned)strlen(s->cert) };
	const gnutls_datum_t key = { (unsigned char *)s->key, (unsigned)strlen(s->key) };
	gnutls_certificate_credentials_t all;
	int code = gnutls_certificate_allocate_credentials(&all);

	if (code != 0)
		return err_because(why, ERR_MEMORY, "cannot prepare TLS: %s", gnutls_strerror(code));
	code = gnutls_certificate_set_x509_key_mem(all, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (code >= 0 && s->client_ca != NULL) {
		const gnutls_datum_t ca = { (unsigned char *)s->client_ca, (unsigned)strlen(s->client_ca) };

		code = gnutls_certificate_set_x509_trust_mem(all, &ca, GNUTLS_X509_FMT_PEM);
		if (code == 0)
			code = GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	gnutls_certificate_free_credentials(all);
	return code >= 0 ? ERR_OK
	                 : err_because(why, ERR_CONFIG, "cannot use the listener's certificates: %s",
	                               gnutls_strerror(code));
}

static void wipe_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void hall_free(struct hall *h)
{
	if (h == NULL)
		return;
	if (h->daemon != NULL) {
		guests_wake(h->web, h);
		MHD_stop_daemon(h->daemon);
	}
	wipe_text(h->key);
	free(h->cert);
	free(h->client_ca);
	free(h);
}

static bool start(struct hall *h)
{
	const struct web *w = h->web;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(h->tls13 ? PRIORITY_1_3 : PRIORITY_1_2) },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, h->key },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, h->cert },
		{ h->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, h->client_ca },
		{ MHD_OPTION_END, 0, NULL },
	};
	const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
	const union MHD_DaemonInfo *info = NULL;

	if (h->cert == NULL)
		tls[0].option = MHD_OPTION_END;
	h->daemon = MHD_start_daemon(
		flags | (h->cert != NULL ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, h->web,
		MHD_OPTION_CONNECTION_LIMIT, w->max_connections + LOBBY, MHD_OPTION_CONNECTION_TIMEOUT,
		w->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, h->web, MHD_OPTION_STRICT_FOR_CLIENT, (int)STRICT,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h->web, MHD_OPTION_NOTIFY_CONNECTION, guest_come_and_go, h,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (h->daemon != NULL)
		info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	return info != NULL && web_watch(w, info->epoll_fd);
}

static void drop_oldest(struct web *w)
{
	struct hall **link = &w->hall;
	unsigned n = 1;

	if (*link == NULL)
		return;
	for (; (*link)->next != NULL; n++)
		link = &(*link)->next;
	if (n > HALLS_MAX) {
		hall_free(*link);
		*link = NULL;
	}
}

enum err halls_open(struct web *w, const struct web_secure *s, struct why *why)
{
	struct hall *h;
	enum err e = ERR_OK;

	if (is_same(w->hall, s))
		return ERR_OK;
	if (s->cert != NULL)
		e = check_pems(s, why);
	if (e != ERR_OK)
		return e;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return err_because(why, ERR_MEMORY, "cannot start the HTTP server: out of memory");
	h->web = w;
	h->tls13 = s->tls13;
	if (!copy_text(s->cert, &h->cert) || !copy_text(s->key, &h->key) ||
	    !copy_text(s->client_ca, &h->client_ca) || !start(h)) {
		hall_free(h);
		return err_because(why, ERR_SYSTEM, "cannot start the HTTP server");
	}
	h->next = w->hall;
	w->hall = h;
	drop_oldest(w);
	return ERR_OK;
}

void halls_return(struct web *w)
{
	struct hall *h = w->hall;

	w->hall = h->next;
	hall_free(h);
}

static bool is_busy(const struct hall *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(h->daemon, &ms) == MHD_YES && ms == 0;
}

/* A block of a page takes some dozens of microseconds: several of them pay for what else belongs to a turn.
 */
static void run(struct hall *h)
{
	int n = 0;

	do
		(void)MHD_run(h->daemon);
	while (++n < RUNS_A_TURN && is_busy(h));
}

void halls_turn(struct web *w)
{
	struct hall **link = &w->hall;

	while (*link != NULL) {
		struct hall *h = *link;

		run(h);
		if (h != w->hall && h->guest_n == 0) {
			*link = h->next;
			hall_free(h);
		} else {
			link = &h->next;
		}
	}
}

int64_t halls_wait_ms(const struct web *w)
{
	int64_t wait_ms = INT64_MAX;

	for (const struct hall *h = w->hall; h != NULL; h = h->next) {
		MHD_UNSIGNED_LONG_LONG ms;

		if (MHD_get_timeout(h->daemon, &ms) == MHD_YES && ms < (MHD_UNSIGNED_LONG_LONG)wait_ms)
			wait_ms = (int64_t)ms;
	}
	return wait_ms;
}

void halls_close(struct web *w)
{
	while (w->hall != NULL)
		halls_return(w);
}

static gnutls_session_t session_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info != NULL ? info->tls_session : NULL;
}

/* MHD asks for a certificate and takes the connection without one as well as with any. */
bool hall_ask_certificate(const struct hall *h, struct MHD_Connection *c)
{
	static gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
	gnutls_session_t session;

	if (h->client_ca == NULL)
		return true;
	session = session_of(c);
	if (session == NULL)
		return false;
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert2(session, &purpose, 1, 0);
	return true;
}

bool hall_knows(const struct hall *h, struct MHD_Connection *c)
{
	gnutls_session_t session;
	unsigned n = 0;

	if (h->client_ca == NULL)
		return true;
	session = session_of(c);
	return session != NULL && gnutls_certificate_get_peers(session, &n) != NULL && n > 0 &&
	       gnutls_session_get_verify_cert_status(session) == 0;
}
