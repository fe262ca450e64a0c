/* A device and a server: one of each, since a small processor has room for no more. */
#ifndef WORLD_H
#define WORLD_H

#include "check.h"
#include "identity.h"

#define SLOTS 2
#define CANARY 0xa5
/* A buffer as two arguments. */
#define BYTES(buffer) (buffer), (sizeof(buffer))

struct world {
    lscoap_client client;
    lscoap_session session;   /* the device's end */
    lscoap_exchange exchange; /* of its request */
    lscoap_server server;
    lscoap_slot slots[SLOTS];
    uint64_t device_random, server_random;
    bool random_fails;
    uint64_t now_ms;
};
extern struct world world;

/* The server, and the device DEVICE_ID; neither has said anything. Randomness is always the same.
 */
void world_init(int32_t profile);
/* Gives the client another id, profile, or idea of the server's key. */
void world_device(const char *id, int32_t profile, const uint8_t *server_key);
void world_wipe(void);

/* A copy of everything, to come back to after an attempt: never to go on with both. */
void world_save(void);
void world_restore(void);
/* All but what the server counts. */
bool world_is_as_saved(void);

/* A handshake message. */
struct message {
    uint8_t bytes[LSCOAP_MESSAGE_MAX];
    size_t len;
};
bool equal(const struct message *a, const struct message *b);

/* A step with `in` as input, null for none. Checks that after an error the output is as before. */
lscoap_status client_step(const struct message *in, struct message *out);
lscoap_status server_step(const struct message *in, struct message *out);
/* The server answers `in` with this alert, and the device reports it. */
void check_refused(const struct message *in, uint8_t alert, lscoap_status reported);

/* A whole handshake. `each`, if not null, gets every message. */
bool handshake(void (*each)(const struct message *message));

#endif
