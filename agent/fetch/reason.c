/* What libcurl says in the words of err.def, and what the head of an answer says beside its body. */
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/redact.h"
#include "agent/fetch/inside.h"

enum { RETRY_AFTER_MAX_S = 300 };

/* ---- which reason ---- */
/* What the proxy answered to CONNECT; 0: nothing, or it made the tunnel. */
static long refusal_of(const struct slot *s)
{
	long status = 0;

	if (!s->proxied || s->sent > 0 ||
	    curl_easy_getinfo(s->easy, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK || status / 100 == 2)
		return 0;
	return status;
}

bool reason_beyond_proxy(const struct slot *s)
{
	long status = 0;

	return s->proxied && curl_easy_getinfo(s->easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK &&
	       status / 100 == 2;
}

/* Of a call whose connection failed it. */
static enum err broken(const struct slot *s)
{
	return s->proxied && s->sent == 0 ? ERR_CONNECT : ERR_RESET;
}

enum err reason_of(const struct slot *s, long status)
{
	if (s->code == CURLE_OK)
		return status == 200 ? ERR_OK : ERR_HTTP_STATUS;
	if (s->err != ERR_OK)
		return s->err;
	if (strstr(s->text, "malloc failure") != NULL) /* OpenSSL's words */
		return ERR_LOCAL_RESOURCE;
	if (refusal_of(s) != 0)
		return ERR_CONNECT;
	switch (s->code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return ERR_DNS;
	case CURLE_COULDNT_CONNECT:
	case CURLE_URL_MALFORMAT:
		return ERR_CONNECT;
	case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL, or an answer that is not HTTP */
		return s->sent > 0 ? broken(s) : ERR_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT; /* names are looked up apart from calls */
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return ERR_TLS;
	case CURLE_PARTIAL_FILE:
	case CURLE_BAD_CONTENT_ENCODING:
		return ERR_TRUNCATED;
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
#endif
	case CURLE_OUT_OF_MEMORY: /* also what libcurl 7.88 says of a header line that is too long */
		return s->in_head && s->refused == memory_refused() ? ERR_TOO_LARGE : ERR_LOCAL_RESOURCE;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
		return broken(s);
	default:
		return status != 0 && status != 200 ? ERR_HTTP_STATUS : broken(s);
	}
}

/* ---- in which words ---- */
/* OpenSSL's number of what is wrong with the chain. libcurl compares the name itself and leaves
 * X509_V_ERR_UNSPECIFIED then. */
static const struct {
	long verify;
	const char *text;
} chain_faults[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, "certificate expired" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "certificate not yet valid (or this machine's clock is behind)" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "unknown issuer" },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "unknown issuer" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "unknown issuer" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown issuer" },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "unknown issuer" },
	{ X509_V_ERR_CERT_UNTRUSTED, "unknown issuer" },
	{ X509_V_ERR_CERT_REVOKED, "certificate revoked" },
	{ X509_V_ERR_HOSTNAME_MISMATCH, "certificate of another host" },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, "certificate of another host" },
	{ X509_V_ERR_UNSPECIFIED, "certificate of another host" },
	{ X509_V_OK, "certificate of another host" },
};

static const char *tls_fault(const struct slot *s)
{
	long verify = -1;

	if (s->code == CURLE_SSL_CACERT_BADFILE)
		return "CA file missing or not readable";
	if (s->code == CURLE_SSL_CONNECT_ERROR && strstr(s->text, "wrong version number") != NULL)
		return "the host does not speak TLS";
	if (s->code == CURLE_SSL_CONNECT_ERROR &&
	    (strstr(s->text, "protocol version") != NULL || strstr(s->text, "unsupported protocol") != NULL))
		return "protocol version below TLS 1.2";
	if (s->code == CURLE_PEER_FAILED_VERIFICATION &&
	    curl_easy_getinfo(s->easy, CURLINFO_SSL_VERIFYRESULT, &verify) == CURLE_OK)
		for (size_t i = 0; i < sizeof(chain_faults) / sizeof(chain_faults[0]); i++)
			if (chain_faults[i].verify == verify)
				return chain_faults[i].text;
	return "handshake";
}

