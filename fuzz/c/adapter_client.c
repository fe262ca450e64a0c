/* The adapter's client: what arrives while it shakes hands, waits for answers and observes. The
 * server is the adapter's own; the input decides what is asked for and what becomes of each
 * datagram on its way back. */
#include "network.h"
#include "script.h"
#include "service.h"
#include "site.h"
#include "target.h"

#include <inttypes.h>
#include <string.h>

enum {
    CALLS_MAX = 8,
    CHANGES_MAX = 64, /* datagrams that the input has a say in */
    PAYLOAD_MAX = 3000,
    BODY_UNIT = 16,
    TIMEOUT_MS = 100 * 1000,
    PORT = 40000,
    HEADER_LEN = 4,
    TOKEN_MAX = 8,
    PATH_LEN = 32,
    LONG = 1024
};

/* A call's number, SERVICE_ECHO bytes of text. */
#define DIGITS "%04" PRIu32

static struct {
    struct script script;
    unsigned changes_left;
    lscoap_libcoap_client *client;
    coap_context_t *context;
    coap_session_t *peer;
    uint8_t request[NETWORK_DATAGRAM_MAX]; /* the last one of the client's */
    size_t request_len;
    uint8_t late[NETWORK_DATAGRAM_MAX]; /* what comes after the next one */
    size_t late_len;
    uint32_t calls;    /* how many so far: the number of the last one */
    unsigned posts;    /* how many calls of them were POSTs */
    int observation;   /* -1: none */
    uint32_t observed; /* the number of its call */
} world;

static uint8_t next(void) {
    uint8_t byte = 0;

    (void)script_byte(&world.script, &byte);
    return byte;
}

/* ---- the network ---- */

void network_client_sends(const uint8_t *bytes, size_t len) {
    MUST(len <= sizeof world.request);
    memcpy(world.request, bytes, len);
    world.request_len = len;
    network_to_server(PORT, bytes, len);
}

/* A datagram with the message id or the token of the client's last one, which only somebody on the
 * path can know. */
static void forge(uint8_t kind) {
    uint8_t datagram[NETWORK_DATAGRAM_MAX];
    size_t token_len = world.request_len >= HEADER_LEN ? world.request[0] & 15U : 0;
    const uint8_t *bytes;
    size_t len;

    if (world.request_len < HEADER_LEN + token_len || token_len > TOKEN_MAX) {
        return;
    }
    memcpy(datagram, world.request, HEADER_LEN + token_len);
    datagram[0] = (uint8_t)(0x40U | (kind & 3U) << 4);
    datagram[1] = next();
    if (datagram[1] == 0) { /* an empty message */
        token_len = 0;
    }
    datagram[0] |= (uint8_t)token_len;
    len = datagram[1] == 0 ? 0 : script_bytes(&world.script, 255, &bytes);
    if (len > 0) {
        memcpy(datagram + HEADER_LEN + token_len, bytes, len);
    }
    len += HEADER_LEN + token_len;
    if ((kind & 4U) != 0 && datagram[1] != 0) { /* long */
        memset(datagram + len, 'x', LONG);
        len += LONG;
    }
    network_to_client(datagram, len);
}

void network_server_sends(uint16_t port, const uint8_t *bytes, size_t len) {
    uint8_t changed[NETWORK_DATAGRAM_MAX];
    uint8_t what = 7;

    (void)port;
    MUST(len <= sizeof changed);
    if (world.changes_left > 0 && script_byte(&world.script, &what)) {
        world.changes_left--;
    }
    memcpy(changed, bytes, len);
    switch (what & 7U) {
    case 0: /* lost */
        break;
    case 1: /* late */
        memcpy(world.late, bytes, len);
        world.late_len = len;
        return;
    case 2:
        forge(what >> 3);
        break;
    case 3:
        forge(what >> 3);
        network_to_client(bytes, len);
        break;
    case 4:
        if (script_change(&world.script, changed, sizeof changed, &len)) {
            network_to_client(changed, len);
        }
        break;
    case 5: /* twice */
        network_to_client(bytes, len);
        network_to_client(bytes, len);
        break;
    default:
        network_to_client(bytes, len);
        break;
    }
    if (world.late_len > 0) {
        network_to_client(world.late, world.late_len);
        world.late_len = 0;
    }
}

bool network_idle(void) {
    service_run();
    return true;
}

/* ---- calls ---- */

/* The body of an answer or notification: what was sent for it, and what the server fills it with.
 */
static void check_body(const coap_pdu_t *inner, uint32_t call) {
    char digits[SERVICE_ECHO + 1];
    const uint8_t *body = NULL;
    size_t len = 0;

    if (COAP_RESPONSE_CLASS(coap_pdu_get_code(inner)) != 2) {
        return;
    }
    snprintf(digits, sizeof digits, DIGITS, call);
    MUST(coap_get_data(inner, &len, &body) && len >= SERVICE_ECHO);
    MUST(memcmp(body, digits, SERVICE_ECHO) == 0);
    for (size_t i = SERVICE_ECHO; i < len; i++) {
        MUST(body[i] == SERVICE_FILL);
    }
}

