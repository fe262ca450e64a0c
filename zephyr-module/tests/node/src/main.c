/* Handshakes and sealed requests inside one node, over UDP on the loopback interface. */
#include "service.h"

#include <lscoap/coap_client.h>
#include <lscoap/coap_service.h>
#include <lscoap/identity.h>
#include <lscoap/platform.h>

#include <string.h>
#include <zephyr/net/coap.h>
#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/ztest.h>

enum { ANSWER_MS = 20000, SILENCE_MS = 200 };

#if defined(CONFIG_NET_IPV6)
#define LOOPBACK "::1"
#else
#define LOOPBACK "127.0.0.1"
#endif

static struct lscoap_coap_client client;
static struct lscoap_coap_address server;

static void *set_up(void) {
    zassert_true(lscoap_coap_parse_address(LOOPBACK, SERVICE_PORT, &server));
    service_start();
    return NULL;
}

static void tear_down(void *fixture) {
    ARG_UNUSED(fixture);
    lscoap_coap_client_close(&client);
}

ZTEST_SUITE(lscoap_node, NULL, set_up, NULL, tear_down, NULL);

static int connect_as(const struct lscoap_identity *identity, int32_t profile) {
    lscoap_client_config config = lscoap_identity_config(identity, profile);

    zassert_equal(lscoap_coap_client_init(&client, &config, LSCOAP_CARRIER_PAYLOAD), LSCOAP_OK);
    return lscoap_coap_client_connect(&client, &server.any, server.len);
}

static void connect_device(int32_t profile) {
    struct lscoap_identity identity;

    zassert_ok(lscoap_identity_load(&identity));
    zassert_equal(connect_as(&identity, profile), LSCOAP_OK);
}

static void expect(uint8_t method, const char *path, const char *payload, uint8_t code,
                   const char *expected) {
    uint8_t bytes[64];
    struct lscoap_coap_body body = {.bytes = bytes, .room = sizeof bytes};
    const lscoap_request request = {.code = method,
                                    .path = path,
                                    .payload = (const uint8_t *)payload,
                                    .payload_len = payload == NULL ? 0 : strlen(payload),
                                    .take = lscoap_coap_body_take,
                                    .context = &body};
    int result = lscoap_coap_client_request(&client, &request);

    zassert_equal(result, LSCOAP_OK, "%s", lscoap_coap_client_strerror(result));
    zassert_equal(lscoap_coap_client_code(&client), code, "%s: %02x", path,
                  lscoap_coap_client_code(&client));
    zassert_equal(body.len, strlen(expected));
    zassert_mem_equal(bytes, expected, body.len);
}

static void talk(int32_t profile, const char *state) {
    connect_device(profile);
    expect(COAP_METHOD_PUT, "/room/light", state, COAP_RESPONSE_CODE_CHANGED, "");
    expect(COAP_METHOD_GET, "/room/light", NULL, COAP_RESPONSE_CODE_CONTENT, state);
    expect(COAP_METHOD_DELETE, "/room/light", NULL, COAP_RESPONSE_CODE_NOT_ALLOWED, "");
    expect(COAP_METHOD_PUT, "/room/light", "far too long a state", COAP_RESPONSE_CODE_BAD_REQUEST,
           "");
}

ZTEST(lscoap_node, test_signed) {
    talk(LSCOAP_SIGNED, "on");
}

ZTEST(lscoap_node, test_express) {
    talk(LSCOAP_EXPRESS, "off");
}

/* A node that starts again goes on in the session that it stored. */
ZTEST(lscoap_node, test_stored_session) {
    uint8_t before[LSCOAP_FINGERPRINT_LEN], after[LSCOAP_FINGERPRINT_LEN];
    struct lscoap_identity identity;
    lscoap_client_config config;

    connect_device(LSCOAP_SIGNED);
    expect(COAP_METHOD_PUT, "/room/light", "kept", COAP_RESPONSE_CODE_CHANGED, "");
    zassert_equal(lscoap_session_fingerprint(lscoap_coap_client_session(&client), before),
                  LSCOAP_OK);
    lscoap_coap_client_close(&client);

    zassert_ok(lscoap_identity_load(&identity));
    config = lscoap_identity_config(&identity, LSCOAP_SIGNED);
    zassert_equal(lscoap_coap_client_init(&client, &config, LSCOAP_CARRIER_PAYLOAD), LSCOAP_OK);
    zassert_equal(lscoap_coap_client_restore(&client), LSCOAP_OK);
    zassert_equal(lscoap_coap_client_connect(&client, &server.any, server.len), LSCOAP_OK);
    expect(COAP_METHOD_GET, "/room/light", NULL, COAP_RESPONSE_CODE_CONTENT, "kept");
    zassert_equal(lscoap_session_fingerprint(lscoap_coap_client_session(&client), after),
                  LSCOAP_OK);
    zassert_mem_equal(before, after, sizeof before);
}

