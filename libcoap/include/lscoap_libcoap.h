/* lscoap over libcoap: a server whose resources are reached through sealed requests only, and a
 * client for it. The wire format is that of the protocol's section 10 (docs/protocol.md).
 *
 * The server sees ordinary libcoap handlers: what was sealed reaches them as a request PDU, and
 * what they write into the response PDU is sealed. Both carriers reach the same handlers: sealed
 * objects in payloads by the resource's path, OSCORE options (RFC 8613) by the path inside. The
 * client is synchronous. (A libcoap after 4.3.1 answers a FETCH without Content-Format
 * itself, 4.15; that is what a request with Observe in an OSCORE option looks like, so there
 * Observe needs the other carrier.)
 *
 * For libcoap 4.3. Sealed objects longer than a datagram travel in blocks (RFC 7959), which is the
 * adapter's work: in a server's context it turns libcoap's block-wise transfer off, and a client's
 * context must not have it turned on. One thread runs all contexts of the adapter. A context's nack
 * handler (and, with a client, its response handler) is the adapter's: what is about sessions that
 * are not goes on to other_nack and other_response. It allocates memory; what hostile datagrams can
 * make it keep is bounded by the constants below.
 */
#ifndef LSCOAP_LIBCOAP_H
#define LSCOAP_LIBCOAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coap3/coap.h>
#include <lscoap.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LSCOAP_LIBCOAP_PATH ".well-known/lscoap"

enum {
    /* Bytes of inner code, options, FF and payload: what AES-CCM with a nonce of 13 bytes seals. */
    LSCOAP_LIBCOAP_PLAIN_MAX = 65535,
    LSCOAP_LIBCOAP_BODY_MAX = LSCOAP_LIBCOAP_PLAIN_MAX - 3, /* a payload with an Observe only */

    LSCOAP_LIBCOAP_RESOURCES_MAX = 16,          /* secured resources of a server ... */
    LSCOAP_LIBCOAP_OPTIONS_MAX = 8,             /* ... and critical options that one reads */
    LSCOAP_LIBCOAP_ANSWERS_MAX = 8192,          /* answers kept for retransmitted requests ... */
    LSCOAP_LIBCOAP_ANSWERS_BYTES = 16 << 20,    /* ... bytes of them and their requests ... */
    LSCOAP_LIBCOAP_ANSWERS_OF_ONE = 4,          /* ... those of one session (NSTART is 1) ... */
    LSCOAP_LIBCOAP_ANSWERS_MS = 247 * 1000,     /* ... and for how long: EXCHANGE_LIFETIME */
    LSCOAP_LIBCOAP_TRANSFERS_MAX = 32,          /* requests that are coming in, in blocks ... */
    LSCOAP_LIBCOAP_TRANSFERS_OF_ONE = 2,        /* ... and those of one session */
    LSCOAP_LIBCOAP_BODIES_MAX = 32,             /* answers that are sealed block by block ... */
    LSCOAP_LIBCOAP_BODIES_OF_ONE = 2,           /* ... and those of one session */
    LSCOAP_LIBCOAP_OBSERVERS_MAX = 64,          /* observers of a server's resources ... */
    LSCOAP_LIBCOAP_OBSERVERS_OF_ONE = 8,        /* ... and those of one session */
    LSCOAP_LIBCOAP_NOTIFY_AT_ONCE = 4,          /* notifications that one call sends at most */
    LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX = 4, /* observations of a client */
    LSCOAP_LIBCOAP_BLOCK = 32 /* sequence numbers that a stored session reserves at a time */
};

/* What the functions return besides lscoap's own statuses: LSCOAP_OK, LSCOAP_ERR_ ... for
 * what this side found wrong, LSCOAP_ALERT_... for what the server (or anyone, an alert is not
 * authenticated) said. */
enum {
    LSCOAP_LIBCOAP_ERR_TIMEOUT = -101,     /* no answer to any retransmission */
    LSCOAP_LIBCOAP_ERR_UNREACHABLE = -102, /* nor that, but a reset or ICMP errors */
    LSCOAP_LIBCOAP_ERR_REFUSED = -103,     /* answers in the clear, neither sealed nor an alert */
    LSCOAP_LIBCOAP_ERR_MEMORY = -104,
    LSCOAP_LIBCOAP_ERR_REQUEST = -105, /* path, options or payload do not fit: nothing was sent */
    /* A POST or PATCH was refused by somebody, and may have been executed: there is a new session,
     * it was not sent in that. */
    LSCOAP_LIBCOAP_ERR_UNCERTAIN = -106,
    LSCOAP_LIBCOAP_ERR_DEAF = -107 /* server: libcoap keeps requests in OSCORE options to itself */
};

