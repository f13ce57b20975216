/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CHAP and MS-CHAPv2 against the RFC's vectors (tests/vectors/crypto.json). */
#include "tests/unit/ppp_world.h"

#include <jansson.h>

static json_t *vectors;

static const char *text(const char *group, const char *key)
{
	const char *s = json_string_value(json_object_get(json_object_get(vectors, group), key));

	assert_non_null(s);
	return s;
}

static size_t octets(const char *group, const char *key, uint8_t *out, size_t cap)
{
	return unhex(text(group, key), out, cap);
}

#define CHAP "ppp_chap_md5"
#define MS2 "ppp_mschapv2_rfc2759_9_2"
#define DOMAIN "ppp_mschapv2_domain_prefix"

static int load(void **state)
{
	json_error_t error;

	(void)state;
	vectors = json_load_file("tests/vectors/crypto.json", 0, &error);
	return vectors ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

static void md5_credentials(struct ppp_credentials *c)
{
	*c = (struct ppp_credentials){ .method = PPP_AUTH_CHAP_MD5, .user = "joe" };
	c->id = (uint8_t)json_integer_value(json_object_get(json_object_get(vectors, CHAP), "id"));
	c->challenge_len = octets(CHAP, "challenge", c->challenge, sizeof(c->challenge));
	c->response_len = octets(CHAP, "response", c->response, sizeof(c->response));
}

static void ms2_credentials(struct ppp_credentials *c, const char *user)
{
	*c = (struct ppp_credentials){ .method = PPP_AUTH_MSCHAPV2 };
	snprintf(c->user, sizeof(c->user), "%s", user);
	c->challenge_len = octets(MS2, "auth_challenge", c->challenge, sizeof(c->challenge));
	c->response_len = octets(MS2, "response_value_49", c->response, sizeof(c->response));
}

static bool check(const struct ppp_credentials *c, const char *password, char response[41])
{
	return ppp_check_password(c, password, strlen(password), response);
}

/* PPP-CHAP-1 */
static void test_chap_md5(void **state)
{
	struct ppp_credentials c;
	uint8_t got[CHAP_MD5_LEN];
	char response[41];
	const char *password = text(CHAP, "password_ascii");

	(void)state;
	md5_credentials(&c);
	crypto_chap_md5(c.id, password, strlen(password), c.challenge, c.challenge_len, got);
	assert_memory_equal(got, c.response, sizeof(got));
	assert_true(check(&c, password, response));
	assert_string_equal(response, "");
	assert_false(check(&c, "clientpass", response));
	c.id++;
	assert_false(check(&c, password, response));
	c.id--;
	c.response_len = 15;
	assert_false(check(&c, password, response));
}

/* PPP-MS2-2, each intermediate value of RFC 2759 section 9.2 */
static void test_mschapv2_step_by_step(void **state)
{
	uint8_t challenge[16], peer[16], hash[16], want[64], short_challenge[8], nt[24];
	const char *user = text(MS2, "user"), *password = text(MS2, "password");
	char expected[41];

	(void)state;
	octets(MS2, "auth_challenge", challenge, sizeof(challenge));
	octets(MS2, "peer_challenge", peer, sizeof(peer));
	crypto_nt_hash(password, strlen(password), hash);
	octets(MS2, "password_hash", want, sizeof(want));
	assert_memory_equal(hash, want, 16);
	crypto_challenge_hash(user, challenge, peer, short_challenge);
	octets(MS2, "challenge_8", want, sizeof(want));
	assert_memory_equal(short_challenge, want, 8);
	crypto_mschapv2(user, password, strlen(password), challenge, peer, nt, expected);
	octets(MS2, "nt_response", want, sizeof(want));
	assert_memory_equal(nt, want, 24);
	assert_string_equal(expected, text(MS2, "authenticator_response") + 2);
}

/* PPP-MS2-1, PPP-MS2-3 */
static void test_mschapv2_check_tells_the_servers_proof(void **state)
{
	const char *password = text(MS2, "password");
	struct ppp_credentials c;
	char response[41];

	(void)state;
	ms2_credentials(&c, text(MS2, "user"));
	assert_true(check(&c, password, response));
	assert_string_equal(response, text(MS2, "authenticator_response") + 2);
	assert_false(check(&c, "clientpass", response));
	assert_string_equal(response, "");
	c.response[30] ^= 1;
	assert_false(check(&c, password, response));
	c.response[30] ^= 1;
	c.response_len = 48;
	assert_false(check(&c, password, response));
	c.response_len = 49;
	c.challenge_len = 15;
	assert_false(check(&c, password, response));
}

/* PPP-MS2-2: CORP\User is User. PPP-QRK-10: the flags at the end mean nothing. */
static void test_mschapv2_domain_prefix_and_flags(void **state)
{
	struct ppp_credentials c;
	char response[41];

	(void)state;
	ms2_credentials(&c, text(DOMAIN, "user"));
	assert_true(check(&c, text(MS2, "password"), response));
	c.response[48] = 4;
	assert_true(check(&c, text(MS2, "password"), response));
	ms2_credentials(&c, "CORP/User");
	assert_false(check(&c, text(MS2, "password"), response));
}

/* The NT hash is over UTF-16: "\u00e4" has the same in UTF-8 and, from a file that is not
 * UTF-8, in Latin-1; a character beyond the first plane is a surrogate pair. */
static void test_passwords_beyond_ascii(void **state)
{
	static const char rocket[] = "\xf0\x9f\x9a\x80";
	uint8_t a[16], b[16];

	(void)state;
	crypto_nt_hash("p\xc3\xa4ss", 5, a);
	crypto_nt_hash("p\xe4ss", 4, b);
	assert_memory_equal(a, b, 16);
	crypto_nt_hash(rocket, 4, a); /* d83d de80 */
	crypto_nt_hash("\xf0\x9f\x9a", 3, b); /* cut: three characters of Latin-1 */
	assert_memory_not_equal(a, b, 16);
	crypto_nt_hash("\xc0\x80", 2, a); /* overlong: not UTF-8 */
	crypto_nt_hash("\xed\xa0\x80", 3, b); /* a lone surrogate: not UTF-8 */
	assert_memory_not_equal(a, b, 16);
}

static void test_pap_compares_whole_passwords(void **state)
{
	struct ppp_credentials c = { .method = PPP_AUTH_PAP, .response = "secret" };
	char response[41];

	(void)state;
	c.response_len = 6;
	assert_true(check(&c, "secret", response));
	assert_false(check(&c, "secre", response));
	assert_false(check(&c, "secret1", response));
	assert_false(check(&c, "", response));
	c.response_len = 0;
	assert_true(check(&c, "", response));
	c.method = PPP_AUTH_NONE; /* nothing was proved */
	assert_false(check(&c, "", response));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chap_md5),
		cmocka_unit_test(test_mschapv2_step_by_step),
		cmocka_unit_test(test_mschapv2_check_tells_the_servers_proof),
		cmocka_unit_test(test_mschapv2_domain_prefix_and_flags),
		cmocka_unit_test(test_passwords_beyond_ascii),
		cmocka_unit_test(test_pap_compares_whole_passwords),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
