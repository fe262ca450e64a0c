/* A device: makes a session with the server on the host, gets /index and posts a reading, all under
 * seal. lscoap_device does it; what is here gives it a network, a clock and storage, and tells. */
#include "arguments.h"
#include "board.h"
#include "emulator.h"
#include "lamp.h"
#include "network.h"
#include "sleep.h"
#include "story.h"

#include <lscoap.h>
#include <string.h>

#include DEVICE_HEADER /* of `lscoap c-header`: lscoap_device_id, lscoap_identity, lscoap_server_key */

enum {
    GET = 1,
    POST = 2,
    JSON = 50 + 1,     /* lscoap_request.content_format */
    GROUP_PORT = 5683, /* where a group's requests come */
    BUFFER_LEN = 512,  /* answers come in blocks of 256 bytes */
    DATAGRAM_MAX = 1280,
    STORED_REQUESTS = 16 /* that one write to storage is good for */
};

static lscoap_device device;
static uint64_t clock_ms;
static struct {
    uint32_t sent;
    uint32_t sent_bytes;
    uint32_t received;
    uint32_t received_bytes;
    uint32_t retransmissions;
    uint16_t id; /* of the message that was sent last */
} traffic;

static uint64_t now_ms(void) {
    return lscoap_extend_ms(&clock_ms, board_millis());
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

static void tell_message(bool sent, const uint8_t *datagram, size_t datagram_len) {
    size_t len;
    const uint8_t *message = story_handshake(datagram, datagram_len, &len);

    if (message != NULL) {
        board_print(lscoap_message_name(message, len));
        print_bytes(sent ? " sent (" : " received (", len, " bytes)");
        print_work();
    }
}

static void tell_authenticated(void) {
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (lscoap_session_fingerprint(lscoap_device_session(&device), fingerprint) == LSCOAP_OK) {
        board_print("Server authenticated! Session fingerprint ");
        board_print_hex(fingerprint, sizeof fingerprint);
        print_work();
    }
}

static void tell_failure(lscoap_status status) {
    if (status == LSCOAP_ALERT_UNKNOWN_DEVICE) {
        board_print("Refused: the server does not know this device\n");
    } else {
        board_print("Failed: ");
        board_print(lscoap_status_string(status));
        board_print("\n");
    }
}

/* lscoap_request.take: `context` is the request. */
static int tell_answer(void *context, const lscoap_piece *piece) {
    const lscoap_request *request = context;

    if (piece->offset == 0) {
        board_print(request->code == GET ? "GET " : "POST ");
        board_print(request->path);
        print_bytes(": ", piece->code >> 5, ".");
        board_print(piece->code % 32 < 10 ? "0" : "");
        print_bytes("", piece->code % 32, "");
        print_work();
    }
    for (size_t i = 0; i < piece->payload_len; i++) {
        char text[STORY_PRINTABLE_MAX];

        story_printable(piece->payload[i], text);
        board_print(text);
    }
    board_print(piece->more == 0 && piece->offset + piece->payload_len > 0 ? "\n" : "");
    return 0;
}

static void tell_traffic(void) {
    print_bytes("", traffic.sent, " datagrams sent (");
    print_bytes("", traffic.sent_bytes, " bytes), ");
    print_bytes("", traffic.received, " received (");
    print_bytes("", traffic.received_bytes, " bytes), ");
    print_bytes("", traffic.retransmissions, " retransmissions\n");
    print_bytes("stack: ", board_stack_used(), " bytes\n");
}

/* ---- the job ---- */

static void transmit(const uint8_t *datagram, size_t len) {
    const uint16_t id = (uint16_t)(datagram[2] << 8 | datagram[3]);

    if (id == traffic.id && datagram[1] != 0) {
        traffic.retransmissions++;
    } else {
        tell_message(true, datagram, len);
    }
    traffic.id = datagram[1] != 0 ? id : traffic.id;
    if (network_send(datagram, len)) {
        traffic.sent++;
        traffic.sent_bytes += (uint32_t)len;
    }
}

/* A datagram, or some time. */
static void wait(void) {
    static uint8_t datagram[DATAGRAM_MAX];
    size_t len;

    network_poll();
    len = network_receive(datagram, sizeof datagram);
    if (len > 0) {
        traffic.received++;
        traffic.received_bytes += (uint32_t)len;
        tell_message(false, datagram, len);
        if (!lamp_receive(now_ms(), datagram, len)) {
            (void)lscoap_device_receive(&device, now_ms(), datagram, len);
        }
    } else {
        sleep_a_moment();
    }
}

/* To the end of a request, or of connecting where it is null. `store` names the file; or null. */
static bool run_request(const lscoap_request *request, const char *store) {
    lscoap_status status = lscoap_device_request(&device, now_ms(), request);
    const uint8_t *bytes;
    size_t len;

    while (status >= 0 && status != LSCOAP_DONE) {
        status = lscoap_device_poll(&device, now_ms(), &bytes, &len);
        if (status == LSCOAP_SEND) {
            transmit(bytes, len);
        } else if (status == LSCOAP_STORE) {
            status =
                lscoap_device_stored(&device, emulator_replace_file(store, bytes, len) ? 0 : 1);
        } else if (status == LSCOAP_OK) {
            wait();
        }
    }
    if (status != LSCOAP_DONE) {
        tell_failure(status);
    }
    return status == LSCOAP_DONE;
}

/* A lamp's life: the device asks for it, and what comes for the group it executes. */
static bool listen_for(uint32_t seconds) {
    const uint64_t end = now_ms() + (uint64_t)seconds * 1000;
    lscoap_status status = LSCOAP_OK;
    const uint8_t *bytes;
    size_t len;

    if (!network_listen(GROUP_PORT) || !lamp_begin(&device, emulator_random)) {
        board_print("no group\n");
        return false;
    }
    while (status >= 0 && now_ms() < end) {
        status = lscoap_device_poll(&device, now_ms(), &bytes, &len);
        lamp_tell_membership();
        if (status == LSCOAP_SEND) {
            transmit(bytes, len);
        } else if (lamp_answer(now_ms(), &bytes, &len)) {
            transmit(bytes, len);
        } else {
            wait();
        }
    }
    if (status < 0) {
        tell_failure(status);
    }
    return status >= 0;
}

/* From where it was when the power went. */
static bool restore_session(const char *path) {
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    const size_t len = emulator_read_file(path, blob, sizeof blob);

    return len > 0 && lscoap_device_restore(&device, blob, len) == LSCOAP_OK;
}

static bool open_session(const struct arguments *arguments) {
    static uint8_t buffer[BUFFER_LEN];
    const lscoap_platform platform = {.random = emulator_random};
    const lscoap_device_config config = {.client = {.device_id = lscoap_device_id,
                                                    .device_id_len = sizeof lscoap_device_id,
                                                    .identity = lscoap_identity,
                                                    .server_key = lscoap_server_key,
                                                    .profile = arguments->profile},
                                         .buffer = buffer,
                                         .buffer_len = sizeof buffer,
                                         .carrier = LSCOAP_CARRIER_PAYLOAD,
                                         .store_block =
                                             arguments->store != NULL ? STORED_REQUESTS : 0};
    const lscoap_status status = lscoap_device_init(&device, &platform, &config);

    if (status != LSCOAP_OK) {
        tell_failure(status);
        return false;
    }
    if (arguments->store != NULL && restore_session(arguments->store)) {
        board_print("Session restored\n");
        return true;
    }
    if (!run_request(NULL, arguments->store)) {
        return false;
    }
    tell_authenticated();
    return true;
}

static bool run(const struct arguments *arguments) {
    lscoap_request get = {.path = arguments->path, .code = GET, .take = tell_answer};
    lscoap_request post = {.path = arguments->path,
                           .code = POST,
                           .content_format = JSON,
                           .payload = (const uint8_t *)arguments->post,
                           .take = tell_answer};

    if (!open_session(arguments)) {
        return false;
    }
    if (arguments->listen_seconds > 0) {
        return listen_for(arguments->listen_seconds);
    }
    get.context = &get;
    for (uint32_t i = 0; i < arguments->gets; i++) {
        if (!run_request(&get, arguments->store) || lscoap_device_code(&device) >> 5 != 2) {
            return false;
        }
    }
    if (arguments->post != NULL) {
        post.context = &post;
        post.payload_len = strlen(arguments->post);
        return run_request(&post, arguments->store) && lscoap_device_code(&device) >> 5 == 2;
    }
    return true;
}

int main(void) {
    char text[ARGUMENTS_TEXT_MAX];
    struct arguments arguments;
    bool good;

    board_paint_stack();
    sleep_init();
    if (!emulator_arguments(text, sizeof text) || !arguments_parse(text, &arguments)) {
        board_print(
            "arguments: profile=signed|express port=N path=PATH gets=N post=READING store=FILE "
            "listen=SECONDS\n");
        return 1;
    }
    if (!network_init(arguments.port, random_number)) {
        board_print("no network\n");
        return 1;
    }
    good = run(&arguments);
    tell_traffic();
    return good ? 0 : 1;
}
