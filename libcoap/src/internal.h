/* What the files of the adapter share. Not for programs. */
#ifndef LSCOAP_LIBCOAP_INTERNAL_H
#define LSCOAP_LIBCOAP_INTERNAL_H

#include "lscoap_libcoap.h"

enum {
    LC_PLAIN_MAX = LSCOAP_LIBCOAP_PLAIN_MAX,
    LC_OBJECT_MAX = LC_PLAIN_MAX + LSCOAP_REQUEST_OVERHEAD,
    LC_HEADER_LEN = 4,
    LC_TOKEN_MAX = 8,
    LC_OBJECT_START = 32, /* bytes of a sealed request that tell its session */
    LC_SZX_MAX = 6,       /* blocks of 1024 bytes; 7 is reserved */
    /* Until then a transfer may go on: three losses in a row are repaired in 14 to 21 s (RFC 7252
     * section 4.2). */
    LC_PATIENCE_MS = 24 * 1000
};

#define LC_METHODS 7 /* GET to iPATCH, codes 0.01 to 0.07 */

/* ---- codec.c: PDUs to bytes and back ---- */

/* Overwrites what must not stay in memory. */
void lc_wipe(void *bytes, size_t len);

/* As an unsigned option, in its shortest form. */
bool lc_add_uint_option(coap_pdu_t *pdu, coap_option_num_t number, uint32_t value);

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
    struct lc_tag etag; /* the first one */
    int64_t max_age;    /* in seconds, or LC_NO_OPTION */
};

/* Reads them all in one go: libcoap begins with the first option whenever it is asked for one. */
void lc_read_options(const coap_pdu_t *pdu, struct lc_options *options);

/* The same for a sealed request, with its additional data: its Uri-Path and Uri-Query options.
 * False when they are longer than lscoap takes. */
bool lc_read_sealed(const coap_pdu_t *outer, struct lc_options *options,
                    uint8_t aad[LSCOAP_AAD_MAX], size_t *aad_len);

bool lc_same_tag(const struct lc_tag *a, const struct lc_tag *b);

/* A request's name, wherever it comes from. */
bool lc_is_name(const struct lc_tag *tag);

/* An alert, or what looks like one of any version and length: it gets no alert as its answer. */
bool lc_like_alert(const uint8_t *payload, size_t len);

/* RFC 8613 plaintext: code, inner options, FF and payload. Observe, Block and Uri options of
 * `inner` are left out; `observe` puts an empty Observe in. 0 when it does not fit. */
size_t lc_encode_plaintext(const coap_pdu_t *inner, bool observe, uint8_t *out, size_t capacity);

/* A plaintext, with room for what makes a datagram of it: a header, whose second byte is the code,
 * and a token. */
struct lc_plain {
    uint8_t headroom[LC_HEADER_LEN - 1 + LC_TOKEN_MAX];
    uint8_t bytes[LC_PLAIN_MAX];
};

/* The other way round, with type, message id and token of `outer`. NULL when it is malformed.
 * Writes into the headroom and over the code. */
coap_pdu_t *lc_decode_plaintext(struct lc_plain *plain, size_t len, const coap_pdu_t *outer);

/* No critical option that means nothing inside, or that nobody here understands. */
bool lc_request_options_allowed(const coap_pdu_t *inner);
bool lc_response_options_allowed(const coap_pdu_t *inner);

/* Uri-Path options, then `content_format`, then Uri-Query options, for "/index?readings=20". */
bool lc_add_uri(coap_pdu_t *pdu, const char *path, int content_format);

/* ---- what the server's files share ---- */

struct lscoap_libcoap_resource {
    lscoap_libcoap_server *server;
    coap_resource_t *outer; /* in the server's context: what the network reaches */
    coap_resource_t *inner; /* in a context of its own, without endpoints: what handlers see */
    coap_method_handler_t handlers[LC_METHODS];
    bool (*clear_allowed)(const coap_session_t *peer); /* or NULL: nobody */
};

