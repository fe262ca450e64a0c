/* A device: makes a session with the server on the host, gets /index and posts a reading, all under
 * seal. */
#include "arguments.h"
#include "board.h"
#include "coap_client.h"
#include "emulator.h"
#include "network.h"
#include "secure_session.h"
#include "sleep.h"

#include <string.h>

#include DEVICE_HEADER /* of `lscoap c-header`: lscoap_device_id, lscoap_identity, lscoap_server_key */

static struct coap_client coap;
static struct secure_session session;
static struct {
    uint32_t sent;
    uint32_t sent_bytes;
    uint32_t received;
    uint32_t received_bytes;
} traffic;

/* ---- what the CoAP client needs ---- */

static void io_send(void *context, const uint8_t *datagram, size_t len) {
    (void)context;
    if (network_send(datagram, len)) {
        traffic.sent++;
        traffic.sent_bytes += (uint32_t)len;
    }
}

static size_t io_receive(void *context, uint8_t *datagram, size_t capacity) {
    size_t len;

    (void)context;
    network_poll();
    len = network_receive(datagram, capacity);
    if (len > 0) {
        traffic.received++;
        traffic.received_bytes += (uint32_t)len;
    }
    return len;
}

static uint32_t io_now_ms(void *context) {
    (void)context;
    return board_millis();
}

/* For lwIP, which has no word for failure. */
static uint32_t random_number(void) {
    uint32_t number;

    if (emulator_random(NULL, (uint8_t *)&number, sizeof number) != 0) {
        board_print("no randomness\n");
        board_exit(1);
    }
    return number;
}

static void io_wait(void *context) {
    (void)context;
    sleep_a_moment();
}

/* ---- the story ---- */

static void print_bytes(const char *before, size_t len, const char *after) {
    board_print(before);
    board_print_u32((uint32_t)len);
    board_print(after);
}

/* What the processor has done since the last time, the network included. */
static void print_work(void) {
    static uint32_t last;
    const uint32_t busy = board_ticks() - sleep_ticks();

    print_bytes(", ", (size_t)board_instructions(busy - last), " instructions\n");
    last = busy;
}

static void tell_message(bool sent, const uint8_t *message, size_t len) {
    board_print(lscoap_message_name(message, len));
    print_bytes(sent ? " sent (" : " received (", len, " bytes)");
    print_work();
}

static void tell_authenticated(void) {
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (lscoap_session_fingerprint(secure_current(&session), fingerprint) == LSCOAP_OK) {
        board_print("Server authenticated! Session fingerprint ");
        board_print_hex(fingerprint, sizeof fingerprint);
        print_work();
    }
}

static void tell_failure(int result) {
    if (result == LSCOAP_ALERT_UNKNOWN_DEVICE) {
        board_print("Refused: the server does not know this device\n");
    } else {
        board_print("Failed: ");
        board_print(secure_result_string(result));
        board_print("\n");
    }
}

static void print_payload(const uint8_t *payload, size_t len) {
    char text[COAP_PRINTABLE_MAX];

    for (size_t i = 0; i < len; i++) {
        coap_printable(payload[i], text);
        board_print(text);
    }
    if (len > 0) {
        board_print("\n");
    }
}

static void tell_answer(const char *method, const char *path, const struct coap_message *answer) {
    board_print(method);
    board_print(" ");
    board_print(path);
    print_bytes(": ", answer->code >> 5, ".");
    board_print(answer->code % 32 < 10 ? "0" : "");
    print_bytes("", answer->code % 32, "");
    print_work();
    print_payload(answer->payload, answer->payload_len);
}

static void tell_traffic(void) {
    print_bytes("", traffic.sent, " datagrams sent (");
    print_bytes("", traffic.sent_bytes, " bytes), ");
    print_bytes("", traffic.received, " received (");
    print_bytes("", traffic.received_bytes, " bytes), ");
    print_bytes("", coap.retransmissions, " retransmissions\n");
    print_bytes("stack: ", board_stack_used(), " bytes\n");
}

/* ---- the job ---- */

static int write_session(void *context, const uint8_t *blob, size_t blob_len) {
    return emulator_replace_file(context, blob, blob_len) ? 0 : -1;
}

/* From where it was when the power went. */
static bool restore_session(const lscoap_platform *platform, const char *path) {
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    const size_t len = emulator_read_file(path, blob, sizeof blob);

    return len > 0 && secure_restore(&session, platform, blob, len) == LSCOAP_OK;
}

static bool open_session(const struct arguments *arguments) {
    const lscoap_platform platform = {.random = emulator_random};
    const lscoap_client_config config = {.device_id = lscoap_device_id,
                                         .device_id_len = sizeof lscoap_device_id,
                                         .identity = lscoap_identity,
                                         .server_key = lscoap_server_key,
                                         .profile = arguments->profile};
    int result = secure_init(&session, &coap, &platform, &config, tell_message);

    if (result == LSCOAP_OK && arguments->store != NULL) {
        secure_use_storage(&session, write_session, arguments->store);
        if (restore_session(&platform, arguments->store)) {
            board_print("Session restored\n");
            return true;
        }
    }
    if (result == LSCOAP_OK) {
        result = secure_connect(&session);
    }
    if (result != LSCOAP_OK) {
        tell_failure(result);
        return false;
    }
    tell_authenticated();
    return true;
}

static bool request(const char *method, const struct coap_request *request) {
    struct coap_message answer;
    const int result = secure_request(&session, request, &answer);

    if (result != LSCOAP_OK) {
        tell_failure(result);
        return false;
    }
    tell_answer(method, request->path, &answer);
    return answer.code >> 5 == 2;
}

static bool run(const struct arguments *arguments) {
    const struct coap_request get = {
        .code = COAP_GET, .path = arguments->path, .content_format = COAP_NO_FORMAT};

    if (!open_session(arguments)) {
        return false;
    }
    for (uint32_t i = 0; i < arguments->gets; i++) {
        if (!request("GET", &get)) {
            return false;
        }
    }
    if (arguments->post != NULL) {
        const struct coap_request post = {.code = COAP_POST,
                                          .path = arguments->path,
                                          .content_format = COAP_FORMAT_JSON,
                                          .payload = (const uint8_t *)arguments->post,
                                          .payload_len = strlen(arguments->post)};

        return request("POST", &post);
    }
    return true;
}

int main(void) {
    const struct coap_io io = {.send = io_send,
                               .receive = io_receive,
                               .now_ms = io_now_ms,
                               .random = emulator_random,
                               .wait = io_wait};
    char text[ARGUMENTS_TEXT_MAX];
    struct arguments arguments;
    bool good;

    board_paint_stack();
    sleep_init();
    if (!emulator_arguments(text, sizeof text) || !arguments_parse(text, &arguments)) {
        board_print(
            "arguments: profile=signed|express port=N path=PATH gets=N post=READING store=FILE\n");
        return 1;
    }
    if (!network_init(arguments.port, random_number)) {
        board_print("no network\n");
        return 1;
    }
    coap_client_init(&coap, &io);
    good = run(&arguments);
    tell_traffic();
    return good ? 0 : 1;
}
