/* What is sealed and opened in the sessions of ends.h. */
#ifndef RECORDS_H
#define RECORDS_H

#include <lscoap.h>

#define LARGE 1024

/* What travels, sealed and opened in its place. */
extern uint8_t record[LARGE + LSCOAP_REQUEST_OVERHEAD];
extern size_t record_len;
/* So many bytes to seal. */
void plaintext(size_t len);

/* The first request, which confirms the session and finds server_session. */
void measure_first_request(void);
/* The rest, with 64 bytes and with 1024. */
void measure_records(void);

#endif