/* A request to a secured resource: what came, and what lscoap made of it. */
struct lc_request {
    lscoap_libcoap_resource *resource;
    coap_session_t *peer;
    const coap_pdu_t *outer;
    const coap_string_t *query; /* or NULL */
    uint64_t now_ms;
    uint32_t peer_hash;        /* lc_hash_of_peer() */
    struct lc_options options; /* outer */
    const uint8_t *aad;
    size_t aad_len;
    struct lc_body body;
    uint8_t *assembled;      /* memory of the body, when it came in blocks; or NULL */
    lscoap_session *session; /* from here on: once it has opened */
    size_t slot;             /* the session's */
    lscoap_exchange exchange;
    coap_pdu_t *inner; /* NULL: the plaintext is malformed */
};

/* ---- server_answers.c: answers kept for retransmissions, and for their blocks ---- */

/* What answers are looked for by, and their age: each answer is in one list of each kind, but a
 * notification is not looked for by its object, and what has no tag not by that. */
enum lc_chain { LC_BY_OBJECT, LC_BY_TAG, LC_BY_PEER, LC_BY_AGE, LC_CHAINS };

enum { LC_BUCKETS = 4096 /* a power of two */, LC_NO_ANSWER = UINT16_MAX };

/* Neighbours in a list, the newest first. */
struct lc_link {
    uint16_t newer;
    uint16_t older;
};

/* What is read on the way along a list: apart from the answers, so that it stays in a cache. */
struct lc_node {
    uint16_t *place; /* in its session's share: where that says which answer this is */
    struct lc_link links[LC_CHAINS];
    uint16_t buckets[LC_BY_AGE]; /* LC_BUCKETS: in none */
};

/* The answers of one session, or LC_NO_ANSWER: the oldest is at `next`, and makes room there.
 * Answers to requests and notifications have a share each: neither pushes out the other. */
struct lc_share {
    uint16_t answers[LSCOAP_LIBCOAP_ANSWERS_OF_ONE];
    uint16_t notifications[LSCOAP_LIBCOAP_OBSERVERS_OF_ONE];
    uint8_t next_answer;
    uint8_t next_notification;
};

/* How an answer goes out. */
struct lc_manner {
    coap_pdu_code_t code; /* the outer one */
    bool observe;         /* with an Observe option of this value */
    uint32_t observe_value;
    uint64_t etag; /* of its blocks, when it goes in blocks */
};

struct lc_answer {
    const lscoap_libcoap_resource *resource;
    coap_address_t remote;
    coap_pdu_code_t method; /* the outer one of the request */
    struct lc_tag tag;
    uint8_t *bytes; /* aad, sealed request, sealed answer */
    size_t aad_len;
    size_t request_len; /* 0: a notification */
    size_t answer_len;
    struct lc_manner manner;
    uint64_t expires_ms;
    uint64_t asked_ms; /* for one of its blocks, the last time */
    bool in_blocks;
    bool fetched; /* all of it has gone out */
};

/* An answer has the same place in both arrays. */
struct lc_answers {
    struct lc_answer entries[LSCOAP_LIBCOAP_ANSWERS_MAX];
    struct lc_node nodes[LSCOAP_LIBCOAP_ANSWERS_MAX];
    struct lc_share *shares; /* one a slot */
    uint16_t newest[LC_BY_AGE][LC_BUCKETS];
    uint16_t newest_of_all;
    uint16_t oldest_of_all;
    uint16_t unused; /* a free place, with others behind it in LC_BY_AGE */
    size_t bytes;
};

enum lc_repeat {
    LC_REPEAT_NO,       /* not seen */
    LC_REPEAT_ANSWER,   /* answered before, with *answer */
    LC_REPEAT_STRAGGLER /* a late block of a request that has been answered */
};