/* A sentence for one of the above or for any lscoap_status. Never NULL. */
const char *lscoap_libcoap_status_string(int status);

/* ---- what happens, for a program that tells its user ---- */

typedef enum {
    LSCOAP_LIBCOAP_MESSAGE_RECEIVED, /* message: of a handshake */
    LSCOAP_LIBCOAP_MESSAGE_SENT, /* message: of a handshake, or an ALERT for what did not open */
    LSCOAP_LIBCOAP_CONFIRMED,    /* server; session: its first record has opened */
    LSCOAP_LIBCOAP_REQUEST,   /* server; session, method, path, code: opened and answered; without
                                 session: served in the clear */
    LSCOAP_LIBCOAP_REPEATED,  /* server; path: a retransmission got its answer again */
    LSCOAP_LIBCOAP_NOTIFIED,  /* server; session, path, code: a notification was sent */
    LSCOAP_LIBCOAP_REFUSED,   /* server; path, status, code: not opened; 0 = not sealed */
    LSCOAP_LIBCOAP_CONNECTED, /* client; session: a new one, by a full handshake */
    LSCOAP_LIBCOAP_RESUMED,   /* client; session: a new one, by resumption */
    LSCOAP_LIBCOAP_RENEWING   /* client; status: why a session, or its resumption, is given up */
} lscoap_libcoap_event_type;

typedef struct lscoap_libcoap_event {
    lscoap_libcoap_event_type type;
    const coap_session_t *peer;
    const uint8_t *message;
    size_t message_len;
    const lscoap_session *session;
    coap_str_const_t path;
    coap_pdu_code_t method; /* the inner one */
    coap_pdu_code_t code;   /* the inner one; with REFUSED the outer one */
    lscoap_status status;
} lscoap_libcoap_event;

/* Called as it happens; everything in the event is valid during the call only. */
typedef void (*lscoap_libcoap_event_fn)(void *context, const lscoap_libcoap_event *event);

/* ---- server ---- */

typedef struct lscoap_libcoap_server lscoap_libcoap_server;
typedef struct lscoap_libcoap_resource lscoap_libcoap_resource;

typedef struct lscoap_libcoap_server_config {
    lscoap_platform platform;
    lscoap_server_config server; /* identity and directory */
    lscoap_slot *slots;          /* sessions live here; the caller's, until detach */
    size_t n_slots;
    uint64_t (*now_ms)(void *context); /* monotonic; called with platform.context */
    lscoap_libcoap_event_fn on_event;  /* or NULL */
    void *event_context;
    coap_nack_handler_t other_nack; /* of the program's own client sessions; or NULL */
    bool payload_only;              /* requests in OSCORE options are not served */
} lscoap_libcoap_server_config;

/* Adds the handshake resource (protocol section 10) to the context, and one of the empty path,
 * where OSCORE requests arrive; before any of its endpoints is opened. NULL when lscoap or libcoap
 * refuses; *status, if not NULL, says why: LSCOAP_ERR_NULL without now_ms, LSCOAP_ERR_STATE where
 * the context has a server or a resource of the empty path, LSCOAP_LIBCOAP_ERR_DEAF where libcoap
 * was built with OSCORE of its own, which no such request gets past, unless `payload_only` says
 * that this is known. Sessions are not handed over to it: docs/porting.md says why. */
lscoap_libcoap_server *lscoap_libcoap_server_attach(coap_context_t *context,
                                                    const lscoap_libcoap_server_config *config,
                                                    lscoap_status *status);

/* Lets all observers go, takes the resources out of the context and wipes every session. Before
 * coap_free_context(). NULL is allowed. */
void lscoap_libcoap_server_detach(lscoap_libcoap_server *server);

/* Adds a secured resource, "index" or "/index" for coap://host/index. Nothing but a sealed request
 * whose inner method has a handler reaches a handler. NULL on failure, and where the context has a
 * resource of that path. */
