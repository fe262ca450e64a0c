#include "secure_session.h"

static const char HANDSHAKE_PATH[] = "/.well-known/lscoap";

enum {
    M3 = 0x13, /* the first byte of that message */
    ALERT = 0x1F,
    ALERT_LEN = 2,
    ALERT_CODES = 5,
    OBJECT_MAX = SECURE_PLAINTEXT_MAX + LSCOAP_REQUEST_OVERHEAD
};

static int of_coap_result(enum coap_result result) {
    switch (result) {
    case COAP_ANSWERED:
        return LSCOAP_OK;
    case COAP_REFUSED:
        return SECURE_ERR_REFUSED;
    case COAP_NO_ANSWER:
        return SECURE_ERR_NO_ANSWER;
    case COAP_RESET:
        return SECURE_ERR_RESET;
    case COAP_ANSWER_TOO_LONG:
        return SECURE_ERR_ANSWER_TOO_LONG;
    case COAP_BAD_PATH:
        return SECURE_ERR_PATH;
    case COAP_NO_RANDOM:
        return LSCOAP_ERR_RANDOM;
    case COAP_TOO_LONG:
        break;
    }
    return SECURE_ERR_TOO_LONG;
}

static bool is_lost(int status) {
    return status == LSCOAP_ALERT_UNKNOWN_SESSION || status == LSCOAP_ALERT_AUTHENTICATION;
}

/* LSCOAP_ALERT_UNKNOWN_DEVICE, of code 1, is the first of five that count down. */
static int status_of_alert(uint8_t code) {
    return LSCOAP_ALERT_UNKNOWN_DEVICE - (code - 1);
}

static bool is_refusal(int status) {
    return status == SECURE_ERR_REFUSED ||
           (status <= status_of_alert(1) && status >= status_of_alert(ALERT_CODES));
}

/* What an exchange has come to. Where nothing was taken, `seen` says more than silence if it is why
 * what did come did not verify. */
static int outcome(enum coap_result result, int seen) {
    const bool silent = result == COAP_NO_ANSWER || result == COAP_RESET;

    return result == COAP_ANSWERED || result == COAP_REFUSED ||
                   (silent && seen < 0 && !is_refusal(seen))
               ? seen
               : of_coap_result(result);
}

int secure_init(struct secure_session *session, struct coap_client *coap,
                const lscoap_platform *platform, const lscoap_client_config *config,
                secure_story story) {
    session->coap = coap;
    session->story = story;
#if SECURE_RESUME
    session->write = NULL;
#endif
    return lscoap_client_init(&session->client, platform, config);
}

static struct secure_one *current(struct secure_session *session) {
    return &session->sessions[session->in_use];
}

const lscoap_session *secure_current(const struct secure_session *session) {
    return &session->sessions[session->in_use].session;
}

static void wipe(struct secure_one *one) {
    lscoap_session_wipe(&one->session);
    one->proven = one->stored = false;
}

void secure_wipe(struct secure_session *session) {
    wipe(&session->sessions[0]);
    wipe(&session->sessions[1]);
    lscoap_client_wipe(&session->client);
}

/* ---- storage ---- */

#if SECURE_RESUME
void secure_use_storage(struct secure_session *session, lscoap_write_blob write, void *context) {
    session->write = write;
    session->write_context = context;
}

static int store(struct secure_session *session) {
    struct secure_one *one = current(session);
    const int status = lscoap_session_store(&one->session, SECURE_STORED_REQUESTS, session->write,
                                            session->write_context);

    one->stored = one->stored || status == LSCOAP_OK;
    return status;
}

int secure_restore(struct secure_session *session, const lscoap_platform *platform,
                   const uint8_t *blob, size_t blob_len) {
    struct secure_one *one = current(session);
    const int status = lscoap_session_restore(&one->session, platform, blob, blob_len);

    one->proven = one->stored = status == LSCOAP_OK;
    return status == LSCOAP_OK ? store(session) : status;
}

static bool has_storage(const struct secure_session *session) {
    return session->write != NULL;
}
#else
static int store(struct secure_session *session) {
    (void)session;
    return LSCOAP_ERR_STORAGE;
}

static bool has_storage(const struct secure_session *session) {
    (void)session;
    return false;
}
#endif

/* ---- handshake ---- */

/* One message and what it is answered with: the next message, which takes its place. */
struct step {
    struct secure_session *session;
    uint8_t message[LSCOAP_MESSAGE_MAX];
    size_t len;
    bool is_m3;
    int status;
};

static void tell(const struct secure_session *session, bool sent, const uint8_t *message,
                 size_t len) {
    if (session->story != NULL) {
        session->story(sent, message, len);
    }
}

static enum coap_verdict accept_handshake(void *context, struct coap_message *response) {
    struct step *step = context;
    const int before = step->status;

