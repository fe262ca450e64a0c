/* Observers of secured resources. libcoap has a table of its own, which is not used here (secured
 * resources are not observable to libcoap): libcoap 4.3.1 adds and removes entries before a handler
 * is called, so that a forged FETCH with the right token would end an observation, and one with
 * Block1 would begin one without ever opening. Here only what opened counts.
 *
 * Libcoap tells nobody of an acknowledged notification, only of a refused or lost confirmable one.
 * So that notifications do not queue up behind one to a peer that has gone, the next confirmable
 * one waits until the last has certainly been acknowledged or given up, or all of its blocks have
 * been fetched; those between are not confirmable, and the newest state is repeated in a
 * confirmable one in the end (RFC 7641 section 4.5). Of a Reset for one of those between it tells
 * nobody at all, but writes the message id into its log. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONFIRMABLE_MS = 93 * 1000, /* MAX_TRANSMIT_WAIT, RFC 7252 section 4.8.2 */
    STRAY_RESETS_MAX = 8,       /* in a period; after that somebody may be guessing */
    STRAY_MS = 60 * 1000
};

static void release(struct lc_observer *observer) {
    coap_session_release(observer->peer);
    coap_delete_pdu(observer->outer);
    free(observer->inner);
    lc_wipe(observer, sizeof *observer);
}

static bool same_token(const coap_pdu_t *a, const coap_pdu_t *b) {
    coap_bin_const_t left = coap_pdu_get_token(a);
    coap_bin_const_t right = coap_pdu_get_token(b);

    return left.length == right.length &&
           (left.length == 0 || memcmp(left.s, right.s, left.length) == 0);
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

static bool same_session(const struct lc_observer *a, const struct lc_observer *b) {
    return memcmp(a->fingerprint, b->fingerprint, sizeof a->fingerprint) == 0;
}

/* Where the options of a message that was kept begin: after header and token. */
static size_t options_at(const struct lc_observer *observer) {
    return LC_HEADER_LEN + coap_pdu_get_token(observer->outer).length;
}

/* By all but the token that makes a request the same (RFC 7641 section 3.1: its Cache-Key). */
static bool same_request(const struct lc_observer *a, const struct lc_observer *b) {
    size_t at = options_at(a);
    size_t other = options_at(b);

    return a->inner[1] == b->inner[1] && a->inner_len - at == b->inner_len - other &&
           memcmp(a->inner + at, b->inner + other, a->inner_len - at) == 0;
}

/* The same observation again: of one session, by its token or its request. */
static bool same_observation(const struct lc_observer *a, const struct lc_observer *b) {
    return same_session(a, b) &&
           ((a->peer == b->peer && same_token(a->outer, b->outer)) || same_request(a, b));
}

/* The place that a new observation takes, with what may be there; NULL: there is none. */
static struct lc_observer *place_for(const struct lc_observer *fresh) {
    lscoap_libcoap_server *server = fresh->resource->server;
    struct lc_observer *unused = NULL;
    struct lc_observer *oldest = NULL;
    size_t of_one = 0;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource != NULL && session_of(observer) == NULL) {
            release(observer);
        }
        if (observer->resource == NULL) {
            unused = observer;
        } else if (same_observation(observer, fresh)) {
            return observer;
        } else if (same_session(observer, fresh)) {
            of_one++;
            oldest = oldest == NULL || observer->number < oldest->number ? observer : oldest;
        }
    }
    return of_one < LSCOAP_LIBCOAP_OBSERVERS_OF_ONE && unused != NULL ? unused : oldest;
}

static bool copy_registration(struct lc_observer *observer, const struct lc_request *from) {
    static const struct lc_set without[] = {{COAP_OPTION_OBSERVE, LC_NO_OPTION}};
    uint8_t *message = from->server->message;
    coap_bin_const_t token = coap_pdu_get_token(from->outer);
    struct lc_body body = {0};
    size_t len;

    coap_get_data(from->inner, &body.len, &body.bytes);
    len = lc_write_message(from->inner, without, 1, &body, message, LC_MESSAGE_MAX);
    observer->outer = coap_pdu_duplicate(from->outer, from->peer, token.length, token.s, NULL);
    observer->inner = malloc(len);
    if (observer->outer == NULL || observer->inner == NULL || len == 0) {
        return false;
    }
    memcpy(observer->inner, message, len);
    observer->inner_len = len;
    return true;
}

bool lc_observers_prepare(const struct lc_request *registration, struct lc_observer *fresh) {
    *fresh = (struct lc_observer){.resource = registration->resource,
                                  .exchange = registration->exchange};
    memcpy(fresh->fingerprint, registration->fingerprint, sizeof fresh->fingerprint);
    fresh->peer = coap_session_reference(registration->peer);
    fresh->object_len = lc_object_start(registration, fresh->object);
    for (size_t i = 0; i < LC_MIDS; i++) {
        fresh->mids[i] = COAP_INVALID_MID;
    }
    if (!copy_registration(fresh, registration) || place_for(fresh) == NULL) {
        release(fresh);
        return false;
    }
    return true;
}

