/*
 * From a sealed request to the request inside it, as one CoAP message, and back for the answer
 * (docs/protocol.md, "Sealed objects" and "Over CoAP"). Bytes in, bytes out: nothing of Zephyr's.
 */
#ifndef LSCOAP_INNER_MESSAGE_H
#define LSCOAP_INNER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The Uri-Path and Uri-Query options of a CoAP message, in CoAP encoding: what a request is sealed
 * for. The length, or -1: not a CoAP message, or `capacity` is too small. */
int inner_request_aad(const uint8_t *outer, size_t outer_len, uint8_t *aad, size_t capacity);

enum inner_result {
    INNER_OK,
    INNER_MALFORMED,  /* the plaintext is no CoAP code, options and payload */
    INNER_BAD_OPTION, /* it has options that only the outer message may have */
    INNER_TOO_LONG
};

/* The message that the handler sees: header and token of the outer one, the code, options and
 * payload of the plaintext, and the outer Uri-Path and Uri-Query. Observe is left out. */
enum inner_result inner_request(const uint8_t *outer, size_t outer_len, const uint8_t *plain,
                                size_t plain_len, uint8_t *out, size_t capacity, size_t *out_len);

/* The plaintext of an answer: its code, options and payload. The length, or -1. */
int inner_answer(const uint8_t *message, size_t len, uint8_t *plain, size_t capacity);

/* Inner GET and FETCH travel in FETCH, all others in POST. */
bool inner_method_fits(uint8_t inner_code, uint8_t outer_code);

#endif
