#include "lamp.h"

#include "board.h"
#include "group_message.h"

#include <string.h>

enum {
    LEISURE_MS = 600,   /* answers of all lamps are spread over this */
    ASK_MS = 10 * 1000, /* between two questions; the server answers no more often */
    PLAIN_MAX = 512,
    ANSWER_MAX = 256,
    PATH_MAX_LEN = 64,
    LIGHT_MAX = 32,
    PRINTED = 256,
    GET = 1,
    POST = 2,
    PUT = 3,
    CHANGED = 0x44,
    CONTENT = 0x45,
    BAD_REQUEST = 0x80,
    NOT_FOUND = 0x84,
    NOT_ALLOWED = 0x85
};

static lscoap_member member;
static lamp_random_fn random_bytes;
static uint32_t told_epoch;
static char light[LIGHT_MAX] = "off";
static struct {
    uint8_t bytes[ANSWER_MAX];
    size_t len; /* 0: there is none */
    uint64_t due_ms;
} answer;

static uint32_t random_below(uint32_t limit) {
    uint32_t number = 0;

    (void)random_bytes(NULL, (uint8_t *)&number, sizeof number);
    return number % limit;
}

bool lamp_begin(lscoap_device *device, lamp_random_fn random) {
    const lscoap_member_config config = {.ask_ms = ASK_MS};

    random_bytes = random;
    return lscoap_member_init(&member, NULL, &config) == LSCOAP_OK &&
           lscoap_device_set_members(device, &member, 1, LEISURE_MS) == LSCOAP_OK;
}

void lamp_tell_membership(void) {
    lscoap_membership of;

    if (random_bytes != NULL && lscoap_member_group(&member, &of) == LSCOAP_OK &&
        of.epoch != told_epoch) {
        told_epoch = of.epoch;
        board_print("member of group ");
        board_print_u32(of.number);
        board_print(", epoch ");
        board_print_u32(of.epoch);
        board_print("\n");
    }
}

static void tell(const struct group_message *request, const char *path, int32_t mode) {
    static char text[PRINTED];

    board_print(group_message_method_name(request->code));
    board_print(" ");
    group_message_print((const uint8_t *)path, strlen(path), text, sizeof text);
    board_print(text);
    board_print(" ");
    group_message_print(request->payload, request->payload_len, text, sizeof text);
    board_print(text);
    board_print(mode == LSCOAP_GROUP_SIGNED ? " (signed)\n" : " (tagged)\n");
}

static void serve(const struct group_message *request, const char *path,
                  struct group_message *response) {
    if (strcmp(path, "/light") != 0) {
        response->code = NOT_FOUND;
    } else if (request->code == GET) {
        response->code = CONTENT;
        response->payload = (const uint8_t *)light;
        response->payload_len = strlen(light);
    } else if (request->code != PUT) {
        response->code = NOT_ALLOWED;
    } else if (request->payload_len >= sizeof light ||
               (request->payload_len > 0 &&
                memchr(request->payload, '\0', request->payload_len) != NULL)) {
        response->code = BAD_REQUEST;
    } else {
        memset(light, 0, sizeof light);
        if (request->payload_len > 0) {
            memcpy(light, request->payload, request->payload_len);
        }
        response->code = CHANGED;
    }
}

static void prepare_answer(uint64_t now_ms, const struct group_message *request,
                           struct group_message *response, lscoap_group_exchange *exchange) {
    static uint8_t plain[ANSWER_MAX - LSCOAP_GROUP_PROTECT_OVERHEAD];
    lscoap_io io = {.input = plain, .out = answer.bytes, .out_cap = sizeof answer.bytes};

    answer.len = 0;
    if (lscoap_member_answer_wanted(&member, exchange, response->code) != 1) {
        return;
    }
    response->mid = (uint16_t)random_below(UINT16_MAX);
    response->token = request->token;
    response->token_len = request->token_len;
    io.input_len = group_message_write(response, plain, sizeof plain);
    if (io.input_len > 0 && lscoap_member_protect_answer(&member, &io, exchange) == LSCOAP_OK) {
        answer.len = io.out_len;
        answer.due_ms = now_ms + random_below(LEISURE_MS);
    }
}

bool lamp_receive(uint64_t now_ms, const uint8_t *datagram, size_t len) {
    static uint8_t plain[PLAIN_MAX];
    lscoap_group_exchange exchange;
    lscoap_io io = {.input = datagram,
                    .input_len = len,
                    .out = plain,
                    .out_cap = sizeof plain,
                    .now_ms = now_ms};
    struct group_message request;
    struct group_message response = {.content_format = -1, .no_response = -1};
    char path[PATH_MAX_LEN];
    int32_t mode = 0;
    lscoap_status status;

    if (random_bytes == NULL || len > sizeof plain) {
        return false;
    }
    status = lscoap_member_unprotect_request(&member, &io, &mode, &exchange);
    if (status != LSCOAP_OK) {
        return status != LSCOAP_ERR_UNEXPECTED && status != LSCOAP_ERR_MALFORMED;
    }
    if (!group_message_read(plain, io.out_len, &request) ||
        !group_message_path(plain, io.out_len, path, sizeof path)) {
        return true;
    }
    if (request.code == POST && strcmp(path, "/.well-known/lscoap/group") == 0) {
        status = lscoap_member_notice(&member, request.payload, request.payload_len);
        return status <= LSCOAP_OK; /* it is the device that asks then */
    }
    tell(&request, path, mode);
    serve(&request, path, &response);
    prepare_answer(now_ms, &request, &response, &exchange);
    return true;
}

bool lamp_answer(uint64_t now_ms, const uint8_t **bytes, size_t *len) {
    if (answer.len == 0 || now_ms < answer.due_ms) {
        return false;
    }
    *bytes = answer.bytes;
    *len = answer.len;
    answer.len = 0;
    return true;
}
