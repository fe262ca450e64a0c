#include "scenarios.h"

#include "identity.h"
#include "network.h"
#include "scenarios_shared.h"

#include <lscoap/coap_service.h>
#include <lscoap/identity.h>

#include <stdio.h>
#include <string.h>

static unsigned checks, failures;

bool scenarios_check(bool passed, const char *file, int line, const char *text) {
    checks++;
    if (!passed) {
        failures++;
        printf("%s:%d: %s\n", file, line, text);
    }
    return passed;
}

/* ---- the service: /light counts what is done to it */

unsigned executed;
#define LONG_TEXT "three blocks of sixteen bytes, the last shorter"

static int send_text(struct coap_resource *resource, const struct coap_packet *request,
                     struct sockaddr *addr, socklen_t addr_len, const char *text) {
    uint8_t token[COAP_TOKEN_MAX_LEN], bytes[64];
    const uint8_t token_len = coap_header_get_token(request, token);
    struct coap_packet response;

    executed++;
    (void)coap_packet_init(&response, bytes, sizeof bytes, COAP_VERSION_1, COAP_TYPE_ACK, token_len,
                           token, COAP_RESPONSE_CODE_CONTENT, coap_header_get_id(request));
    (void)coap_packet_append_payload_marker(&response);
    (void)coap_packet_append_payload(&response, (const uint8_t *)text, (uint16_t)strlen(text));
    return lscoap_coap_resource_send(resource, &response, addr, addr_len, NULL);
}

static int light_get(struct coap_resource *resource, struct coap_packet *request,
                     struct sockaddr *addr, socklen_t addr_len) {
    return send_text(resource, request, addr, addr_len, "got");
}

static int light_fetch(struct coap_resource *resource, struct coap_packet *request,
                       struct sockaddr *addr, socklen_t addr_len) {
    return send_text(resource, request, addr, addr_len, "fetched");
}

static int light_change(struct coap_resource *resource, struct coap_packet *request,
                        struct sockaddr *addr, socklen_t addr_len) {
    ARG_UNUSED(resource);
    ARG_UNUSED(request);
    ARG_UNUSED(addr);
    ARG_UNUSED(addr_len);
    executed++;
    return COAP_RESPONSE_CODE_CHANGED;
}

static const char *const light_path[] = {"light", NULL};
LSCOAP_COAP_HANDSHAKE_DEFINE(node);
/* cppcheck-suppress unknownMacro ; it does not read the header */
LSCOAP_COAP_RESOURCE_DEFINE(light, node, light_path, .get = light_get, .fetch = light_fetch,
                            .post = light_change, .put = light_change, .del = light_change,
                            .patch = light_change, .ipatch = light_change);
static int long_get(struct coap_resource *resource, struct coap_packet *request,
                    struct sockaddr *addr, socklen_t addr_len) {
    return send_text(resource, request, addr, addr_len, LONG_TEXT);
}

static const char *const long_path[] = {"long", NULL};
LSCOAP_COAP_RESOURCE_DEFINE(long, node, long_path, .get = long_get);
static const char *const lock_path[] = {"lock", NULL};
static const uint16_t lock_options[] = {1, 17}; /* If-Match, Accept */
LSCOAP_COAP_RESOURCE_DEFINE_OPTIONS(lock, node, lock_path, lock_options, .get = light_get,
                                    .put = light_change);
static struct coap_resource *const resources[] = {&lscoap_handshake_node, &lscoap_outer_light,
                                                  &lscoap_outer_lock, &lscoap_outer_long, NULL};

static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    ARG_UNUSED(context);
    ARG_UNUSED(id);
    ARG_UNUSED(id_len);
    memcpy(public_key, identity.device_key, sizeof identity.device_key);
    return 0;
}

/* Forgets all sessions. */
static void start_service(void) {
    const lscoap_server_config config = {.identity = identity.server_secret,
                                         .find_device = find_device};

    CHECK(lscoap_coap_service_init(&config) == LSCOAP_OK);
}

/* ---- the client */

struct lscoap_coap_client client;

static int init_client(int32_t profile) {
    struct lscoap_identity loaded;
    lscoap_client_config config;

    CHECK(lscoap_identity_load(&loaded) == 0);
    config = lscoap_identity_config(&loaded, profile);
    lscoap_coap_client_close(&client);
    return lscoap_coap_client_init(&client, &config, LSCOAP_CARRIER_PAYLOAD);
}