void lc_observers_enter(struct lc_observer *fresh) {
    lscoap_libcoap_server *server = fresh->resource->server;
    struct lc_observer *place;

    /* There may be two of the same: one by token, one by Cache-Key. */
    while ((place = place_for(fresh)) != NULL && place->resource != NULL) {
        release(place);
    }
    if (place == NULL) {
        release(fresh);
        return;
    }
    fresh->number = server->registrations++;
    *place = *fresh;
    server->is_watched = true;
    lc_wipe(fresh, sizeof *fresh);
}

void lc_observers_discard(struct lc_observer *fresh) {
    release(fresh);
}

void lc_observers_cancel(const struct lc_request *request) {
    struct lc_observer cancelled = {.exchange = request->exchange};

    memcpy(cancelled.fingerprint, request->fingerprint, sizeof cancelled.fingerprint);
    cancelled.peer = coap_session_reference(request->peer);
    if (copy_registration(&cancelled, request)) {
        for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
            struct lc_observer *observer = &request->server->observers[i];

            /* RFC 7641 goes by the token, but libcoap's client changes it when it sends Observe 1.
             */
            if (observer->resource != NULL && same_observation(observer, &cancelled)) {
                release(observer);
            }
        }
    }
    release(&cancelled);
}

void lc_observers_clear(lscoap_libcoap_server *server) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        if (server->observers[i].resource != NULL) {
            release(&server->observers[i]);
        }
    }
}

/* The registration again, as far as its answers are concerned; request->inner is the caller's to
 * delete. False: it is not to be answered. */
static bool read_registration(const struct lc_observer *observer, lscoap_session *session,
                              uint64_t now_ms, uint8_t target[LSCOAP_AAD_MAX],
                              struct lc_request *request) {
    *request = (struct lc_request){
        .server = observer->resource->server,
        .reached = observer->resource->outer,
        .peer = observer->peer,
        .outer = observer->outer,
        .now_ms = now_ms,
        .peer_hash = lc_hash_of_peer(coap_session_get_addr_remote(observer->peer)),
        .target = target,
        .session = session,
        .exchange = observer->exchange};
    if (session == NULL ||
        !lc_read_sealed(observer->outer, &request->options, target, &request->target_len) ||
        !lc_read_opened(request, observer->inner, observer->inner_len)) {
        return false;
    }
    request->options.etag.len = 0; /* whichever is the newest */
    return request->inner != NULL && request->resource != NULL;
}

/* The notification's PDU, sealed; *is_part: with the first block of the answer. NULL when lscoap or
 * memory fails. */
static coap_pdu_t *seal_notification(const struct lc_request *request, const coap_pdu_t *answer,
                                     struct lc_inner *inner, bool goes_on, bool confirmable,
                                     bool *is_part) {
    lscoap_libcoap_server *server = request->server;
    coap_bin_const_t token = coap_pdu_get_token(request->outer);
    coap_pdu_t *pdu;

    if (goes_on) {
        inner->observe = server->observe_value++ & 0xFFFFFF;
    }
    if (!lc_in_blocks(request, answer, false, inner, is_part)) {
        return NULL;
    }
    pdu = coap_new_pdu(confirmable ? COAP_MESSAGE_CON : COAP_MESSAGE_NON,
                       COAP_RESPONSE_CODE_CONTENT, request->peer);
    if (pdu == NULL || !coap_add_token(pdu, token.length, token.s) ||
        !lc_seal_answer(request, answer, inner, pdu)) {
        coap_delete_pdu(pdu);
        return NULL;
    }
    return pdu;
}

/* The blocks of the last notification have all been fetched. */
static bool has_arrived(const struct lc_request *request) {
    const struct lc_answer *before = lc_answers_newest(&request->server->answers, request);

    return (before != NULL && before->in_blocks && before->fetched) || lc_bodies_arrived(request);
}

/* False: the observation is over. */
static bool notify_one(struct lc_observer *observer, const struct lc_request *request) {
    lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_NOTIFIED,
                                  .peer = observer->peer,
                                  .session = request->session,
                                  .path = *coap_resource_get_uri_path(observer->resource->outer),
                                  .method = coap_pdu_get_code(request->inner)};
    bool confirmable = has_arrived(request) || request->now_ms >= observer->con_ms;
    struct lc_inner inner = LC_INNER_NONE;
    bool goes_on = false;
    bool is_part = false;
    coap_pdu_t *pdu = NULL;
    coap_pdu_t *answer;
    coap_mid_t mid;

    observer->dirty = false; /* a handler may notify() */
    answer = lc_serve(request);
    if (answer != NULL) {
        event.code = coap_pdu_get_code(answer);
        goes_on = COAP_RESPONSE_CLASS(event.code) == 2;
        pdu = seal_notification(request, answer, &inner, goes_on, confirmable, &is_part);
    }
    if (pdu == NULL || !is_part || !lc_bodies_keep(request, answer, &inner)) {
        coap_delete_pdu(answer);
    }
    mid = pdu == NULL ? COAP_INVALID_MID : coap_send(observer->peer, pdu);
    if (mid == COAP_INVALID_MID) {
        return false;
    }
    observer->mids[observer->next_mid] = mid;
    observer->next_mid = (observer->next_mid + 1) % LC_MIDS;
    observer->unconfirmed = !confirmable;
    if (confirmable) {
        observer->con_ms = request->now_ms + CONFIRMABLE_MS;
    }
    lc_tell(request->server, &event);
    return goes_on;
}

