#include "story.h"

#include <lscoap.h>
#include <stdbool.h>

enum { HEADER_LEN = 4, MARKER = 0xFF, FORMAT_LEN = 2, CONTENT_FORMAT = 12, ONE_MORE = 13 };

/* Options as handshakes have them: none is longer than 12 bytes, or further from the last one. */
const uint8_t *story_handshake(const uint8_t *datagram, size_t len, size_t *message_len) {
    size_t at = HEADER_LEN + (len > 0 ? datagram[0] & 15U : 0);
    unsigned number = 0;
    bool is_handshake = false;

    while (at < len && datagram[at] != MARKER) {
        const size_t option_len = datagram[at] & 15U;

        if (datagram[at] >> 4 >= ONE_MORE || option_len >= ONE_MORE || at + option_len >= len) {
            return NULL;
        }
        number += datagram[at] >> 4;
        is_handshake = is_handshake || (number == CONTENT_FORMAT && option_len == FORMAT_LEN &&
                                        (datagram[at + 1] << 8 | datagram[at + 2]) ==
                                            LSCOAP_CONTENT_FORMAT_HANDSHAKE);
        at += 1 + option_len;
    }
    if (!is_handshake || at + 1 >= len) {
        return NULL;
    }
    *message_len = len - at - 1;
    return datagram + at + 1;
}

void story_printable(uint8_t byte, char text[STORY_PRINTABLE_MAX]) {
    static const char digits[] = "0123456789abcdef";

    if ((byte >= ' ' && byte <= '~') || byte == '\n') {
        text[0] = (char)byte;
        text[1] = '\0';
    } else {
        text[0] = '\\';
        text[1] = 'x';
        text[2] = digits[byte >> 4];
        text[3] = digits[byte & 15U];
        text[4] = '\0';
    }
}
