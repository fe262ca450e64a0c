/* An identity for images that are weighed and never run. */
#include <lscoap.h>

static const uint8_t lscoap_device_id[8] = {0};
static const uint8_t lscoap_identity[LSCOAP_SECRET_KEY_LEN] = {0};
static const uint8_t lscoap_server_key[LSCOAP_PUBLIC_KEY_LEN] = {0};
