#include "group_secrets.h"
#include "group.h"
#include "known.h"
#include "probe.h"
#include "reference.h"

#define TEXT(string)                                                                               \
    { (string), sizeof(string) - 1 }
#define ARRAY(array)                                                                               \
    { (array), sizeof(array) }

/* A JOIN of a group with both modes and answers (group design, section 7). */
enum {
    JOIN = 0x21,
    NUMBER_AT = 2,
    EPOCH_AT = 4,
    MS_AT = 13,
    SS_AT = MS_AT + 32 + 33 + 1 + 1 + 33,
    VK_AT = SS_AT + 32,
    JOIN_LEN = VK_AT + 16 + 1 + 4 + 2
};

/* What a mode has of its own. */
static void learn_mode(const uint8_t prk[32], const uint8_t *join, uint8_t mode) {
    const uint8_t gid[3] = {join[NUMBER_AT], join[NUMBER_AT + 1],
                            (uint8_t)(64 * mode + join[EPOCH_AT + 3] % 64)};
    uint8_t key[16];
    reference_expand(prk, PARTS(TEXT("\x85\x40\x43"), ARRAY(gid), TEXT("\x0a\x63Key\x10")), key,
                     sizeof key);
    know_aes_key("group key of the sender", key);
    reference_expand(prk, PARTS(TEXT("\x85\x40\x43"), ARRAY(gid), TEXT("\x0a\x65SEKey\x10")), key,
                     sizeof key);
    know_hmac_key("group key that hides signatures", key, sizeof key);
}

static bool learnt; /* the first JOIN of a run, which is a member's */

bool group_secrets_are_known(void) {
    return learnt;
}

void group_secrets_learn(void) {
    const uint8_t *join = group_message;
    uint8_t secret[16], salt[8], prk[32];
    if (group_message_len == 0 || join[0] != JOIN || learnt) {
        return;
    }
    must("a JOIN of another length", group_message_len == JOIN_LEN ? 0 : -1);
    learnt = true;
    know_hmac_key("group's secret MS", join + MS_AT, 32);
    know_coordinate("group's shared secret SS", join + SS_AT);
    know_hmac_key("group's tag key VK", join + VK_AT, 16);
    reference_expand(join + MS_AT, PARTS(TEXT("group secret")), secret, sizeof secret);
    know("group's master secret", secret, sizeof secret);
    reference_expand(join + MS_AT, PARTS(TEXT("group salt")), salt, sizeof salt);
    reference_hmac(salt, sizeof salt, PARTS(ARRAY(secret)), prk);
    know_hmac_key("group's PRK", prk, sizeof prk);
    learn_mode(prk, join, LSCOAP_GROUP_SIGNED);
    learn_mode(prk, join, LSCOAP_GROUP_TAGGED);
}
