/* What the files of the client share. A file calls what stands above its own functions here,
 * nothing below. */
#ifndef LC_CLIENT_H
#define LC_CLIENT_H

#include "codec.h"
#include "listen.h"

enum { LC_OWN_TOKEN_LEN = 4 }; /* bytes of a token of the client's, from the random source */

struct lc_token {
    uint8_t bytes[LC_TOKEN_MAX];
    size_t len; /* 0: none */
};

enum { LC_ECHO_MAX = 40 /* RFC 9175 section 2.2.1 */ };

/* What a client asks for. All of it is the ask's own; lc_ask_clear() frees it. With an OSCORE
 * option as carrier this is the request itself, and each datagram of it is sealed; with a payload
 * as carrier it is what carries the sealed object. */
struct lc_ask {
    int32_t carrier; /* LSCOAP_CARRIER_OSCORE or LSCOAP_CARRIER_PAYLOAD; 0: in the clear */
    coap_pdu_code_t code;
    char *path;         /* and query */
    int content_format; /* -1: there is none, here and below */
    int accept;
    int observe;    /* the option's value */
    uint8_t *bytes; /* the payload */
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
    unsigned anew;            /* how often another ETag came in between */
    bool answer_observed;     /* its first block has Observe */
    lscoap_exchange exchange; /* of what has the token `first` */
    /* With an OSCORE option: */
    lscoap_exchange next_exchange; /* of what has the token `next` */
    coap_pdu_t *sealed; /* the newest datagram, which is sent again as it is; NULL: seal the next */
    int failed;         /* why the next block could not be sent; LSCOAP_OK: it could */
    uint8_t echo[LC_ECHO_MAX];
    size_t echo_len; /* what the server wants to see again */
};

struct lc_observation {
    bool live;
    struct lc_ask ask; /* the registration, and a notification that comes in blocks */
    lscoap_libcoap_notification_fn on_notification;
    void *context;
};

/* The one exchange that is waited for. What is not authentic ends it only when it comes again: it
 * is a hint that the message had better be sent once more. */
struct lc_pending {
    enum { LC_IDLE, LC_HANDSHAKE, LC_REQUEST } kind;
    bool done;
    bool sent;  /* a datagram went out */
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
    coap_pdu_code_t expected; /* LC_REQUEST: the outer code of a sealed answer in a payload */
    coap_pdu_code_t outer_code;
    struct lc_observation *observation; /* begins, as `begins`, when the answer says so; or NULL */
    struct lc_observation begins;
};

struct lscoap_libcoap_client {
    coap_context_t *context;
    coap_session_t *peer;
    struct lc_listener listener;
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
    uint8_t *message; /* LC_MESSAGE_MAX: what is being opened or sealed */
};

/* ---- client_events.c ---- */

void lc_client_tell(const lscoap_libcoap_client *client, lscoap_libcoap_event *event);
void lc_client_tell_message(const lscoap_libcoap_client *client, lscoap_libcoap_event_type type,
                            const uint8_t *message, size_t message_len);

/* ---- client_sessions.c ---- */

/* NULL when there is none. */
lscoap_session *lc_session(lscoap_libcoap_client *client);

/* The place for a session that comes next: the newest one's, unless that one is to be kept. */
int lc_session_next_place(lscoap_libcoap_client *client);

void lc_session_wipe(lscoap_libcoap_client *client, int place);

/* Writes the newest session to storage, with `block` numbers reserved. */
lscoap_status lc_session_store(lscoap_libcoap_client *client, uint32_t block);

/* An answer has opened in the newest session: the older one ends, and the newest is stored. */
void lc_session_confirmed(lscoap_libcoap_client *client);

/* Protects a request in the newest session, which is stored again when it has to be. *protected:
 * the caller's to delete. */
int lc_session_protect(lscoap_libcoap_client *client, int32_t carrier, const coap_pdu_t *request,
                       coap_pdu_t **protected, lscoap_exchange *exchange);

/* ---- client_ask.c: a message of the client's and its answer, in blocks or not ---- */

/* Sends what comes next: a block of the message, or the whole of it, or a request for a block of
 * the answer, with a new token or that of last time. A status. */
int lc_ask_send(lscoap_libcoap_client *client, struct lc_ask *ask, bool new_token);

enum lc_took {
    LC_TOOK_WHOLE,  /* *whole is the answer, until the ask is used again */
    LC_TOOK_BLOCK,  /* what comes next has been sent */
    LC_TOOK_NOTHING /* it does not fit: nothing has changed */
};

/* Takes a datagram that is not a refusal and has the token `first` or `before`, or `next`; with an
 * OSCORE option what it was before it was sealed. */
enum lc_took lc_ask_take(lscoap_libcoap_client *client, struct lc_ask *ask,
                         const coap_pdu_t *received, const struct lc_options *options, bool is_next,
                         struct lc_body *whole);

/* The same with this Echo. */
void lc_ask_echo(struct lc_ask *ask, const coap_opt_t *echo);

/* From its first block. */
void lc_ask_restart(struct lc_ask *ask);

void lc_ask_clear(struct lc_ask *ask);

/* ---- client_answers.c ---- */

uint64_t lc_client_now(void);
bool lc_is_token(const struct lc_token *token, coap_bin_const_t of_pdu);
void lc_finish(struct lc_pending *pending, int status);

/* What has come, from the client's server. */
coap_response_t lc_take_response(lscoap_libcoap_client *client, const coap_pdu_t *received);

/* ---- client_pending.c ---- */

/* The libcoap session to talk over from now on; NULL for none. */
void lc_set_peer(lscoap_libcoap_client *client, coap_session_t *peer);

/* Ends all observations without a word to anybody. */
void lc_observations_clear(lscoap_libcoap_client *client);

/* Sends the pending ask, and lets libcoap work until it is over; 0 ms: as long as a message can be
 * on its way. */
int lc_client_wait(lscoap_libcoap_client *client, uint32_t timeout_ms);

/* ---- client_handshake.c ---- */

/* A whole handshake over `peer`, from its first message: full, or a resumption of `resumed`.
 * *forgotten: it failed since the server does not know the handshake any more, or says so. */
lscoap_status lc_shake_hands(lscoap_libcoap_client *client, coap_session_t *peer,
                             const lscoap_session *resumed, uint32_t timeout_ms, bool *forgotten);

#endif
