/* The listener's own configuration file: what is taken, and what is said of what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/web.h"
#include "tests/simulator/certs.c"

#define CHECK assert_true
#define HASH  "$2y$10$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvwxyz01234"
#define TLS   "tls_server_config = { cert_file = \"cert\"; key_file = \"key\"; "

static char folder[] = "/tmp/web_config_test.XXXXXX";
static const char *const files[] = { "cert", "key", "other", "ca", "none", "open", "web.cfg" };
static struct buf faults;

static void put(const char *name, const char *text, mode_t mode)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
}

static int make_files(void **state)
{
	struct authority ours = { 0 };
	EVP_PKEY *other = EVP_EC_gen("P-256");
	char *cert, *key, *foreign;

	(void)state;
	CHECK(mkdtemp(folder) != NULL && authority_new("Ours", &ours) && other != NULL);
	cert = cert_pem(ours.cert);
	key = key_pem(ours.key);
	foreign = key_pem(other);
	put("cert", cert, 0644);
	put("ca", cert, 0644);
	put("key", key, 0600);
	put("open", key, 0644);
	put("other", foreign, 0600);
	put("none", "no PEM\n", 0600);
	free(cert);
	free(key);
	free(foreign);
	EVP_PKEY_free(other);
	authority_done(&ours);
	buf_init(&faults, 64 << 10);
	return 0;
}

static int remove_files(void **state)
{
	char path[64];

	(void)state;
	buf_done(&faults);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

static struct web_file *load(const char *text)
{
	struct web_file *w = NULL;
	char path[64];

	put("web.cfg", text, 0600);
	(void)snprintf(path, sizeof(path), "%s/web.cfg", folder);
	buf_reset(&faults);
	CHECK((web_file_load(path, &w, &faults) == ERR_OK) == (w != NULL));
	return w;
}

/* `said` is what stands behind the folder, "web.cfg:1: ...". */
static void refused(const char *text, const char *said)
{
	struct web_file *w = load(text);

	if (w != NULL || strstr(buf_text(&faults), said) == NULL)
		fail_msg("'%s' is said to be: %s", text, buf_text(&faults));
	web_file_free(w);
}

static void everything_that_can_be_set_is_taken(void **state)
{
	struct web_file *w =
		load(TLS "client_auth_type = \"RequireAndVerifyClientCert\"; client_ca_file = \"ca\";\n"
	             "min_version = \"TLS13\"; };\n"
	             "basic_auth_users = ( { name = \"prometheus\"; password_hash = \"" HASH "\"; },\n"
	             "{ name = \"h\xc3\xa9l\xc3\xa8ne\"; password_hash = \"" HASH "\"; } );\n");

	(void)state;
	CHECK(w != NULL && faults.len == 0);
	CHECK(strstr(w->cert, "BEGIN CERTIFICATE") != NULL && strstr(w->key, "PRIVATE KEY") != NULL);
	CHECK(strstr(w->client_ca, "BEGIN CERTIFICATE") != NULL && w->tls13 && w->path_n == 3);
	CHECK(strncmp(w->path[1], folder, strlen(folder)) == 0);
	CHECK(w->user_n == 2 && strcmp(w->user[0].name, "prometheus") == 0 &&
	      strcmp(w->user[1].password_hash, HASH) == 0);
	web_file_free(w);
	w = load(TLS "};");
	CHECK(w != NULL && w->client_ca == NULL && !w->tls13 && w->user_n == 0);
	web_file_free(w);
}

static void a_key_that_others_can_read_is_a_warning(void **state)
{
	struct web_file *w = load("tls_server_config = { cert_file = \"cert\"; key_file = \"open\"; };");

	(void)state;
	CHECK(w != NULL &&
	      strstr(buf_text(&faults), "web.cfg:1: warning: tls_server_config.key_file: 'open'") != NULL);
	web_file_free(w);
}