/* What is longer than a block of the client's comes in several. */
ZTEST(lscoap_node, test_blocks) {
    uint8_t bytes[SERVICE_LONG_LEN];
    struct lscoap_coap_body body = {.bytes = bytes, .room = sizeof bytes};
    const lscoap_request request = {
        .code = COAP_METHOD_GET, .path = "/long", .take = lscoap_coap_body_take, .context = &body};

    connect_device(LSCOAP_EXPRESS);
    zassert_equal(lscoap_coap_client_request(&client, &request), LSCOAP_OK);
    zassert_equal(body.len, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        zassert_equal(bytes[i], (uint8_t)i);
    }
}

ZTEST(lscoap_node, test_stranger) {
    struct lscoap_identity identity;

    zassert_ok(lscoap_identity_load(&identity));
    identity.device_id[0] = 'X';
    zassert_equal(connect_as(&identity, LSCOAP_SIGNED), LSCOAP_ALERT_UNKNOWN_DEVICE);
}

/* The server ends the session; the client makes another one by itself. */
ZTEST(lscoap_node, test_forgotten) {
    struct lscoap_identity identity;

    connect_device(LSCOAP_EXPRESS);
    expect(COAP_METHOD_PUT, "/room/light", "a", COAP_RESPONSE_CODE_CHANGED, "");
    zassert_ok(lscoap_identity_load(&identity));
    zassert_equal(lscoap_coap_forget(identity.device_id, identity.device_id_len), LSCOAP_OK);
    expect(COAP_METHOD_GET, "/room/light", NULL, COAP_RESPONSE_CODE_CONTENT, "a");
}

ZTEST(lscoap_node, test_nothing_leaks) {
    connect_device(LSCOAP_SIGNED);
    expect(COAP_METHOD_GET, "/leak", NULL, COAP_RESPONSE_CODE_NOT_ALLOWED, "");
    zassert_true(service_plain_send_result() < 0);
}

/* ---- by hand, over a socket */

static size_t exchange_bytes(int sock, const uint8_t *bytes, size_t len, uint8_t *answer,
                             size_t room) {
    struct zsock_pollfd poll = {.fd = sock, .events = ZSOCK_POLLIN};
    ssize_t got;

    zassert_equal(zsock_send(sock, bytes, len, 0), (ssize_t)len);
    zassert_equal(zsock_poll(&poll, 1, ANSWER_MS), 1);
    got = zsock_recv(sock, answer, room, 0);
    zassert_true(got > 0);
    return (size_t)got;
}

/* A confirmable request to /room/light. */
static size_t make_request(uint8_t *bytes, size_t room, uint8_t method, int format,
                           const uint8_t *payload, size_t len) {
    static const uint8_t token[] = {1, 2};
    static uint16_t id = 100;
    struct coap_packet request;

    zassert_ok(coap_packet_init(&request, bytes, (uint16_t)room, COAP_VERSION_1, COAP_TYPE_CON,
                                sizeof token, token, method, id++));
    zassert_ok(
        coap_packet_append_option(&request, COAP_OPTION_URI_PATH, (const uint8_t *)"room", 4));
    zassert_ok(
        coap_packet_append_option(&request, COAP_OPTION_URI_PATH, (const uint8_t *)"light", 5));
    if (format >= 0) {
        zassert_ok(coap_append_option_int(&request, COAP_OPTION_CONTENT_FORMAT, format));
    }
    if (len > 0) {
        zassert_ok(coap_packet_append_payload_marker(&request));
        zassert_ok(coap_packet_append_payload(&request, payload, (uint16_t)len));
    }
    return request.offset;
}

static int open_socket(void) {
    int sock = zsock_socket(server.any.sa_family, SOCK_DGRAM, IPPROTO_UDP);

    zassert_true(sock >= 0);
    zassert_ok(zsock_connect(sock, &server.any, server.len));
    return sock;
}

