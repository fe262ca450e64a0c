#include "secrets.h"
#include "ends.h"
#include "group_secrets.h"
#include "handshake.h"
#include "known.h"
#include "probe.h"
#include "records.h"
#include "reference.h"
#include <stdbool.h>
#include <string.h>

#define TEXT(string)                                                                               \
    { (string), sizeof(string) - 1 }
#define ARRAY(array)                                                                               \
    { (array), sizeof(array) }

/* The message that was learnt last, and the random source before the call that is learnt next. */
static uint8_t last[LSCOAP_MESSAGE_MAX];
static size_t last_len;
static uint32_t random_before;

/* The handshake under way (protocol sections 4 to 6). */
static struct {
    uint8_t client_ephemeral[32], server_ephemeral[32];
    uint8_t th[32], digest[32]; /* the transcript, and of the first message */
    uint8_t prk[32], rms[32], out[32];
    bool is_established; /* and its keys are not known yet */
} now;

/* A hedged value (protocol section 1). */
static void hedged(const uint8_t fresh[32], const uint8_t identity[32], uint8_t counter,
                   const uint8_t context[32], uint8_t value[32]) {
    const uint8_t count[8] = {0, 0, 0, 0, 0, 0, 0, counter}, unique[8] = {0};
    uint8_t prk[32];
    reference_hmac(fresh, 32, PARTS({identity, 32}, ARRAY(count), ARRAY(unique), {context, 32}),
                   prk);
    reference_expand(prk, PARTS(TEXT("LSCoAP-1 hedge")), value, 32);
}

/* The ephemeral secret of a public key that was just made. */
static void learn_ephemeral(const char *name, const uint8_t identity[32], const uint8_t context[32],
                            const uint8_t x[32], uint8_t secret[32]) {
    enum { COUNTERS = 24 };
    const uint32_t random_now = random_state;
    random_state = random_before;
    while (random_state != random_now) {
        uint8_t fresh[32], key[LSCOAP_PUBLIC_KEY_LEN];
        ends_random(NULL, fresh, sizeof fresh);
        for (uint8_t counter = 1; counter <= COUNTERS; counter++) {
            hedged(fresh, identity, counter, context, secret);
            if (lscoap_public_key(secret, key) == LSCOAP_OK && memcmp(key + 1, x, 32) == 0) {
                random_state = random_now;
                know_hmac_key("bytes of the random source", fresh, sizeof fresh);
                know_scalar(name, secret);
                return;
            }
        }
    }
    must("the ephemeral secret is not what it should be", -1);
}

/* The x-coordinate of a * b * G, which is what two sides with these secrets share. */
static void learn_shared(const uint8_t a[32], const uint8_t b[32], uint8_t shared[32]) {
    uint8_t product[32], key[LSCOAP_PUBLIC_KEY_LEN];
    reference_multiply(a, b, reference_n, product);
    must("a shared secret", lscoap_public_key(product, key));
    memcpy(shared, key + 1, 32);
    know_coordinate("shared secret", shared);
    know_scalar("product of two secrets", product);
}

/* What ECDSA computes with: whoever has any of it, and the signature, has the identity. */
static void learn_signature(const uint8_t secret[32], const char *label) {
    uint8_t digest[32], nonce[32], inverse[32], r[32], key[LSCOAP_PUBLIC_KEY_LEN];
    static const uint8_t zeroes[32];
    reference_sha256(PARTS({label, strlen(label)}, ARRAY(now.th)), digest);
    reference_nonce(secret, digest, nonce);
    must("a nonce", lscoap_public_key(nonce, key));
    reference_add(key + 1, zeroes, reference_n, r);
    know_hmac_key("nonce of a signature", nonce, sizeof nonce);
    know_scalar("nonce of a signature", nonce);
    reference_invert(nonce, reference_n, inverse);
    know_scalar("inverse of a nonce", inverse);
    reference_multiply(r, secret, reference_n, r);
    know_scalar("identity times r", r);
    reference_add(r, digest, reference_n, r);
    know_scalar("digest and identity times r", r);
}

/* The key of the protocol's Seal; its nonce is no secret. */
static void learn_once_key(const uint8_t prk[32], const char *label, const uint8_t *th) {
    uint8_t key[16];
    reference_expand(prk, PARTS({label, strlen(label)}, {th, 32}), key, sizeof key);
    know_aes_key("key of a handshake message", key);
}

static void learn_prk(const uint8_t *salt, size_t salt_len, const struct part *ikm) {
    reference_hmac(salt, salt_len, ikm, now.prk);
    know_hmac_key("PRK", now.prk, sizeof now.prk);
}

