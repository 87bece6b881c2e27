#include <stdio.h>
#include <string.h>

#include "agent/base/near.h"
#include "agent/base/utf8.h"
#include "agent/config/web_inside.h"

enum { NAME_MAX_LEN = 255, USERS_MAX = 64, COST_MIN = 8, COST_MAX = 14, HASH_TAIL = 53 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./"

/* What may stand in a group, up to a NULL. */
static const char *const root_keys[] = { "tls_server_config", "basic_auth_users", NULL };
enum { CERT_FILE, PRIVATE_KEY_FILE, CLIENT_CA_FILE, CLIENT_AUTH_TYPE, MIN_VERSION, TLS_KEYS };
static const char *const tls_keys[] = { "cert_file",        "key_file",    "client_ca_file",
	                                    "client_auth_type", "min_version", NULL };
static const char *const user_keys[] = { "name", "password_hash", NULL };

static void tell_unknown(const char *where, const char *const *keys, const config_setting_t *s,
                         struct faults *f)
{
	const char *name = config_setting_name(s), *nearest = NULL;
	size_t best = strlen(name) / 3 + 2;
	char room[256];
	struct buf all;

	buf_wrap(&all, room, sizeof(room));
	for (size_t i = 0; keys[i] != NULL; i++) {
		const size_t edits = near_edits(name, keys[i]);

		buf_fmt(&all, "%s%s", i > 0 ? ", " : "", keys[i]);
		if (edits < best) {
			best = edits;
			nearest = keys[i];
		}
	}
	fault_add(f, config_setting_source_line(s), "%s%.40s: unknown key; %s%s%sallowed here: %s", where, name,
	          nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
	          nearest != NULL ? "'? " : "", buf_text(&all));
}

static int find(const char *const *keys, const char *name)
{
	for (int i = 0; keys[i] != NULL; i++)
		if (strcmp(keys[i], name) == 0)
			return i;
	return -1;
}

/* The texts of a group, by the place of their key; NULL where there is none. */
static void read_texts(const char *where, const char *const *keys, const config_setting_t *group,
                       const char **text, int *line, struct faults *f)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const int k = find(keys, config_setting_name(s));

		if (k < 0) {
			tell_unknown(where, keys, s, f);
			continue;
		}
		line[k] = config_setting_source_line(s);
		text[k] = config_setting_get_string(s);
		if (text[k] == NULL || *text[k] == '\0') {
			fault_add(f, line[k], "%s%s: wanted is a text in double quotes, not empty", where, keys[k]);
			text[k] = NULL;
		}
	}
}

/* ---- TLS ---- */
static bool read_auth_type(const char *type, int line, struct faults *f)
{
	static const char *const loose[] = { "RequestClientCert", "RequireAnyClientCert",
		                                 "VerifyClientCertIfGiven", NULL };

	if (type == NULL || strcmp(type, "NoClientCert") == 0)
		return false;
	if (strcmp(type, "RequireAndVerifyClientCert") == 0)
		return true;
	fault_add(f, line,
	          "tls_server_config.client_auth_type: %s; allowed is NoClientCert or RequireAndVerifyClientCert",
	          find(loose, type) >= 0 ? "this type lets clients in whose certificate nobody has verified"
	                                 : "there is no such type");
	return false;
}

static bool read_version(const char *version, int line, struct faults *f)
{
	if (version == NULL || strcmp(version, "TLS12") == 0)
		return false;
	if (strcmp(version, "TLS13") != 0)
		fault_add(f, line, "tls_server_config.min_version: allowed is TLS12 or TLS13; older ones are broken");
	return true;
}

static void walk_tls(const config_setting_t *group, struct web_file *w, struct faults *f)
{
	const int start = config_setting_source_line(group);
	const char *text[TLS_KEYS] = { NULL };
	int line[TLS_KEYS] = { start, start, start, start, start };
	bool verify;

	if (!config_setting_is_group(group)) {
		fault_add(f, start,
		          "tls_server_config: wanted is a group: { cert_file = \"...\"; key_file = \"...\"; };");
		return;
	}
	read_texts("tls_server_config.", tls_keys, group, text, line, f);
	verify = read_auth_type(text[CLIENT_AUTH_TYPE], line[CLIENT_AUTH_TYPE], f);
	w->tls13 = read_version(text[MIN_VERSION], line[MIN_VERSION], f);
	for (int i = CERT_FILE; i <= PRIVATE_KEY_FILE; i++)
		if (config_setting_get_member(group, tls_keys[i]) == NULL)
			fault_add(f, start, "tls_server_config.%s is missing: TLS needs cert_file and key_file",
			          tls_keys[i]);
	if (verify && text[CLIENT_CA_FILE] == NULL)
		fault_add(f, line[CLIENT_AUTH_TYPE],
		          "tls_server_config.client_ca_file is missing: whose certificates "
		          "RequireAndVerifyClientCert takes");
	if (!verify && text[CLIENT_CA_FILE] != NULL)
		fault_add(
			f, line[CLIENT_CA_FILE],
			"tls_server_config.client_ca_file: nobody is asked for a certificate without client_auth_type = "
			"\"RequireAndVerifyClientCert\"");
	if (text[CERT_FILE] != NULL)
		w->cert = web_pem_read(w, text[CERT_FILE], tls_keys[CERT_FILE], line[CERT_FILE], f);
	if (text[PRIVATE_KEY_FILE] != NULL)
		w->key =
			web_pem_read(w, text[PRIVATE_KEY_FILE], tls_keys[PRIVATE_KEY_FILE], line[PRIVATE_KEY_FILE], f);
	if (verify && text[CLIENT_CA_FILE] != NULL)
		w->client_ca =
			web_pem_read(w, text[CLIENT_CA_FILE], tls_keys[CLIENT_CA_FILE], line[CLIENT_CA_FILE], f);
	web_pem_check(w, line, f);
}

