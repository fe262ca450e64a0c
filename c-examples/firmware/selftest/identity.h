/* The device and the server of the protocol's test vectors. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <lscoap.h>

#define DEVICE_ID "sensor-7"

struct identity {
    uint8_t device_secret[LSCOAP_SECRET_KEY_LEN];
    uint8_t device_key[LSCOAP_PUBLIC_KEY_LEN];
    uint8_t server_secret[LSCOAP_SECRET_KEY_LEN];
    uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
};
extern const struct identity identity;

/* Their enrolment strings. */
extern const char device_string[];
extern const char server_string[];

#endif
