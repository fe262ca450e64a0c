#include "answer_block.h"

#include <errno.h>
#include <string.h>
#include <zephyr/sys/util.h>

enum { SZX = 7, MORE = 8, SZX_RESERVED = 7 };

int answer_block(struct coap_packet *answer, size_t room, int block2) {
    const size_t size = (size_t)1 << ((block2 & SZX) + 4);
    const size_t offset = (size_t)(block2 >> 4) * size;
    uint8_t *const data = answer->data;
    uint16_t len;
    const uint8_t *payload;
    size_t part;
    bool more;

    if (coap_packet_parse(answer, data, answer->offset, NULL, 0) < 0) {
        return -EINVAL;
    }
    payload = coap_packet_get_payload(answer, &len);
    more = offset + size < len;
    if ((block2 & SZX) == SZX_RESERVED || (offset > 0 && offset >= len)) {
        return -ERANGE;
    }
    if (payload == NULL || (offset == 0 && !more)) {
        return 0;
    }
    /* The part waits at the end of the room, while the option takes its place. */
    part = MIN(size, len - offset);
    memmove(data + room - part, payload + offset, part);
    if (coap_packet_parse(answer, data, (uint16_t)(payload - 1 - data), NULL, 0) < 0) {
        return -EINVAL;
    }
    answer->max_len = (uint16_t)room;
    if (coap_append_option_int(answer, COAP_OPTION_BLOCK2,
                               (unsigned)(block2 & ~MORE) | (more ? MORE : 0)) < 0 ||
        coap_packet_append_payload_marker(answer) < 0 || room - answer->offset < part) {
        return -EMSGSIZE;
    }
    memmove(data + answer->offset, data + room - part, part);
    answer->offset = (uint16_t)(answer->offset + part);
    return 0;
}
