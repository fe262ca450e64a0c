/*
 * lscoap over the CoAP client: the handshake, and sealed requests (docs/protocol.md, "Over CoAP").
 *
 * An answer that does not verify counts as not received: the request is sent again until the true
 * one comes. An answer in the clear is a hint, never data: the same sealed bytes go out once more.
 * Two hints that the server has lost the session, and another one is made: resumed, or by a full
 * handshake where that is refused. The old one is kept until an answer has opened in the new one.
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
    SECURE_ERR_TOO_LONG = -104,
    /* -105: LSCOAP_COAP_ERR_SOCKET, in Zephyr */
    SECURE_ERR_UNCERTAIN = -106,       /* see secure_request() */
    SECURE_ERR_ANSWER_TOO_LONG = -107, /* it comes in blocks, or does not fit COAP_DATAGRAM_MAX */
    SECURE_ERR_PATH = -108             /* see coap_write_path() */
};

/* Whether the library has the feature `resume`: without, a lost session costs a full handshake, and
 * there is no storage. */
#ifndef SECURE_RESUME
#define SECURE_RESUME 1
#endif

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
#if SECURE_RESUME
    lscoap_write_blob write; /* null: no storage */
    void *write_context;
#endif
    lscoap_client client;
    struct secure_one {
        lscoap_session session;
        bool proven; /* an answer has opened in it */
        bool stored;
    } sessions[2]; /* the one in use, and room for the next or the one before */
    unsigned in_use;
};

/* `story` may be null. `session` is in zeroed memory and stays where it is. */
int secure_init(struct secure_session *session, struct coap_client *coap,
                const lscoap_platform *platform, const lscoap_client_config *config,
                secure_story story);

#if SECURE_RESUME
/* From now on the session is kept in storage. */
void secure_use_storage(struct secure_session *session, lscoap_write_blob write, void *context);

/* Goes on with the session that was stored last. LSCOAP_ERR_MALFORMED: that is none; connect. */
int secure_restore(struct secure_session *session, const lscoap_platform *platform,
                   const uint8_t *blob, size_t blob_len);
#endif

/* Makes a session with the server by a full handshake. Where that fails, the session that there may
 * be stays. */
int secure_connect(struct secure_session *session);

/* Makes a request: GET when its code is COAP_GET, and so on. With LSCOAP_OK, `answer` is what the
 * server sealed; its payload is in the CoAP client's buffer.
 *
 * The request goes out in SECURE_ROUNDS sessions at most, should the server lose one after the
 * other. A POST or PATCH without `at_least_once` goes out in one only: SECURE_ERR_UNCERTAIN says
 * that it may have been executed or not, and that there is a new session in which to ask or to try
 * again. */
int secure_request(struct secure_session *session, const struct coap_request *request,
                   struct coap_message *answer);

enum { SECURE_ROUNDS = 3 };

/* The session in use, for lscoap_session_fingerprint() and lscoap_session_export_key(). */
const lscoap_session *secure_current(const struct secure_session *session);

/* Wipes sessions and identity. */
void secure_wipe(struct secure_session *session);

/* A result in words. */
const char *secure_result_string(int result);

#endif
