/* Whole CoAP messages, protected and unprotected. */
#ifndef MESSAGES_H
#define MESSAGES_H

/* After the session has been confirmed. */
void measure_messages(void);

#endif
