/* What the files of the server share. A file calls what stands above its own functions here,
 * nothing below. */
#ifndef LC_SERVER_H
#define LC_SERVER_H

#include "codec.h"
#include "listen.h"

#define LC_METHODS 7 /* GET to iPATCH, codes 0.01 to 0.07 */

enum { LC_OWN_OPTIONS = 2 /* Block1 and Block2, which the adapter reads */ };

struct lscoap_libcoap_resource {
    lscoap_libcoap_server *server;
    coap_resource_t *outer; /* in the server's context: what the network reaches */
    coap_resource_t *inner; /* in a context of its own, without endpoints: what handlers see */
    coap_method_handler_t handlers[LC_METHODS];
    uint16_t options[LC_OWN_OPTIONS + LSCOAP_LIBCOAP_OPTIONS_MAX]; /* critical ones that are read */
    size_t n_options;
    bool (*clear_allowed)(const coap_session_t *peer); /* or NULL: nobody */
};

/* A sealed request: what came, and what lscoap made of it. */
struct lc_request {
    lscoap_libcoap_server *server;
    coap_resource_t *reached; /* in the server's context */
    coap_session_t *peer;
    const coap_pdu_t *outer;
    uint64_t now_ms;
    uint32_t peer_hash;        /* lc_hash_of_peer() */
    struct lc_options options; /* outer; with `oscore` it came in an OSCORE option */
    const uint8_t *target;     /* of lc_read_sealed() */
    size_t target_len;
    struct lc_body body;     /* the payload: with the target it is the same for the same request */
    uint8_t *assembled;      /* memory of the body, when it came in blocks; or NULL */
    lscoap_session *session; /* from here on: once it has opened */
    size_t slot;             /* the session's */
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN]; /* and that */
    lscoap_exchange exchange;
    coap_pdu_t *inner; /* as the client made it; NULL: malformed */
    struct lc_options inner_options;
    lscoap_libcoap_resource *resource; /* that it is for; NULL: there is none */
    bool understood;                   /* all of its critical options are read there */
};

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
    bool is_oscore;       /* with this OSCORE option */
    uint8_t oscore[LSCOAP_RESPONSE_OVERHEAD];
    size_t oscore_len;
    bool observe; /* with an Observe option of this value */
    uint32_t observe_value;
    uint64_t etag; /* of its blocks, when it goes in blocks */
};