    if (response->content_format != LSCOAP_CONTENT_FORMAT_HANDSHAKE || response->payload_len == 0) {
        step->status = SECURE_ERR_REFUSED;
        return COAP_HINT;
    }
    tell(step->session, false, response->payload, response->payload_len);
    step->status =
        lscoap_client_step(&step->session->client, response->payload, response->payload_len,
                           step->message, sizeof step->message, &step->len);
    if (is_refusal(step->status)) {
        if (step->is_m3 && is_lost(step->status) && is_lost(before)) {
            /* A server that refuses a signature answers the second M3 with "unknown session". */
            step->status = before;
        }
        return COAP_HINT;
    }
    return step->status == LSCOAP_ERR_MALFORMED || step->status == LSCOAP_ERR_UNEXPECTED ||
                   step->status == LSCOAP_ERR_AUTHENTICATION
               ? COAP_DROPPED
               : COAP_TAKEN;
}

/* From the first message, M1, X1 or R1, to the end: LSCOAP_READY, or why not. `*again`: the server
 * has forgotten the handshake or given its id to somebody else, so that it is worth beginning anew.
 */
static int shake_hands(struct secure_session *session, bool *again) {
    struct step step = {.session = session};

    step.status =
        lscoap_client_step(&session->client, NULL, 0, step.message, sizeof step.message, &step.len);
    while (step.status == LSCOAP_SEND) {
        const struct coap_request request = {.code = COAP_POST,
                                             .path = HANDSHAKE_PATH,
                                             .content_format = LSCOAP_CONTENT_FORMAT_HANDSHAKE,
                                             .payload = step.message,
                                             .payload_len = step.len};
        enum coap_result result;

        step.is_m3 = step.message[0] == M3;
        tell(session, true, step.message, step.len);
        result = coap_exchange(session->coap, &request, accept_handshake, &step);
        if (result != COAP_ANSWERED) {
            step.status = outcome(result, step.status);
            *again = result == COAP_REFUSED && step.is_m3 && is_lost(step.status);
        }
    }
    return step.status;
}

/* LSCOAP_READY, or why the session could not be resumed. */
static int resume(struct secure_session *session, const lscoap_session *old, bool *again) {
#if SECURE_RESUME
    const int status = lscoap_client_resume(&session->client, old);

    return status == LSCOAP_OK ? shake_hands(session, again) : SECURE_ERR_REFUSED;
#else
    (void)session;
    (void)old;
    (void)again;
    return SECURE_ERR_REFUSED;
#endif
}

static int handshake(struct secure_session *session) {
    int status = SECURE_ERR_REFUSED;
    bool again = true;

    /* The server forgets a handshake after 30 s, which is less than what retransmissions may take.
     */
    for (int i = 0; i < SECURE_ROUNDS && again; i++) {
        again = false;
        lscoap_client_restart(&session->client); /* of one that was broken off */
        status = shake_hands(session, &again);
    }
    return status;
}

/* A new session comes into use beside the one that an answer has opened in, or the one in use if
 * there is none. Where this fails, that one is tried again. */
static int begin_anew(struct secure_session *session, bool may_resume) {
    const unsigned other = session->in_use ^ 1U;
    const unsigned old =
        session->sessions[other].proven && !current(session)->proven ? other : session->in_use;
    bool again = false;
    int status =
        may_resume ? resume(session, &session->sessions[old].session, &again) : SECURE_ERR_REFUSED;

    if (is_refusal(status)) {
        status = handshake(session);
    }
    if (status == LSCOAP_READY) {
        session->in_use = old ^ 1U;
        wipe(current(session));
        return lscoap_client_finish(&session->client, &current(session)->session);
    }
    session->in_use = old;
    return status;
}

int secure_connect(struct secure_session *session) {
    return begin_anew(session, false);
}

/* ---- requests ---- */

struct sealed {
    struct secure_session *session;
    lscoap_exchange exchange;
    struct coap_message *answer;
    int status;
};

/* What is not sealed is an alert, or is nothing; it is never data. */
static int clear_status(const struct coap_message *response) {
    const uint8_t *alert = response->payload;

    if (response->content_format != LSCOAP_CONTENT_FORMAT_HANDSHAKE ||
        response->payload_len != ALERT_LEN || alert[0] != ALERT || alert[1] < 1 ||
        alert[1] > ALERT_CODES) {
        return SECURE_ERR_REFUSED;
    }
    return status_of_alert(alert[1]);
}

/* The server has shown that it has this session. */
static void prove(struct secure_session *session) {
    struct secure_one *one = current(session);

    if (!one->proven) {
        one->proven = true;
        wipe(&session->sessions[session->in_use ^ 1U]);
    }
    if (has_storage(session) && !one->stored) {
        (void)store(session); /* where it fails, it is tried again after the next answer */
    }
}

static enum coap_verdict accept_sealed(void *context, struct coap_message *response) {
    struct sealed *sealed = context;
    struct coap_message *answer = sealed->answer;
    lscoap_io io = {.input = response->payload,
                    .input_len = response->payload_len,
                    .out = response->payload,
                    .out_cap = response->payload_len};

