/* Every function that seals or opens, behind one call, so that a case can go through all of them.
 */
#ifndef RECORD_H
#define RECORD_H

#include "support.h"

enum {
    SEAL_REQUEST,
    OPEN_REQUEST,
    SEAL_RESPONSE,
    SEAL_NOTIFICATION,
    OPEN_RESPONSE,
    SERVER_OPEN,
    OPS
};

struct record_call {
    int op;
    lscoap_session *session;
    lscoap_server *server; /* of SERVER_OPEN, which has no session */
    uint64_t now_ms;
    const uint8_t *aad; /* of requests */
    size_t aad_len;
    const uint8_t *input;
    size_t input_len;
    uint8_t *out;
    size_t out_cap;
    size_t *out_len;
    lscoap_exchange *exchange;
    lscoap_session **found; /* of SERVER_OPEN */
};

lscoap_status record(const struct record_call *call);
const char *record_name(int op);
bool record_opens(int op);   /* or seals */
bool record_has_aad(int op); /* takes additional data */
bool record_answers(int op); /* has the exchange as an input */

/* A world in which `call` succeeds. Each init makes one afresh. */
struct stage {
    struct world world;
    lscoap_session device;   /* the device's end */
    lscoap_session *server;  /* the server's end */
    struct record_call call; /* points to what follows */
    uint8_t input[128];
    uint8_t out[128]; /* filled with canaries */
    size_t out_len;
    lscoap_exchange exchange;
    lscoap_exchange exchange_before;
    lscoap_session *found;
    size_t need; /* the length of the result */
};

void stage_init(struct check *t, struct stage *s, int op);
/* The same in zeroed memory but for a world that has been made. */
void stage_set(struct check *t, struct stage *s, int op);
/* After a call that failed: outputs are as they were. */
void stage_untouched(struct check *t, const struct stage *s);
/* The call still succeeds, and gives what it should. */
void stage_succeeds(struct check *t, struct stage *s);
void stage_wipe(struct stage *s);

/* The shorthands of most cases: PLAIN is sealed for /index and opened again. */
struct object {
    uint8_t bytes[128];
    size_t len;
};
lscoap_status seal_request(lscoap_session *session, struct object *object,
                           lscoap_exchange *exchange);
lscoap_status open_request(lscoap_session *session, const struct object *object,
                           lscoap_exchange *exchange);
lscoap_status server_open(struct world *w, const struct object *object, lscoap_exchange *exchange);
lscoap_status seal_response(lscoap_session *session, lscoap_exchange *exchange,
                            struct object *object);
lscoap_status seal_notification(lscoap_session *session, lscoap_exchange *exchange,
                                struct object *object);
lscoap_status open_response(lscoap_session *session, lscoap_exchange *exchange,
                            const struct object *object);

#endif