static int connect_to(const char *text) {
    struct lscoap_coap_address server;

    CHECK(lscoap_coap_parse_address(text, 5683, &server));
    return lscoap_coap_client_connect(&client, &server.any, server.len);
}

int connect_client(int32_t profile) {
    CHECK(init_client(profile) == LSCOAP_OK);
    return connect_to("127.0.0.1");
}

static uint8_t bytes_of_body[16];
static struct lscoap_coap_body body = {.bytes = bytes_of_body, .room = sizeof bytes_of_body};

static int ask(uint8_t method, bool at_least_once) {
    const lscoap_request request = {.code = method,
                                    .path = "/light?a=b",
                                    .flags = at_least_once ? LSCOAP_AT_LEAST_ONCE : 0,
                                    .take = lscoap_coap_body_take,
                                    .context = &body};

    body.len = 0;
    return lscoap_coap_client_request(&client, &request);
}

static uint8_t answered(void) {
    return lscoap_coap_client_code(&client);
}

void start_network(void) {
    memset(&standin_network, 0, sizeof standin_network);
    standin_network.resources = resources;
    start_service();
}

/* A client with a session, and a network that has seen nothing. */
static void begin(int32_t profile) {
    start_network();
    CHECK(connect_client(profile) == LSCOAP_OK);
    CHECK(ask(COAP_METHOD_GET, false) == LSCOAP_OK);
    standin_network.first_messages = standin_network.resumptions = standin_network.records = 0;
    executed = 0;
}

/* How often a new session was asked for: by resuming, each time. */
static bool began_anew(unsigned times) {
    return standin_network.resumptions == times && standin_network.first_messages == 0;
}

/* ---- scenarios */

#define ALERT_OF(code) (LSCOAP_ALERT_UNKNOWN_DEVICE - ((code)-1))
static const uint8_t lost[] = {2, 5};

static void every_method(int32_t profile) {
    begin(profile);
    for (uint8_t method = COAP_METHOD_GET; method <= COAP_METHOD_IPATCH; method++) {
        CHECK(ask(method, false) == LSCOAP_OK && executed == method);
        CHECK(answered() == (method == COAP_METHOD_GET || method == COAP_METHOD_FETCH
                                 ? COAP_RESPONSE_CODE_CONTENT
                                 : COAP_RESPONSE_CODE_CHANGED));
    }
    CHECK(began_anew(0));
}

/* One hint: the same sealed bytes again, which the server answers as it did. */
static void a_forged_alert(int32_t profile) {
    for (size_t i = 0; i < sizeof lost; i++) {
        for (uint8_t method = COAP_METHOD_GET; method <= COAP_METHOD_IPATCH; method++) {
            begin(profile);
            standin_network.alert = lost[i];
            standin_network.forge = 1;
            CHECK(ask(method, false) == LSCOAP_OK && executed == 1);
            CHECK(began_anew(0) && standin_network.records == 2);
        }
    }
}

/* Two: a new session, in which all goes again that may. */
static void a_lost_session(int32_t profile) {
    for (size_t i = 0; i < sizeof lost; i++) {
        for (uint8_t method = COAP_METHOD_GET; method <= COAP_METHOD_IPATCH; method++) {
            const bool once = method == COAP_METHOD_POST || method == COAP_METHOD_PATCH;

            for (int at_least_once = 0; at_least_once < 2; at_least_once++) {
                const bool again = !once || at_least_once != 0;

                begin(profile);
                standin_network.alert = lost[i];
                standin_network.forge = 2;
                CHECK(ask(method, at_least_once != 0) ==
                      (again ? LSCOAP_OK : LSCOAP_ERR_UNCERTAIN));
                CHECK(executed == (again ? 2u : 1u) && began_anew(1));
                CHECK(standin_network.records == (again ? 3u : 2u));
                CHECK(ask(method, false) == LSCOAP_OK && began_anew(1));
            }
        }
    }
}

/* The server has been restarted: it knows no session, or has given the id to somebody else. */
static void a_restarted_server(int32_t profile) {
    begin(profile);
    start_service();
    CHECK(ask(COAP_METHOD_GET, false) == LSCOAP_OK && executed == 1);
    CHECK(standin_network.first_messages == 1);
}

/* The client gives up after three rounds, and the session that it had is still good. */
static void alerts_for_ever(int32_t profile) {
    for (size_t i = 0; i < sizeof lost; i++) {
        begin(profile);
        standin_network.alert = lost[i];
        standin_network.forge = 100;
        CHECK(ask(COAP_METHOD_PUT, false) == LSCOAP_ERR_NO_ANSWER);
        CHECK(standin_network.records <= 8 && standin_network.resumptions >= 1);
        standin_network.forge = 0;
        CHECK(ask(COAP_METHOD_PUT, false) == LSCOAP_OK);
    }
}