static void each_fault_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *said;
	} all[] = {
		{ "", "web.cfg: " },
		{ "# nothing\n", "web.cfg: " },
		{ "\ntls_server_confg = { };",
		  "web.cfg:2: tls_server_confg: unknown key; did you mean 'tls_server_config'?" },
		{ TLS "min_versoin = \"TLS13\"; };",
		  "unknown key; did you mean 'min_version'? allowed here: cert_file, key_file" },
		{ "tls_server_config = 1;", "wanted is a group" },
		{ "tls_server_config = { cert_file = \"cert\"; };", "key_file is missing" },
		{ "tls_server_config = { cert_file = \"gone\"; key_file = \"key\"; };",
		  "cannot read 'gone': No such file" },
		{ "tls_server_config = { cert_file = \".\"; key_file = \"key\"; };", "it is no regular file" },
		{ "tls_server_config = { cert_file = \"none\"; key_file = \"key\"; };",
		  "cert_file: there is no certificate" },
		{ "tls_server_config = { cert_file = \"cert\"; key_file = \"none\"; };",
		  "key_file: there is no private key" },
		{ "tls_server_config = { cert_file = \"cert\"; key_file = \"other\"; };",
		  "the key is not that of the first" },
		{ "tls_server_config = { cert_file = 1; key_file = \"key\"; };",
		  "wanted is a text in double quotes" },
		{ TLS "min_version = \"TLS11\"; };", "allowed is TLS12 or TLS13" },
		{ TLS "client_auth_type = \"RequireAnyClientCert\"; };",
		  "whose certificate nobody has verified; allowed is" },
		{ TLS "client_auth_type = \"Always\"; };", "there is no such type; allowed is NoClientCert or" },
		{ TLS "client_auth_type = \"RequireAndVerifyClientCert\"; };", "client_ca_file is missing" },
		{ TLS "client_ca_file = \"ca\"; };", "nobody is asked for a certificate without" },
		{ TLS "client_auth_type = \"RequireAndVerifyClientCert\"; client_ca_file = \"none\"; };",
		  "client_ca_file: there is no" },
		{ "basic_auth_users = { };", "wanted is a list of 1 to 64" },
		{ "basic_auth_users = ( );", "wanted is a list of 1 to 64" },
		{ "basic_auth_users = ( \"prometheus\" );", "a user is a group" },
		{ "basic_auth_users = (\n{ name = \"a\"; } );",
		  "web.cfg:2: basic_auth_users[0].password_hash is missing" },
		{ "basic_auth_users = ( { name = \"a:b\"; password_hash = \"" HASH "\"; } );",
		  "a name has no colon" },
		{ "basic_auth_users = ( { name = \"a\"; password_hash = \"notahash\"; } );",
		  "wanted is a hash of bcrypt" },
		{ "basic_auth_users = ( { name = \"a\"; password_hash = "
		  "\"$2y$15$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvwxyz01234\"; } );",
		  "NN from 08 to 14" },
		{ "basic_auth_users = ( { name = \"a\"; password_hash = \"" HASH
		  "\"; }, { name = \"a\"; password_hash = \"" HASH "\"; } );",
		  "basic_auth_users[1].name: 'a' is a user already, basic_auth_users[0]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		refused(all[i].text, all[i].said);
	refused("basic_auth_users = ( { name = \"a\"; password_hash = \"sesame\"; } );", "wanted is a hash");
	CHECK(strstr(buf_text(&faults), "sesame") == NULL); /* it may be the password itself */
}

static void yaml_is_said_again_in_our_form(void **state)
{
	static const char yaml[] = "# web.yml\n"
							   "tls_server_config:\n"
							   "  cert_file: server.crt\n"
							   "  key_file: \"server.key\"   # secret\n"
							   "  min_version: TLS13\n"
							   "basic_auth_users:\n"
							   "  prometheus: " HASH "\n"
							   "  'gra\"fana': " HASH "\n"
							   "http_server_config:\n"
							   "  http2: false\n";

	(void)state;
	refused(yaml, "web.cfg:1: this is YAML; wanted is the form of the main file, where the same thing is:\n"
	              "  tls_server_config = {\n"
	              "    cert_file = \"server.crt\";\n"
	              "    key_file = \"server.key\";\n"
	              "    min_version = \"TLS13\";\n"
	              "  };\n"
	              "  basic_auth_users = (\n"
	              "    { name = \"prometheus\"; password_hash = \"THE HASH\"; },\n"
	              "    { name = \"gra\\\"fana\"; password_hash = \"THE HASH\"; }\n"
	              "  );\n"
	              "  # http_server_config is not known here\n");
	CHECK(strstr(buf_text(&faults), "$2y$") == NULL);
	refused("---\n", "this is YAML");
	refused("basic_auth_users:\n  a: b\n", "this is YAML");
	web_file_free(load(
		"tls_server_config:\n{ cert_file: \"cert\"; key_file: \"key\"; }\n")); /* libconfig's own colons */
	CHECK(faults.len == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_can_be_set_is_taken),
		cmocka_unit_test(a_key_that_others_can_read_is_a_warning),
		cmocka_unit_test(each_fault_is_told_with_its_line),
		cmocka_unit_test(yaml_is_said_again_in_our_form),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