/* OUT, and what a session keeps beside it and derives from it. */
static void learn_out(const uint8_t *th) {
    uint8_t out[32], secret[16], salt[8], prk[32], exported[32];
    reference_expand(now.prk, PARTS(TEXT("out"), {th, 32}), out, sizeof out);
    memcpy(now.out, out, sizeof out);
    know_hmac_key("OUT", out, sizeof out);
    reference_expand(out, PARTS(TEXT("resume")), now.rms, sizeof now.rms);
    know_hmac_key("resume secret", now.rms, sizeof now.rms);
    reference_expand(out, PARTS(TEXT("oscore secret")), secret, sizeof secret);
    know("OSCORE master secret", secret, sizeof secret);
    reference_expand(out, PARTS(TEXT("oscore salt")), salt, sizeof salt);
    reference_hmac(salt, sizeof salt, PARTS(ARRAY(secret)), prk);
    know_hmac_key("OSCORE PRK", prk, sizeof prk);
    memcpy(now.prk, prk, sizeof prk); /* for the keys, which need the connection id */
    reference_expand(out, PARTS(TEXT("export\x05label")), exported, sizeof exported);
    know("exported key", exported, sizeof exported);
    now.is_established = true;
    server_session = NULL; /* until a request opens in it */
}

/* RFC 8613 section 3.2.1. The Common IV is no secret, as the nonces that are made of it. */
static void learn_session_key(const uint8_t *id, size_t id_len) {
    const uint8_t head[] = {0x85, (uint8_t)(0x40 | id_len)};
    uint8_t key[16];
    reference_expand(now.prk, PARTS(ARRAY(head), {id, id_len}, TEXT("\xf6\x0a\x63Key\x10")), key,
                     sizeof key);
    know_aes_key("session key", key);
}

/* The server's end, once a request has opened in it, has the connection id and proves OUT. */
static void learn_session(void) {
    uint8_t exported[32], expected[32], cid_s[LSCOAP_CID_MAX];
    size_t cid_s_len;
    must("connection id",
         lscoap_session_recipient_id(server_session, cid_s, sizeof cid_s, &cid_s_len));
    must("export", lscoap_session_export_key(server_session, (const uint8_t *)"label", 5, NULL, 0,
                                             exported, sizeof exported));
    reference_expand(now.out, PARTS(TEXT("export\x05label")), expected, sizeof expected);
    must("OUT is not what it should be", memcmp(exported, expected, sizeof expected));
    learn_session_key(cid_s, cid_s_len);
    learn_session_key((const uint8_t *)"", 0);
    now.is_established = false;
}

static void hash_on(const struct part *parts) {
    uint8_t digest[32];
    reference_sha256(parts, digest);
    memcpy(now.th, digest, sizeof digest);
}

static void learn_m1(void) {
    static const uint8_t none[32];
    const uint8_t *x = message + message_len - 32;
    learn_ephemeral("client's ephemeral secret", device_secret, none, x, now.client_ephemeral);
    hash_on(PARTS(TEXT("LSCoAP-1 signed"), ARRAY(server_key)));
    hash_on(PARTS(ARRAY(now.th), {message, message_len}));
}

static void learn_m2(void) {
    uint8_t shared[32];
    learn_ephemeral("server's ephemeral secret", server_secret, now.digest,
                    message + message_len - 32, now.server_ephemeral);
    hash_on(PARTS(ARRAY(now.th), ARRAY(device_key), {message, message_len}));
    learn_shared(now.client_ephemeral, now.server_ephemeral, shared);
    learn_prk(now.th, 32, PARTS(ARRAY(shared)));
    learn_once_key(now.prk, "m3", NULL);
    learn_signature(device_secret, "LSCoAP-1 client");
}

static void learn_m3(void) {
    hash_on(PARTS(ARRAY(now.th), {message, message_len}));
    learn_once_key(now.prk, "m4", now.th);
    learn_signature(server_secret, "LSCoAP-1 server");
}

static void learn_m4(void) {
    hash_on(PARTS(ARRAY(now.th), {message, message_len}));
    learn_out(now.th);
}

static void learn_x1(void) {
    static const uint8_t none[32];
    uint8_t shared[32];
    const uint8_t *x = message + 1;
    learn_ephemeral("client's ephemeral secret", device_secret, none, x, now.client_ephemeral);
    hash_on(PARTS(TEXT("LSCoAP-1 express"), ARRAY(server_key)));
    hash_on(PARTS(ARRAY(now.th), {message, 33}));
    learn_shared(now.client_ephemeral, server_secret, shared);
    learn_prk(now.th, 32, PARTS(ARRAY(shared)));
    learn_once_key(now.prk, "x1", NULL);
}

