#ifndef ZEPHYR_NET_COAP_H
#define ZEPHYR_NET_COAP_H

#include <zephyr/net/socket.h>

enum { COAP_VERSION_1 = 1, COAP_TOKEN_MAX_LEN = 8 };
enum { COAP_TYPE_CON, COAP_TYPE_NON_CON, COAP_TYPE_ACK };
enum coap_method {
    COAP_METHOD_GET = 1,
    COAP_METHOD_POST,
    COAP_METHOD_PUT,
    COAP_METHOD_DELETE,
    COAP_METHOD_FETCH,
    COAP_METHOD_PATCH,
    COAP_METHOD_IPATCH
};
enum { COAP_OPTION_CONTENT_FORMAT = 12, COAP_OPTION_MAX_AGE = 14, COAP_OPTION_BLOCK2 = 23 };
#define STANDIN_CODE(class, detail) ((class) << 5 | (detail))
enum {
    COAP_RESPONSE_CODE_CHANGED = STANDIN_CODE(2, 4),
    COAP_RESPONSE_CODE_CONTENT = STANDIN_CODE(2, 5),
    COAP_RESPONSE_CODE_BAD_REQUEST = STANDIN_CODE(4, 0),
    COAP_RESPONSE_CODE_UNAUTHORIZED = STANDIN_CODE(4, 1),
    COAP_RESPONSE_CODE_BAD_OPTION = STANDIN_CODE(4, 2),
    COAP_RESPONSE_CODE_NOT_FOUND = STANDIN_CODE(4, 4),
    COAP_RESPONSE_CODE_NOT_ALLOWED = STANDIN_CODE(4, 5),
    COAP_RESPONSE_CODE_REQUEST_TOO_LARGE = STANDIN_CODE(4, 13),
    COAP_RESPONSE_CODE_UNSUPPORTED_CONTENT_FORMAT = STANDIN_CODE(4, 15),
    COAP_RESPONSE_CODE_INTERNAL_ERROR = STANDIN_CODE(5, 0),
    COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE = STANDIN_CODE(5, 3)
};

struct coap_packet {
    uint8_t *data;
    uint16_t offset, max_len;
    uint16_t last_option;
};
struct coap_option {
    uint16_t number;
};
struct coap_transmission_parameters {
    uint32_t ack_timeout;
};
struct coap_resource;
typedef int (*coap_method_t)(struct coap_resource *resource, struct coap_packet *request,
                             struct sockaddr *addr, socklen_t addr_len);
struct coap_resource {
    coap_method_t get, post, put, del, fetch, patch, ipatch;
    const char *const *path;
    void *user_data;
};

int coap_packet_init(struct coap_packet *packet, uint8_t *data, uint16_t max_len, uint8_t version,
                     uint8_t type, uint8_t token_len, const uint8_t *token, uint8_t code,
                     uint16_t id);
int coap_packet_parse(struct coap_packet *packet, uint8_t *data, uint16_t len,
                      struct coap_option *options, uint8_t options_len);
int coap_append_option_int(struct coap_packet *packet, uint16_t number, unsigned int value);
int coap_packet_append_payload_marker(struct coap_packet *packet);
int coap_packet_append_payload(struct coap_packet *packet, const uint8_t *payload, uint16_t len);
const uint8_t *coap_packet_get_payload(const struct coap_packet *packet, uint16_t *len);
int coap_get_option_int(const struct coap_packet *packet, uint16_t number);
uint8_t coap_header_get_token(const struct coap_packet *packet, uint8_t *token);
uint8_t coap_header_get_code(const struct coap_packet *packet);
uint8_t coap_header_get_type(const struct coap_packet *packet);
uint16_t coap_header_get_id(const struct coap_packet *packet);
uint16_t coap_next_id(void);

#endif
