/* The identity that the firmware was built with. */
#include <lscoap/identity.h>

#include <string.h>
#include <zephyr/sys/util.h>

#include LSCOAP_IDENTITY_HEADER /* of `lscoap c-header` */

BUILD_ASSERT(sizeof lscoap_device_id <= LSCOAP_DEVICE_ID_MAX);
BUILD_ASSERT(sizeof lscoap_identity == LSCOAP_SECRET_KEY_LEN);
BUILD_ASSERT(sizeof lscoap_server_key == LSCOAP_PUBLIC_KEY_LEN);

int lscoap_identity_load(struct lscoap_identity *identity) {
    memcpy(identity->device_id, lscoap_device_id, sizeof lscoap_device_id);
    identity->device_id_len = sizeof lscoap_device_id;
    memcpy(identity->secret, lscoap_identity, sizeof lscoap_identity);
    memcpy(identity->server_key, lscoap_server_key, sizeof lscoap_server_key);
    identity->has_server_key = true;
    return 0;
}
