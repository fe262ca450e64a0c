#include "device.h"
#include "ends.h"
#include "handshake.h"
#include "probe.h"
#include <string.h>

#define TOKEN_AT 4

static lscoap_device device;
static uint8_t buffer[LSCOAP_DEVICE_BUFFER_MIN];
static uint8_t datagram[256];
static size_t datagram_len;
static const uint8_t *out;
static size_t out_len;
static uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
static size_t blob_len;
static lscoap_exchange answered;

static const lscoap_platform platform = {.random = ends_random};
static const lscoap_request get = {.path = "value", .code = 1};

/* The status that is due, as 0. */
static int32_t is(lscoap_status status, lscoap_status due) {
    return status == due ? 0 : -1;
}

static int32_t device_init(void) {
    const lscoap_device_config config = {.client = {.device_id = (const uint8_t *)"sensor-7",
                                                    .device_id_len = 8,
                                                    .identity = device_secret,
                                                    .server_key = server_key,
                                                    .profile = profile},
                                         .buffer = buffer,
                                         .buffer_len = sizeof buffer,
                                         .carrier = LSCOAP_CARRIER_OSCORE,
                                         .store_block = 100};
    return lscoap_device_init(&device, &platform, &config);
}
static int32_t device_restore(void) {
    return lscoap_device_restore(&device, blob, blob_len);
}
static int32_t device_request(void) {
    return lscoap_device_request(&device, NOW, &get);
}
static int32_t device_sends(void) {
    return is(lscoap_device_poll(&device, NOW, &out, &out_len), LSCOAP_SEND);
}
static int32_t device_stores(void) {
    return is(lscoap_device_poll(&device, NOW, &out, &out_len), LSCOAP_STORE);
}
static int32_t device_done(void) {
    return is(lscoap_device_poll(&device, NOW, &out, &out_len), LSCOAP_DONE);
}
static int32_t device_cancelled(void) {
    return is(lscoap_device_poll(&device, NOW, &out, &out_len), LSCOAP_ERR_CANCELLED);
}
static int32_t device_receive(void) {
    return lscoap_device_receive(&device, NOW, datagram, datagram_len);
}
static int32_t device_stored(void) {
    return lscoap_device_stored(&device, 0);
}
static int32_t device_suspend(void) {
    return lscoap_device_suspend(&device);
}
static int32_t device_moved(void) {
    return lscoap_device_moved(&device, NOW);
}
static int32_t device_cancel(void) {
    return lscoap_device_cancel(&device, NOW, &get);
}
static int32_t device_code(void) {
    return is(lscoap_device_code(&device), 0x45);
}
static int32_t device_deadline(void) {
    return lscoap_device_deadline(&device) > NOW ? 0 : -1;
}
static int32_t device_session_of(void) {
    return lscoap_device_session(&device) != NULL ? 0 : -1;
}
static int32_t device_set_members(void) {
    return lscoap_device_set_members(&device, NULL, 0, 0);
}
static int32_t device_wipe(void) {
    lscoap_device_wipe(&device);
    return 0;
}
static int32_t extend_ms(void) {
    uint64_t last = 0xffffffff;
    return lscoap_extend_ms(&last, 1) == 0x100000001 ? 0 : -1;
}

/* The device's datagram is kept, as one that came from the network. */
static void arrives(void) {
    must("room for a datagram", out_len <= sizeof datagram ? 0 : -1);
    memcpy(datagram, out, out_len);
    datagram_len = out_len;
}

/* Where a request's payload begins: no option of a handshake has FF in it. */
static size_t payload_at(void) {
    size_t at = TOKEN_AT + (datagram[0] & 15);
    while (at < datagram_len && datagram[at] != 0xff) {
        at++;
    }
    must("a handshake message", at < datagram_len ? 0 : -1);
    return at + 1;
}

/* What is sent is the handshake's message in the air, when the call has returned. */
static int32_t device_sends_handshake(void) {
    const int32_t result = device_sends();
    arrives();
    const size_t at = payload_at();
    message_len = datagram_len - at;
    memcpy(message, datagram + at, message_len);
    return result;
}

/* One round trip: 2.04 with the request's token, Content-Format 65001 and the server's message. */
static void shake_hands(const char *polled, const char *stepped, const char *received) {
    static const uint8_t format[] = {0xc2, 0xfd, 0xe9, 0xff};
    size_t token_len;

    probe(polled, device_sends_handshake);
    probe(stepped, server_answers);
    token_len = datagram[0] & 15;
    datagram[0] = (uint8_t)(0x60 | token_len);
    datagram[1] = 0x44;
    memcpy(datagram + TOKEN_AT + token_len, format, sizeof format);
    memcpy(datagram + TOKEN_AT + token_len + sizeof format, message, message_len);
    datagram_len = TOKEN_AT + token_len + sizeof format + message_len;
    probe(received, device_receive);
}

/* Answers the sealed request in a datagram with 2.05 and a payload. */
static void server_serves(void) {
    lscoap_io io;
    size_t token_len;

    arrives();
    io = (lscoap_io){datagram, datagram_len, datagram, sizeof datagram, 0, NOW, NULL, 0};
    must("request", lscoap_server_unprotect_request(&server, &io, &server_session, &answered));
    token_len = datagram[0] & 15;
    datagram[0] = (uint8_t)(0x60 | token_len);
    datagram[1] = 0x45;
    memcpy(datagram + TOKEN_AT + token_len,
           "\xff"
           "21",
           3);
    io.input_len = TOKEN_AT + token_len + 3;
    must("response", lscoap_protect_response(server_session, &io, &answered));
    datagram_len = io.out_len;
}

void measure_device(void) {
    profile = LSCOAP_SIGNED;
    must("server", ends_server_init());
    probe("device/init", device_init);
    probe("device/set_members", device_set_members);
    probe("device/request", device_request);
    shake_hands("device/poll-M1", "device-server/M1-M2", "device/receive-M2");
    shake_hands("device/poll-M3", "device-server/M3-M4", "device/receive-M4");
    probe("device/poll-request", device_sends);
    server_serves();
    probe("device/receive-answer", device_receive);
    probe("device/poll-STORE", device_stores);
    blob_len = out_len;
    memcpy(blob, out, out_len);
    probe("device/stored", device_stored);
    probe("device/poll-DONE", device_done);
    probe("device/code", device_code);
    probe("device/session", device_session_of);

    probe("device/request-in-a-session", device_request);
    probe("device/poll", device_sends);
    probe("device/deadline", device_deadline);
    probe("device/moved", device_moved);
    probe("device/poll-again", device_sends);
    probe("device/cancel", device_cancel);
    probe("device/poll-CANCELLED", device_cancelled);
    probe("device/suspend", device_suspend);
    probe("device/poll-STORE-of-suspend", device_stores);
    probe("device/wipe", device_wipe);
    must("init", device_init());
    probe("device/restore", device_restore);
    must("wipe", device_wipe());
    probe("extend_ms", extend_ms);
}
