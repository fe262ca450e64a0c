#include "device_session.h"

#include <stdio.h>

#include "posix_platform.h"

static void tell_way(struct device_session *session) {
    static const char *const ways[] = {"no session", "session stored", "resumed", "full handshake"};

    if (session->file != NULL && !session->told) {
        fflush(stdout);
        fprintf(stderr, "%s\n", ways[session->way]);
    }
    session->told = true;
}

static void tell_authenticated(const lscoap_session *session) {
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (lscoap_session_fingerprint(session, fingerprint) == LSCOAP_OK) {
        printf("Server authenticated! Session fingerprint ");
        for (size_t i = 0; i < sizeof fingerprint; i++) {
            printf("%02x", fingerprint[i]);
        }
        printf("\n");
    }
}

void device_session_on_event(struct device_session *session, const lscoap_libcoap_event *event) {
    switch (event->type) {
    case LSCOAP_LIBCOAP_CONNECTED:
    case LSCOAP_LIBCOAP_RESUMED:
        session->way =
            event->type == LSCOAP_LIBCOAP_CONNECTED ? DEVICE_SESSION_FULL : DEVICE_SESSION_RESUMED;
        session->told = false;
        tell_authenticated(event->session);
        tell_way(session);
        break;
    case LSCOAP_LIBCOAP_RENEWING:
        fflush(stdout);
        fprintf(stderr, "the session is of no use: %s\n",
                lscoap_libcoap_status_string(event->status));
        break;
    default:
        break;
    }
}

/* The stored session, made ready for use. */
static int restore(struct device_session *session) {
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    size_t len = 0;
    int status = LSCOAP_ERR_STATE;

    if (session_file_read(session->file, blob, &len) != SESSION_FILE_READ) {
        return status;
    }
    status = lscoap_libcoap_restore(session->client, session->peer, blob, len);
    posix_platform_wipe(blob, sizeof blob);
    if (status == LSCOAP_ERR_MALFORMED) {
        fprintf(stderr, "%s: damaged\n", session->file->path);
    } else if (status == LSCOAP_ERR_STATE) {
        fprintf(stderr, "%s: a session of another device\n", session->file->path);
    }
    return status;
}

int device_session_begin(struct device_session *session) {
    int status = LSCOAP_ERR_STATE;

    if (session->way != DEVICE_SESSION_NONE) {
        return LSCOAP_OK;
    }
    session->peer =
        coap_new_client_session(session->context, NULL, session->destination, COAP_PROTO_UDP);
    if (session->peer == NULL) {
        return LSCOAP_LIBCOAP_ERR_UNREACHABLE;
    }
    if (session->file != NULL) {
        status = restore(session);
    }
    if (status == LSCOAP_OK) {
        session->way = DEVICE_SESSION_STORED;
        session->told = false;
        return LSCOAP_OK;
    }
    return lscoap_libcoap_renew(session->client, session->peer, session->timeout_ms);
}

void device_session_proved(struct device_session *session) {
    tell_way(session);
}

void device_session_close(struct device_session *session) {
    if (session->peer != NULL) {
        lscoap_libcoap_disconnect(session->client);
        coap_session_release(session->peer);
        session->peer = NULL;
    }
    session->way = DEVICE_SESSION_NONE;
}