lscoap_libcoap_resource *lscoap_libcoap_resource_add(lscoap_libcoap_server *server,
                                                     const char *path);

/* A handler for an inner method. Its arguments: the inner resource (see below), the libcoap session
 * of the peer, the request as the client made it (with all of its body), its query, and the
 * response, which has room for LSCOAP_LIBCOAP_BODY_MAX bytes of
 * body, less those of its options: give the body with coap_add_data() or
 * coap_add_data_large_response(), at once. */
void lscoap_libcoap_resource_handler(lscoap_libcoap_resource *resource, coap_request_t method,
                                     coap_method_handler_t handler);

/* Names the critical options (If-Match, say) that the resource's handlers read. A request with
 * another one is answered with 4.02 and reaches no handler, as is one that has twice what may stand
 * once. Uri-Host, Uri-Port, Uri-Path, Uri-Query and the Block options are the adapter's to read.
 * False: too many. */
bool lscoap_libcoap_resource_reads(lscoap_libcoap_resource *resource, const uint16_t *options,
                                   size_t n_options);

/* What handlers get as their resource: for user data and the path. It is no resource of the
 * server's context and has no observers of libcoap's, so coap_resource_notify_observers() on it
 * does nothing. */
coap_resource_t *lscoap_libcoap_resource_inner(const lscoap_libcoap_resource *resource);

/* Has a sealed notification sent to each observer, with what the GET (or FETCH) handler says then.
 * The adapter does so by itself after a POST, PUT, PATCH, iPATCH or DELETE with a 2.xx; this is for
 * other changes. LSCOAP_LIBCOAP_NOTIFY_AT_ONCE go out now, the others with
 * lscoap_libcoap_server_poll(). An observer whose last notification is still being fetched, in
 * blocks, is told the newest state when that is over. */
void lscoap_libcoap_notify(lscoap_libcoap_resource *resource);

/* Sends LSCOAP_LIBCOAP_NOTIFY_AT_ONCE of the notifications that had to wait, and forgets answers
 * that no retransmission can ask for any more. Between two calls of coap_io_process(), about once a
 * second at least; true: there is more to send, call it again soon. */
bool lscoap_libcoap_server_poll(lscoap_libcoap_server *server);

/* Takes a line of libcoap's log. Where libcoap 4.3 gets a Reset for a notification that was not
 * confirmable, that is the only thing that it tells anybody; such an observation then ends. To be
 * called with each line of level LOG_ALERT; it does nothing but keep a number, until the next
 * lscoap_libcoap_server_poll(). */
void lscoap_libcoap_server_log(lscoap_libcoap_server *server, const char *line);

/* Puts a socket filter before libcoap, at each UDP socket of this process that is bound to the
 * port; once its endpoints are there. What is no CoAP request (nor an acknowledgement, a Reset or a
 * ping) is dropped by the kernel, and so is a handshake message of another version of the protocol.
 * While a socket's buffer is filling, the ports that send most are let through in part, until that
 * is over: lscoap_libcoap_server_poll() sees to it. Returns how many sockets it has; 0 where the
 * system is not Linux. For contexts that are servers only: responses are dropped, but for those to
 * group requests. */
size_t lscoap_libcoap_filter(lscoap_libcoap_server *server, uint16_t port);

/* Lets a GET in the clear reach the resource's GET handler too, where `allowed` says so of its
 * sender. A session of libcoap's says who that is as far as an address does. */
void lscoap_libcoap_resource_allow_clear(lscoap_libcoap_resource *resource,
                                         bool (*allowed)(const coap_session_t *peer));

/* Ends every session of a device, which has been taken out of the directory or got another key
 * there, and deletes its resume record. LSCOAP_ERR_UNKNOWN_SESSION: it had no session.
 * LSCOAP_ERR_STORAGE: its record may still be there. */
lscoap_status lscoap_libcoap_forget(lscoap_libcoap_server *server, const uint8_t *id,
                                    size_t id_len);

/* What has happened so far, and how the slots stand. */
lscoap_status lscoap_libcoap_server_stats(const lscoap_libcoap_server *server, lscoap_stats *out);

