/* Observers of secured resources. libcoap has a table of its own, which is not used here (secured
 * resources are not observable to libcoap): libcoap 4.3.1 adds and removes entries before a handler
 * is called, so that a forged FETCH with the right token would end an observation, and one with
 * Block1 would begin one without ever opening. Here only what opened counts.
 *
 * Libcoap tells nobody of an acknowledged notification, only of a refused or lost confirmable one.
 * So that notifications do not queue up behind one to a peer that has gone, the next confirmable
 * one waits until the last has certainly been acknowledged or given up; those between are not
 * confirmable, and the newest state is repeated in a confirmable one in the end (RFC 7641 section
 * 4.5). */
#include "lscoap_libcoap_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONFIRMABLE_MS = 93 * 1000, /* MAX_TRANSMIT_WAIT, RFC 7252 section 4.8.2 */
    LARGE_MS = 2000,            /* for the peer to fetch the other blocks of a long one */
    ONE_BLOCK = 1024            /* bytes of sealed object that need no others */
};

static void release(struct lc_observer *observer) {
    coap_session_release(observer->peer);
    coap_delete_pdu(observer->outer);
    coap_delete_string(observer->query);
    free(observer->inner);
    lc_wipe(observer, sizeof *observer);
}

static bool same_token(const coap_pdu_t *a, const coap_pdu_t *b) {
    coap_bin_const_t left = coap_pdu_get_token(a);
    coap_bin_const_t right = coap_pdu_get_token(b);

    return left.length == right.length &&
           (left.length == 0 || memcmp(left.s, right.s, left.length) == 0);
}

static bool same_query(const coap_string_t *a, const coap_string_t *b) {
    size_t left = a == NULL ? 0 : a->length;
    size_t right = b == NULL ? 0 : b->length;

    return left == right && (left == 0 || memcmp(a->s, b->s, left) == 0);
}

/* The session of an observation; NULL when it has gone. */
static lscoap_session *session_of(const struct lc_observer *observer) {
    lscoap_libcoap_server *server = observer->resource->server;
    lscoap_session *session =
        lscoap_server_find(&server->server, lc_now(server), observer->object, observer->object_len);
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (session == NULL || lscoap_session_fingerprint(session, fingerprint) != LSCOAP_OK ||
        memcmp(fingerprint, observer->fingerprint, sizeof fingerprint) != 0) {
        return NULL;
    }
    return session;
}

static struct lc_observer *find_room(lscoap_libcoap_server *server,
                                     const uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN]) {
    struct lc_observer *room = NULL;
    size_t of_one = 0;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource != NULL && session_of(observer) == NULL) {
            release(observer);
        }
        if (observer->resource == NULL) {
            room = observer;
        } else if (memcmp(observer->fingerprint, fingerprint, LSCOAP_FINGERPRINT_LEN) == 0) {
            of_one++;
        }
    }
    return of_one < LSCOAP_LIBCOAP_OBSERVERS_OF_ONE ? room : NULL;
}

static bool copy_registration(struct lc_observer *observer, const struct lc_request *from) {
    uint8_t *plain = from->resource->server->plain->bytes;
    coap_bin_const_t token = coap_pdu_get_token(from->outer);
    size_t len = lc_encode_plaintext(from->inner, false, plain, LC_PLAIN_MAX);

    observer->outer = coap_pdu_duplicate(from->outer, from->peer, token.length, token.s, NULL);
    observer->inner = malloc(len);
    if (observer->outer == NULL || observer->inner == NULL || len == 0) {
        return false;
    }
    memcpy(observer->inner, plain, len);
    observer->inner_len = len;
    if (from->query != NULL) {
        observer->query = coap_new_string(from->query->length);
        if (observer->query == NULL) {
            return false;
        }
        memcpy(observer->query->s, from->query->s, from->query->length);
    }
    return true;
}