struct lc_answer {
    coap_address_t remote;
    coap_pdu_code_t method; /* the outer one of the request */
    struct lc_tag tag;
    uint8_t *bytes; /* target, body, sealed answer */
    size_t target_len;
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

/* A request that comes in blocks: a sealed one, or what is sealed. */
struct lc_transfer {
    uint8_t *key; /* what tells it from others; NULL: free */
    size_t key_len;
    size_t slot; /* of the session that it says it is of */
    uint8_t *bytes;
    size_t len;
    size_t capacity;
    bool moves; /* a second block has come */
    uint64_t used_ms;
};

/* An answer that goes out in blocks, each of them sealed. */
struct lc_kept_body {
    coap_pdu_t *answer; /* NULL: free */
    uint8_t *key;       /* the session and the request that it answers */
    size_t key_len;
    size_t slot;
    uint64_t etag; /* when the answer has none; else 0 */
    uint64_t used_ms;
    bool fetched; /* all of it has gone out */
};

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

enum { LC_MIDS = 8, LC_RESETS = 8 };

struct lc_observer {
    lscoap_libcoap_resource *resource; /* NULL: free */
    coap_session_t *peer;              /* a reference */
    coap_pdu_t *outer;                 /* copy of the registration, without its payload */
    uint8_t *inner;                    /* the message that it was, without Observe and blocks */
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

enum { LC_GROUP_PREFIX = 4 /* of a token's bytes, for all tokens of a server */ };

struct lc_groups {
    int fd; /* libcoap's; -1: lscoap_libcoap_group_open() was not called */
    bool is_ipv6;
    uint8_t prefix[LC_GROUP_PREFIX];
    lscoap_libcoap_group_fn on_answer;
    void *context;
};

struct lscoap_libcoap_server {
    coap_context_t *context;
    coap_context_t *inner_context;
    coap_resource_t *handshake;
    coap_resource_t *root; /* the empty path, which OSCORE requests have outside */
    struct lc_listener listener;
    lscoap_libcoap_server_config config;
    lscoap_server server;
    uint64_t reading_ms; /* of the caller's clock, the last */
    uint64_t now_ms;
    struct lc_networks networks;
    lscoap_libcoap_resource resources[LSCOAP_LIBCOAP_RESOURCES_MAX];
    size_t n_resources;
    struct lc_answers answers;
    struct lc_transfer transfers[LSCOAP_LIBCOAP_TRANSFERS_MAX];
    struct lc_kept_body bodies[LSCOAP_LIBCOAP_BODIES_MAX];
    struct lc_observer observers[LSCOAP_LIBCOAP_OBSERVERS_MAX];
    uint8_t (*confirmed)[LSCOAP_FINGERPRINT_LEN]; /* one a slot: whose confirmation was told */
    uint8_t *message;       /* LC_MESSAGE_MAX: what is being opened or sealed */
    uint64_t etag;          /* never the same twice, never 0 */
    uint32_t observe_value; /* rises with every answer that carries one */
    const lscoap_session *current;
    bool notifying;
    bool is_watched;      /* there may be observers */
    size_t next_observer; /* whose turn it is */
    uint64_t registrations;
    uint16_t resets[LC_RESETS]; /* message ids that libcoap's log named */
    size_t n_resets;
    struct lc_filter filter;
    struct lc_groups groups;
    unsigned stray_resets; /* that met no notification, since ... */
    uint64_t stray_ms;
};

/* ---- server_common.c ---- */

/* Milliseconds, which only go on: where the caller's clock goes back, no time has gone by. */
uint64_t lc_now(lscoap_libcoap_server *server);
void lc_tell(const lscoap_libcoap_server *server, const lscoap_libcoap_event *event);

/* Whether this is a UDP socket of that port: libcoap does not say which are its own. */
enum { LC_FDS_MAX = 4096 };
bool lc_is_bound(int fd, uint16_t port);

/* ---- server_source.c ---- */

/* Whom a peer shares room with: an IPv4 address (mapped ones too), an IPv6 /64, or the address
 * itself where it is link-local, unique-local or on-link. Gives the length, 0 for another family.
 */
size_t lc_source_of(struct lc_networks *networks, const coap_address_t *remote, uint64_t now_ms,
                    uint8_t out[LC_SOURCE_MAX]);

/* ---- server_filter.c ---- */

/* A request has come. */
void lc_filter_count(lscoap_libcoap_server *server, const coap_session_t *peer);

/* Changes the shares, when it is time. */
void lc_filter_look(lscoap_libcoap_server *server, uint64_t now_ms);

/* ---- server_answers.c: answers kept for retransmissions, and for their blocks ---- */

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

/* A block that has come. */
struct lc_incoming {
    const uint8_t *key; /* of the transfer that it belongs to */
    size_t key_len;
    bool named;       /* there is a name in it that nobody else has */
    bool has_session; /* that of `slot` */
    size_t slot;
    const struct lc_block *block;
};

/* True when there is no Block1 option, or all of the body is there, which then is in *body and in
 * *assembled, the caller's to free. Else the response says what comes next, or *refused what is
 * wrong. */
bool lc_blocks_receive(lscoap_libcoap_server *server, const struct lc_incoming *in, uint64_t now_ms,
                       struct lc_body *body, uint8_t **assembled, coap_pdu_t *response,
                       lscoap_status *refused);

/* The block has been taken: the next one, please. */
void lc_blocks_continue(const struct lc_block *block, coap_pdu_t *response);

/* Puts an answer, or the block of it that the request asks for, into the response: the first one
 * unless it is a follow-up. False when there is no such block. */
bool lc_add_answer(const struct lc_options *request, coap_pdu_t *response, struct lc_answer *answer,
                   bool follow_up);

void lc_transfers_clear(lscoap_libcoap_server *server);

/* ---- server_bodies.c ---- */

/* What an answer is sealed with in the place of its own options: values, or LC_NO_OPTION. */
struct lc_inner {
    int64_t etag;
    int64_t observe; /* LC_NO_OPTION: none, whatever a handler wrote */
    int64_t block2;
    int64_t block1;
    int64_t size2;
    struct lc_body payload; /* the answer's, or a block of it */
};

#define LC_INNER_NONE                                                                              \
    {                                                                                              \
        LC_NO_OPTION, LC_NO_OPTION, LC_NO_OPTION, LC_NO_OPTION, LC_NO_OPTION, {                    \
            NULL, 0, 0                                                                             \
        }                                                                                          \
    }

/* Takes a request whose blocks are sealed, with Block options. True when all of it is there, in
 * request->inner, without Block options; else the response, which is to be sealed, says what comes
 * next. */
bool lc_bodies_receive(struct lc_request *request, coap_pdu_t *response);

/* Keeps an answer, which then is the server's, for those who ask for another block of it. `inner`
 * has the ETag. False: no room. */
bool lc_bodies_keep(const struct lc_request *request, coap_pdu_t *answer,
                    const struct lc_inner *inner);

/* The answer that is kept for such a request, and its ETag. NULL: there is none. */
coap_pdu_t *lc_bodies_find(const struct lc_request *request, struct lc_inner *inner);

/* Whether the blocks of the answer to such a request are being asked for, or have all been. */
bool lc_bodies_in_transit(const struct lc_request *request);
bool lc_bodies_arrived(const struct lc_request *request);

void lc_bodies_clear(lscoap_libcoap_server *server);

/* ---- server_handshake.c ---- */

/* An answer in the clear; a payload is an alert or a message. */
void lc_reply(coap_pdu_t *response, coap_pdu_code_t code, const uint8_t *payload, size_t len);

/* POST to the handshake resource. */
void lc_handle_handshake(coap_resource_t *resource, coap_session_t *peer, const coap_pdu_t *request,
                         const coap_string_t *query, coap_pdu_t *response);

/* ---- server_serve.c ---- */

enum { LC_TRANSFER_KEY_MAX = 3 + LC_TOKEN_MAX + LSCOAP_AAD_MAX + sizeof(coap_address_t) };

/* How a sealed object would begin, for lscoap_server_find(): its length. */
size_t lc_object_start(const struct lc_request *request, uint8_t out[LC_OBJECT_START]);

/* Fills in what an opened message says, and its session. False: lscoap fails. */
bool lc_read_opened(struct lc_request *request, const uint8_t *message, size_t len);

/* The response of the handler for an inner request, whose method is one of LC_METHODS; code 4.05
 * when there is none. NULL: no memory. */
coap_pdu_t *lc_serve(const struct lc_request *request);

/* Fills in what goes out of an answer: all of it, or a block (*is_part), which is what the request
 * asks for, or the first one. `is_kept`: it is of lc_bodies_find(). False: there is no such block.
 */
bool lc_in_blocks(const struct lc_request *request, const coap_pdu_t *answer, bool is_kept,
                  struct lc_inner *inner, bool *is_part);

/* Seals an answer, keeps it, and puts it, or its first block, into the response.
 * False: it does not fit, or lscoap or memory failed. */
bool lc_seal_answer(const struct lc_request *request, const coap_pdu_t *answer,
                    const struct lc_inner *inner, coap_pdu_t *response);

/* ---- server_observers.c ---- */

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

/* The peer reset a confirmable notification, or never acknowledged it. */
void lc_observers_nack(lscoap_libcoap_server *server, const coap_session_t *peer, coap_mid_t mid);

/* What is due by time; true: there is more. */
bool lc_observers_poll(lscoap_libcoap_server *server, uint64_t now_ms);

/* ---- server_requests.c ---- */

/* Every method of a secured resource; and of the empty path, where OSCORE requests arrive. */
void lc_handle_resource(coap_resource_t *outer, coap_session_t *peer, const coap_pdu_t *pdu,
                        const coap_string_t *query, coap_pdu_t *response);
void lc_handle_root(coap_resource_t *outer, coap_session_t *peer, const coap_pdu_t *pdu,
                    const coap_string_t *query, coap_pdu_t *response);

#endif
