/* The two ends whose calls are measured, in one image: a device and its server. */
#ifndef ENDS_H
#define ENDS_H

#include <lscoap.h>

extern lscoap_client client;
extern lscoap_session device_session;  /* the client's */
extern lscoap_session *server_session; /* in one of the server's slots */
extern lscoap_server server;

extern uint8_t device_secret[LSCOAP_SECRET_KEY_LEN];
extern uint8_t server_secret[LSCOAP_SECRET_KEY_LEN];
extern uint8_t device_key[LSCOAP_PUBLIC_KEY_LEN];
extern uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];

/* The rest of the calls' arguments. */
extern int32_t profile;
int32_t ends_client_init(void);
int32_t ends_server_init(void);
/* With storage for resume records. */
int32_t ends_server_init_stored(void);

/* Bytes that differ, and are the same in every run: the state tells those that come next. */
int ends_random(void *context, uint8_t *out, size_t len);
extern uint32_t random_state;

/* Begins anew, and makes the keys. */
void ends_init(void);

#define DEVICE_ID ((const uint8_t *)"sensor-7"), ((size_t)8)
#define NOW ((uint64_t)1000)

#endif
