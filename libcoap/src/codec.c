#include "codec.h"

#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_MARKER = 0xFF, SEGMENTS_MAX = 600, PATH_MAX_LEN = 250, ECHO_MAX = 40 };

/* Volatile, so that the compiler does not know what is called, nor that it could be left out. */
static void *(*const volatile fill)(void *, int, size_t) = memset;

void lc_wipe(void *bytes, size_t len) {
    (void)fill(bytes, 0, len);
}

bool lc_add_uint_option(coap_pdu_t *pdu, coap_option_num_t number, uint32_t value) {
    uint8_t bytes[4];
    unsigned length = coap_encode_var_safe(bytes, sizeof bytes, value);

    return coap_add_option(pdu, number, length, bytes) != 0;
}

uint32_t lc_block_value(uint32_t number, bool more, uint32_t szx) {
    return number << 4 | (more ? 8U : 0U) | szx;
}

/* Options in CoAP encoding, in rising order of their numbers. */
struct writer {
    uint8_t *out;
    size_t capacity;
    size_t used;
    uint16_t number; /* the last one's */
};

static bool put(struct writer *to, uint16_t number, const uint8_t *value, size_t length) {
    uint16_t delta = (uint16_t)(number - to->number);

    if (coap_opt_encode_size(delta, length) > to->capacity - to->used) {
        return false; /* coap_opt_encode() asserts that there is room for a header */
    }
    to->used += coap_opt_encode(to->out + to->used, to->capacity - to->used, delta, value, length);
    to->number = number;
    return true;
}

static bool put_option(struct writer *to, uint16_t number, const coap_opt_t *option) {
    return put(to, number, coap_opt_value(option), coap_opt_length(option));
}

/* An unsigned option that was not there before; one that is too long is not there. */
static bool take_uint(const coap_opt_t *option, bool there, uint32_t *value) {
    if (there || coap_opt_length(option) > sizeof *value) {
        return false;
    }
    *value = coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option));
    return true;
}

static void take_block(const coap_opt_t *option, struct lc_block *block, bool *valid) {
    uint32_t value;

    if (take_uint(option, block->present, &value)) {
        block->present = true;
        block->number = value >> 4;
        block->more = (value & 8U) != 0;
        block->szx = value & 7U;
        block->offset = (size_t)block->number << (block->szx + 4);
        *valid = *valid && block->szx <= LC_SZX_MAX;
    }
}

static void take_tag(const coap_opt_t *option, struct lc_tag *tag) {
    size_t length = coap_opt_length(option);

    if (tag->len == 0 && length > 0 && length <= LC_TOKEN_MAX) {
        memcpy(tag->bytes, coap_opt_value(option), length);
        tag->len = length;
    }
}

/* `uri`: for Uri-Path and Uri-Query; or NULL. False: they do not fit. */
static bool read_options(const coap_pdu_t *pdu, struct lc_options *options, struct writer *uri) {
    coap_opt_iterator_t iterator;
    const coap_opt_t *option;
    uint32_t value;
    bool fits = true;

    *options = (struct lc_options){.observe = LC_NO_OPTION,
                                   .content_format = LC_NO_OPTION,
                                   .max_age = LC_NO_OPTION,
                                   .blocks_valid = true};
    coap_option_iterator_init(pdu, &iterator, COAP_OPT_ALL);
    while ((option = coap_option_next(&iterator)) != NULL) {
        switch (iterator.number) {
        case COAP_OPTION_OBSERVE:
            if (take_uint(option, options->observe != LC_NO_OPTION, &value)) {
                options->observe = value;
            }
            break;
        case COAP_OPTION_CONTENT_FORMAT:
            if (take_uint(option, options->content_format != LC_NO_OPTION, &value)) {
                options->content_format = value;
            }
            break;
        case COAP_OPTION_MAXAGE:
            if (take_uint(option, options->max_age != LC_NO_OPTION, &value)) {
                options->max_age = value;
            }
            break;
        case COAP_OPTION_ETAG:
            take_tag(option, &options->etag);
            break;
        case COAP_OPTION_BLOCK1:
            take_block(option, &options->block1, &options->blocks_valid);
            break;
        case COAP_OPTION_BLOCK2:
            take_block(option, &options->block2, &options->blocks_valid);
            break;
        case COAP_OPTION_RTAG:
            take_tag(option, &options->tag);
            break;
        case COAP_OPTION_URI_PATH:
        case COAP_OPTION_URI_QUERY:
            fits = fits && (uri == NULL || put_option(uri, iterator.number, option));
            break;
        case COAP_OPTION_ECHO:
            if (options->echo == NULL && coap_opt_length(option) - 1 < ECHO_MAX) {
                options->echo = option;
            }
            break;
        case COAP_OPTION_OSCORE:
            if (options->oscore == NULL) {
                options->oscore = option;
            }
            break;
        default:
            break;
        }
    }
    return fits;
}