static void explain(const struct slot *s, struct reply *r)
{
	const char *text = s->text[0] != '\0' ? s->text : curl_easy_strerror(s->code);
	const long refusal = s->started ? refusal_of(s) : 0;

	if (r->err == ERR_OK)
		return;
	if (!s->started)
		(void)err_because(&r->why, r->err, "%s%s", s->proxied ? "proxy: " : "", s->text);
	else if (r->err == ERR_HTTP_STATUS)
		(void)err_because(&r->why, r->err, "the API host answered with HTTP status %ld", r->status);
	else if (s->err != ERR_OK)
		(void)err_because(&r->why, r->err, "%s", err_text(s->err));
	else if (refusal != 0)
		(void)err_because(&r->why, r->err, "the proxy refused the tunnel with HTTP status %ld", refusal);
	else if (r->err == ERR_TLS)
		(void)err_because(&r->why, r->err, "%s: %s", tls_fault(s), text);
	else
		(void)err_because(&r->why, r->err, "%s", text);
	redact(r->why.text, strlen(r->why.text));
}

/* ---- the head ---- */
/* A field of the final answer, NULL when there is none. */
static const char *field(const struct slot *s, const char *name)
{
	struct curl_header *h;

	return curl_easy_header(s->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

static int64_t date_of(const char *text)
{
	const time_t t = text != NULL ? curl_getdate(text, NULL) : -1;

	return t > 0 ? (int64_t)t : 0;
}

/* Seconds or a date (RFC 9110 10.2.3). The date is the host's word against its own clock, not against ours.
 */
static int64_t retry_after(const char *text, int64_t date_s)
{
	int64_t s = -1;

	if (text == NULL || text[0] == '\0')
		return -1;
	if (text[strspn(text, "0123456789")] == '\0')
		s = strlen(text) <= 9 ? strtoll(text, NULL, 10) : RETRY_AFTER_MAX_S;
	else if (date_s > 0 && date_of(text) > 0)
		s = date_of(text) > date_s ? date_of(text) - date_s : 0;
	return s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : s;
}

/* ---- how long each step took ---- */
/* A time of the transfer that began last, as one of the call. */
static int64_t time_of(const struct slot *s, CURLINFO what, int64_t most_us)
{
	curl_off_t us = 0;

	if (curl_easy_getinfo(s->easy, what, &us) != CURLE_OK || us <= 0)
		return 0;
	return s->waited_us + (int64_t)us < most_us ? s->waited_us + (int64_t)us : most_us;
}

/* On a kept connection libcurl gives times of steps that it did not take. */
static void fill_times(const struct slot *s, struct reply *r)
{
	r->dns_us = s->named_us;
	if (s->started && s->attempt_n > 0) {
		r->connect_us = time_of(s, CURLINFO_CONNECT_TIME_T, r->took_us);
		r->tls_us = time_of(s, CURLINFO_APPCONNECT_TIME_T, r->took_us);
	}
	if (s->started && s->head_len > 0)
		r->first_us = time_of(s, CURLINFO_STARTTRANSFER_TIME_T, r->took_us);
}

void reason_fill(const struct slot *s, struct reply *ret)
{
	curl_off_t took_us = 0;

	*ret = (struct reply){ .target = s->target, .bytes = s->bytes, .len = s->body.len, .retry_after_s = -1 };
	ret->sent = s->sent;
	ret->took_us = s->waited_us;
	if (s->started && curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &took_us) == CURLE_OK)
		ret->took_us += (int64_t)took_us;
	fill_times(s, ret);
	if (s->sent > 0) { /* else what is there is the proxy's, or of the handle's call before */
		(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &ret->status);
		ret->date_s = date_of(field(s, "Date"));
		ret->retry_after_s = retry_after(field(s, "Retry-After"), ret->date_s);
	}
	ret->err = s->started ? reason_of(s, ret->status) : s->err;
	explain(s, ret);
}