bool lc_observers_add(const struct lc_request *registration) {
    lscoap_libcoap_server *server = registration->resource->server;
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];
    struct lc_observer *observer;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) { /* the same token: in its place */
        observer = &server->observers[i];
        if (observer->resource == registration->resource && observer->peer == registration->peer &&
            same_token(observer->outer, registration->outer)) {
            release(observer);
        }
    }
    if (lscoap_session_fingerprint(registration->session, fingerprint) != LSCOAP_OK) {
        return false;
    }
    observer = find_room(server, fingerprint);
    if (observer == NULL) {
        return false;
    }
    observer->resource = registration->resource;
    observer->peer = coap_session_reference(registration->peer);
    observer->exchange = registration->exchange;
    observer->object_len =
        registration->body.len < LC_OBJECT_START ? registration->body.len : (size_t)LC_OBJECT_START;
    memcpy(observer->object, registration->body.bytes, observer->object_len);
    memcpy(observer->fingerprint, fingerprint, sizeof fingerprint);
    if (!copy_registration(observer, registration)) {
        release(observer);
        return false;
    }
    return true;
}

void lc_observers_cancel(const struct lc_request *request) {
    lscoap_libcoap_server *server = request->resource->server;
    size_t len = lc_encode_plaintext(request->inner, false, server->plain->bytes, LC_PLAIN_MAX);

    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource != request->resource || session_of(observer) != request->session) {
            continue;
        }
        /* RFC 7641 goes by the token, but libcoap's client changes it when it sends Observe 1. */
        if ((observer->peer == request->peer && same_token(observer->outer, request->outer)) ||
            (same_query(observer->query, request->query) && observer->inner_len == len &&
             memcmp(observer->inner, server->plain->bytes, len) == 0)) {
            release(observer);
        }
    }
}

void lc_observers_clear(lscoap_libcoap_server *server) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        if (server->observers[i].resource != NULL) {
            release(&server->observers[i]);
        }
    }
}

/* The notification's PDU, sealed. NULL when lscoap or memory fails. */
static coap_pdu_t *seal_notification(const struct lc_observer *observer, lscoap_session *session,
                                     const coap_pdu_t *answer, bool goes_on, bool confirmable,
                                     uint64_t now_ms, size_t *sealed_len) {
    lscoap_libcoap_server *server = observer->resource->server;
    coap_bin_const_t token = coap_pdu_get_token(observer->outer);
    uint8_t aad[LSCOAP_AAD_MAX];
    struct lc_request request = {.resource = observer->resource,
                                 .peer = observer->peer,
                                 .outer = observer->outer,
                                 .now_ms = now_ms,
                                 .peer_hash =
                                     lc_hash_of_peer(coap_session_get_addr_remote(observer->peer)),
                                 .aad = aad,
                                 .session = session};
    struct lc_manner manner = {
        .code = COAP_RESPONSE_CODE_CONTENT, .observe = goes_on, .etag = server->etag++};
    size_t len = lc_encode_plaintext(answer, goes_on, server->plain->bytes, LC_PLAIN_MAX);
    coap_pdu_t *pdu;

    if (len == 0 || !lc_read_sealed(observer->outer, &request.options, aad, &request.aad_len) ||
        lscoap_server_slot_index(&server->server, session, &request.slot) != LSCOAP_OK ||
        lscoap_seal_notification(session, &observer->exchange, server->plain->bytes, len,
                                 server->sealed, LC_OBJECT_MAX, sealed_len) != LSCOAP_OK) {
        return NULL;
    }
    if (goes_on) {
        manner.observe_value = server->observe_value++ & 0xFFFFFF;
    }
    pdu = coap_new_pdu(confirmable ? COAP_MESSAGE_CON : COAP_MESSAGE_NON,
                       COAP_RESPONSE_CODE_CONTENT, observer->peer);
    if (pdu == NULL || !coap_add_token(pdu, token.length, token.s) ||
        !lc_send_sealed(&request, *sealed_len, &manner, pdu)) {
        coap_delete_pdu(pdu);
        return NULL;
    }
    return pdu;
}

