/* PDUs to bytes and back, for client and server. */
#ifndef LC_CODEC_H
#define LC_CODEC_H

#include "lscoap_libcoap.h"

enum {
    LC_PLAIN_MAX = LSCOAP_LIBCOAP_PLAIN_MAX,
    LC_OBJECT_MAX = LC_PLAIN_MAX + LSCOAP_REQUEST_OVERHEAD,
    LC_MESSAGE_MAX = LC_OBJECT_MAX + 2048, /* with all that a datagram can have around an object */
    LC_HEADER_LEN = 4,
    LC_TOKEN_MAX = 8,
    LC_OBJECT_START = 32, /* bytes of a sealed request that tell its session */
    LC_SZX_MAX = 6,       /* blocks of 1024 bytes; 7 is reserved */
    /* Until then a transfer may go on: three losses in a row are repaired in 14 to 21 s (RFC 7252
     * section 4.2). */
    LC_PATIENCE_MS = 24 * 1000
};

/* Overwrites what must not stay in memory. */
void lc_wipe(void *bytes, size_t len);

/* As an unsigned option, in its shortest form. */
bool lc_add_uint_option(coap_pdu_t *pdu, coap_option_num_t number, uint32_t value);

/* The value of a Block option. */
uint32_t lc_block_value(uint32_t number, bool more, uint32_t szx);

/* A sealed object, or a block of one. */
struct lc_body {
    const uint8_t *bytes;
    size_t len;
    size_t offset; /* in the object that it belongs to */
};

/* A Block1 or Block2 option. */
struct lc_block {
    bool present; /* all else is 0 when it is not */
    bool more;
    uint32_t number;
    uint32_t szx;
    size_t offset; /* in bytes */
};

/* A Request-Tag (RFC 9175), which holds the blocks of one request together, or an ETag; empty if
 * there is none. A Request-Tag of 8 bytes is random, and names a request and its answer wherever
 * their blocks come from and go to; a shorter one does so at one address only. */
struct lc_tag {
    uint8_t bytes[LC_TOKEN_MAX];
    size_t len;
};

enum { LC_NO_OPTION = -1 };

/* What the adapter wants to know of a PDU's options, outer or inner ones. */
struct lc_options {
    int64_t observe;        /* a value, or LC_NO_OPTION */
    int64_t content_format; /* the same */
    struct lc_block block1;
    struct lc_block block2;
    bool blocks_valid; /* neither has the reserved size */
    struct lc_tag tag;
    struct lc_tag etag;       /* the first one */
    int64_t max_age;          /* in seconds, or LC_NO_OPTION */
    const coap_opt_t *oscore; /* the first one, or NULL */
    const coap_opt_t *echo;   /* the same, of at most 40 bytes */
};

/* Reads them all in one go: libcoap begins with the first option whenever it is asked for one. */
void lc_read_options(const coap_pdu_t *pdu, struct lc_options *options);

/* The same for a sealed request, with what it is known by besides its payload: the value of its
 * OSCORE option, or else its Uri-Path and Uri-Query options. False when they are longer than lscoap
 * takes. */
bool lc_read_sealed(const coap_pdu_t *outer, struct lc_options *options,
                    uint8_t target[LSCOAP_AAD_MAX], size_t *target_len);

bool lc_same_tag(const struct lc_tag *a, const struct lc_tag *b);

/* A request's name, wherever it comes from. */
bool lc_is_name(const struct lc_tag *tag);

/* An alert, or what looks like one of any version and length: it gets no alert as its answer. */
bool lc_like_alert(const uint8_t *payload, size_t len);

/* An option for a message, or that there is none (LC_NO_OPTION), whatever the PDU has. */
struct lc_set {
    uint16_t number;
    int64_t value; /* an unsigned one */
};

/* Header, token, options and `payload`, with UDP framing. `sets`: in rising order of their numbers.
 * 0 when it does not fit. */
size_t lc_write_message(const coap_pdu_t *pdu, const struct lc_set *sets, size_t n_sets,
                        const struct lc_body *payload, uint8_t *out, size_t capacity);

/* NULL when it is malformed, to libcoap. */
coap_pdu_t *lc_parse_message(const uint8_t *bytes, size_t len);

/* Code, options and payload. False: they do not fit. */
bool lc_copy(const coap_pdu_t *from, coap_pdu_t *to);

/* A response, without a critical option that the adapter does not read. */
bool lc_response_understood(const coap_pdu_t *inner);

/* Uri-Path options, then `content_format` unless it is -1, then Uri-Query options, for
 * "/index?readings=20". */
bool lc_add_uri(coap_pdu_t *pdu, const char *path, int content_format);

#endif
