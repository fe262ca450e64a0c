/* A device and a server that know each other, and what both of them have stored of a session, so
 * that a target begins in one without curve arithmetic. All randomness follows from the input. */
#ifndef SITE_H
#define SITE_H

#include <lscoap.h>
#include <stdbool.h>

/* Puts storage back to what it was after the first session, and seeds the randomness: by every bit
 * of the input, so that no input can hold a genuine record that libFuzzer has seen in another. */
void site_begin(const uint8_t *input, size_t len);

lscoap_platform site_platform(void);
lscoap_client_config site_client_config(int32_t profile);
/* With storage for resumption. */
lscoap_server_config site_server_config(void);

/* The device's stored session. */
const uint8_t *site_session_blob(size_t *len);

/* A server that has that session. */
lscoap_server *site_server(void);

/* A lscoap_write_blob that keeps nothing. */
int site_write_nothing(void *context, const uint8_t *blob, size_t len);

#endif
