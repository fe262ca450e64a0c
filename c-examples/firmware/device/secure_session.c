#include "secure_session.h"

static const char HANDSHAKE_PATH[] = "/.well-known/lscoap";

enum {
    HANDSHAKE_ATTEMPTS = 3,
    ALERT = 0x1F,
    ALERT_LEN = 2,
    ALERT_CODES = 5,
    OBJECT_MAX = SECURE_PLAINTEXT_MAX + LSCOAP_REQUEST_OVERHEAD
};

static int of_coap_result(enum coap_result result) {
    switch (result) {
    case COAP_ANSWERED:
        return LSCOAP_OK;
    case COAP_NO_ANSWER:
        return SECURE_ERR_NO_ANSWER;
    case COAP_RESET:
        return SECURE_ERR_RESET;
    case COAP_TOO_LONG:
        break;
    }
    return SECURE_ERR_TOO_LONG;
}

int secure_init(struct secure_session *session, struct coap_client *coap,
                const lscoap_platform *platform, const lscoap_client_config *config,
                secure_story story) {
    session->coap = coap;
    session->story = story;
    session->write = NULL;
    session->stored = false;
    return lscoap_client_init(&session->client, platform, config);
}

/* ---- storage ---- */

void secure_use_storage(struct secure_session *session, lscoap_write_blob write, void *context) {
    session->write = write;
    session->write_context = context;
}

static int store(struct secure_session *session) {
    const int status = lscoap_session_store(&session->session, SECURE_STORED_REQUESTS,
                                            session->write, session->write_context);

    session->stored = session->stored || status == LSCOAP_OK;
    return status;
}

int secure_restore(struct secure_session *session, const lscoap_platform *platform,
                   const uint8_t *blob, size_t blob_len) {
    const int status = lscoap_session_restore(&session->session, platform, blob, blob_len);

    session->stored = status == LSCOAP_OK;
    return status == LSCOAP_OK ? store(session) : status;
}

/* ---- handshake ---- */

/* One message and what it is answered with: the next message, which takes its place. */
struct step {
    struct secure_session *session;
    uint8_t message[LSCOAP_MESSAGE_MAX];
    size_t len;
    int status;
};

static void tell(const struct secure_session *session, bool sent, const uint8_t *message,
                 size_t len) {
    if (session->story != NULL) {
        session->story(sent, message, len);
    }
}

static bool accept_handshake(void *context, struct coap_message *response) {
    struct step *step = context;

    if (response->content_format != LSCOAP_CONTENT_FORMAT_HANDSHAKE || response->payload_len == 0) {
        step->status = SECURE_ERR_REFUSED;
        return true;
    }
    tell(step->session, false, response->payload, response->payload_len);
    step->status =
        lscoap_client_step(&step->session->client, response->payload, response->payload_len,
                           step->message, sizeof step->message, &step->len);
    return step->status != LSCOAP_ERR_MALFORMED && step->status != LSCOAP_ERR_UNEXPECTED &&
           step->status != LSCOAP_ERR_AUTHENTICATION;
}

static int shake_hands(struct secure_session *session) {
    struct step step = {.session = session};

    lscoap_client_restart(&session->client); /* of one that was broken off */
    step.status =
        lscoap_client_step(&session->client, NULL, 0, step.message, sizeof step.message, &step.len);
    while (step.status == LSCOAP_SEND) {
        struct coap_request request = {COAP_POST, HANDSHAKE_PATH, LSCOAP_CONTENT_FORMAT_HANDSHAKE,
                                       step.message, step.len};
        int result;

        tell(session, true, step.message, step.len);
        result = of_coap_result(coap_exchange(session->coap, &request, accept_handshake, &step));
        if (result != LSCOAP_OK) {
            /* What did come, if anything came, says more. */
            return step.status < 0 ? step.status : result;
        }
    }
    return step.status;
}

