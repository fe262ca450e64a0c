/* Handshakes, step by step; at the end of each both sessions are there. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include <lscoap.h>

/* The datagram on its way. */
extern uint8_t message[LSCOAP_MESSAGE_MAX];
extern size_t message_len;

/* The server takes the message and answers in its place. */
int32_t server_answers(void);

void measure_signed(void);
void measure_express(void);
/* Of the last session, which has been confirmed. */
void measure_resume(void);
/* With resume records in storage: a handshake, and a resumption after the server has begun anew. */
void measure_storage(void);

#endif