    if (response->content_format != LSCOAP_CONTENT_FORMAT_SEALED) {
        sealed->status = clear_status(response);
        return COAP_HINT;
    }
    sealed->status =
        lscoap_open_response(&current(sealed->session)->session, &io, &sealed->exchange);
    if (sealed->status != LSCOAP_OK) {
        return COAP_DROPPED;
    }
    prove(sealed->session);
    if (!coap_parse_plaintext(response->payload, io.out_len, answer) ||
        answer->code < COAP_CODE(2, 0) || answer->critical) {
        sealed->status = LSCOAP_ERR_MALFORMED;
    } else if (answer->in_blocks) {
        sealed->status = SECURE_ERR_ANSWER_TOO_LONG;
    }
    return COAP_TAKEN;
}

/* Code, options and payload, sealed for the path. */
static int seal_once(struct sealed *sealed, const struct coap_request *request,
                     uint8_t object[OBJECT_MAX], size_t *len) {
    uint8_t aad[LSCOAP_AAD_MAX];
    struct coap_writer outer = {.bytes = aad, .capacity = sizeof aad};
    struct coap_writer inner = {.bytes = object, .capacity = SECURE_PLAINTEXT_MAX};

    if (!coap_write_path(&outer, request->path) || !coap_write_query(&outer, request->path)) {
        return SECURE_ERR_PATH;
    }
    coap_write_code(&inner, request->code);
    if (request->content_format != COAP_NO_FORMAT) {
        coap_write_uint_option(&inner, COAP_OPTION_CONTENT_FORMAT,
                               (uint32_t)request->content_format);
    }
    coap_write_payload(&inner, request->payload, request->payload_len);
    if (outer.overflow || inner.overflow) {
        return SECURE_ERR_TOO_LONG;
    }
    lscoap_io io = {.input = object,
                    .input_len = inner.len,
                    .out = object,
                    .out_cap = OBJECT_MAX,
                    .aad = aad,
                    .aad_len = outer.len};
    const int status =
        lscoap_seal_request(&current(sealed->session)->session, &io, &sealed->exchange);

    *len = io.out_len;
    return status;
}

static int seal(struct sealed *sealed, const struct coap_request *request,
                uint8_t object[OBJECT_MAX], size_t *len) {
    int status = seal_once(sealed, request, object, len);

    if (status == LSCOAP_ERR_UNSTORED && has_storage(sealed->session)) {
        status = store(sealed->session);
        if (status == LSCOAP_OK) {
            status = seal_once(sealed, request, object, len);
        }
    }
    return status;
}

/* In the session in use. `*lost`: the server does not know it, or so it said twice. */
static int request_once(struct secure_session *session, const struct coap_request *request,
                        struct coap_message *answer, bool *lost) {
    struct sealed sealed = {.session = session, .answer = answer};
    uint8_t object[OBJECT_MAX];
    struct coap_request outer = *request;
    enum coap_result result;
    int status = seal(&sealed, request, object, &outer.payload_len);

    *lost = false;
    if (status != LSCOAP_OK) {
        return status;
    }
    outer.code = request->code == COAP_GET || request->code == COAP_FETCH ? COAP_FETCH : COAP_POST;
    outer.content_format = LSCOAP_CONTENT_FORMAT_SEALED;
    outer.payload = object;
    result = coap_exchange(session->coap, &outer, accept_sealed, &sealed);
    *lost = result == COAP_REFUSED && is_lost(sealed.status);
    return outcome(result, sealed.status);
}

int secure_request(struct secure_session *session, const struct coap_request *request,
                   struct coap_message *answer) {
    const bool may_repeat =
        request->at_least_once || (request->code != COAP_POST && request->code != COAP_PATCH);
    bool lost;
    int status = request_once(session, request, answer, &lost);

    for (int round = 1; round < SECURE_ROUNDS; round++) {
        const bool was_sent = status != LSCOAP_ERR_EXHAUSTED;
        int begun;

        if (was_sent && !lost) {
            break;
        }
        begun = begin_anew(session, true);
        if (begun != LSCOAP_OK) {
            return begun;
        }
        if (was_sent && !may_repeat) {
            return SECURE_ERR_UNCERTAIN;
        }
        status = request_once(session, request, answer, &lost);
    }
    return status;
}

const char *secure_result_string(int result) {
    switch (result) {
    case SECURE_ERR_NO_ANSWER:
        return "no answer";
    case SECURE_ERR_RESET:
        return "no answer, but the server refused the message";
    case SECURE_ERR_REFUSED:
        return "the answer is not sealed";
    case SECURE_ERR_TOO_LONG:
        return "the request does not fit";
    case SECURE_ERR_UNCERTAIN:
        return "the session was lost: the request may have been executed or not";
    case SECURE_ERR_ANSWER_TOO_LONG:
        return "the answer does not fit";
    case SECURE_ERR_PATH:
        return "not a path";
    default:
        return lscoap_status_string((lscoap_status)result);
    }
}