static void learn_x2(void) {
    uint8_t ephemeral[32], shared[32], s_2[32];
    learn_ephemeral("server's ephemeral secret", server_secret, now.digest, message + 1,
                    now.server_ephemeral);
    hash_on(PARTS(ARRAY(now.th), {last + 33, last_len - 33}, ARRAY(device_key), {message, 33}));
    learn_shared(now.client_ephemeral, now.server_ephemeral, ephemeral);
    learn_shared(device_secret, now.server_ephemeral, shared);
    reference_expand(now.prk, PARTS(TEXT("s2"), ARRAY(now.th)), s_2, sizeof s_2);
    know_hmac_key("S_2", s_2, sizeof s_2);
    learn_prk(s_2, sizeof s_2, PARTS(ARRAY(ephemeral), ARRAY(shared)));
    learn_once_key(now.prk, "x2", NULL);
    hash_on(PARTS(ARRAY(now.th), {message + 33, message_len - 33}));
    learn_out(now.th);
}

static void learn_r1(void) {
    learn_prk(message + message_len - 16, 8, PARTS(ARRAY(now.rms)));
    learn_once_key(now.prk, "r1", NULL);
}

static void learn_r2(void) {
    hash_on(PARTS(TEXT("LSCoAP-1 resume"), {last, last_len}, {message, 9}));
    learn_prk(now.th, 32, PARTS(ARRAY(now.rms)));
    learn_once_key(now.prk, "r2", NULL);
    hash_on(PARTS(ARRAY(now.th), {message + 9, message_len - 9}));
    learn_out(now.th);
}

/* Appendix A.2.5 of RFC 6979 (the nonce for "sample"), appendix A.1 of FIPS 197, and that r of the
 * former's signature is the library's: integers, hashes and the rest are then right. */
static void check_reference(void) {
    static const uint8_t secret[32] = {0xc9, 0xaf, 0xa9, 0xd8, 0x45, 0xba, 0x75, 0x16,
                                       0x6b, 0x5c, 0x21, 0x57, 0x67, 0xb1, 0xd6, 0x93,
                                       0x4e, 0x50, 0xc3, 0xdb, 0x36, 0xe8, 0x9b, 0x12,
                                       0x7b, 0x8a, 0x62, 0x2b, 0x12, 0x0f, 0x67, 0x21};
    static const uint8_t r[32] = {0xef, 0xd4, 0x8b, 0x2a, 0xac, 0xb6, 0xa8, 0xfd, 0x11, 0x40, 0xdd,
                                  0x9c, 0xd4, 0x5e, 0x81, 0xd6, 0x9d, 0x2c, 0x87, 0x7b, 0x56, 0xaa,
                                  0xf9, 0x91, 0xc3, 0x4d, 0x0e, 0xa8, 0x4e, 0xaf, 0x37, 0x16};
    static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t last_round_key[16] = {0xd0, 0x14, 0xf9, 0xa8, 0xc9, 0xee, 0x25, 0x89,
                                               0xe1, 0x3f, 0x0c, 0xc8, 0xb6, 0x63, 0x0c, 0xa6};
    uint8_t digest[32], nonce[32], public_key[LSCOAP_PUBLIC_KEY_LEN], round_keys[176], one[32];
    reference_sha256(PARTS(TEXT("sample")), digest);
    reference_nonce(secret, digest, nonce);
    must("a nonce", lscoap_public_key(nonce, public_key));
    must("nonces are not RFC 6979's", memcmp(public_key + 1, r, sizeof r));
    reference_round_keys(key, round_keys);
    must("round keys are not AES's", memcmp(round_keys + 160, last_round_key, 16));
    reference_invert(secret, reference_n, one);
    reference_multiply(one, secret, reference_n, one);
    must("an inverse is none", one[31] != 1);
}

void secrets_begin(void) {
    check_reference();
    know_scalar("client's identity", device_secret);
    know_scalar("server's identity", server_secret);
    know_hmac_key("client's identity", device_secret, sizeof device_secret);
    know_hmac_key("server's identity", server_secret, sizeof server_secret);
    plaintext(LARGE);
    know("plaintext", record, LARGE);
    record_len = 0;
    random_before = random_state;
}

void secrets_learn(void) {
    static void (*const learn[])(void) = {NULL,     learn_m1, learn_m2, learn_m3, learn_m4,
                                          learn_x1, learn_x2, learn_r1, learn_r2};
    const uint8_t type = message[0] & 15;
    if (message_len != 0 && (message_len != last_len || memcmp(message, last, message_len) != 0)) {
        must("a message of an unknown type", type == 0 || type >= sizeof learn / sizeof *learn);
        learn[type]();
        memcpy(last, message, message_len);
        last_len = message_len;
        reference_sha256(PARTS({message, message_len}), now.digest);
    }
    if (now.is_established && server_session != NULL) {
        learn_session();
    }
    group_secrets_learn();
    random_before = random_state;
}
