/* Who the device is and whom it trusts: from a C header, from Zephyr's settings, or from the test
 * vectors (Kconfig, LSCOAP_IDENTITY). */
#ifndef LSCOAP_IDENTITY_H
#define LSCOAP_IDENTITY_H

#include <lscoap.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lscoap_identity {
    uint8_t device_id[LSCOAP_DEVICE_ID_MAX];
    size_t device_id_len;
    uint8_t secret[LSCOAP_SECRET_KEY_LEN];
    uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
    bool has_server_key;
};

/* 0, or a negative errno: -ENOENT where the device has no key yet. Wipe it after use. */
int lscoap_identity_load(struct lscoap_identity *identity);

/* The configuration of a client with this identity. It points into the identity. */
lscoap_client_config lscoap_identity_config(const struct lscoap_identity *identity,
                                            int32_t profile);

/* The device's enrolment string, for the server's list (docs/enrolment.md):
 * LSCOAP_DEVICE_STRING_MAX bytes of room. */
lscoap_status lscoap_identity_string(const struct lscoap_identity *identity, char *text);

void lscoap_identity_wipe(struct lscoap_identity *identity);

#if defined(CONFIG_LSCOAP_IDENTITY_SETTINGS)
/* Gives the device its id and makes it a key, once: -EALREADY where it has one. The key is kept in
 * the settings. */
int lscoap_identity_enrol(const uint8_t *device_id, size_t len);

/* Keeps the server's key, from its enrolment string (LSS2:... or LSS1:...). -EINVAL where it is
 * none. */
int lscoap_identity_set_server(const char *text);
#endif

#ifdef __cplusplus
}
#endif

#endif