void lc_read_options(const coap_pdu_t *pdu, struct lc_options *options) {
    (void)read_options(pdu, options, NULL);
}

bool lc_read_sealed(const coap_pdu_t *outer, struct lc_options *options,
                    uint8_t target[LSCOAP_AAD_MAX], size_t *target_len) {
    struct writer uri = {.out = target, .capacity = LSCOAP_AAD_MAX};
    bool fits = read_options(outer, options, &uri);

    *target_len = uri.used;
    if (options->oscore != NULL) {
        *target_len = coap_opt_length(options->oscore);
        fits = *target_len <= LSCOAP_AAD_MAX;
        if (fits) {
            memcpy(target, coap_opt_value(options->oscore), *target_len);
        }
    }
    return fits;
}

bool lc_same_tag(const struct lc_tag *a, const struct lc_tag *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool lc_is_name(const struct lc_tag *tag) {
    return tag->len == sizeof tag->bytes;
}

bool lc_like_alert(const uint8_t *payload, size_t len) {
    return len > 0 && (payload[0] & 0x0F) == 0x0F;
}

/* ---- whole messages ---- */

/* In the place of options of the same number, or in between. */
static bool put_set(struct writer *to, const struct lc_set *set) {
    uint8_t value[8];

    return set->value < 0 || put(to, set->number, value,
                                 coap_encode_var_safe8(value, sizeof value, (uint64_t)set->value));
}

static bool put_options(struct writer *to, const coap_pdu_t *pdu, const struct lc_set *sets,
                        size_t n_sets) {
    coap_opt_iterator_t iterator;
    const coap_opt_t *option;
    size_t done = 0;

    coap_option_iterator_init(pdu, &iterator, COAP_OPT_ALL);
    while ((option = coap_option_next(&iterator)) != NULL) {
        while (done < n_sets && sets[done].number < iterator.number) {
            if (!put_set(to, &sets[done++])) {
                return false;
            }
        }
        if ((done == n_sets || sets[done].number != iterator.number) &&
            !put_option(to, iterator.number, option)) {
            return false;
        }
    }
    while (done < n_sets) {
        if (!put_set(to, &sets[done++])) {
            return false;
        }
    }
    return true;
}

/* Options and payload as they stand in a PDU, when nothing of them is to be changed. False:
 * something is, or there is no room. */
static bool put_rest(struct writer *to, const coap_pdu_t *pdu, const struct lc_body *payload) {
    coap_opt_iterator_t rest;
    const uint8_t *own = NULL;
    size_t len = 0;

    (void)coap_get_data(pdu, &len, &own);
    if (own != payload->bytes || len != payload->len ||
        coap_option_iterator_init(pdu, &rest, COAP_OPT_ALL) == NULL ||
        (len > 0 && own + len != rest.next_option + rest.length) || /* put together by libcoap */
        rest.length > to->capacity - to->used) {
        return false;
    }
    memcpy(to->out + to->used, rest.next_option, rest.length);
    to->used += rest.length;
    return true;
}

size_t lc_write_message(const coap_pdu_t *pdu, const struct lc_set *sets, size_t n_sets,
                        const struct lc_body *payload, uint8_t *out, size_t capacity) {
    coap_bin_const_t token = coap_pdu_get_token(pdu);
    coap_mid_t mid = coap_pdu_get_mid(pdu);
    struct writer to = {.out = out, .capacity = capacity, .used = LC_HEADER_LEN + token.length};

    if (token.length > LC_TOKEN_MAX || to.used > capacity) {
        return 0;
    }
    out[0] = (uint8_t)(0x40U | (unsigned)coap_pdu_get_type(pdu) << 4 | (unsigned)token.length);
    out[1] = (uint8_t)coap_pdu_get_code(pdu);
    out[2] = (uint8_t)((unsigned)mid >> 8);
    out[3] = (uint8_t)mid;
    if (token.length > 0) {
        memcpy(out + LC_HEADER_LEN, token.s, token.length);
    }
    if (n_sets == 0 && put_rest(&to, pdu, payload)) {
        return to.used;
    }
    if (!put_options(&to, pdu, sets, n_sets) ||
        (payload->len > 0 && capacity - to.used < payload->len + 1)) {
        return 0;
    }
    if (payload->len > 0) {
        out[to.used++] = PAYLOAD_MARKER;
        memcpy(out + to.used, payload->bytes, payload->len);
        to.used += payload->len;
    }
    return to.used;
}

coap_pdu_t *lc_parse_message(const uint8_t *bytes, size_t len) {
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, 0, 0, len);

    if (pdu != NULL && !coap_pdu_parse(COAP_PROTO_UDP, bytes, len, pdu)) {
        coap_delete_pdu(pdu);
        return NULL;
    }
    return pdu;
}

