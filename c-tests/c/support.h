/* What the cases share: a device, a server, and sessions between them. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "check.h"

#define SLOTS 4
#define CANARY 0xa5
/* A path /index, as two arguments. */
#define AAD ((const uint8_t *)"\xb5index"), ((size_t)6)
#define PLAIN "\x01\xff{\"Data\":42}"
#define PLAIN_LEN (sizeof PLAIN - 1)
/* A buffer as two arguments. */
#define BYTES(buffer) (buffer), (sizeof(buffer))

extern const uint8_t device_secret[LSCOAP_SECRET_KEY_LEN];
extern const uint8_t device_key[LSCOAP_PUBLIC_KEY_LEN];
extern const uint8_t server_secret[LSCOAP_SECRET_KEY_LEN];
extern const uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];

/* Repeatable randomness; it fails in call number `fails_at`, counted from 1, and after that works
 * again. */
struct source {
    uint64_t state;
    unsigned calls;
    unsigned fails_at;
    bool constant;
    unsigned unique_calls;
};
int source_random(void *context, uint8_t *out, size_t len);
uint64_t source_unique(void *context);

/* Knows the ids that begin with "sensor-", all with one key. */
struct directory {
    unsigned calls;
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    uint8_t last_id[LSCOAP_DEVICE_ID_MAX];
    size_t last_id_len;
};
int directory_find(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key);

/* A server, and the device sensor-7. */
struct world {
    struct source device_source;
    struct source server_source;
    struct directory directory;
    lscoap_platform device_platform;
    lscoap_platform server_platform;
    lscoap_server_config server_config;
    lscoap_server server;
    lscoap_slot slots[SLOTS];
    lscoap_client client;
    uint64_t now_ms;
};

lscoap_client_config device_config(const char *id, int32_t profile);
void world_init(struct check *t, struct world *w, int32_t profile);
/* Gives the client another identity or profile. */
void world_device(struct check *t, struct world *w, const lscoap_client_config *config);
void world_wipe(struct world *w);

/* One message. */
struct message {
    uint8_t bytes[LSCOAP_MESSAGE_MAX];
    size_t len;
};
/* A step with `in` as input, null for none. Checks that `out` is untouched unless the step
 * succeeds. */
lscoap_status client_step(struct check *t, struct world *w, const struct message *in,
                          struct message *out);
lscoap_status server_step(struct check *t, struct world *w, const struct message *in,
                          struct message *out);
/* Whether a server's step gave an answer, or a RETRY, which the client answers. */
bool is_answer(lscoap_status status, const struct message *answer);
/* A whole handshake of w->client's. */
bool connect(struct check *t, struct world *w, lscoap_session *session);
/* A first request: confirms the session and gives the server's end of it. */
lscoap_session *confirm(struct check *t, struct world *w, lscoap_session *session);
/* A handshake and a first request. */
lscoap_session *establish(struct check *t, struct world *w, lscoap_session *session);

/* Whether a record of the session's opens at the server. */
lscoap_status try_request(struct check *t, struct world *w, lscoap_session *session);

/* The calls that take an lscoap_io, with its fields one by one; `out_len` is written as the library
 * writes it. */
lscoap_status step_bytes(lscoap_server *server, const uint8_t *peer, size_t peer_len,
                         const uint8_t *source, size_t source_len, uint64_t now_ms,
                         const uint8_t *input, size_t input_len, uint8_t *out, size_t out_cap,
                         size_t *out_len);
lscoap_status seal_request_bytes(lscoap_session *session, const uint8_t *aad, size_t aad_len,
                                 const uint8_t *input, size_t input_len, uint8_t *out,
                                 size_t out_cap, size_t *out_len, lscoap_exchange *exchange);
lscoap_status server_open_bytes(lscoap_server *server, uint64_t now_ms, const uint8_t *aad,
                                size_t aad_len, const uint8_t *input, size_t input_len,
                                uint8_t *out, size_t out_cap, size_t *out_len,
                                lscoap_session **session, lscoap_exchange *exchange);

/* valgrind is slow: with LSCOAP_TEST_STRIDE=8 a case tries every eighth of many like things. */
size_t stride(void);

/* Looks into objects, padding included: a copy, to be freed, whose bytes valgrind takes for
 * initialised. */
uint8_t *peek(const void *object, size_t len);
/* Whether an object still has any 16 bytes in a row that `before` had; such with zeroes do not
 * count. */
bool has_residue(const void *object, const void *before, size_t len);
bool contains(const void *object, size_t len, const void *part, size_t part_len);
/* How many bytes of two objects differ. */
size_t differences(const void *a, const void *b, size_t len);

#endif