/* Anybody can refuse in the clear, whatever they say: a new session is the most that comes of it,
 * and a server that says that it is busy is asked again later. */
static void other_alerts(int32_t profile) {
    static const uint8_t others[] = {1, 3, 4};

    for (size_t i = 0; i < sizeof others; i++) {
        begin(profile);
        standin_network.alert = others[i];
        standin_network.forge = others[i] == 4 ? 1 : 2;
        CHECK(ask(COAP_METHOD_PUT, false) == LSCOAP_OK && began_anew(others[i] == 4 ? 0 : 1));
    }
}

/* Whoever makes a client look for a new session and hides the server does not end the old one. */
static void the_old_session_is_kept(int32_t profile) {
    begin(profile);
    standin_network.alert = 5;
    standin_network.forge = 2;
    standin_network.lose = 1000;
    CHECK(ask(COAP_METHOD_PUT, false) == LSCOAP_ERR_NO_ANSWER);
    standin_network.lose = 0;
    standin_network.first_messages = standin_network.resumptions = 0;
    CHECK(ask(COAP_METHOD_PUT, false) == LSCOAP_OK && began_anew(0));
}

/* Alert 2 after M3 is no more than a handshake that the server has forgotten. */
static void a_refused_m3(int32_t profile) {
    for (size_t i = 0; profile == LSCOAP_SIGNED && i < sizeof lost; i++) {
        begin(profile);
        standin_network.alert = lost[i];
        standin_network.forge_m3 = 1;
        CHECK(connect_client(profile) == LSCOAP_OK && standin_network.first_messages == 1);
        standin_network.forge_m3 = 2;
        CHECK(connect_client(profile) == LSCOAP_OK && standin_network.first_messages == 3);
        standin_network.forge_m3 = 100;
        CHECK(connect_client(profile) == ALERT_OF(lost[i]));
        CHECK(standin_network.first_messages == 6);
    }
}

static void without_randomness(int32_t profile) {
    begin(profile);
    standin_network.no_random = true;
    CHECK(ask(COAP_METHOD_GET, false) == LSCOAP_ERR_NO_ANSWER && standin_network.records == 0);
}

/* No alert is answered, whatever its length. */
static void alerts_to_the_service(int32_t profile) {
    uint8_t bytes[300], alert[250] = {0x1F, 5};

    begin(profile);
    standin_network.answers = 0;
    for (size_t len = 1; len <= sizeof alert; len++) {
        const unsigned answers = standin_network.answers;
        static const uint8_t path[] = {0xBB, '.', 'w', 'e', 'l', 'l', '-', 'k', 'n', 'o',
                                       'w',  'n', 6,   'l', 's', 'c', 'o', 'a', 'p'};
        struct coap_packet request;

        (void)coap_packet_init(&request, bytes, sizeof bytes, COAP_VERSION_1, COAP_TYPE_CON, 0,
                               NULL, COAP_METHOD_POST, coap_next_id());
        (void)coap_packet_append_payload(&request, path, sizeof path);
        request.last_option = 11;
        (void)coap_append_option_int(&request, COAP_OPTION_CONTENT_FORMAT,
                                     LSCOAP_CONTENT_FORMAT_HANDSHAKE);
        (void)coap_packet_append_payload_marker(&request);
        (void)coap_packet_append_payload(&request, alert, (uint16_t)len);
        standin_deliver(bytes, request.offset);
        CHECK(standin_network.answers == answers);
        bytes[request.offset - len] = 0x1E; /* what is no alert is answered */
        standin_deliver(bytes, request.offset);
        CHECK(standin_network.answers == answers + 1);
    }
}

/* ---- a device that seals what the client never would */

enum { OUTER_POST = 2, OUTER_FETCH = 5, URI_PATH = 11 };

static void put_option(struct draft *draft, uint16_t number, const char *value) {
    const uint16_t delta = (uint16_t)(number - draft->number);
    uint8_t *at = draft->bytes + draft->len;

    *at++ = (uint8_t)((delta < 13 ? delta : delta < 269 ? 13 : 14) << 4 | strlen(value));
    if (delta >= 269) {
        *at++ = (uint8_t)((delta - 269) >> 8);
        *at++ = (uint8_t)(delta - 269);
    } else if (delta >= 13) {
        *at++ = (uint8_t)(delta - 13);
    }
    memcpy(at, value, strlen(value));
    draft->len = (size_t)(at - draft->bytes) + strlen(value);
    draft->number = number;
}