/* False: no memory. */
bool lc_answers_init(struct lc_answers *answers, size_t n_slots);

/* Of address and port. */
uint32_t lc_hash_of_peer(const coap_address_t *remote);

/* For a request, or a block of one: whether that has been answered, whatever port it comes from. */
enum lc_repeat lc_answers_find(struct lc_answers *answers, const struct lc_request *request,
                               struct lc_answer **answer);

/* The answer to a request that comes along with the question; or the newest one to the same request
 * by its name, or else of the same peer, resource, method and Uri options, the one with the ETag
 * that is asked for. NULL if there is none. */
struct lc_answer *lc_answers_newest(struct lc_answers *answers, const struct lc_request *request);

/* Whether the blocks of the newest are still being asked for: a newer one has to wait. */
bool lc_answers_in_transit(struct lc_answers *answers, const struct lc_request *request);

/* Keeps a copy of request and answer. The oldest of the session makes room when it has its share,
 * the oldest of all when there is none left. NULL: no memory; a retransmission will
 * be refused as a replay. */
struct lc_answer *lc_answers_put(struct lc_answers *answers, const struct lc_request *request,
                                 const uint8_t *sealed, size_t sealed_len,
                                 const struct lc_manner *manner);

/* Forgets those that are too old to be asked for. */
void lc_answers_expire(struct lc_answers *answers, uint64_t now_ms);

/* After that there are none. */
void lc_answers_free(struct lc_answers *answers);

/* ---- server_blocks.c ---- */

/* A request that comes in blocks. */
struct lc_transfer {
    const lscoap_libcoap_resource *resource; /* NULL: free */
    coap_address_t remote;
    coap_pdu_code_t method;
    struct lc_tag tag;
    size_t slot; /* of the session that it says it is of */
    uint8_t *bytes;
    size_t len;
    size_t capacity;
    bool moves; /* a second block has come */
    uint64_t used_ms;
};

/* True when the whole object is there, in request->body. Else the response says what comes next, or
 * *refused what is wrong. */
bool lc_blocks_receive(struct lc_request *request, coap_pdu_t *response, lscoap_status *refused);

/* The block has been taken: the next one, please. */
void lc_blocks_continue(const struct lc_block *block, coap_pdu_t *response);

/* Puts an answer, or the block of it that the request asks for, into the response: the first one
 * unless it is a follow-up. False when there is no such block. */
bool lc_add_answer(const struct lc_options *request, coap_pdu_t *response, struct lc_answer *answer,
                   bool follow_up);

void lc_transfers_clear(lscoap_libcoap_server *server);

/* ---- server_handshake.c ---- */

/* An answer in the clear; a payload is an alert or a message. */
void lc_reply(coap_pdu_t *response, coap_pdu_code_t code, const uint8_t *payload, size_t len);

/* POST to the handshake resource. */
void lc_handle_handshake(coap_resource_t *resource, coap_session_t *peer, const coap_pdu_t *request,
                         const coap_string_t *query, coap_pdu_t *response);

/* ---- server_source.c ---- */

enum { LC_SOURCE_MAX = 20, LC_NETWORKS_MAX = 32 };

/* What is known of this machine's IPv6 networks. */
struct lc_networks {
    struct lc_network {
        struct in6_addr address;
        struct in6_addr mask;
    } list[LC_NETWORKS_MAX];
    size_t n;
    bool known;
    uint64_t read_ms;
};

/* Whom a peer shares room with: an IPv4 address (mapped ones too), an IPv6 /64, or the address
 * itself where it is link-local, unique-local or on-link. Gives the length, 0 for another family.
 */
size_t lc_source_of(struct lc_networks *networks, const coap_address_t *remote, uint64_t now_ms,
                    uint8_t out[LC_SOURCE_MAX]);

/* ---- server.c, server_observers.c ---- */

enum { LC_MIDS = 8, LC_RESETS = 8 };