/* A request that comes again gets the answer that it had, and is not carried out again. */
ZTEST(lscoap_node, test_repeated_request) {
    static const uint8_t aad[] = {0xB4, 'r', 'o', 'o', 'm', 0x05, 'l', 'i', 'g', 'h', 't'};
    static const uint8_t put[] = {COAP_METHOD_PUT, 0xFF, 'r', 'e', 'd'};
    uint8_t object[sizeof put + LSCOAP_REQUEST_OVERHEAD], bytes[128], first[128], second[128];
    lscoap_session *session;
    lscoap_exchange exchange;
    lscoap_io io = {.input = put,
                    .input_len = sizeof put,
                    .out = object,
                    .out_cap = sizeof object,
                    .aad = aad,
                    .aad_len = sizeof aad};
    size_t len, first_len;
    uint32_t before = service_puts();
    int sock = open_socket();

    connect_device(LSCOAP_SIGNED);
    session = (lscoap_session *)lscoap_coap_client_session(&client);
    zassert_equal(lscoap_seal_request(session, &io, &exchange), LSCOAP_OK);
    len = make_request(bytes, sizeof bytes, COAP_METHOD_POST, LSCOAP_CONTENT_FORMAT_SEALED, object,
                       io.out_len);
    first_len = exchange_bytes(sock, bytes, len, first, sizeof first);
    zassert_equal(exchange_bytes(sock, bytes, len, second, sizeof second), first_len);
    zassert_mem_equal(first, second, first_len);
    zassert_equal(service_puts(), before + 1);

    /* In another message, too: its id differs, what is sealed does not. */
    bytes[3] ^= 0xFF;
    zassert_equal(exchange_bytes(sock, bytes, len, second, sizeof second), first_len);
    zassert_mem_equal(first + 4, second + 4, first_len - 4);
    zassert_equal(service_puts(), before + 1);
    (void)zsock_close(sock);
}

/* An alert is never answered, whatever its length. */
ZTEST(lscoap_node, test_alerts) {
    static const uint8_t token[] = {1, 2};
    uint8_t bytes[256], alert[200] = {0x1F, 5};
    int sock = open_socket();
    struct zsock_pollfd poll = {.fd = sock, .events = ZSOCK_POLLIN};

    for (size_t len = 1; len <= sizeof alert; len += len < 4 ? 1 : 49) {
        struct coap_packet request;

        zassert_ok(coap_packet_init(&request, bytes, sizeof bytes, COAP_VERSION_1, COAP_TYPE_CON,
                                    sizeof token, token, COAP_METHOD_POST, coap_next_id()));
        zassert_ok(coap_packet_set_path(&request, ".well-known/lscoap"));
        zassert_ok(coap_append_option_int(&request, COAP_OPTION_CONTENT_FORMAT,
                                          LSCOAP_CONTENT_FORMAT_HANDSHAKE));
        zassert_ok(coap_packet_append_payload_marker(&request));
        zassert_ok(coap_packet_append_payload(&request, alert, (uint16_t)len));
        zassert_equal(zsock_send(sock, bytes, request.offset, 0), (ssize_t)request.offset);
        zassert_equal(zsock_poll(&poll, 1, SILENCE_MS), 0, "%zu bytes", len);
    }
    (void)zsock_close(sock);
}

ZTEST(lscoap_node, test_in_the_clear) {
    static const uint8_t nonsense[] = {0x08, 0x01, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    uint8_t bytes[128], answer[128];
    uint32_t before = service_puts();
    int sock = open_socket();
    size_t len = make_request(bytes, sizeof bytes, COAP_METHOD_POST, -1, (const uint8_t *)"on", 2);

    (void)exchange_bytes(sock, bytes, len, answer, sizeof answer);
    zassert_equal(answer[1], COAP_RESPONSE_CODE_UNAUTHORIZED);
    len = make_request(bytes, sizeof bytes, COAP_METHOD_GET, -1, NULL, 0);
    (void)exchange_bytes(sock, bytes, len, answer, sizeof answer);
    zassert_equal(answer[1], COAP_RESPONSE_CODE_NOT_ALLOWED);
    for (size_t cut = 0; cut <= sizeof nonsense; cut++) {
        len = make_request(bytes, sizeof bytes, COAP_METHOD_POST, LSCOAP_CONTENT_FORMAT_SEALED,
                           nonsense, cut);
        (void)exchange_bytes(sock, bytes, len, answer, sizeof answer);
        zassert_equal(answer[1] >> 5, 4, "%02x", answer[1]);
    }
    zassert_equal(service_puts(), before);
    (void)zsock_close(sock);
}

/* ---- the shell */

static const char *say(const char *command, int *result) {
    const struct shell *sh = shell_backend_dummy_get_ptr();
    size_t len;

    WAIT_FOR(shell_ready(sh), 20000, k_msleep(1));
    shell_backend_dummy_clear_output(sh);
    *result = shell_execute_cmd(sh, command);
    return shell_backend_dummy_get_output(sh, &len);
}

ZTEST(lscoap_node, test_shell) {
    const char *printed;
    int result;

    zassert_not_null(strstr(say("lscoap info", &result), "device id: sensor-7"));
    zassert_not_null(strstr(say("lscoap enrol", &result), "LSC2:"));
    zassert_not_null(
        strstr(say("lscoap handshake " LOOPBACK " 5683", &result), "server authenticated"));
    zassert_ok(result);
    printed = say("lscoap get " LOOPBACK " 5683 /room/light", &result);
    zassert_ok(result);
    zassert_not_null(strstr(printed, "2.05"));
    zassert_not_null(
        strstr(say("lscoap handshake localhost 5683", &result), "an address and a port"));
    zassert_equal(result, -EINVAL);
}
