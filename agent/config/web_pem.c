/* Certificates and keys. With open and read, never stdio, whose buffer would keep a copy of the key. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/refusal.h"
#include "agent/config/web_inside.h"

enum { PEM_MAX = 256 << 10 };

static bool resolve(const char *file, const char *name, char path[PATH_MAX])
{
	const char *slash = strrchr(file, '/');
	const int folder_len = slash != NULL && name[0] != '/' ? (int)(slash - file) + 1 : 0;

	return snprintf(path, PATH_MAX, "%.*s%s", folder_len, file, name) < PATH_MAX;
}

/* NULL, or what is wrong with the file. */
static const char *read_whole(int fd, char *at, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len <= PEM_MAX) {
		n = read(fd, at + len, PEM_MAX + 1 - len);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	*ret_len = len;
	if (n < 0)
		return strerror(errno);
	if (len > PEM_MAX)
		return "it is larger than 256 KiB";
	if (len == 0)
		return "it is empty";
	return memchr(at, '\0', len) != NULL ? "it is no PEM text" : NULL;
}

static const char *take(struct web_file *w, int fd, bool secret, const char **ret_text, bool *ret_loose)
{
	char *room = malloc(PEM_MAX + 1);
	const char *wrong = "out of memory";
	size_t len = 0;
	struct stat st;

	if (room == NULL)
		return wrong;
	wrong = "it is no regular file"; /* a FIFO has no end */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		wrong = read_whole(fd, room, &len);
	if (wrong == NULL) {
		*ret_loose = secret && (st.st_mode & 077) != 0;
		*ret_text = arena_text(&w->arena, room, len);
		wrong = *ret_text == NULL ? "out of memory" : NULL;
	}
	explicit_bzero(room, len);
	free(room);
	return wrong;
}

const char *web_pem_read(struct web_file *w, const char *name, const char *what, int line, struct faults *f)
{
	const bool secret = strcmp(what, "key_file") == 0;
	const char *text = NULL, *wrong = "its path is too long";
	char path[PATH_MAX];
	bool loose = false;
	int fd = -1;

	if (resolve(f->path, name, path)) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		wrong = fd >= 0 ? take(w, fd, secret, &text, &loose) : refusal_text(path, errno);
	}
	if (wrong != NULL)
		fault_add(f, line, "tls_server_config.%s: cannot read '%.200s': %s", what, name, wrong);
	else
		w->path[w->path_n] = arena_text(&w->arena, path, strlen(path));
	f->no_memory |= wrong == NULL && w->path[w->path_n] == NULL;
	w->path_n += wrong == NULL;
	if (loose)
		fault_warn(f, line, "tls_server_config.key_file: '%.200s' can be read by others; chmod 600 it", name);
	if (fd >= 0)
		close(fd);
	return text;
}

/* An encrypted key has nobody to ask for its password. */
static int no_password(char *to, int room, int writes, void *arg)
{
	(void)to;
	(void)room;
	(void)writes;
	(void)arg;
	return -1;
}

static X509 *first_cert(const char *text)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

static EVP_PKEY *first_key(const char *text)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	return key;
}

static void warn_of_time(const X509 *cert, const char *what, int line, struct faults *f)
{
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		fault_warn(f, line, "tls_server_config.%s: the certificate has expired", what);
	else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		fault_warn(f, line, "tls_server_config.%s: the certificate is not valid yet", what);
}

static void check_pair(const struct web_file *w, const int line[3], struct faults *f)
{
	X509 *cert = first_cert(w->cert);
	EVP_PKEY *key = first_key(w->key);

	if (cert == NULL)
		fault_add(f, line[0], "tls_server_config.cert_file: there is no certificate in it; wanted is PEM");
	else
		warn_of_time(cert, "cert_file", line[0], f);
	if (key == NULL)
		fault_add(f, line[1],
		          "tls_server_config.key_file: there is no private key in it; wanted is PEM, not encrypted");
	if (cert != NULL && key != NULL && X509_check_private_key(cert, key) != 1)
		fault_add(f, line[1],
		          "tls_server_config.key_file: the key is not that of the first certificate in cert_file");
	X509_free(cert);
	EVP_PKEY_free(key);
}

void web_pem_check(const struct web_file *w, const int line[3], struct faults *f)
{
	X509 *ca;

	if (w->cert != NULL && w->key != NULL)
		check_pair(w, line, f);
	if (w->client_ca != NULL) {
		ca = first_cert(w->client_ca);
		if (ca == NULL)
			fault_add(f, line[2],
			          "tls_server_config.client_ca_file: there is no certificate in it; wanted is PEM");
		else
			warn_of_time(ca, "client_ca_file", line[2], f);
		X509_free(ca);
	}
	ERR_clear_error();
}
