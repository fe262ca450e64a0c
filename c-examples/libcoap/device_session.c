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

static void tell_authenticated(lscoap_libcoap_client *client) {
    const lscoap_session *session = lscoap_libcoap_client_session(client);
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (lscoap_session_fingerprint(session, fingerprint) == LSCOAP_OK) {
        printf("Server authenticated! Session fingerprint ");
        for (size_t i = 0; i < sizeof fingerprint; i++) {
            printf("%02x", fingerprint[i]);
        }
        printf("\n");
    }
}

/* Makes a new session; the server is authenticated when it gives LSCOAP_OK. */
static int make(struct device_session *session, enum device_session_way way) {
    int status = way == DEVICE_SESSION_RESUMED
                     ? lscoap_libcoap_resume(session->client, session->peer, session->timeout_ms)
                     : lscoap_libcoap_connect(session->client, session->peer, session->timeout_ms);

    session->tried = way;
    if (status == LSCOAP_OK) {
        session->way = way;
        session->told = false;
        tell_authenticated(session->client);
        tell_way(session);
    }
    return status;
}

/* Whether what failed is the network, so that it would fail in any session. */
static bool is_out_of_reach(int status) {
    return status == LSCOAP_LIBCOAP_ERR_TIMEOUT || status == LSCOAP_LIBCOAP_ERR_UNREACHABLE ||
           status == LSCOAP_LIBCOAP_ERR_MEMORY;
}

/* Whether it is the session's fault, or is said to be: anyone could say so. */
static bool is_session_bad(int status) {
    switch (status) {
    case LSCOAP_ALERT_UNKNOWN_SESSION:
    case LSCOAP_ALERT_AUTHENTICATION:
    case LSCOAP_ERR_AUTHENTICATION:
    case LSCOAP_ERR_MALFORMED:
    case LSCOAP_ERR_REPLAY:
    case LSCOAP_ERR_EXHAUSTED:
    case LSCOAP_ERR_STORAGE:
        return true;
    default:
        return false;
    }
}

bool device_session_renew(struct device_session *session, int *status) {
    if (session->file == NULL || !is_session_bad(*status) ||
        session->tried == DEVICE_SESSION_FULL) {
        return false;
    }
    if (session->tried != DEVICE_SESSION_RESUMED) {
        fprintf(stderr, "the session is of no use: %s\n", lscoap_libcoap_status_string(*status));
        *status = make(session, DEVICE_SESSION_RESUMED);
        if (*status == LSCOAP_OK || is_out_of_reach(*status)) {
            return *status == LSCOAP_OK;
        }
    }
    fprintf(stderr, "no resumption: %s\n", lscoap_libcoap_status_string(*status));
    *status = make(session, DEVICE_SESSION_FULL);
    return *status == LSCOAP_OK;
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

    session->tried = DEVICE_SESSION_NONE;
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
    if (status == LSCOAP_ERR_STORAGE) {
        (void)device_session_renew(session, &status);
        return status;
    }
    return make(session, DEVICE_SESSION_FULL);
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
