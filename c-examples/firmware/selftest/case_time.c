/* Instructions counted: what is done with secrets takes as many for one secret as for another. */
#include "board.h"
#include "cases.h"
#include "world.h"
#include <string.h>

#define SECRETS 6

/* Two runs may begin at different places between two ticks, and the emulated timer rounds as well:
 * of the 575,000 ticks of an X1 on the microbit, two may differ. */
static void check_ticks(uint32_t ticks, uint32_t *first) {
    if (*first == 0) {
        *first = ticks;
    }
    CHECK(ticks - *first + 2 <= 4);
}

/* Few bits and many, and what other programs would draw. */
static void make_secret(uint8_t *secret, int number) {
    memset(secret, number == 1 ? 0xfe : 0, LSCOAP_SECRET_KEY_LEN);
    secret[LSCOAP_SECRET_KEY_LEN - 1] = 3;
    for (int i = 0; number > 1 && i < LSCOAP_SECRET_KEY_LEN; i++) {
        secret[i] = (uint8_t)(i * i * 37 + number * 91 + i);
    }
}

static int random_bytes(void *context, uint8_t *out, size_t len) {
    uint32_t *state = context;
    for (; len > 0; len--) {
        *state = *state * 1664525u + 1013904223u;
        *out++ = (uint8_t)(*state >> 24);
    }
    return 0;
}

void case_time_of_keys(int32_t profile) {
    uint32_t first = 0;
    (void)profile;
    for (int i = 0; i < SECRETS; i++) {
        uint8_t secret[LSCOAP_SECRET_KEY_LEN], key[LSCOAP_PUBLIC_KEY_LEN];
        make_secret(secret, i);
        const uint32_t start = board_ticks();
        const lscoap_status status = lscoap_public_key(secret, key);
        const uint32_t ticks = board_ticks() - start;
        CHECK_STATUS(status, LSCOAP_OK);
        check_ticks(ticks, &first);
    }
}

/* A key pair, in express a Diffie-Hellman with it; in signed, on the same M2, another and a
 * signature. */
void case_time_of_steps(int32_t profile) {
    uint32_t first[2] = {0, 0};
    struct message m2, query;
    world_init(LSCOAP_SIGNED);
    CHECK_STATUS(client_step(NULL, &query), LSCOAP_SEND);
    CHECK_STATUS(server_step(&query, &m2), LSCOAP_SEND);
    for (int i = 0; i < SECRETS; i++) {
        uint8_t secret[LSCOAP_SECRET_KEY_LEN];
        uint32_t state = (uint32_t)i;
        const lscoap_platform platform = {.context = &state, .random = random_bytes};
        const lscoap_client_config config = {.device_id = (const uint8_t *)DEVICE_ID,
                                             .device_id_len = sizeof DEVICE_ID - 1,
                                             .identity = secret,
                                             .server_key = identity.server_key,
                                             .profile = profile};
        make_secret(secret, i);
        CHECK_STATUS(lscoap_client_init(&world.client, &platform, &config), LSCOAP_OK);
        for (int step = 0; step < (profile == LSCOAP_SIGNED ? 2 : 1); step++) {
            const uint32_t start = board_ticks();
            const lscoap_status status = client_step(step == 0 ? NULL : &m2, &query);
            const uint32_t ticks = board_ticks() - start;
            CHECK_STATUS(status, LSCOAP_SEND);
            check_ticks(ticks, &first[step]);
        }
    }
}