struct lc_observer {
    lscoap_libcoap_resource *resource; /* NULL: free */
    coap_session_t *peer;              /* a reference */
    coap_pdu_t *outer;                 /* copy of the registration, without its payload */
    coap_string_t *query;              /* or NULL */
    uint8_t *inner;                    /* the registration's plaintext without Observe */
    size_t inner_len;
    uint8_t object[LC_OBJECT_START]; /* its start, for lscoap_server_find() */
    size_t object_len;
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN]; /* the id may have gone to another session */
    lscoap_exchange exchange;
    uint64_t number;          /* rises with each registration */
    bool dirty;               /* a notification had to wait */
    bool unconfirmed;         /* the newest notification was not confirmable */
    uint64_t con_ms;          /* no confirmable notification before that */
    coap_mid_t mids[LC_MIDS]; /* of the newest notifications, COAP_INVALID_MID: none */
    size_t next_mid;
};

/* ---- server_filter.c ---- */

enum { LC_PORT_CLASSES = 32, LC_FILTERED_MAX = 8 };

struct lc_filter {
    int fds[LC_FILTERED_MAX]; /* libcoap's */
    size_t n_fds;
    uint32_t counts[LC_PORT_CLASSES]; /* requests by source port, since the last look */
    uint32_t shared;                  /* a bit a class: only a share of it is let through ... */
    uint32_t share;                   /* ... of 2^32 */
    unsigned filling;                 /* looks in a row */
    uint32_t passed[LC_PORT_CLASSES]; /* requests since ... */
    uint64_t eased_ms;                /* ... shares were changed */
    uint64_t looked_ms;
};

/* A request has come. */
void lc_filter_count(lscoap_libcoap_server *server, const coap_session_t *peer);

/* Changes the shares, when it is time. */
void lc_filter_look(lscoap_libcoap_server *server, uint64_t now_ms);

struct lscoap_libcoap_server {
    coap_context_t *context;
    coap_context_t *inner_context;
    coap_resource_t *handshake;
    lscoap_libcoap_server_config config;
    lscoap_server server;
    uint64_t reading_ms; /* of the caller's clock, the last */
    uint64_t now_ms;
    struct lc_networks networks;
    lscoap_libcoap_resource resources[LSCOAP_LIBCOAP_RESOURCES_MAX];
    size_t n_resources;
    struct lc_answers answers;
    struct lc_transfer transfers[LSCOAP_LIBCOAP_TRANSFERS_MAX];
    struct lc_observer observers[LSCOAP_LIBCOAP_OBSERVERS_MAX];
    uint8_t (*confirmed)[LSCOAP_FINGERPRINT_LEN]; /* one a slot: whose confirmation was told */
    struct lc_plain *plain;
    uint8_t *sealed;        /* LC_OBJECT_MAX */
    uint64_t etag;          /* never the same twice, never 0 */
    uint32_t observe_value; /* rises with every answer that carries one */
    const lscoap_session *current;
    bool notifying;
    size_t next_observer; /* whose turn it is */
    uint64_t registrations;
    uint16_t resets[LC_RESETS]; /* message ids that libcoap's log named */
    size_t n_resets;
    struct lc_filter filter;
    unsigned stray_resets; /* that met no notification, since ... */
    uint64_t stray_ms;
};

/* Milliseconds, which only go on: where the caller's clock goes back, no time has gone by. */
uint64_t lc_now(lscoap_libcoap_server *server);
void lc_tell(const lscoap_libcoap_server *server, const lscoap_libcoap_event *event);

/* The inner response of a handler; code 4.05 when there is none. NULL: no memory. */
coap_pdu_t *lc_serve(lscoap_libcoap_resource *resource, coap_session_t *peer,
                     const lscoap_session *session, const coap_pdu_t *inner,
                     const coap_string_t *query);

/* Keeps a sealed answer (request->resource->server->sealed) and puts it, or its first block, into
 * the response. False: it does not fit, or there is no memory. */
