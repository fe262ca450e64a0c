#include "script.h"

#include <string.h>

bool script_byte(struct script *script, uint8_t *byte) {
    if (script->left == 0) {
        return false;
    }
    *byte = *script->at++;
    script->left--;
    return true;
}

size_t script_bytes(struct script *script, size_t most, const uint8_t **bytes) {
    uint8_t len = 0;
    size_t taken;

    (void)script_byte(script, &len);
    taken = len < most ? len : most;
    taken = taken < script->left ? taken : script->left;
    *bytes = script->at;
    script->at += taken;
    script->left -= taken;
    return taken;
}

static void replace(struct script *script, uint8_t *message, size_t from, size_t capacity,
                    size_t *len) {
    const uint8_t *bytes;
    size_t more = script_bytes(script, capacity - from, &bytes);

    memcpy(message + from, bytes, more);
    *len = from + more;
}

bool script_change(struct script *script, uint8_t *message, size_t capacity, size_t *len) {
    uint8_t how, place, mask;

    if (!script_byte(script, &how)) {
        return false;
    }
    switch (how % 8) {
    case 0: /* other bytes */
        replace(script, message, 0, capacity, len);
        return true;
    case 1: /* other bytes from some place on */
        if (!script_byte(script, &place)) {
            return false;
        }
        replace(script, message, place < *len ? place : *len, capacity, len);
        return true;
    case 2: /* more bytes */
        replace(script, message, *len, capacity, len);
        return true;
    case 3: /* fewer bytes */
        if (!script_byte(script, &place)) {
            return false;
        }
        *len = place < *len ? place : *len;
        return true;
    case 4: /* another byte */
    case 5:
        if (!script_byte(script, &place) || !script_byte(script, &mask)) {
            return false;
        }
        if (*len > 0) {
            message[place % *len] ^= mask;
        }
        return true;
    default:
        return true;
    }
}