static const uint16_t none[1];

struct draft request_with(const char *path, uint8_t method, const uint16_t *numbers, size_t count) {
    struct draft draft = {.bytes = {0x40, method, 0x12, 0x34}, .len = 4};
    size_t i = 0;

    for (; i < count && numbers[i] < URI_PATH; i++) {
        put_option(&draft, numbers[i], "");
    }
    put_option(&draft, URI_PATH, path);
    for (; i < count; i++) {
        put_option(&draft, numbers[i], "");
    }
    return draft;
}

static lscoap_exchange asked;

void protect(struct draft *draft, int32_t carrier) {
    lscoap_session *session = (lscoap_session *)lscoap_coap_client_session(&client);
    lscoap_io io = {.input = draft->bytes,
                    .input_len = draft->len,
                    .out = draft->bytes,
                    .out_cap = sizeof draft->bytes};

    CHECK(lscoap_protect_request(session, carrier, &io, &asked) == LSCOAP_OK);
    draft->len = io.out_len;
}

static uint8_t reply[DRAFT_ROOM];
static size_t reply_len;

unsigned code_of_answer(const struct draft *draft) {
    lscoap_session *session = (lscoap_session *)lscoap_coap_client_session(&client);
    lscoap_io io = {.input = reply, .out = reply, .out_cap = sizeof reply};
    ssize_t got;

    reply_len = 0;
    standin_deliver(draft->bytes, draft->len);
    got = zsock_recv(client.sock, reply, sizeof reply, ZSOCK_MSG_DONTWAIT);
    if (!CHECK(got > 0)) {
        return 0;
    }
    io.input_len = (size_t)got;
    if (lscoap_unprotect_response(session, &io, &asked) != LSCOAP_OK) {
        return 0x100u + reply[1];
    }
    reply_len = io.out_len;
    return reply[1];
}

static unsigned ask_with(const char *path, const uint16_t *numbers, size_t count) {
    struct draft draft = request_with(path, COAP_METHOD_GET, numbers, count);

    protect(&draft, LSCOAP_CARRIER_PAYLOAD);
    return code_of_answer(&draft);
}

/* RFC 7252 section 5.4: critical options that no handler reads. */
static void critical_options(int32_t profile) {
    static const uint16_t critical[] = {1, 5, 17, 19, 27, 65001};
    static const uint16_t elective[] = {4, 12, 14, 60, 65000};
    static const uint16_t twice[] = {17, 17};

    begin(profile);
    for (size_t i = 0; i < ARRAY_SIZE(critical); i++) {
        const bool is_read = critical[i] == lock_options[0] || critical[i] == lock_options[1];

        executed = 0;
        CHECK(ask_with("light", &critical[i], 1) == COAP_RESPONSE_CODE_BAD_OPTION);
        CHECK(executed == 0);
        CHECK(ask_with("lock", &critical[i], 1) ==
              (is_read ? COAP_RESPONSE_CODE_CONTENT : COAP_RESPONSE_CODE_BAD_OPTION));
        CHECK(executed == (is_read ? 1u : 0u));
    }
    executed = 0;
    CHECK(ask_with("lock", twice, ARRAY_SIZE(twice)) == COAP_RESPONSE_CODE_BAD_OPTION);
    CHECK(executed == 0);
    CHECK(ask_with("light", elective, ARRAY_SIZE(elective)) == COAP_RESPONSE_CODE_CONTENT);
    CHECK(executed == 1);
}

/* What is inside OSCORE's own carrier reaches no resource, whatever path is outside;
 * nor does a method that the outer code does not announce. */
static void other_outsides(int32_t profile) {
    static const uint8_t codes[][2] = {{COAP_METHOD_GET, OUTER_POST},
                                       {COAP_METHOD_PUT, OUTER_FETCH}};
    struct draft draft;
    uint8_t *marker;

    begin(profile);
    draft = request_with("lock", COAP_METHOD_GET, none, 0);
    protect(&draft, LSCOAP_CARRIER_OSCORE);
    marker = memchr(draft.bytes, 0xFF, draft.len);
    CHECK(marker != NULL && draft.bytes[4] >> 4 == 9);
    memmove(marker + 6, marker, draft.len - (size_t)(marker - draft.bytes));
    memcpy(marker, "\x25light", 6); /* after option 9 */
    draft.len += 6;
    CHECK(code_of_answer(&draft) == 0x100 + COAP_RESPONSE_CODE_BAD_OPTION);

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        draft = request_with("light", codes[i][0], none, 0);
        protect(&draft, LSCOAP_CARRIER_PAYLOAD);
        draft.bytes[1] = codes[i][1];
        CHECK(code_of_answer(&draft) == COAP_RESPONSE_CODE_BAD_REQUEST);
    }
    CHECK(executed == 0);
}