/* Whether it has something to be told, and can be. Ends what is over. */
static bool is_due(struct lc_observer *observer, uint64_t now_ms, uint8_t target[LSCOAP_AAD_MAX],
                   struct lc_request *request) {
    if (observer->resource == NULL || !observer->dirty) {
        return false;
    }
    if (!read_registration(observer, session_of(observer), now_ms, target, request)) {
        coap_delete_pdu(request->inner);
        release(observer);
        return false;
    }
    if (lc_answers_in_transit(&request->server->answers, request) ||
        lc_bodies_in_transit(request)) {
        coap_delete_pdu(request->inner);
        return false;
    }
    return true;
}

/* Brings some of those up to date that may be, in turn; true: there are more. A handler that
 * notifies from inside a notification finds `notifying` set: it leaves only the mark. */
static bool send_dirty(lscoap_libcoap_server *server) {
    uint64_t now_ms = lc_now(server);
    uint8_t target[LSCOAP_AAD_MAX];
    struct lc_request request;
    bool more = false;
    size_t sent = 0;

    if (server->notifying) {
        return false;
    }
    server->notifying = true;
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX && !more; i++) {
        size_t at = (server->next_observer + i) % LSCOAP_LIBCOAP_OBSERVERS_MAX;
        struct lc_observer *observer = &server->observers[at];

        if (!is_due(observer, now_ms, target, &request)) {
            continue;
        }
        if (sent == LSCOAP_LIBCOAP_NOTIFY_AT_ONCE) {
            server->next_observer = at;
            more = true;
        } else {
            sent++;
            if (!notify_one(observer, &request)) {
                release(observer);
            }
        }
        coap_delete_pdu(request.inner);
    }
    server->notifying = false;
    return more;
}

void lscoap_libcoap_notify(lscoap_libcoap_resource *resource) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &resource->server->observers[i];

        if (observer->resource == resource) {
            observer->dirty = true;
        }
    }
    (void)send_dirty(resource->server);
}

/* ---- who does not want them any more ---- */

static bool has_sent(const struct lc_observer *observer, coap_mid_t mid) {
    for (size_t i = 0; i < LC_MIDS; i++) {
        if (observer->mids[i] == mid) {
            return true;
        }
    }
    return false;
}

/* The log names 16 bits and no sender. Where too many of them met nothing, somebody may be
 * guessing, and a confirmable notification asks. */
static void end_reset(lscoap_libcoap_server *server, coap_mid_t mid) {
    bool met = false;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource == NULL || !has_sent(observer, mid)) {
            continue;
        }
        met = true;
        if (server->stray_resets < STRAY_RESETS_MAX) {
            release(observer);
        } else if (observer->unconfirmed) {
            observer->dirty = true;
            observer->con_ms = 0;
        }
    }
    if (!met && server->stray_resets < STRAY_RESETS_MAX) {
        server->stray_resets++;
    }
}

static void end_resets(lscoap_libcoap_server *server, uint64_t now_ms) {
    if (now_ms - server->stray_ms > STRAY_MS) {
        server->stray_ms = now_ms;
        server->stray_resets = 0;
    }
    for (size_t i = 0; i < server->n_resets; i++) {
        end_reset(server, server->resets[i]);
    }
    server->n_resets = 0;
}

void lscoap_libcoap_server_log(lscoap_libcoap_server *server, const char *line) {
    static const char reset[] = "got RST for mid=0x";
    const char *found = strstr(line, reset);

    if (found != NULL && server->n_resets < LC_RESETS) {
        server->resets[server->n_resets++] = (uint16_t)strtoul(found + sizeof reset - 1, NULL, 16);
    }
}

bool lc_observers_poll(lscoap_libcoap_server *server, uint64_t now_ms) {
    bool is_watched = false;

    end_resets(server, now_ms);
    if (!server->is_watched) { /* the looks below cost as much as all else between two requests */
        return false;
    }
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource == NULL) {
            continue;
        }
        is_watched = true;
        if (observer->unconfirmed && now_ms >= observer->con_ms) {
            observer->dirty = true;
        }
    }
    server->is_watched = is_watched;
    return send_dirty(server);
}

void lc_observers_nack(lscoap_libcoap_server *server, const coap_session_t *peer, coap_mid_t mid) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_OBSERVERS_MAX; i++) {
        struct lc_observer *observer = &server->observers[i];

        if (observer->resource != NULL && observer->peer == peer && has_sent(observer, mid)) {
            release(observer);
        }
    }
}