/* False: the observation is over. */
static bool notify_one(struct lc_observer *observer, uint64_t now_ms) {
    lscoap_libcoap_resource *resource = observer->resource;
    lscoap_session *session = session_of(observer);
    lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_NOTIFIED,
                                  .peer = observer->peer,
                                  .session = session,
                                  .path = *coap_resource_get_uri_path(resource->outer)};
    bool confirmable = now_ms >= observer->con_ms;
    bool goes_on = false;
    coap_pdu_t *pdu = NULL;
    coap_pdu_t *inner;
    coap_pdu_t *answer;
    size_t len;

    if (session == NULL) {
        return false;
    }
    memcpy(resource->server->plain->bytes, observer->inner, observer->inner_len);
    inner = lc_decode_plaintext(resource->server->plain, observer->inner_len, observer->outer);
    answer =
        inner == NULL ? NULL : lc_serve(resource, observer->peer, session, inner, observer->query);
    if (answer != NULL) {
        event.method = coap_pdu_get_code(inner);
        event.code = coap_pdu_get_code(answer);
        goes_on = COAP_RESPONSE_CLASS(event.code) == 2;
        pdu = seal_notification(observer, session, answer, goes_on, confirmable, now_ms, &len);
    }
    coap_delete_pdu(inner);
    coap_delete_pdu(answer);
    if (pdu == NULL || coap_send(observer->peer, pdu) == COAP_INVALID_MID) {
        return false;
    }
    observer->dirty = false;
    observer->unconfirmed = !confirmable;
    if (confirmable) {
        observer->con_ms = now_ms + CONFIRMABLE_MS;
    }
    observer->large_ms = len > ONE_BLOCK ? now_ms + LARGE_MS : 0;
    lc_tell(resource->server, &event);
    return goes_on;
}

/* Brings those up to date that may be. A handler that notifies from inside a notification finds
 * `notifying` set: it leaves only the mark. */
static void send_dirty(lscoap_libcoap_server *server) {
    uint64_t now_ms = lc_now(server);

    if (server->notifying) {
        return;
    }
    server->notifying = true;
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource != NULL && observer->dirty && now_ms >= observer->large_ms &&
            !notify_one(observer, now_ms)) {
            release(observer);
        }
    }
    server->notifying = false;
}

void lscoap_libcoap_notify(lscoap_libcoap_resource *resource) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &resource->server->observers[i];

        if (observer->resource == resource) {
            observer->dirty = true;
        }
    }
    send_dirty(resource->server);
}

void lscoap_libcoap_server_poll(lscoap_libcoap_server *server) {
    uint64_t now_ms = lc_now(server);

    lc_answers_expire(&server->answers, now_ms);
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource != NULL && observer->unconfirmed && now_ms >= observer->con_ms) {
            observer->dirty = true;
        }
    }
    send_dirty(server);
}

/* The peer reset a confirmable notification, or never acknowledged it. */
static void observers_nack(lscoap_libcoap_server *server, const coap_session_t *peer,
                           const coap_pdu_t *sent) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource != NULL && observer->peer == peer &&
            same_token(observer->outer, sent)) {
            release(observer);
        }
    }
}

void lc_on_nack(coap_session_t *peer, const coap_pdu_t *sent, coap_nack_reason_t reason,
                coap_mid_t mid) {
    coap_resource_t *handshake;

    (void)mid;
    if (coap_session_get_type(peer) == COAP_SESSION_TYPE_CLIENT) {
        lc_client_nack(peer, reason);
        return;
    }
    handshake = coap_get_resource_from_uri_path(coap_session_get_context(peer),
                                                coap_make_str_const(LSCOAP_LIBCOAP_PATH));
    if (handshake != NULL && sent != NULL) {
        observers_nack(coap_resource_get_userdata(handshake), peer, sent);
    }
}
