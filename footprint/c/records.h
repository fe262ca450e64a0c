/* What is sealed and opened in the sessions of ends.h. */
#ifndef RECORDS_H
#define RECORDS_H

/* The first request, which confirms the session and finds server_session. */
void measure_first_request(void);
/* The rest, with 64 bytes and with 1024. */
void measure_records(void);

#endif
