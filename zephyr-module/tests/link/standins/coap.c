/* CoAP messages as Zephyr's coap_packet has them: as much of it as the glue uses. */
#include <zephyr/net/coap.h>

#include "network.h"

#include <errno.h>
#include <string.h>

enum { HEADER_LEN = 4, PAYLOAD_MARKER = 0xFF, EXTEND_1 = 13, EXTEND_2 = 14, EXTENDED_2 = 269 };

/* ---- writing */

static int put(struct coap_packet *packet, const void *bytes, size_t len) {
    if (len > (size_t)(packet->max_len - packet->offset)) {
        return -ENOMEM;
    }
    memcpy(packet->data + packet->offset, bytes, len);
    packet->offset = (uint16_t)(packet->offset + len);
    return 0;
}

int coap_packet_init(struct coap_packet *packet, uint8_t *data, uint16_t max_len, uint8_t version,
                     uint8_t type, uint8_t token_len, const uint8_t *token, uint8_t code,
                     uint16_t id) {
    const uint8_t header[HEADER_LEN] = {(uint8_t)(version << 6 | type << 4 | token_len), code,
                                        (uint8_t)(id >> 8), (uint8_t)id};
    int result;

    *packet = (struct coap_packet){.data = data, .max_len = max_len};
    result = put(packet, header, sizeof header);
    return result < 0 ? result : put(packet, token, token_len);
}

/* In two bytes, after the other options. */
int coap_append_option_int(struct coap_packet *packet, uint16_t number, unsigned int value) {
    const unsigned delta = number - packet->last_option;
    const uint8_t head[] = {(uint8_t)(MIN(delta, EXTEND_1) << 4 | 2), (uint8_t)(delta - EXTEND_1)};
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    int result = put(packet, head, delta < EXTEND_1 ? 1 : 2);

    packet->last_option = number;
    return result < 0 ? result : put(packet, bytes, sizeof bytes);
}

int coap_packet_append_payload_marker(struct coap_packet *packet) {
    const uint8_t marker = PAYLOAD_MARKER;

    return put(packet, &marker, 1);
}

int coap_packet_append_payload(struct coap_packet *packet, const uint8_t *payload, uint16_t len) {
    return put(packet, payload, len);
}

uint16_t coap_next_id(void) {
    static uint16_t id = 0;

    return id++;
}

/* ---- reading */

static uint32_t extended(const uint8_t **at, uint32_t nibble) {
    if (nibble == EXTEND_1) {
        return EXTEND_1 + (uint32_t) * (*at)++;
    }
    if (nibble == EXTEND_2) {
        *at += 2;
        return EXTENDED_2 + ((uint32_t)(*at)[-2] << 8 | (*at)[-1]);
    }
    return nibble;
}

const uint8_t *standin_options(const struct coap_packet *packet) {
    return packet->data + HEADER_LEN + (packet->data[0] & 0x0F);
}

bool standin_next_option(const struct coap_packet *packet, struct standin_option *option) {
    const uint8_t *end = packet->data + packet->offset;
    uint32_t first, delta;

    if (option->next >= end || *option->next == PAYLOAD_MARKER) {
        return false;
    }
    first = *option->next++;
    delta = extended(&option->next, first >> 4);
    option->len = extended(&option->next, first & 0x0F);
    option->number += delta;
    option->value = option->next;
    option->next += option->len;
    return true;
}

int coap_packet_parse(struct coap_packet *packet, uint8_t *data, uint16_t len,
                      struct coap_option *options, uint8_t options_len) {
    ARG_UNUSED(options);
    ARG_UNUSED(options_len);
    struct standin_option option = {0};

    *packet = (struct coap_packet){.data = data, .offset = len, .max_len = len};
    if (len < HEADER_LEN) {
        return -EINVAL;
    }
    option.next = standin_options(packet);
    while (standin_next_option(packet, &option)) {
        packet->last_option = (uint16_t)option.number;
    }
    return 0;
}

const uint8_t *coap_packet_get_payload(const struct coap_packet *packet, uint16_t *len) {
    const uint8_t *end = packet->data + packet->offset;
    struct standin_option option = {.next = standin_options(packet)};

    while (standin_next_option(packet, &option)) {
    }
    *len = option.next < end ? (uint16_t)(end - option.next - 1) : 0;
    return *len > 0 ? option.next + 1 : NULL;
}

int coap_get_option_int(const struct coap_packet *packet, uint16_t number) {
    struct standin_option option = {.next = standin_options(packet)};
    int value = 0;

    while (standin_next_option(packet, &option)) {
        if (option.number == number) {
            for (size_t i = 0; i < option.len; i++) {
                value = value << 8 | option.value[i];
            }
            return value;
        }
    }
    return -ENOENT;
}

uint8_t coap_header_get_token(const struct coap_packet *packet, uint8_t *token) {
    const uint8_t len = packet->data[0] & 0x0F;

    memcpy(token, packet->data + HEADER_LEN, len);
    return len;
}

uint8_t coap_header_get_code(const struct coap_packet *packet) {
    return packet->data[1];
}

uint8_t coap_header_get_type(const struct coap_packet *packet) {
    return packet->data[0] >> 4 & 3;
}

uint16_t coap_header_get_id(const struct coap_packet *packet) {
    return (uint16_t)(packet->data[2] << 8 | packet->data[3]);
}