bool lc_copy(const coap_pdu_t *from, coap_pdu_t *to) {
    coap_opt_iterator_t iterator;
    const coap_opt_t *option;
    const uint8_t *payload;
    size_t len;

    coap_pdu_set_code(to, coap_pdu_get_code(from));
    coap_option_iterator_init(from, &iterator, COAP_OPT_ALL);
    while ((option = coap_option_next(&iterator)) != NULL) {
        if (!coap_add_option(to, iterator.number, coap_opt_length(option),
                             coap_opt_value(option))) {
            return false;
        }
    }
    return !coap_get_data(from, &len, &payload) || coap_add_data(to, len, payload);
}

bool lc_response_understood(const coap_pdu_t *inner) {
    coap_opt_iterator_t iterator;

    coap_option_iterator_init(inner, &iterator, COAP_OPT_ALL);
    while (coap_option_next(&iterator) != NULL) {
        if ((iterator.number & 1U) != 0 && iterator.number != COAP_OPTION_BLOCK1 &&
            iterator.number != COAP_OPTION_BLOCK2) {
            return false;
        }
    }
    return COAP_RESPONSE_CLASS(coap_pdu_get_code(inner)) >= 2;
}

/* The segments that libcoap found in a path or a query, as options. */
static bool add_segments(coap_pdu_t *pdu, coap_option_num_t number, const uint8_t *segments,
                         int count) {
    for (int i = 0; i < count; i++) {
        if (!coap_add_option(pdu, number, coap_opt_length(segments), coap_opt_value(segments))) {
            return false;
        }
        segments += coap_opt_size(segments);
    }
    return count >= 0;
}

bool lc_add_uri(coap_pdu_t *pdu, const char *path, int content_format) {
    uint8_t segments[SEGMENTS_MAX]; /* ample: libcoap leaves out segments that do not fit */
    size_t length = sizeof segments;
    size_t path_len = strcspn(path, "?");
    const char *query = path[path_len] == '?' ? path + path_len + 1 : "";
    size_t query_len = strlen(query);

    if (path_len > PATH_MAX_LEN || query_len > PATH_MAX_LEN) {
        return false;
    }
    if (*path == '/') {
        path++;
        path_len--;
    }
    if (path_len > 0 &&
        !add_segments(pdu, COAP_OPTION_URI_PATH, segments,
                      coap_split_path((const uint8_t *)path, path_len, segments, &length))) {
        return false;
    }
    if (content_format >= 0 &&
        !lc_add_uint_option(pdu, COAP_OPTION_CONTENT_FORMAT, (uint32_t)content_format)) {
        return false;
    }
    length = sizeof segments;
    return query_len == 0 ||
           add_segments(pdu, COAP_OPTION_URI_QUERY, segments,
                        coap_split_query((const uint8_t *)query, query_len, segments, &length));
}

const char *lscoap_libcoap_status_string(int status) {
    switch (status) {
    case LSCOAP_LIBCOAP_ERR_TIMEOUT:
        return "no answer";
    case LSCOAP_LIBCOAP_ERR_UNREACHABLE:
        return "the server cannot be reached";
    case LSCOAP_LIBCOAP_ERR_REFUSED:
        return "the answer is not sealed";
    case LSCOAP_LIBCOAP_ERR_MEMORY:
        return "out of memory";
    case LSCOAP_LIBCOAP_ERR_REQUEST:
        return "the request does not fit";
    case LSCOAP_LIBCOAP_ERR_UNCERTAIN:
        return "refused by somebody: the request may have been executed, or not";
    case LSCOAP_LIBCOAP_ERR_DEAF:
        return "this libcoap has OSCORE of its own: requests in OSCORE options reach nobody else";
    default:
        return lscoap_status_string((lscoap_status)status);
    }
}
