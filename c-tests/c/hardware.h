/* An AES accelerator and a secure element, which count and fail. */
#ifndef HARDWARE_H
#define HARDWARE_H

#include "support.h"

struct hardware {
    struct source source; /* the first member: source_random() takes the whole for its own */
    unsigned encryptions;
    unsigned fails_at; /* the number of the encryption that fails, counted from 1 */
    unsigned element_calls;
    bool element_lies; /* it gives results, wrong ones; otherwise it fails */
};

int hardware_aes128(void *context, const uint8_t *key, uint8_t *block);
int hardware_sign(void *context, const uint8_t *digest, uint8_t *signature);
int hardware_ecdh(void *context, const uint8_t *peer, uint8_t *shared);

/* Of both ends of a world. */
struct equipment {
    struct hardware device, server;
};

/* Makes a world afresh in which either end may have an AES accelerator: otherwise like
 * world_init(). */
void world_equip(struct check *t, struct world *w, int32_t profile, struct equipment *equipment,
                 bool device_has_aes, bool server_has_aes);
/* The identity of w's device, or of its server, moves into the element. */
void world_element_device(struct check *t, struct world *w, int32_t profile);
void world_element_server(struct check *t, struct world *w);

#endif
