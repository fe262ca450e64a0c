/*
 * lscoap over the CoAP client: the handshake, and sealed requests (docs/protocol.md, "Over CoAP").
 *
 * An answer that does not verify counts as not received: the request is sent again until the true
 * one comes.
 *
 * With storage, a session outlives the device's power: it is written there once an answer in it has
 * opened, and again whenever the numbers that are reserved there are used up.
 */
#ifndef SECURE_SESSION_H
#define SECURE_SESSION_H

#include "coap_client.h"
#include <lscoap.h>

/* Results besides lscoap_status, whose range these stay out of. */
enum {
    SECURE_ERR_NO_ANSWER = -101,
    SECURE_ERR_RESET = -102,
    SECURE_ERR_REFUSED = -103, /* with an answer that is neither sealed nor an alert */
    SECURE_ERR_TOO_LONG = -104
};

/* The longest plaintext of a request: code, options and payload. */
#ifndef SECURE_PLAINTEXT_MAX
#define SECURE_PLAINTEXT_MAX 256
#endif

/* Is told of each handshake message. */
typedef void (*secure_story)(bool sent, const uint8_t *message, size_t len);

/* Requests that one write to storage is good for. */
#ifndef SECURE_STORED_REQUESTS
#define SECURE_STORED_REQUESTS 16
#endif

struct secure_session {
    struct coap_client *coap;
    secure_story story;
    lscoap_write_blob write; /* null: no storage */
    void *write_context;
    bool stored;
    lscoap_client client;
    lscoap_session session;
};

/* `story` may be null. `session` is in zeroed memory and stays where it is. */
int secure_init(struct secure_session *session, struct coap_client *coap,
                const lscoap_platform *platform, const lscoap_client_config *config,
                secure_story story);

/* From now on the session is kept in storage. */
void secure_use_storage(struct secure_session *session, lscoap_write_blob write, void *context);

/* Goes on with the session that was stored last. LSCOAP_ERR_MALFORMED: that is none; connect. */
int secure_restore(struct secure_session *session, const lscoap_platform *platform,
                   const uint8_t *blob, size_t blob_len);

/* Makes a session with the server, in place of the one there may be. */
int secure_connect(struct secure_session *session);

/* Makes a request: GET when its code is COAP_GET, and so on. With LSCOAP_OK, `answer` is what the
 * server sealed; its payload is in the CoAP client's buffer. With LSCOAP_ALERT_UNKNOWN_SESSION,
 * connect again. */
int secure_request(struct secure_session *session, const struct coap_request *request,
                   struct coap_message *answer);

/* A result in words. */
const char *secure_result_string(int result);

#endif