/* Parts of an answer for who asks for them (RFC 7959). */
static void blocks(int32_t profile) {
    static const struct {
        const char *block2;
        uint8_t code;
        uint8_t value; /* of Block2 in the answer; 0xFF: none */
        size_t from, len;
    } cases[] = {
        {"", COAP_RESPONSE_CODE_CONTENT, 0x08, 0, 16},
        {"\x10", COAP_RESPONSE_CODE_CONTENT, 0x18, 16, 16},
        {"\x20", COAP_RESPONSE_CODE_CONTENT, 0x20, 32, sizeof LONG_TEXT - 1 - 32},
        {"\x30", COAP_RESPONSE_CODE_BAD_REQUEST, 0xFF, 0, 0},
        {"\x07", COAP_RESPONSE_CODE_BAD_REQUEST, 0xFF, 0, 0},
        {"\x02", COAP_RESPONSE_CODE_CONTENT, 0xFF, 0, sizeof LONG_TEXT - 1},
    };

    begin(profile);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct draft draft = request_with("long", COAP_METHOD_GET, none, 0);
        const size_t len = cases[i].len;

        put_option(&draft, COAP_OPTION_BLOCK2, cases[i].block2);
        protect(&draft, LSCOAP_CARRIER_PAYLOAD);
        CHECK(code_of_answer(&draft) == cases[i].code);
        CHECK(reply_len > len &&
              memcmp(reply + reply_len - len, LONG_TEXT + cases[i].from, len) == 0);
        CHECK(cases[i].value == 0xFF ? reply_len == 4 + len + (len > 0)
                                     : reply[reply_len - len - 2] == cases[i].value);
    }
}

/* After a restart the client goes on in the session that it stored, without a handshake. */
static void a_stored_session(int32_t profile) {
    begin(profile);
#if defined(CONFIG_LSCOAP_COAP_CLIENT_SETTINGS)
    for (int i = 0; i < 3; i++) {
        CHECK(init_client(profile) == LSCOAP_OK);
        CHECK(lscoap_coap_client_restore(&client) == LSCOAP_OK);
        CHECK(connect_to("127.0.0.1") == LSCOAP_OK && ask(COAP_METHOD_PUT, false) == LSCOAP_OK);
        CHECK(began_anew(0));
    }
    /* The server has lost it. */
    start_service();
    CHECK(init_client(profile) == LSCOAP_OK);
    CHECK(lscoap_coap_client_restore(&client) == LSCOAP_OK);
    CHECK(connect_to("127.0.0.1") == LSCOAP_OK && ask(COAP_METHOD_PUT, false) == LSCOAP_OK);
    CHECK(standin_network.first_messages == 1);
#else
    CHECK(lscoap_coap_client_restore(&client) == LSCOAP_ERR_STORAGE);
#endif
}

static void other_networks(int32_t profile) {
    struct lscoap_coap_address address;

    begin(profile);
    CHECK(connect_to("::1") == LSCOAP_OK && standin_network.family == AF_INET6);
    CHECK(ask(COAP_METHOD_PUT, false) == LSCOAP_OK && began_anew(0));
    CHECK(!lscoap_coap_parse_address("localhost", 5683, &address));
}

unsigned scenarios(void) {
    static void (*const all[])(int32_t) = {
        every_method,
        a_forged_alert,
        a_lost_session,
        a_restarted_server,
        alerts_for_ever,
        other_alerts,
        the_old_session_is_kept,
        a_refused_m3,
        without_randomness,
        alerts_to_the_service,
        critical_options,
        other_outsides,
        blocks,
        a_stored_session,
        other_networks,
#if defined(CONFIG_COAP_OSCORE)
        oscore_sessions, /* the last: there is no way back */
#endif
    };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
#if defined(CONFIG_LSCOAP_SIGNED)
        all[i](LSCOAP_SIGNED);
#endif
#if defined(CONFIG_LSCOAP_EXPRESS)
        all[i](LSCOAP_EXPRESS);
#endif
    }
    lscoap_coap_client_close(&client);
    printf("%u checks\n", checks);
    return failures + (checks == 0);
}
