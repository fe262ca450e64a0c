#include "records.h"
#include "ends.h"
#include "probe.h"

#define SMALL 64

uint8_t record[LARGE + LSCOAP_REQUEST_OVERHEAD];
size_t record_len;
static lscoap_exchange asked, answered; /* the asking and the answering side's */

static lscoap_io io;

static int32_t took(lscoap_status status) {
    record_len = io.out_len;
    return status;
}

/* With an outer Uri-Path of 13 bytes. */
static lscoap_io *in_place(void) {
    io = (lscoap_io){
        record, record_len, record, sizeof record, 0, NOW, (const uint8_t *)"\xb6sensor\x05value",
        13};
    return &io;
}

static int32_t seal_request(void) {
    return took(lscoap_seal_request(&device_session, in_place(), &asked));
}
static int32_t server_open_request(void) {
    return took(lscoap_server_open_request(&server, in_place(), &server_session, &answered));
}
static int32_t seal_response(void) {
    return took(lscoap_seal_response(server_session, in_place(), &answered));
}
static int32_t seal_notification(void) {
    return took(lscoap_seal_notification(server_session, in_place(), &answered));
}
static int32_t open_response(void) {
    return took(lscoap_open_response(&device_session, in_place(), &asked));
}

/* A request of the server's. */
static int32_t seal_request_to_device(void) {
    return took(lscoap_seal_request(server_session, in_place(), &asked));
}
static int32_t open_request(void) {
    return took(lscoap_open_request(&device_session, in_place(), &answered));
}

static int32_t find(void) {
    return lscoap_server_find(&server, NOW, record, record_len) == server_session ? 0 : -1;
}

static int32_t slot_index(void) {
    size_t index;

    return lscoap_server_slot_index(&server, server_session, &index);
}

void plaintext(size_t len) {
    for (size_t i = 0; i < len; i++) {
        record[i] = (uint8_t)((uint32_t)i * (uint32_t)i * (uint32_t)i * 73 >> 2);
    }
    record_len = len;
}

void measure_first_request(void) {
    plaintext(SMALL);
    probe("first/seal_request", seal_request);
    probe("first/server_open_request", server_open_request);
}

/* A call, and whether it begins with a plaintext. */
struct entry {
    const char *name;
    int32_t (*call)(void);
    int seals;
};

static void run(const struct entry *entries, size_t count, size_t len) {
    for (size_t i = 0; i < count; i++) {
        if (entries[i].seals) {
            plaintext(len);
        }
        probe(entries[i].name, entries[i].call);
    }
}

void measure_records(void) {
    static const struct entry small[] = {
        {"64/seal_request", seal_request, 1},
        {"64/server_find", find, 0},
        {"64/server_slot_index", slot_index, 0},
        {"64/server_open_request", server_open_request, 0},
        {"64/seal_response", seal_response, 1},
        {"64/open_response", open_response, 0},
        {"64/seal_notification", seal_notification, 1},
        {"64/open_notification", open_response, 0},
        {"64/seal_request_to_device", seal_request_to_device, 1},
        {"64/open_request", open_request, 0},
    };
    static const struct entry large[] = {
        {"1024/seal_request", seal_request, 1},
        {"1024/server_open_request", server_open_request, 0},
        {"1024/seal_response", seal_response, 1},
        {"1024/open_response", open_response, 0},
    };
    run(small, sizeof small / sizeof *small, SMALL);
    run(large, sizeof large / sizeof *large, LARGE);
}