int secure_connect(struct secure_session *session) {
    int status = LSCOAP_ALERT_UNKNOWN_SESSION;

    /* The server forgets a handshake after 30 s, which is less than what retransmissions may take.
     */
    for (int i = 0; i < HANDSHAKE_ATTEMPTS && status == LSCOAP_ALERT_UNKNOWN_SESSION; i++) {
        status = shake_hands(session);
    }
    if (status != LSCOAP_READY) {
        return status;
    }
    session->stored = false; /* before the server has shown that it has this session too */
    return lscoap_client_finish(&session->client, &session->session);
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
    /* LSCOAP_ALERT_UNKNOWN_DEVICE, of code 1, is the first of five that count down. */
    return LSCOAP_ALERT_UNKNOWN_DEVICE - (alert[1] - 1);
}

static bool accept_sealed(void *context, struct coap_message *response) {
    struct sealed *sealed = context;
    struct coap_message *answer = sealed->answer;
    size_t len;

    if (response->content_format != LSCOAP_CONTENT_FORMAT_SEALED) {
        sealed->status = clear_status(response);
        return true;
    }
    sealed->status =
        lscoap_open_response(&sealed->session->session, &sealed->exchange, response->payload,
                             response->payload_len, response->payload, response->payload_len, &len);
    if (sealed->status != LSCOAP_OK) {
        return false;
    }
    if (sealed->session->write != NULL && !sealed->session->stored) {
        (void)store(sealed->session); /* where it fails, it is tried again after the next answer */
    }
    if (!coap_parse_plaintext(response->payload, len, answer) || answer->code < COAP_CODE(2, 0) ||
        answer->critical) {
        sealed->status = LSCOAP_ERR_MALFORMED;
    }
    return true;
}

/* Code, options and payload, sealed for the path. */
static int seal_once(struct sealed *sealed, const struct coap_request *request,
                     uint8_t object[OBJECT_MAX], size_t *len) {
    uint8_t aad[LSCOAP_AAD_MAX];
    struct coap_writer outer = {.bytes = aad, .capacity = sizeof aad};
    struct coap_writer inner = {.bytes = object, .capacity = SECURE_PLAINTEXT_MAX};

    coap_write_path(&outer, request->path);
    coap_write_code(&inner, request->code);
    if (request->content_format != COAP_NO_FORMAT) {
        coap_write_uint_option(&inner, COAP_OPTION_CONTENT_FORMAT,
                               (uint32_t)request->content_format);
    }
    coap_write_payload(&inner, request->payload, request->payload_len);
    if (outer.overflow || inner.overflow) {
        return SECURE_ERR_TOO_LONG;
    }
    return lscoap_seal_request(&sealed->session->session, aad, outer.len, object, inner.len, object,
                               OBJECT_MAX, len, &sealed->exchange);
}

static int seal(struct sealed *sealed, const struct coap_request *request,
                uint8_t object[OBJECT_MAX], size_t *len) {
    int status = seal_once(sealed, request, object, len);

    if (status == LSCOAP_ERR_UNSTORED && sealed->session->write != NULL) {
        status = store(sealed->session);
        if (status == LSCOAP_OK) {
            status = seal_once(sealed, request, object, len);
        }
    }
    return status;
}

int secure_request(struct secure_session *session, const struct coap_request *request,
                   struct coap_message *answer) {
    struct sealed sealed = {.session = session, .answer = answer};
    uint8_t object[OBJECT_MAX];
    struct coap_request outer = {request->code == COAP_GET ? COAP_FETCH : COAP_POST, request->path,
                                 LSCOAP_CONTENT_FORMAT_SEALED, object, 0};
    int status = seal(&sealed, request, object, &outer.payload_len);

    if (status != LSCOAP_OK) {
        return status;
    }
    status = of_coap_result(coap_exchange(session->coap, &outer, accept_sealed, &sealed));
    return status == LSCOAP_OK || sealed.status != LSCOAP_OK ? sealed.status : status;
}

const char *secure_result_string(int result) {
    switch (result) {
    case SECURE_ERR_NO_ANSWER:
        return "no answer";
    case SECURE_ERR_RESET:
        return "the server refused the message";
    case SECURE_ERR_REFUSED:
        return "the answer is not sealed";
    case SECURE_ERR_TOO_LONG:
        return "the request does not fit";
    default:
        return lscoap_status_string((lscoap_status)result);
    }
}
