#include "messages.h"
#include "ends.h"
#include "probe.h"
#include <string.h>

/* A confirmable PUT with a token of two bytes, Uri-Path "value" and a payload. */
static const uint8_t put[] = {0x42, 0x03, 0x12, 0x34, 0xaa, 0xbb, 0xb5, 'v',
                              'a',  'l',  'u',  'e',  0xff, '2',  '1'};
/* 2.05 with a payload, to the same token. */
static const uint8_t content[] = {0x62, 0x45, 0x12, 0x34, 0xaa, 0xbb, 0xff, '2', '1'};

static uint8_t message[sizeof put + LSCOAP_PROTECT_OVERHEAD];
static lscoap_io io;
static lscoap_exchange asked, answered; /* the asking and the answering side's */
static int32_t carrier;
static uint8_t kid[LSCOAP_CID_MAX];
static size_t kid_len;

static void plain(const uint8_t *bytes, size_t len) {
    memcpy(message, bytes, len);
    io = (lscoap_io){message, len, message, sizeof message, 0, NOW, NULL, 0};
}

/* What came out goes in. */
static int32_t passed_on(lscoap_status status) {
    io.input_len = io.out_len;
    return (int32_t)status;
}

static int32_t protect_request(void) {
    return passed_on(lscoap_protect_request(&device_session, carrier, &io, &asked));
}
static int32_t server_unprotect_request(void) {
    return passed_on(lscoap_server_unprotect_request(&server, &io, &server_session, &answered));
}
static int32_t protect_response(void) {
    return passed_on(lscoap_protect_response(server_session, &io, &answered));
}
static int32_t unprotect_response(void) {
    return passed_on(lscoap_unprotect_response(&device_session, &io, &asked));
}
static int32_t protect_request_to_device(void) {
    return passed_on(lscoap_protect_request(server_session, carrier, &io, &asked));
}
static int32_t unprotect_request(void) {
    return passed_on(lscoap_unprotect_request(&device_session, &io, &answered));
}
static int32_t refusal(void) {
    return passed_on(lscoap_refusal(LSCOAP_ERR_REPLAY, &io));
}
static int32_t check_options(void) {
    return lscoap_check_options(put, sizeof put, NULL, 0);
}

static int32_t recipient_id(void) {
    return lscoap_session_recipient_id(server_session, kid, sizeof kid, &kid_len);
}
static int32_t session_of(void) {
    return lscoap_server_session_of(&server, NOW, kid, kid_len) == server_session ? 0 : -1;
}

static int32_t is_for(void) {
    return lscoap_session_is_for(server_session, message, io.input_len);
}

void measure_messages(void) {
    carrier = LSCOAP_CARRIER_OSCORE;
    plain(put, sizeof put);
    probe("message/protect_request", protect_request);
    probe("message/server_unprotect_request", server_unprotect_request);
    plain(content, sizeof content);
    probe("message/protect_response", protect_response);
    probe("message/unprotect_response", unprotect_response);

    plain(put, sizeof put);
    probe("message/protect_request_to_device", protect_request_to_device);
    probe("message/unprotect_request", unprotect_request);

    plain(put, sizeof put);
    must("protected", protect_request());
    probe("message/is_for", is_for);
    probe("message/refusal", refusal);
    probe("message/check_options", check_options);

    probe("message/recipient_id", recipient_id);
    probe("message/session_of", session_of);
}
