/* An AES accelerator and a secure element, which count and fail. */
#ifndef HARDWARE_H
#define HARDWARE_H

#include "support.h"

struct hardware {
    struct source source; /* the first member: source_random() takes the whole for its own */
    unsigned encryptions; /* of blocks, or of whole records */
    unsigned fails_at;    /* the number of the encryption that fails, counted from 1 */
    int failure;          /* what it gives then */
    unsigned element_calls;
    bool element_lies; /* it gives results, wrong ones; otherwise it fails */
};

/* What an accelerator does. */
enum accelerator { SOFTWARE, BLOCKS, WHOLE_CCM, ACCELERATORS };

int hardware_aes128(void *context, const uint8_t *key, uint8_t *block);
int hardware_ccm(void *context, int open, const uint8_t *key, const uint8_t *nonce,
                 const uint8_t *aad, size_t aad_len, uint8_t *text, size_t len, uint8_t *tag);
int hardware_sign(void *context, const uint8_t *digest, uint8_t *signature);
int hardware_ecdh(void *context, const uint8_t *peer, uint8_t *shared);

/* Of both ends of a world. */
struct equipment {
    struct hardware device, server;
};

/* Makes a world afresh in which either end may have an accelerator: otherwise like world_init(). */
void world_equip(struct check *t, struct world *w, int32_t profile, struct equipment *equipment,
                 enum accelerator device, enum accelerator server);
/* The identity of w's device, or of its server, moves into the element. */
void world_element_device(struct check *t, struct world *w, int32_t profile);
void world_element_server(struct check *t, struct world *w);

#endif
