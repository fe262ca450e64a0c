/* GET /light says what it is, PUT changes it. */
#include "light.h"

#include <string.h>

enum { LIGHT_ROOM = 32 };

static const char *const light_path[] = {"light", NULL};
static char light[LIGHT_ROOM] = "off";

int light_serve(const struct coap_packet *request, struct coap_option *path, uint8_t path_len,
                const char **payload) {
    uint16_t len;
    const uint8_t *wanted = coap_packet_get_payload(request, &len);

    *payload = "";
    if (!coap_uri_path_match(light_path, path, path_len)) {
        return COAP_RESPONSE_CODE_NOT_FOUND;
    }
    switch (coap_header_get_code(request)) {
    case COAP_METHOD_GET:
        *payload = light;
        return COAP_RESPONSE_CODE_CONTENT;
    case COAP_METHOD_PUT:
        if (len == 0 || len >= sizeof light || memchr(wanted, '\0', len) != NULL) {
            return COAP_RESPONSE_CODE_BAD_REQUEST;
        }
        memcpy(light, wanted, len);
        light[len] = '\0';
        return COAP_RESPONSE_CODE_CHANGED;
    default:
        return COAP_RESPONSE_CODE_NOT_ALLOWED;
    }
}