/* A request whose query, where it reads, or payload begins with the call's digits. */
static lscoap_libcoap_request make_request(uint8_t kind, uint32_t call, char path[PATH_LEN]) {
    static const uint8_t methods[] = {COAP_REQUEST_CODE_GET, COAP_REQUEST_CODE_POST,
                                      COAP_REQUEST_CODE_FETCH, COAP_REQUEST_CODE_PUT};
    lscoap_libcoap_request request = {.method = (coap_pdu_code_t)methods[kind & 3U],
                                      .path = path,
                                      .content_format = -1,
                                      .accept = -1};

    snprintf(path, PATH_LEN, "/" SERVICE_PATH);
    if (request.method == COAP_REQUEST_CODE_GET) {
        snprintf(path, PATH_LEN, "/" SERVICE_PATH "?" DIGITS, call);
    } else {
        static char payload[PAYLOAD_MAX];

        memset(payload, 'x', sizeof payload);
        snprintf(payload, sizeof payload, DIGITS, call);
        request.payload = (const uint8_t *)payload;
        request.payload_len = SERVICE_ECHO + next() % 128 * (size_t)BODY_UNIT;
    }
    return request;
}

static void do_request(uint8_t kind) {
    char path[PATH_LEN];
    const uint32_t call = ++world.calls;
    const lscoap_libcoap_request request = make_request(kind, call, path);
    lscoap_libcoap_answer answer;

    world.posts += request.method == COAP_REQUEST_CODE_POST;
    if (lscoap_libcoap_request_send(world.client, &request, TIMEOUT_MS, &answer) == LSCOAP_OK) {
        check_body(answer.inner, call);
    } else {
        MUST(answer.inner == NULL);
    }
    MUST(service.posts <= world.posts); /* no POST is executed twice */
}

/* `context`: the number of the call that began the observation. */
static void on_notification(void *context, const coap_pdu_t *inner, bool last) {
    const uint32_t *call = context;

    check_body(inner, *call);
    if (last && *call == world.observed) {
        world.observation = -1;
    }
}

static void observe(void) {
    static uint32_t numbers[CALLS_MAX + 1];
    char path[PATH_LEN];
    const uint32_t call = ++world.calls;
    const lscoap_libcoap_request request = make_request(0, call, path);
    lscoap_libcoap_answer answer;

    world.observed = call;
    numbers[call] = call;
    if (lscoap_libcoap_observe(world.client, &request, on_notification, &numbers[call], TIMEOUT_MS,
                               &answer, &world.observation) == LSCOAP_OK) {
        check_body(answer.inner, call);
    }
}

static void cancel(void) {
    char path[PATH_LEN];
    const lscoap_libcoap_request request = make_request(0, world.observed, path);
    lscoap_libcoap_answer answer;

    if (lscoap_libcoap_observe_cancel(world.client, world.observation, &request, TIMEOUT_MS,
                                      &answer) == LSCOAP_OK) {
        check_body(answer.inner, world.observed);
    }
    world.observation = -1;
}

/* Notifications arrive. */
static void wait_for_notifications(uint8_t runs) {
    service.body_len = SERVICE_ECHO + next() * (size_t)BODY_UNIT;
    lscoap_libcoap_notify(service.resource);
    for (int i = 0; i < 2 + runs % 8; i++) {
        MUST(coap_io_process(world.context, 1000) >= 0);
        lscoap_libcoap_server_poll(service.server);
    }
}

/* A new session has no observations. */
static void renewed(int status) {
    if (status == LSCOAP_OK) {
        world.observation = -1;
    }
}

static void happen(uint8_t what) {
    switch (what & 7U) {
    case 4:
        if (world.observation < 0) {
            observe();
        } else {
            cancel();
        }
        break;
    case 5:
        wait_for_notifications(what >> 3);
        break;
    case 6:
        renewed(lscoap_libcoap_resume(world.client, world.peer, TIMEOUT_MS));
        break;
    case 7:
        if (what == 0xFF) { /* seldom: curve arithmetic is slow */
            renewed(lscoap_libcoap_connect(world.client, world.peer, TIMEOUT_MS));
        }
        break;
    default:
        do_request(what);
        break;
    }
}

/* ---- life ---- */

static void begin(int32_t carrier) {
    const lscoap_libcoap_client_config config = {.platform = site_platform(),
                                                 .client = site_client_config(LSCOAP_SIGNED),
                                                 .carrier = carrier,
                                                 .write_session = site_write_nothing};
    coap_address_t address;
    size_t len;
    const uint8_t *blob = site_session_blob(&len);
    int status;

    world.context = coap_new_context(NULL);
    MUST(world.context != NULL);
    service_address(&address);
    world.peer = coap_new_client_session(world.context, NULL, &address, COAP_PROTO_UDP);
    MUST(world.peer != NULL);
    world.client = lscoap_libcoap_client_new(&config, &status);
    MUST(world.client != NULL);
    MUST(lscoap_libcoap_restore(world.client, world.peer, blob, len) == LSCOAP_OK);
    MUST(lscoap_libcoap_resume(world.client, world.peer, TIMEOUT_MS) == LSCOAP_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len) {
    uint8_t what;

    site_begin(input, len);
    memset(&world, 0, sizeof world);
    world.observation = -1;
    service_begin();
    begin(len > 0 && (input[len - 1] & 1U) != 0 ? LSCOAP_CARRIER_OSCORE : LSCOAP_CARRIER_PAYLOAD);
    world.script = (struct script){input, len};
    world.changes_left = CHANGES_MAX;
    for (int calls = 0; calls < CALLS_MAX && script_byte(&world.script, &what); calls++) {
        happen(what);
    }
    world.changes_left = 0;
    lscoap_libcoap_client_free(world.client);
    coap_session_release(world.peer);
    coap_free_context(world.context);
    service_end();
    return 0;
}