bool lc_send_sealed(const struct lc_request *request, size_t len, const struct lc_manner *manner,
                    coap_pdu_t *response);

/* Copies a registration into *fresh, which is then to be entered or discarded. False: no memory, or
 * no room, with nothing in *fresh. */
bool lc_observers_prepare(const struct lc_request *registration, struct lc_observer *fresh);

/* In place of the session's older observation of the same (RFC 7641 sections 3.1 and 4.1), or of
 * its oldest when it has its share. Once the answer is sealed. */
void lc_observers_enter(struct lc_observer *fresh);

void lc_observers_discard(struct lc_observer *fresh);

/* Ends the observations that a request with Observe 1 asks to end: those of the same session with
 * the same token, or with the same request otherwise. */
void lc_observers_cancel(const struct lc_request *request);

void lc_observers_clear(lscoap_libcoap_server *server);

/* For coap_register_nack_handler(): finds the server or the client that it is about. */
void lc_on_nack(coap_session_t *peer, const coap_pdu_t *sent, coap_nack_reason_t reason,
                coap_mid_t mid);

/* ---- client_ask.c: a message of the client's and its answer, in blocks or not ---- */

enum { LC_OWN_TOKEN_LEN = 4 }; /* bytes of a token of the client's, from the random source */

struct lc_token {
    uint8_t bytes[LC_TOKEN_MAX];
    size_t len; /* 0: none */
};

/* What a client asks for. All of it is the ask's own; lc_ask_clear() frees it. */
struct lc_ask {
    coap_pdu_code_t code;
    char *path; /* and query */
    int content_format;
    int observe;    /* the option's value; -1: there is none */
    uint8_t *bytes; /* the message, or a sealed object */
    size_t len;     /* of it */
    bool in_blocks;
    size_t offset;     /* of the one that goes out next, or has gone out last */
    uint32_t szx;      /* of them */
    struct lc_tag tag; /* the Request-Tag, of what goes in blocks or begins an observation */
    /* The newest datagram of the request has the token `first`, the one before it `before`: with
     * either come the answer and, later, notifications. Those that ask for another block of an
     * answer have tokens of their own, the newest being `next`. */
    struct lc_token first;
    struct lc_token before;
    struct lc_token next;
    bool fetching;   /* blocks of the answer, from here on */
    uint8_t *answer; /* as far as it is there */
    size_t answer_len;
    size_t answer_capacity;
    uint32_t answer_szx;
    struct lc_tag etag;
    unsigned anew;        /* how often another ETag came in between */
    bool answer_observed; /* its first block has Observe */
};

/* Sends what comes next: a block of the message, or the whole of it, or a request for a block of
 * the answer, with a new token or that of last time. A status. */
int lc_ask_send(lscoap_libcoap_client *client, struct lc_ask *ask, bool new_token);

enum lc_took {
    LC_TOOK_WHOLE,  /* *whole is the answer, until the ask is used again */
    LC_TOOK_BLOCK,  /* what comes next has been sent */
    LC_TOOK_NOTHING /* it does not fit: nothing has changed */
};

/* Takes a datagram that is not a refusal and has the token `first` or `before`, or `next`. */
enum lc_took lc_ask_take(lscoap_libcoap_client *client, struct lc_ask *ask,
                         const coap_pdu_t *received, const struct lc_options *options, bool is_next,
                         struct lc_body *whole);

/* From its first block. */
void lc_ask_restart(struct lc_ask *ask);

void lc_ask_clear(struct lc_ask *ask);

/* ---- what the client's files share ---- */

struct lc_observation {
    bool live;
    struct lc_ask ask; /* the registration, and a notification that comes in blocks */
    lscoap_exchange exchange;
    lscoap_libcoap_notification_fn on_notification;
    void *context;
};

/* The one exchange that is waited for. What is not authentic ends it only when it comes again: it
 * is a hint that the message had better be sent once more. */