/* ---- a server's groups (docs/group.md): one message to many ----
 *
 * The caller owns the lscoap_group and protects and unprotects; this sends from the server's own
 * address and port, which is where members answer to. Members' requests (ASK, LEAVE) are for a
 * secured resource at LSCOAP_LIBCOAP_GROUP_PATH. */

#define LSCOAP_LIBCOAP_GROUP_PATH ".well-known/lscoap/group"

enum { LSCOAP_LIBCOAP_GROUP_TOKEN = 8 };

/* Gets a message that comes as an unconfirmable response with a token of
 * lscoap_libcoap_group_token(): what it says has not been authenticated. */
typedef void (*lscoap_libcoap_group_fn)(void *context, const coap_session_t *peer,
                                        const uint8_t *message, size_t len);

/* Once the server's endpoint on `port` is there, before lscoap_libcoap_filter(). Sends to multicast
 * addresses leave by the interface that the endpoint is bound to, if it is bound to one, and go as
 * far as `hops`. LSCOAP_ERR_STATE: no socket of this process has the port. LSCOAP_ERR_RANDOM. */
lscoap_status lscoap_libcoap_group_open(lscoap_libcoap_server *server, uint16_t port, uint8_t hops,
                                        lscoap_libcoap_group_fn on_answer, void *context);

/* The index of the interface that has an IPv6 address of this machine, for multicast there; 0: none
 * has it. */
unsigned lscoap_libcoap_group_interface(const struct in6_addr *address);

/* A token that nobody can guess, for one group request. LSCOAP_ERR_RANDOM, LSCOAP_ERR_STATE. */
lscoap_status lscoap_libcoap_group_token(lscoap_libcoap_server *server,
                                         uint8_t token[LSCOAP_LIBCOAP_GROUP_TOKEN]);

/* Sends a whole message. False: the system does not, and errno says why. */
bool lscoap_libcoap_group_send(lscoap_libcoap_server *server, const coap_address_t *to,
                               const uint8_t *message, size_t len);

/* ---- a server's sessions, again ---- */

/* During a handler: the session that the request came in, for lscoap_session_device_id(). Else
 * NULL. */
const lscoap_session *lscoap_libcoap_current_session(const lscoap_libcoap_server *server);

/* ---- client ---- */

typedef struct lscoap_libcoap_client lscoap_libcoap_client;

typedef struct lscoap_libcoap_client_config {
    lscoap_platform platform;
    lscoap_client_config client; /* identity, server key, profile */
    int32_t carrier; /* of requests: LSCOAP_CARRIER_OSCORE, or LSCOAP_CARRIER_PAYLOAD, as 0 is */
    /* Where sessions are kept, or NULL: called with LSCOAP_LIBCOAP_BLOCK requests in advance, and
     * before any of them is sealed. A new session takes the place of the one that is stored when
     * its first answer has opened. */
    lscoap_write_blob write_session;
    void *write_context;
    lscoap_libcoap_event_fn on_event; /* or NULL */
    void *event_context;
    coap_nack_handler_t other_nack;         /* for other sessions in the same context; or NULL */
    coap_response_handler_t other_response; /* the same */
} lscoap_libcoap_client_config;

typedef struct lscoap_libcoap_request {
    coap_pdu_code_t method; /* the inner one */
    const char *path;       /* path and query, "/index?readings=20"; in a payload not hidden */
    int content_format;     /* of the payload; -1: not said */
    int accept;             /* -1: not said */
    const uint8_t *payload;
    size_t payload_len; /* with the options at most LSCOAP_LIBCOAP_PLAIN_MAX */
    bool at_least_once; /* a POST or PATCH may be executed twice, rather than not at all */
} lscoap_libcoap_request;

/* A request without Content-Format, Accept and payload. One that is zeroed instead says
 * Content-Format 0, which is text/plain. */
void lscoap_libcoap_request_init(lscoap_libcoap_request *request, coap_pdu_code_t method,
                                 const char *path);

/* What an answer was. `inner` has the inner code, options and payload, and belongs to the client
 * until its next call; NULL when nothing opened. `outer_code` is the code of the answer in the
 * clear with LSCOAP_LIBCOAP_ERR_REFUSED and with alerts, else 0. */
typedef struct lscoap_libcoap_answer {
    const coap_pdu_t *inner;
    coap_pdu_code_t outer_code;
} lscoap_libcoap_answer;