/* ---- users ---- */
/* crypt(3) takes any text for a setting: one that is not of bcrypt's form would be an old DES hash. */
static bool hash_ok(const char *hash)
{
	int cost;

	if (strlen(hash) != 7 + HASH_TAIL || strncmp(hash, "$2", 2) != 0 || strchr("aby", hash[2]) == NULL ||
	    hash[3] != '$' || hash[6] != '$' || !all_in(hash + 4, 2, "0123456789") ||
	    !all_in(hash + 7, HASH_TAIL, LETTERS))
		return false;
	cost = (hash[4] - '0') * 10 + hash[5] - '0';
	return cost >= COST_MIN && cost <= COST_MAX;
}

static const char *name_fault(const char *name)
{
	const size_t len = strlen(name);

	if (len > NAME_MAX_LEN)
		return "it is longer than 255 bytes";
	for (size_t i = 0; i < len;) {
		const size_t n = utf8_char(name + i, len - i);

		if (n == 0 || control_len(name + i) > 0)
			return "it must be UTF-8 without control characters";
		if (name[i] == ':')
			return "a name has no colon: it ends there when it is sent";
		i += n;
	}
	return NULL;
}

static void walk_user(const config_setting_t *s, size_t index, struct web_file *w, struct web_file_user *u,
                      struct faults *f)
{
	const int start = config_setting_source_line(s);
	const char *text[2] = { NULL }, *wrong;
	int line[2] = { start, start };
	char where[40];

	(void)snprintf(where, sizeof(where), "basic_auth_users[%zu].", index);
	if (!config_setting_is_group(s)) {
		fault_add(
			f, start,
			"basic_auth_users[%zu]: a user is a group { name = \"...\"; password_hash = \"$2y$10$...\"; }",
			index);
		return;
	}
	read_texts(where, user_keys, s, text, line, f);
	for (int i = 0; i < 2; i++)
		if (config_setting_get_member(s, user_keys[i]) == NULL)
			fault_add(f, start, "%s%s is missing", where, user_keys[i]);
	if (text[0] == NULL || text[1] == NULL)
		return;
	wrong = name_fault(text[0]);
	if (wrong != NULL)
		fault_add(f, line[0], "%sname: %s", where, wrong);
	if (!hash_ok(text[1]))
		fault_add(f, line[1],
		          "%spassword_hash: wanted is a hash of bcrypt, $2y$NN$ and 53 characters, NN from 08 to 14; "
		          "'htpasswd -nBC 10 NAME' makes one",
		          where);
	for (size_t i = 0; i < w->user_n; i++)
		if (strcmp(w->user[i].name, text[0]) == 0)
			fault_add(f, line[0], "%sname: '%.100s' is a user already, basic_auth_users[%zu]", where, text[0],
			          i);
	u->name = arena_text(&w->arena, text[0], strlen(text[0]));
	u->password_hash = arena_text(&w->arena, text[1], strlen(text[1]));
	f->no_memory |= u->name == NULL || u->password_hash == NULL;
	w->user_n += !f->no_memory;
}

static void walk_users(const config_setting_t *list, struct web_file *w, struct faults *f)
{
	const int n = config_setting_length(list), line = config_setting_source_line(list);
	struct web_file_user *user;

	if (!config_setting_is_list(list) || n == 0 || n > USERS_MAX) {
		fault_add(f, line,
		          "basic_auth_users: wanted is a list of 1 to %d: ( { name = \"...\"; password_hash = "
		          "\"$2y$10$...\"; } );",
		          USERS_MAX);
		return;
	}
	user = arena_take(&w->arena, (size_t)n * sizeof(*user));
	f->no_memory |= user == NULL;
	w->user = user;
	for (int i = 0; user != NULL && i < n && !f->no_memory; i++)
		walk_user(config_setting_get_elem(list, (unsigned)i), (size_t)i, w, &user[w->user_n], f);
}

void web_walk(const config_t *tree, struct web_file *w, struct faults *f)
{
	const config_setting_t *root = config_root_setting(tree);

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);

		switch (find(root_keys, config_setting_name(s))) {
		case 0:
			walk_tls(s, w, f);
			break;
		case 1:
			walk_users(s, w, f);
			break;
		default:
			tell_unknown("", root_keys, s, f);
		}
	}
	if (config_setting_length(root) == 0)
		fault_add(f, 0, "nothing is set in it; wanted is tls_server_config, basic_auth_users or both");
}