struct lc_pending {
    enum { LC_IDLE, LC_HANDSHAKE, LC_REQUEST } kind;
    bool done;
    int status; /* in the end; until then what is to be said when no answer comes */
    struct lc_ask ask;
    uint64_t sent_ms;  /* when the newest datagram went out */
    uint64_t again_ms; /* when to send it again, because of a hint; UINT64_MAX: not at all */
    uint64_t icmp_ms;  /* when the first ICMP error came, or 0 */
    bool repeated;     /* it went out twice without one */
    unsigned hints;
    unsigned delays;                     /* 4.08 and 5.03 */
    bool refused;                        /* ended by hints */
    uint8_t message[LSCOAP_MESSAGE_MAX]; /* LC_HANDSHAKE: the answer */
    size_t message_len;
    coap_pdu_code_t expected; /* LC_REQUEST: the outer code of a sealed answer */
    coap_pdu_code_t outer_code;
    lscoap_exchange exchange;
    struct lc_observation *observation; /* begins, as `begins`, when the answer says so; or NULL */
    struct lc_observation begins;
};

struct lscoap_libcoap_client {
    coap_context_t *context;
    coap_session_t *peer;
    lscoap_libcoap_client_config config;
    lscoap_client handshake;
    /* The newest session, at `newest`, and beside it the one from before, until an answer has
     * opened in the newest one (protocol section 8). */
    lscoap_session sessions[2];
    enum lc_session_state { LC_NONE, LC_NEW, LC_CONFIRMED } states[2];
    int newest;
    uint8_t device_id[LSCOAP_DEVICE_ID_MAX]; /* of the config, whose memory is the caller's */
    bool stored;                             /* the newest session is the one in storage */
    struct lc_pending pending;
    coap_pdu_t *answer; /* the inner one */
    struct lc_observation observations[LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX];
    struct lc_plain *plain;
};

/* ---- client_sessions.c ---- */

/* NULL when there is none. */
lscoap_session *lc_session(lscoap_libcoap_client *client);

/* An answer has opened in the newest session: the older one ends, and the newest is stored. */
void lc_session_confirmed(lscoap_libcoap_client *client);

/* Seals a request in the newest session, which is stored again when it has to be. */
int lc_session_seal(lscoap_libcoap_client *client, const uint8_t *aad, size_t aad_len, size_t len,
                    uint8_t *sealed, size_t *sealed_len);

/* ---- client_pending.c ---- */

/* Sends the pending ask, and lets libcoap work until it is over; 0 ms: as long as a message can be
 * on its way. */
int lc_client_wait(lscoap_libcoap_client *client, uint32_t timeout_ms);

/* For coap_register_response_handler(). */
coap_response_t lc_client_response(coap_session_t *peer, const coap_pdu_t *sent,
                                   const coap_pdu_t *received, coap_mid_t mid);

void lc_client_nack(const coap_session_t *peer, const coap_pdu_t *sent, coap_nack_reason_t reason);

/* ---- client.c ---- */

void lc_client_tell(const lscoap_libcoap_client *client, lscoap_libcoap_event *event);
void lc_client_tell_message(const lscoap_libcoap_client *client, lscoap_libcoap_event_type type,
                            const uint8_t *message, size_t message_len);

/* A whole handshake over `peer`, from its first message: full, or a resumption of `resumed`.
 * *forgotten: it failed since the server does not know the handshake any more, or says so. */
lscoap_status lc_shake_hands(lscoap_libcoap_client *client, coap_session_t *peer,
                             const lscoap_session *resumed, uint32_t timeout_ms, bool *forgotten);

/* The libcoap session to talk over from now on; NULL for none. */
void lc_set_peer(lscoap_libcoap_client *client, coap_session_t *peer);

/* Ends all observations without a word to anybody. */
void lc_observations_clear(lscoap_libcoap_client *client);

#endif