/* A client for one server: loads the identity, once for any number of sessions. NULL when lscoap
 * refuses; *status, if not NULL, says why. */
lscoap_libcoap_client *lscoap_libcoap_client_new(const lscoap_libcoap_client_config *config,
                                                 int *status);

/* Disconnects and wipes the keys. NULL is allowed. */
void lscoap_libcoap_client_free(lscoap_libcoap_client *client);

/* Handshake (protocol sections 4 and 5) over a UDP client session of the caller's, which the client
 * uses from then on. Each answer is awaited for timeout_ms at most, here and below (0: as long as
 * its messages are retransmitted). What is not authentic, alerts included, ends nothing before the
 * message has been sent again and the same was said again. One call at a time: another one made
 * meanwhile, by a handler say, gives LSCOAP_ERR_STATE and changes nothing. LSCOAP_OK: there is a
 * session, and the server is authenticated. A sealed session from before stays when it fails, and,
 * for resumption, until the first answer in the new one has opened. */
int lscoap_libcoap_connect(lscoap_libcoap_client *client, coap_session_t *peer,
                           uint32_t timeout_ms);

/* The same by resumption (protocol section 6) of the newest session that an answer has opened in,
 * or that was restored. LSCOAP_ERR_STATE: there is none. After a refusal connect. */
int lscoap_libcoap_resume(lscoap_libcoap_client *client, coap_session_t *peer, uint32_t timeout_ms);

/* By resumption if there is a session for it, else or after a refusal by a full handshake. */
int lscoap_libcoap_renew(lscoap_libcoap_client *client, coap_session_t *peer, uint32_t timeout_ms);

/* The same with a stored session, the last one that `write_session` was given. It sends nothing, so
 * the server may have forgotten the session. LSCOAP_ERR_MALFORMED: damaged. LSCOAP_ERR_STATE: of
 * another device. LSCOAP_ERR_STORAGE: it could not be stored again; it can still be resumed. */
int lscoap_libcoap_restore(lscoap_libcoap_client *client, coap_session_t *peer, const uint8_t *blob,
                           size_t blob_len);

/* Wipes the sealed session and lets the libcoap session go, which stays the caller's. Before
 * coap_session_release(). A session that is kept is stored, and stays so. */
void lscoap_libcoap_disconnect(lscoap_libcoap_client *client);

/* One sealed request and its answer. LSCOAP_OK: *answer is authentic, whatever its inner code says.
 * Nothing else than what opened is ever delivered. An error does not prove that the request was not
 * executed. When it is refused, and again when the same sealed bytes are sent once more, a new
 * session is made (LSCOAP_LIBCOAP_RENEWING, lscoap_libcoap_renew()), which ends all observations;
 * the request is sent again in that one, up to twice, unless it is a POST or a PATCH that is not
 * to be executed twice: LSCOAP_LIBCOAP_ERR_UNCERTAIN. So it is when a session cannot be stored, or
 * is used up. */
int lscoap_libcoap_request_send(lscoap_libcoap_client *client,
                                const lscoap_libcoap_request *request, uint32_t timeout_ms,
                                lscoap_libcoap_answer *answer);

/* A notification: authentic, and newer than all before it. `last`: the server ends the observation,
 * whose number is free from then on. */
typedef void (*lscoap_libcoap_notification_fn)(void *context, const coap_pdu_t *inner, bool last);

/* Like a request, a GET or FETCH with Observe, which does not survive its session. When the server
 * agrees, *observation is 0 or more, and notifications arrive while coap_io_process() runs; else it
 * is -1. */
int lscoap_libcoap_observe(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                           lscoap_libcoap_notification_fn on_notification,
                           void *notification_context, uint32_t timeout_ms,
                           lscoap_libcoap_answer *answer, int *observation);

/* Ends an observation; `request` is that of lscoap_libcoap_observe(). */
int lscoap_libcoap_observe_cancel(lscoap_libcoap_client *client, int observation,
                                  const lscoap_libcoap_request *request, uint32_t timeout_ms,
                                  lscoap_libcoap_answer *answer);

/* The newest session, for its fingerprint and exported keys; NULL when there is none. */
lscoap_session *lscoap_libcoap_client_session(lscoap_libcoap_client *client);

#ifdef __cplusplus
}
#endif

#endif
