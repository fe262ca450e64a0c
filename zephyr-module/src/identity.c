#include <lscoap/identity.h>

lscoap_client_config lscoap_identity_config(const struct lscoap_identity *identity,
                                            int32_t profile) {
    return (lscoap_client_config){.device_id = identity->device_id,
                                  .device_id_len = identity->device_id_len,
                                  .identity = identity->secret,
                                  .server_key = identity->server_key,
                                  .profile = profile};
}

lscoap_status lscoap_identity_string(const struct lscoap_identity *identity, char *text) {
    uint8_t public_key[LSCOAP_PUBLIC_KEY_LEN];
    size_t len;
    lscoap_status status = lscoap_public_key(identity->secret, public_key);

    if (status != LSCOAP_OK) {
        return status;
    }
    return lscoap_format_device(identity->device_id, identity->device_id_len, public_key, text,
                                LSCOAP_DEVICE_STRING_MAX, &len);
}

void lscoap_identity_wipe(struct lscoap_identity *identity) {
    /* Through a volatile pointer, so that it is not left out. */
    volatile uint8_t *bytes = (volatile uint8_t *)identity;

    for (size_t i = 0; i < sizeof *identity; i++) {
        bytes[i] = 0;
    }
}
