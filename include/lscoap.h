/**
 * @file
 * lscoap: secure CoAP for devices too small for DTLS.
 *
 * Bytes in, bytes out. The library has no sockets, threads, clock, files or heap; the caller gives the time and
 * randomness. docs/protocol.md describes the bytes, docs/security.md what they protect.
 *
 * The calling contract, for every function:
 *
 * - Objects (lscoap_client, lscoap_session, lscoap_server, lscoap_slot, lscoap_device, lscoap_member, lscoap_group) are placed by the caller, in static
 *   memory, on a stack or anywhere else, and stay where they are: they are not copied, not even by assignment.
 *   Place them in zeroed memory: a zeroed object is valid and means "not initialised", which every function
 *   answers with LSCOAP_ERR_UNINITIALISED unless another argument is wrong too. Initialising an object again overwrites it.
 * - A null pointer gives LSCOAP_ERR_NULL wherever a value is needed. A null pointer with length 0 is no bytes.
 *   A pointer that is not null points to an object of its type, or to as many bytes as the length beside it says
 *   (or the constant that the function names).
 * - `input` and `out` may be the same buffer, or overlap in any way. Nothing else may overlap `out`.
 * - Outputs are written only when the result is not negative. A function that fails has changed nothing, unless
 *   its comment says otherwise. A sealed object that does not open leaves zeroes where its plaintext would be.
 * - Callbacks return normally, and do not call the library with the object that called them.
 * - One object is used by one thread at a time. Different objects are independent; a server and its slots and
 *   the sessions in them are one object.
 * - The library wipes what it no longer needs. lscoap_..._wipe() wipes the rest.
 */


#ifndef LSCOAP_H
#define LSCOAP_H

/* Generated from src/ffi/ by cbindgen: change it there, then run `make header`. */

#include <stddef.h>
#include <stdint.h>

/* How long objects are depends on pointers. */
#if UINTPTR_MAX > 0xffffffffu
#define LSCOAP_POINTERS_64
#else
#define LSCOAP_POINTERS_32
#endif

/** The result of these functions is not to be ignored. */
#if defined(__GNUC__)
#define LSCOAP_MUST_USE __attribute__((warn_unused_result))
#else
#define LSCOAP_MUST_USE
#endif

/**
 * The major version of this header.
 */
#define LSCOAP_VERSION_MAJOR 0

/**
 * The minor version of this header.
 */
#define LSCOAP_VERSION_MINOR 1

/**
 * The patch version of this header.
 */
#define LSCOAP_VERSION_PATCH 0

/**
 * The length of a public key as an uncompressed SEC1 point, in bytes: 04, x, y.
 */
#define LSCOAP_POINT_LEN 65

/**
 * The length of an ECDSA signature, in bytes: r, s, big-endian.
 */
#define LSCOAP_SIGNATURE_LEN 64

/**
 * The longest handshake message, in bytes: RETRIED with the longest X1 inside.
 */
#define LSCOAP_MESSAGE_MAX 98

/**
 * The Content-Format of handshake messages, RETRY and ALERT included.
 */
#define LSCOAP_CONTENT_FORMAT_HANDSHAKE 65001

/**
 * The Content-Format of sealed objects in a payload.
 */
#define LSCOAP_CONTENT_FORMAT_SEALED 65002

/**
 * The longest device id, in bytes.
 */
#define LSCOAP_DEVICE_ID_MAX 32

/**
 * The longest connection id, in bytes.
 */
#define LSCOAP_CID_MAX 7

/**
 * A secret key: a big-endian scalar, in bytes.
 */
#define LSCOAP_SECRET_KEY_LEN 32

/**
 * A public key: a compressed SEC1 point, in bytes.
 */
#define LSCOAP_PUBLIC_KEY_LEN 33

/**
 * The longest enrolment string of a device, its terminating NUL included.
 */
#define LSCOAP_DEVICE_STRING_MAX 117

/**
 * The longest enrolment string of a server, its terminating NUL included.
 */
#define LSCOAP_SERVER_STRING_MAX 64

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_client`, in 64-bit numbers.
 */
#define LSCOAP_CLIENT_WORDS 59
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_client`, in 64-bit numbers.
 */
#define LSCOAP_CLIENT_WORDS 54
#endif

/**
 * The profile of the paper's four messages: both sides sign. Two round trips.
 */
#define LSCOAP_SIGNED 1

/**
 * The profile of two messages: one round trip, the device id hidden from who only listens.
 */
#define LSCOAP_EXPRESS 2

/**
 * The most that sealing adds to a request, in bytes.
 */
#define LSCOAP_REQUEST_OVERHEAD 21

/**
 * The most that sealing adds to a response or a notification, in bytes.
 */
#define LSCOAP_RESPONSE_OVERHEAD 14

/**
 * The most additional data that can be bound to a sealed object, in bytes.
 */
#define LSCOAP_AAD_MAX 256

/**
 * The length of a session's fingerprint, in bytes.
 */
#define LSCOAP_FINGERPRINT_LEN 8

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_session`, in 64-bit numbers.
 */
#define LSCOAP_SESSION_WORDS 26
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_session`, in 64-bit numbers.
 */
#define LSCOAP_SESSION_WORDS 24
#endif

/**
 * RFC 8613: Partial IV and kid in the OSCORE option, ciphertext in the payload. Any OSCORE stack reads it.
 */
#define LSCOAP_CARRIER_OSCORE 1

/**
 * The sealed object in the payload, Uri-Path and Uri-Query outside and authenticated: for CoAP servers that know nothing of OSCORE.
 */
#define LSCOAP_CARRIER_PAYLOAD 2

/**
 * The most that protecting makes a message longer, in bytes.
 */
#define LSCOAP_PROTECT_OVERHEAD 51

/**
 * The longest Master Secret and the longest Master Salt, in bytes.
 */
#define LSCOAP_CONTEXT_SECRET_MAX 32

/**
 * The longest ID Context, in bytes.
 */
#define LSCOAP_ID_CONTEXT_MAX 8

/**
 * The longest stored session, in bytes.
 */
#define LSCOAP_SESSION_BLOB_MAX 99

/**
 * lscoap_request.flags: observe the resource, for GET and FETCH.
 */
#define LSCOAP_OBSERVE 1

/**
 * lscoap_request.flags: as a non-confirmable message, which is sent once.
 */
#define LSCOAP_NON 2

/**
 * lscoap_request.flags: a POST or PATCH may be executed twice, so that it goes out again in a new session.
 */
#define LSCOAP_AT_LEAST_ONCE 4

/**
 * The shortest lscoap_device_config.buffer, in bytes.
 */
#define LSCOAP_DEVICE_BUFFER_MIN 160

/**
 * The longest, in bytes.
 */
#define LSCOAP_DEVICE_BUFFER_MAX 1152

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_observation`, in 64-bit numbers.
 */
#define LSCOAP_OBSERVATION_WORDS 10
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_observation`, in 64-bit numbers.
 */
#define LSCOAP_OBSERVATION_WORDS 9
#endif

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_device`, in 64-bit numbers.
 */
#define LSCOAP_DEVICE_WORDS 168
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_device`, in 64-bit numbers.
 */
#define LSCOAP_DEVICE_WORDS 153
#endif

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_slot`, in 64-bit numbers.
 */
#define LSCOAP_SLOT_WORDS 66
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_slot`, in 64-bit numbers.
 */
#define LSCOAP_SLOT_WORDS 64
#endif

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_server`, in 64-bit numbers.
 */
#define LSCOAP_SERVER_WORDS 81
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_server`, in 64-bit numbers.
 */
#define LSCOAP_SERVER_WORDS 70
#endif

/**
 * The longest resume record, in bytes.
 */
#define LSCOAP_RESUME_RECORD_MAX 130

/**
 * A request is signed. (A mode, and the flag of a group that has it.)
 */
#define LSCOAP_GROUP_SIGNED 1

/**
 * A request has a tag of 4 bytes for each slot, of at most 16: quick, and a member that was taken apart guesses another's
 * once in 2^32 times. (A mode, and the flag of a group that has it.)
 */
#define LSCOAP_GROUP_TAGGED 2

/**
 * A flag of groups: members answer.
 */
#define LSCOAP_GROUP_ANSWERS 8

/**
 * A flag of groups: numbers follow the sender's clock, so that members can tell how old a request is.
 */
#define LSCOAP_GROUP_TIMED 32

/**
 * The most slots of a group with LSCOAP_GROUP_TAGGED.
 */
#define LSCOAP_GROUP_SLOTS_MAX 16

/**
 * The most places of a group.
 */
#define LSCOAP_GROUP_PLACES_MAX 254

/**
 * The longest message about membership, in bytes.
 */
#define LSCOAP_GROUP_MESSAGE_MAX 180

/**
 * The most additional data of a request to a group, in bytes.
 */
#define LSCOAP_GROUP_AAD_MAX 64

/**
 * The most that sealing adds to a request to a group, in bytes.
 */
#define LSCOAP_GROUP_REQUEST_OVERHEAD 82

/**
 * What sealing adds to an answer to one, in bytes.
 */
#define LSCOAP_GROUP_ANSWER_OVERHEAD 10

/**
 * The most that protecting makes a whole request to a group longer, in bytes.
 */
#define LSCOAP_GROUP_PROTECT_OVERHEAD 115

/**
 * The Content-Format of messages about membership.
 */
#define LSCOAP_CONTENT_FORMAT_GROUP 65003

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_member`, in 64-bit numbers.
 */
#define LSCOAP_MEMBER_WORDS 59
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_member`, in 64-bit numbers.
 */
#define LSCOAP_MEMBER_WORDS 57
#endif

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_group`, in 64-bit numbers.
 */
#define LSCOAP_GROUP_WORDS 69
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_group`, in 64-bit numbers.
 */
#define LSCOAP_GROUP_WORDS 63
#endif

/**
 * The longest stored group of an owner, in bytes.
 */
#define LSCOAP_GROUP_BLOB_MAX 122

/**
 * The longest stored member, in bytes.
 */
#define LSCOAP_MEMBER_BLOB_MAX 242

/**
 * The longest stored delegate, in bytes.
 */
#define LSCOAP_DELEGATE_BLOB_MAX 57

#if defined(LSCOAP_POINTERS_64)
/**
 * The length of `lscoap_delegate`, in 64-bit numbers.
 */
#define LSCOAP_DELEGATE_WORDS 54
#endif

#if defined(LSCOAP_POINTERS_32)
/**
 * The length of `lscoap_delegate`, in 64-bit numbers.
 */
#define LSCOAP_DELEGATE_WORDS 53
#endif

/**
 * The result of a call: 0 done, positive "done, and something happened", negative an error, after which
 * nothing has changed unless the function says otherwise.
 */
typedef int32_t lscoap_status;

/**
 * A device: its identity, and at most one handshake. Place it in zeroed memory and never copy it.
 */
typedef struct lscoap_client {
    uint64_t opaque_[LSCOAP_CLIENT_WORDS];
} lscoap_client;

/**
 * What the library needs from the platform, and hardware that it may use. It is copied; `context` must outlive
 * every object that the platform was given to, and the sessions that came of them. All but `random` may be null.
 */
typedef struct lscoap_platform {
    /**
     * Passed to the callbacks.
     */
    void *context;
    /**
     * Fills `out` with `len` random bytes; 0 on success. Must not be null.
     */
    int (*random)(void *context, uint8_t *out, size_t len);
    /**
     * A value that never repeats on this platform, such as a boot count (an uptime alone repeats). Null if there is none.
     */
    uint64_t (*unique)(void *context);
    /**
     * AES-128 in hardware: encrypts the 16 bytes of `block` in place under the 16 bytes of `key`; 0 on success,
     * else the call fails with LSCOAP_ERR_HARDWARE. Null for software.
     */
    int (*aes128_encrypt)(void *context, const uint8_t *key, uint8_t *block);
    /**
     * The identity in a secure element, for a configuration with `identity_public_key`: signs a SHA-256 digest (32
     * bytes) by ECDSA, LSCOAP_SIGNATURE_LEN bytes out; 0 on success, else LSCOAP_ERR_HARDWARE. Needed for LSCOAP_SIGNED,
     * on a server whenever that profile is compiled in.
     */
    int (*sign)(void *context, const uint8_t *digest, uint8_t *signature);
    /**
     * The same identity's Diffie-Hellman with `peer` (LSCOAP_POINT_LEN bytes): the x-coordinate of the product, 32
     * bytes big-endian; 0 on success, else LSCOAP_ERR_HARDWARE. Needed for LSCOAP_EXPRESS, on a server whenever that
     * profile is compiled in.
     */
    int (*ecdh)(void *context, const uint8_t *peer, uint8_t *shared);
    /**
     * All of AES-CCM-16-64-128 (RFC 9053 section 4.2) in hardware, in place of `aes128_encrypt`: seals the `len` bytes of `text`
     * in place and writes the 8 bytes of `tag`, or where `open` is not 0 opens them and compares `tag`; under the 16 bytes of
     * `key` and the 13 of `nonce`, with `aad_len` bytes of additional data. 0 on success; 1 where the tag is wrong, with `text`
     * zeroed; else the call fails with LSCOAP_ERR_HARDWARE.
     */
    int (*ccm)(void *context,
               int open,
               const uint8_t *key,
               const uint8_t *nonce,
               const uint8_t *aad,
               size_t aad_len,
               uint8_t *text,
               size_t len,
               uint8_t *tag);
} lscoap_platform;

/**
 * Who the device is and whom it talks to. Everything is copied.
 */
typedef struct lscoap_client_config {
    /**
     * The device id.
     */
    const uint8_t *device_id;
    /**
     * Its length: 1 to LSCOAP_DEVICE_ID_MAX bytes.
     */
    size_t device_id_len;
    /**
     * The device's identity secret, LSCOAP_SECRET_KEY_LEN bytes, big-endian. Null where it is in a secure element.
     */
    const uint8_t *identity;
    /**
     * The server's identity key, LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
     */
    const uint8_t *server_key;
    /**
     * The connection id that the server puts into requests of its own. Usually null.
     */
    const uint8_t *cid;
    /**
     * Its length: 0 to LSCOAP_CID_MAX bytes.
     */
    size_t cid_len;
    /**
     * LSCOAP_SIGNED or LSCOAP_EXPRESS.
     */
    int32_t profile;
    /**
     * Where `identity` is null, and lscoap_platform has callbacks that use it: the public key of the identity,
     * LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
     */
    const uint8_t *identity_public_key;
} lscoap_client_config;

/**
 * A session: the keys of both directions. Place it in zeroed memory and never copy it: a copy that goes on
 * sending uses nonces twice.
 */
typedef struct lscoap_session {
    uint64_t opaque_[LSCOAP_SESSION_WORDS];
} lscoap_session;

/**
 * What goes into a call and what comes out. `out` may be `input`, or overlap it in any way. Zero every field that a call
 * does not use.
 */
typedef struct lscoap_io {
    /**
     * What goes in: a whole CoAP message (UDP framing: RFC 7252 section 3), a plaintext, a sealed object or a handshake message.
     */
    const uint8_t *input;
    /**
     * Its length, in bytes.
     */
    size_t input_len;
    /**
     * Where the result goes.
     */
    uint8_t *out;
    /**
     * Room there, in bytes: as the call says. Less is LSCOAP_ERR_CAPACITY.
     */
    size_t out_cap;
    /**
     * The length of the result, in bytes; written on success.
     */
    size_t out_len;
    /**
     * A server's monotonic clock, in ms. Only the lscoap_server functions look at it.
     */
    uint64_t now_ms;
    /**
     * Of a sealed object that is a request: the outer Uri-Path and Uri-Query options in CoAP encoding. Only the functions that seal
     * and open such an object look at it.
     */
    const uint8_t *aad;
    /**
     * Its length: at most LSCOAP_AAD_MAX bytes.
     */
    size_t aad_len;
} lscoap_io;

/**
 * One request, for as long as answers to it are made or awaited. Holds no secret and needs
 * no wiping. On the side that asked do not go on with a copy: each copy would accept the same answer once.
 */
typedef struct lscoap_exchange {
    uint64_t opaque_[4];
} lscoap_exchange;

/**
 * An OSCORE security context (RFC 8613 section 3) with AES-CCM-16-64-128 and HKDF-SHA-256. It holds a secret: overwrite it once
 * it has been used. Zero every field that is not used.
 */
typedef struct lscoap_context {
    /**
     * The next number to send.
     */
    uint64_t next;
    /**
     * One above the highest number received; 0 while there is none.
     */
    uint64_t received_end;
    /**
     * Bit `i`: number `received_end - 1 - i` was received.
     */
    uint64_t received;
    /**
     * 1: what was received is not known, so that the first request has to bring an Echo (RFC 8613 Appendix B.1.2). Else 0.
     */
    uint8_t is_lost;
    /**
     * The length of the Master Secret, in bytes: 16 of a session.
     */
    uint8_t secret_len;
    /**
     * The length of the Master Salt: 8 of a session.
     */
    uint8_t salt_len;
    /**
     * The length of the ID Context; 0 for none.
     */
    uint8_t id_context_len;
    /**
     * The length of this end's Sender ID.
     */
    uint8_t sender_id_len;
    /**
     * The length of the peer's.
     */
    uint8_t recipient_id_len;
    /**
     * The Master Secret.
     */
    uint8_t secret[LSCOAP_CONTEXT_SECRET_MAX];
    /**
     * The Master Salt.
     */
    uint8_t salt[LSCOAP_CONTEXT_SECRET_MAX];
    /**
     * The ID Context.
     */
    uint8_t id_context[8];
    /**
     * This end's Sender ID.
     */
    uint8_t sender_id[7];
    /**
     * The peer's, which is the kid of its requests.
     */
    uint8_t recipient_id[7];
} lscoap_context;

/**
 * Writes an object's blob to storage, in place of its older one: 0 once it will survive.
 */
typedef int (*lscoap_write_blob)(void *context, const uint8_t *blob, size_t blob_len);

/**
 * A device's whole client side over one datagram socket, without socket, clock, heap or thread: client, two sessions, one
 * request at a time and any number of observations. Place it in zeroed memory and never copy it.
 *
 * A callback that one of its calls runs, of lscoap_platform too, must not use it: the functions then give LSCOAP_ERR_STATE, or what they give
 * for a device that does nothing. What follows from an answer is begun after the call.
 *
 * A request goes out in the session that there is, else in the stored one; where there is none, a full handshake makes one.
 * Silence never causes a handshake. A refusal in the clear has the same bytes sent again; a second one has the session
 * resumed, and where that is refused twice a full handshake made, in `attempts` rounds with pauses. The older session is
 * wiped, and the newer one stored, when the first answer opens in it; the request has then gone out again in it, unless it
 * is a POST or PATCH (LSCOAP_ERR_UNCERTAIN). Observations outlive sessions.
 */
typedef struct lscoap_device {
    uint64_t opaque_[LSCOAP_DEVICE_WORDS];
} lscoap_device;

/**
 * Room for one observation. Zeroed; its contents are the device's.
 */
typedef struct lscoap_observation {
    uint64_t opaque_[LSCOAP_OBSERVATION_WORDS];
} lscoap_observation;

/**
 * What a device is made of. Everything is copied; what `buffer` and `observations` point to outlives the device.
 */
typedef struct lscoap_device_config {
    /**
     * Who the device is and whom it talks to.
     */
    struct lscoap_client_config client;
    /**
     * For the one datagram that is kept for retransmission: LSCOAP_DEVICE_BUFFER_MIN to LSCOAP_DEVICE_BUFFER_MAX bytes.
     */
    uint8_t *buffer;
    /**
     * Its length. The sizes of blocks follow from it, those of answers too: have a receive buffer at least as long.
     */
    size_t buffer_len;
    /**
     * Zeroed places for observations; null: none.
     */
    struct lscoap_observation *observations;
    /**
     * How many there are.
     */
    size_t observations_len;
    /**
     * LSCOAP_CARRIER_OSCORE or LSCOAP_CARRIER_PAYLOAD.
     */
    int32_t carrier;
    /**
     * Sequence numbers that one write to storage reserves; 0: nothing is ever stored.
     */
    uint32_t store_block;
    /**
     * Observations register again this often (for address translators, and registrations that are lost); 0: by Max-Age alone.
     */
    uint32_t refresh_s;
    /**
     * The first timeout of a message; 0: 2,000.
     */
    uint16_t ack_timeout_ms;
    /**
     * How often a message is sent again; 0: 4.
     */
    uint8_t max_retransmit;
    /**
     * Rounds of resuming and handshakes for one request; 0: 3.
     */
    uint8_t attempts;
} lscoap_device_config;

/**
 * A device's side of a group. Place it in zeroed memory and never copy it. A device has one for each group that it is in.
 */
typedef struct lscoap_member {
    uint64_t opaque_[LSCOAP_MEMBER_WORDS];
} lscoap_member;

/**
 * A part of an answer. Valid during the callback; `options` and `payload` lie in the datagram that was received.
 */
typedef struct lscoap_piece {
    /**
     * LSCOAP_OK; negative: the observation has ended, and why. Then there is no payload, and `code` is 0 where no answer ended it.
     */
    lscoap_status status;
    /**
     * The code inside.
     */
    uint8_t code;
    /**
     * 1: further pieces follow.
     */
    uint8_t more;
    /**
     * 1: of an observation.
     */
    uint8_t notification;
    /**
     * Of the payload: one more than the number, 0 for none.
     */
    uint32_t content_format;
    /**
     * How long the answer is fresh, in seconds.
     */
    uint32_t max_age_s;
    /**
     * Where the payload belongs in the body. 0 begins a body anew: what came before is of another one.
     */
    uint32_t offset;
    /**
     * The options inside, in CoAP's encoding.
     */
    const uint8_t *options;
    /**
     * Their length.
     */
    size_t options_len;
    /**
     * The payload.
     */
    const uint8_t *payload;
    /**
     * Its length.
     */
    size_t payload_len;
} lscoap_piece;

/**
 * What a device asks. Zeroed fields mean "none". It and what it points to stay unchanged until lscoap_device_poll() has said how it ended;
 * with LSCOAP_OBSERVE until `take` got a negative status, or the request ended with an error. Its address names it.
 */
typedef struct lscoap_request {
    /**
     * "/a/b?c=d", split and percent-decoded as RFC 7252 section 6.4 says; "led" and "/led" are equal.
     */
    const char *path;
    /**
     * The method: 1 for GET and so on.
     */
    uint8_t code;
    /**
     * LSCOAP_OBSERVE, LSCOAP_NON, LSCOAP_AT_LEAST_ONCE.
     */
    uint8_t flags;
    /**
     * Of the payload: one more than the number, 0 for none.
     */
    uint32_t content_format;
    /**
     * Of the answer: the same.
     */
    uint32_t accept;
    /**
     * For all of it, connecting included, in ms; 0: 93,000.
     */
    uint32_t timeout_ms;
    /**
     * The payload; or null, `payload_len` its length, and `read`.
     */
    const uint8_t *payload;
    /**
     * Its length; what does not fit the buffer goes in blocks.
     */
    size_t payload_len;
    /**
     * Writes `len` bytes of the payload from `offset` on; 0, else the request is cancelled. The same bytes for the same offset; it
     * may begin again at 0.
     */
    int (*read)(void *context, size_t offset, uint8_t *out, size_t len);
    /**
     * Takes a part of the answer; 0, else the request or the observation is cancelled. Null: only the first block comes, and its code is kept.
     */
    int (*take)(void *context, const struct lscoap_piece *piece);
    /**
     * Passed to the callbacks.
     */
    void *context;
} lscoap_request;

/**
 * A server: its identity, and where its slots are. Place it in zeroed memory and never copy it.
 *
 * A callback that one of its calls runs, of lscoap_platform too, must use neither the server nor its sessions. The server's functions
 * then give LSCOAP_ERR_STATE or null, or do nothing; those of its sessions do not notice.
 */
typedef struct lscoap_server {
    uint64_t opaque_[LSCOAP_SERVER_WORDS];
} lscoap_server;

/**
 * Looks a device up: writes its identity key (LSCOAP_PUBLIC_KEY_LEN bytes, as enrolled) and gives 0, or gives
 * another value to refuse the device.
 */
typedef int (*lscoap_find_device)(void *context,
                                  const uint8_t *id,
                                  size_t id_len,
                                  uint8_t *public_key);

/**
 * Finds the stored resume record of the session with this connection id: writes it to `record`
 * (LSCOAP_RESUME_RECORD_MAX bytes) with its length, and gives 0, or gives another value if there is none.
 */
typedef int (*lscoap_load_resume)(void *context,
                                  const uint8_t *cid,
                                  size_t cid_len,
                                  uint8_t *record,
                                  size_t *record_len);

/**
 * Stores a resume record, to be found by its connection id, in place of any that the device had; a null `record`
 * only deletes that. 0 once it will survive. Records hold secrets: whoever reads one can be the device.
 */
typedef int (*lscoap_save_resume)(void *context,
                                  const uint8_t *device_id,
                                  size_t device_id_len,
                                  const uint8_t *cid,
                                  size_t cid_len,
                                  const uint8_t *record,
                                  size_t record_len);

/**
 * A session that has ended.
 */
typedef struct lscoap_ended {
    /**
     * What lscoap_server_slot_index() gave for it. The slot is free now.
     */
    size_t slot;
    /**
     * The kid of its requests: what lscoap_session_recipient_id() gave.
     */
    const uint8_t *kid;
    /**
     * Its length: at most LSCOAP_CID_MAX bytes.
     */
    size_t kid_len;
    /**
     * The device's id.
     */
    const uint8_t *device_id;
    /**
     * Its length: at most LSCOAP_DEVICE_ID_MAX bytes.
     */
    size_t device_id_len;
    /**
     * What lscoap_session_fingerprint() gave, LSCOAP_FINGERPRINT_LEN bytes: for lscoap_answers_forget().
     */
    const uint8_t *fingerprint;
} lscoap_ended;

/**
 * Hears that a session has ended. `ended` and what it points to are valid during the call.
 */
typedef void (*lscoap_session_ended)(void *context, const struct lscoap_ended *ended);

/**
 * Who the server is and whom it knows. What the pointers lead to is copied; contexts must outlive the server. Zero
 * every field that is not used.
 */
typedef struct lscoap_server_config {
    /**
     * The server's identity secret, LSCOAP_SECRET_KEY_LEN bytes, big-endian. Null where it is in a secure element.
     */
    const uint8_t *identity;
    /**
     * The directory. Must not be null.
     */
    lscoap_find_device find_device;
    /**
     * Passed to `find_device`.
     */
    void *find_device_context;
    /**
     * The length of the connection ids that devices put into their requests: 1 to LSCOAP_CID_MAX bytes, or 0
     * for as few as the number of slots allows.
     */
    size_t cid_len;
    /**
     * Where `identity` is null, and lscoap_platform has callbacks that use it: the public key of the identity,
     * LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
     */
    const uint8_t *identity_public_key;
    /**
     * What every connection id begins with: the number of this server among several. Null for nothing.
     */
    const uint8_t *cid_prefix;
    /**
     * Its length, in bytes.
     */
    size_t cid_prefix_len;
    /**
     * How many handshakes may begin in a second before a retry cookie is asked for. 0: a quarter as many as slots
     * are free, at least 8, and 8 once as many X1 were refused in that second. UINT32_MAX: as many as come. A cookie is
     * asked for in any case while handshakes fill more than half of their room (protocol section 7).
     */
    uint32_t retry_rate;
    /**
     * How many resumptions there may be between two full handshakes of a device: 0 for 1,000; a negative number disables resumption.
     */
    int32_t resume_limit;
    /**
     * Storage for what survives a restart, so that devices resume after it. Both null: only live sessions resume.
     */
    lscoap_load_resume load_resume;
    /**
     * See `load_resume`.
     */
    lscoap_save_resume save_resume;
    /**
     * Passed to both.
     */
    void *resume_context;
    /**
     * Hears of each session that has ended, so that what was kept beside it can go too: an OSCORE context elsewhere, kept answers,
     * observers. It was forgotten, displaced by a newer session of its device, late, evicted, or wiped with the server; one that
     * lscoap_session_wipe() has wiped is told of when the server gives its slot back, in a later call. Each session that
     * lscoap_server_step() made is told of once, confirmed or not. Handshakes are not, nor is what lscoap_server_init() clears.
     * Null: nobody hears.
     */
    lscoap_session_ended session_ended;
    /**
     * Passed to `session_ended`.
     */
    void *session_ended_context;
} lscoap_server_config;

/**
 * A server's room for one handshake and the session that comes of it. Its contents are the server's.
 */
typedef struct lscoap_slot {
    uint64_t opaque_[LSCOAP_SLOT_WORDS];
} lscoap_slot;

/**
 * Where a message came from.
 */
typedef struct lscoap_sender {
    /**
     * The sender's address and port, in any form that is equal for equal senders: a retry cookie is good for that sender only
     * (protocol section 7).
     */
    const uint8_t *peer;
    /**
     * Its length: at most 255 bytes.
     */
    size_t peer_len;
    /**
     * Whom the sender shares room with: bytes that are equal for one IPv4 address (IPv6's mapped ones too), one IPv6 /64, or
     * one IPv6 address where that is link-local, unique-local or on-link. Where room is short, a source that holds a quarter of it
     * displaces nobody's handshakes but its own, once they are older than two seconds (protocol section 7). Null: no such rule.
     */
    const uint8_t *source;
    /**
     * Its length: at most 255 bytes.
     */
    size_t source_len;
} lscoap_sender;

/**
 * What has happened since the server began, and how its slots stand. Counts start again at 0 after 2^64 - 1.
 */
typedef struct lscoap_stats {
    /**
     * New handshakes answered with an M2.
     */
    uint64_t begun_signed;
    /**
     * New handshakes answered with an X2.
     */
    uint64_t begun_express;
    /**
     * New resumptions answered with an R2.
     */
    uint64_t begun_resume;
    /**
     * Sessions whose first record opened.
     */
    uint64_t confirmed;
    /**
     * Those among them that came of a resumption.
     */
    uint64_t confirmed_resume;
    /**
     * Handshake messages refused, by the code of the alert (protocol section 3); the first counts none.
     */
    uint64_t refused[6];
    /**
     * RETRY messages sent.
     */
    uint64_t retries;
    /**
     * Repeated handshake messages, answered with what was stored.
     */
    uint64_t duplicates;
    /**
     * Half-open handshakes and unconfirmed sessions that waited for too long.
     */
    uint64_t expired;
    /**
     * Half-open handshakes and unconfirmed sessions that were evicted for newer ones.
     */
    uint64_t evicted;
    /**
     * Records opened.
     */
    uint64_t records;
    /**
     * Records refused because they had been seen, or are too old to tell.
     */
    uint64_t replays;
    /**
     * Records refused for another reason.
     */
    uint64_t bad_records;
    /**
     * Resume records that could not be stored.
     */
    uint64_t store_failures;
    /**
     * Slots that hold a half-open handshake.
     */
    uint64_t half_open;
    /**
     * Slots that hold an unconfirmed session.
     */
    uint64_t unconfirmed;
    /**
     * Slots that hold a confirmed session.
     */
    uint64_t confirmed_now;
    /**
     * All slots.
     */
    uint64_t slots;
} lscoap_stats;

/**
 * A place for one kept answer. Its contents are the library's; zeroed it is free.
 */
typedef struct lscoap_kept {
    uint64_t opaque_[4];
} lscoap_kept;

/**
 * Answers that are kept for requests that come again: a sealed request opens once, so that one whose answer was lost is to get that
 * answer (protocol section 10). The caller fills the fields in and keeps the memory; each answer has an equal part of the bytes. It is
 * searched from end to end: meant for tens of places.
 */
typedef struct lscoap_answers {
    /**
     * The places, zeroed at first.
     */
    struct lscoap_kept *places;
    /**
     * How many there are.
     */
    size_t count;
    /**
     * Room for the answers.
     */
    uint8_t *bytes;
    /**
     * Its length, in bytes: `count` times the longest answer that is to be kept.
     */
    size_t bytes_len;
} lscoap_answers;

/**
 * How a member behaves. Zeroes are what most want.
 */
typedef struct lscoap_member_config {
    /**
     * The greatest age of requests in groups with LSCOAP_GROUP_TIMED, in seconds: it bounds for how long somebody can hold a request
     * back. 0: ages are not checked.
     */
    uint32_t max_age_s;
    /**
     * One failed signature or tag is paid for by so much time, in ms; 0: 1,000. Take 4,000 where a signature takes half a second.
     */
    uint32_t verify_ms;
    /**
     * The least time between two ASKs, in ms; 0: 60,000.
     */
    uint32_t ask_ms;
} lscoap_member_config;

/**
 * One request to a group, for as long as its answers are made or awaited: the owner's leisure + 30 s. Holds no secret. A member's
 * is never copied: a copy would answer once more, under the same nonce.
 */
typedef struct lscoap_group_exchange {
    uint64_t opaque_[16];
} lscoap_group_exchange;

/**
 * What a device is in a group.
 */
typedef struct lscoap_membership {
    /**
     * The epoch that it holds.
     */
    uint32_t epoch;
    /**
     * The group's number.
     */
    uint16_t number;
    /**
     * Where requests are sent to: the UDP port.
     */
    uint16_t port;
    /**
     * Modes and flags: LSCOAP_GROUP_....
     */
    uint8_t flags;
    /**
     * With LSCOAP_GROUP_TAGGED the slots, else 0.
     */
    uint8_t slots;
    /**
     * The device's name in the group; 0: it has none.
     */
    uint8_t kid;
    /**
     * The length of `address`: 4, 16, or 0 if the owner said none.
     */
    uint8_t address_len;
    /**
     * Where requests are sent to: the IP multicast address.
     */
    uint8_t address[16];
} lscoap_membership;

/**
 * How often a member did what, since it was initialised. Counters stop at their highest value.
 */
typedef struct lscoap_member_stats {
    /**
     * Signed requests that opened.
     */
    uint32_t opened_signed;
    /**
     * Tagged requests that opened.
     */
    uint32_t opened_tagged;
    /**
     * Requests that were opened before, or overtaken.
     */
    uint32_t replays;
    /**
     * Made by somebody without the group's key, or of another epoch 64 away.
     */
    uint32_t bad_group_tags;
    /**
     * Signatures that do not verify: made by somebody with the group's key, or genuine requests that were garbled.
     */
    uint32_t bad_signatures;
    /**
     * Own tags that do not verify: the same.
     */
    uint32_t bad_tags;
    /**
     * Refused without computing anything, because too many signatures or tags had failed.
     */
    uint32_t refused_unchecked;
    /**
     * Further away in time than the greatest age.
     */
    uint32_t too_old;
} lscoap_member_stats;

/**
 * A group as its owner has it. Place it in zeroed memory and never copy it.
 */
typedef struct lscoap_group {
    uint64_t opaque_[LSCOAP_GROUP_WORDS];
} lscoap_group;

/**
 * The owner's room for one member, with LSCOAP_GROUP_ANSWERS or LSCOAP_GROUP_TAGGED. Its contents are the group's.
 */
typedef struct lscoap_group_place {
    uint64_t opaque_[18];
} lscoap_group_place;

/**
 * Writes to storage whose place in a group it is, by its kid, in place of an older device; a null id deletes it. 0 once that will survive.
 */
typedef int (*lscoap_save_place)(void *context,
                                 uint8_t kid,
                                 const uint8_t *device_id,
                                 size_t device_id_len);

/**
 * What a group is. What the pointers lead to is copied, but `places`, which must outlive the group, and contexts. Zero every field that is
 * not used.
 */
typedef struct lscoap_group_config {
    /**
     * 1 to 65535, never one whose state was lost.
     */
    uint16_t number;
    /**
     * Modes and flags: LSCOAP_GROUP_....
     */
    uint8_t flags;
    /**
     * With LSCOAP_GROUP_TAGGED: how many members there may be, 1 to LSCOAP_GROUP_SLOTS_MAX.
     */
    uint8_t slots;
    /**
     * Where requests are sent to, for members to know: the UDP port.
     */
    uint16_t port;
    /**
     * The same: an IP multicast address. Null where members know it otherwise.
     */
    const uint8_t *address;
    /**
     * Its length: 4 or 16.
     */
    size_t address_len;
    /**
     * Room for members, with LSCOAP_GROUP_ANSWERS or LSCOAP_GROUP_TAGGED.
     */
    struct lscoap_group_place *places;
    /**
     * How many: at most LSCOAP_GROUP_PLACES_MAX.
     */
    size_t places_len;
    /**
     * Null: places are not stored, and a restored group begins a new epoch.
     */
    lscoap_save_place save_place;
    /**
     * Passed to it.
     */
    void *save_place_context;
} lscoap_group_config;

/**
 * A device that sends to a group in the owner's place, such as a wall switch. Place it in zeroed memory and never copy it.
 */
typedef struct lscoap_delegate {
    uint64_t opaque_[LSCOAP_DELEGATE_WORDS];
} lscoap_delegate;

/**
 * Done.
 */
#define LSCOAP_OK 0

/**
 * Done: send the message in `out`.
 */
#define LSCOAP_SEND 1

/**
 * The client's session is ready: take it with lscoap_client_finish().
 */
#define LSCOAP_READY 2

/**
 * The server refuses: send the message in `out`, which says why.
 */
#define LSCOAP_REFUSED 3

/**
 * A device has bytes for storage: write them in place of the older ones, then call lscoap_device_stored().
 */
#define LSCOAP_STORE 5

/**
 * A device's request was answered: lscoap_device_code() says with what.
 */
#define LSCOAP_DONE 6

/**
 * A null pointer where a value is needed. Mend the call.
 */
#define LSCOAP_ERR_NULL -1

/**
 * A length, an alignment or a value is outside its range. Mend the call.
 */
#define LSCOAP_ERR_ARGUMENT -2

/**
 * The object was never initialised, or has been wiped. Initialise it.
 */
#define LSCOAP_ERR_UNINITIALISED -3

/**
 * The call does not fit what was done before it. Mend the order of the calls.
 */
#define LSCOAP_ERR_STATE -4

/**
 * The output buffer is too small. Call again with a larger one.
 */
#define LSCOAP_ERR_CAPACITY -5

/**
 * A secret key that is not in 1..n-1, or a public key that is not a point of P-256. Enrol again.
 */
#define LSCOAP_ERR_KEY -6

/**
 * The random source failed. Call again when it works.
 */
#define LSCOAP_ERR_RANDOM -7

/**
 * A callback of lscoap_platform for hardware failed. Call again when it works; where a record was being sealed, `out` has been
 * zeroed, and with it the plaintext if that was there.
 */
#define LSCOAP_ERR_HARDWARE -15

/**
 * Bytes that are no message, object or string of this protocol. Drop them.
 */
#define LSCOAP_ERR_MALFORMED -8

/**
 * A well-formed message that is not awaited now. Drop it and keep waiting.
 */
#define LSCOAP_ERR_UNEXPECTED -9

/**
 * A tag or a signature does not verify. Drop the message and keep waiting.
 */
#define LSCOAP_ERR_AUTHENTICATION -10

/**
 * The record was opened before, or is too old to tell. Drop it.
 */
#define LSCOAP_ERR_REPLAY -11

/**
 * No session has the connection id in this record. Answer with lscoap_record_refusal().
 */
#define LSCOAP_ERR_UNKNOWN_SESSION -12

/**
 * The session's sequence numbers are used up. Make a new session.
 */
#define LSCOAP_ERR_EXHAUSTED -13

/**
 * The request has had its one answer. Send further ones with lscoap_seal_notification().
 */
#define LSCOAP_ERR_ANSWERED -14

/**
 * A callback that writes to storage failed, so that what is stored may be old or new. Store again when it works.
 */
#define LSCOAP_ERR_STORAGE -16

/**
 * The sequence numbers that were reserved in storage are used up. Store the session with lscoap_session_store().
 */
#define LSCOAP_ERR_UNSTORED -17

/**
 * A whole message has a critical option where it may not be (RFC 7252 section 5.4.1). Answer with lscoap_refusal().
 */
#define LSCOAP_ERR_BAD_OPTION -18

/**
 * The server does not know the device id, or says so: anyone could have sent this. Keep waiting, or report.
 */
#define LSCOAP_ALERT_UNKNOWN_DEVICE -21

/**
 * The peer could not verify a tag or signature, or says so. Keep waiting, or begin anew.
 */
#define LSCOAP_ALERT_AUTHENTICATION -22

/**
 * The peer could not parse the message, or says so. Keep waiting, or begin anew.
 */
#define LSCOAP_ALERT_MALFORMED -23

/**
 * The peer has no room, or says so. Begin anew after some seconds.
 */
#define LSCOAP_ALERT_BUSY -24

/**
 * The peer has no such session, or says so. Keep waiting, or begin anew.
 */
#define LSCOAP_ALERT_UNKNOWN_SESSION -25

/**
 * Nothing came in time but silence, Resets and refusals in the clear. The session is kept: try again.
 */
#define LSCOAP_ERR_NO_ANSWER -26

/**
 * The session was lost while a POST or PATCH was out: it may have been executed. Ask, or send it anew.
 */
#define LSCOAP_ERR_UNCERTAIN -27

/**
 * A request does not fit the device's buffer, not even in blocks. Make it shorter, or the buffer longer.
 */
#define LSCOAP_ERR_TOO_LONG -28

/**
 * The request was given up, by lscoap_device_cancel() or by one of its callbacks.
 */
#define LSCOAP_ERR_CANCELLED -29

/**
 * The member is out of date. Drop the object, and ask: at most once a minute, after a random delay.
 */
#define LSCOAP_ERR_ASK -30

/**
 * Too many signatures or tags failed lately, or a device asks too often. Nothing was computed: drop the object, or answer 5.03.
 */
#define LSCOAP_ERR_BUDGET -31

/**
 * No place of the group is free. Answer 5.03.
 */
#define LSCOAP_ERR_FULL -32

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the linked library: `major << 16 | minor << 8 | patch`.
 */
uint32_t lscoap_version(void);

/**
 * A status in words: a string that lives for ever, never null.
 */
const char *lscoap_status_string(lscoap_status status);

/**
 * The CoAP response code (RFC 7252 section 3: class << 5 | detail) for an answer of lscoap_server_step(), after
 * protocol section 10: 2.04 for a message, 4.01 and 4.00 for refusals, 5.03 (to be sent with Max-Age 5) for a
 * busy server. 5.00 for anything else.
 */
uint8_t lscoap_response_code(const uint8_t *answer,
                             size_t len);

/**
 * What to answer a sealed object with that did not open: the CoAP response code (4.01 where no session has
 * its id, else 4.00), and in `alert`, of 2 bytes, the payload, in the clear (protocol section 10).
 */
uint8_t lscoap_record_refusal(lscoap_status status,
                              uint8_t *alert);

/**
 * The protocol's name of a message, by its first byte: "M1", ..., "ALERT", "sealed object"; "?" if it has none.
 * A string that lives for ever, never null.
 */
const char *lscoap_message_name(const uint8_t *message,
                                size_t len);

/**
 * The public key of a secret: LSCOAP_SECRET_KEY_LEN bytes in, LSCOAP_PUBLIC_KEY_LEN bytes out.
 * LSCOAP_ERR_KEY: the secret is not in 1..n-1.
 */
LSCOAP_MUST_USE lscoap_status lscoap_public_key(const uint8_t *secret, uint8_t *out);

/**
 * Writes a device's enrolment string (`LSC2:...`) with a terminating NUL, which `*out_len` does not count.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_format_device(const uint8_t *id,
                                   size_t id_len,
                                   const uint8_t *public_key,
                                   char *out,
                                   size_t out_cap,
                                   size_t *out_len);

/**
 * Writes a server's enrolment string (`LSS2:...`) with a terminating NUL, which `*out_len` does not count.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_format_server(const uint8_t *public_key,
                                   char *out,
                                   size_t out_cap,
                                   size_t *out_len);

/**
 * Reads a device's enrolment string, `LSC2:...` with a check or `LSC1:...` without: the id (LSCOAP_DEVICE_ID_MAX bytes
 * of room) and the key. Two strings of one device may differ: compare id and key. `text` needs no terminating NUL.
 * LSCOAP_ERR_MALFORMED, or LSCOAP_ERR_KEY where the key is no point: `*error_at`, if not null, is where the fault
 * lies, counted from 0; a check that does not fit is at fault where it begins.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_parse_device(const char *text,
                                  size_t text_len,
                                  uint8_t *id,
                                  size_t *id_len,
                                  uint8_t *public_key,
                                  size_t *error_at);

/**
 * Reads a server's enrolment string (`LSS2:...` or `LSS1:...`): the key. Otherwise as lscoap_parse_device().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_parse_server(const char *text,
                                  size_t text_len,
                                  uint8_t *public_key,
                                  size_t *error_at);

/**
 * Loads the identity, over whatever the object held before.
 * LSCOAP_ERR_KEY: `identity` or `server_key` is no key. LSCOAP_ERR_ARGUMENT: an id of the wrong length, or a
 * profile that the library was built without.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_client_init(struct lscoap_client *client,
                                 const struct lscoap_platform *platform,
                                 const struct lscoap_client_config *config);

/**
 * Takes one message of the server's and gives the next to send. With a null `input`: the first message, and after
 * that the last one again (for a retransmission). A RETRY gives the first message once more, three times at most.
 * An empty message that is not null is malformed. `input` and `out` may be the same buffer; `out` has room for at
 * least LSCOAP_MESSAGE_MAX bytes, else LSCOAP_ERR_CAPACITY.
 *
 * LSCOAP_SEND: send the `*out_len` bytes in `out`. LSCOAP_READY: take the session with lscoap_client_finish().
 * LSCOAP_ERR_MALFORMED, LSCOAP_ERR_UNEXPECTED, LSCOAP_ERR_AUTHENTICATION, or LSCOAP_ALERT_...: the message
 * changed nothing; keep waiting for the right one, or begin anew with lscoap_client_restart().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_client_step(struct lscoap_client *client,
                                 const uint8_t *input,
                                 size_t input_len,
                                 uint8_t *out,
                                 size_t out_cap,
                                 size_t *out_len);

/**
 * Has the next step with a null `input` give an R1, which resumes `session` in one round trip and without curve
 * arithmetic; a handshake under way is forgotten. `session` stays usable: keep it, and wipe it when the first answer
 * has opened in the new one. Where the server refuses (LSCOAP_ALERT_UNKNOWN_SESSION), lscoap_client_restart() goes
 * back to a full handshake.
 * LSCOAP_ERR_STATE: the session is not a client's, or has another device id or connection id than this client.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_client_resume(struct lscoap_client *client,
                                   const struct lscoap_session *session);

/**
 * Takes the session out of a finished handshake, over whatever `session` held before. The client can then make
 * another one. An older session with the server is to be wiped when the first answer has opened in the new one,
 * so have a second object for it (protocol section 8).
 * LSCOAP_ERR_STATE: the handshake has not finished.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_client_finish(struct lscoap_client *client,
                                   struct lscoap_session *session);

/**
 * Forgets a handshake under way and keeps the identity: the next step gives a new first message.
 */
lscoap_status lscoap_client_restart(struct lscoap_client *client);

/**
 * Wipes everything. Null is ignored.
 */
void lscoap_client_wipe(struct lscoap_client *client);

/**
 * Seals a request as an object for a CoAP payload: `input` is the plaintext of RFC 8613 section 5.3 (code, inner options, FF
 * and payload), bound to `aad`; the object is at most LSCOAP_REQUEST_OVERHEAD bytes longer. `*exchange` is what the answers belong
 * to. For whole messages, and for the OSCORE option, there is lscoap_protect_request().
 * LSCOAP_ERR_EXHAUSTED: make a new session.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_seal_request(struct lscoap_session *session,
                                  struct lscoap_io *io,
                                  struct lscoap_exchange *exchange);

/**
 * Opens a request of the peer's that was sealed for `aad`; `out` has room for the plaintext. A server opens requests with
 * lscoap_server_open_request() instead, which also confirms the session.
 * LSCOAP_ERR_MALFORMED, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: answer with
 * lscoap_record_refusal(); the place of the plaintext in `out` may have been zeroed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_open_request(struct lscoap_session *session,
                                  struct lscoap_io *io,
                                  struct lscoap_exchange *exchange);

/**
 * Seals the answer to a request, at most LSCOAP_RESPONSE_OVERHEAD bytes longer: 9 if the session still
 * remembers the request, which it does for the last 64. Possible once for each request; an answer with Observe is for
 * lscoap_seal_notification().
 * LSCOAP_ERR_ANSWERED: use lscoap_seal_notification().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_seal_response(struct lscoap_session *session,
                                   struct lscoap_io *io,
                                   const struct lscoap_exchange *exchange);

/**
 * Seals a further answer to a request, or one with Observe, which may be the first, under a number of its own.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_seal_notification(struct lscoap_session *session,
                                       struct lscoap_io *io,
                                       const struct lscoap_exchange *exchange);

/**
 * Opens an answer to `exchange`'s request: the first one, or a later notification.
 * LSCOAP_ERR_MALFORMED, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: not the peer's answer; drop it and keep
 * waiting. The place of the plaintext in `out` may have been zeroed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_open_response(struct lscoap_session *session,
                                   struct lscoap_io *io,
                                   struct lscoap_exchange *exchange);

/**
 * The id of the device at the client's end: at most LSCOAP_DEVICE_ID_MAX bytes.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_device_id(const struct lscoap_session *session,
                                       uint8_t *out,
                                       size_t out_cap,
                                       size_t *out_len);

/**
 * The id by which the peer's requests name the session (their kid): at most LSCOAP_CID_MAX bytes, often none at a client.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_recipient_id(const struct lscoap_session *session,
                                          uint8_t *out,
                                          size_t out_cap,
                                          size_t *out_len);

/**
 * LSCOAP_FINGERPRINT_LEN bytes that are equal at both ends, differ between sessions and tell nothing about the
 * keys: for a log.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_fingerprint(const struct lscoap_session *session,
                                         uint8_t *out);

/**
 * A key for the application's own use, the same at both ends: 1 to 255 bytes of output, at most 255 of label
 * (protocol section 8). A shorter output is the beginning of a longer one. On the server the client is proved
 * once a request has opened: not before, with a session from lscoap_server_find().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_export_key(const struct lscoap_session *session,
                                        const uint8_t *label,
                                        size_t label_len,
                                        const uint8_t *context,
                                        size_t context_len,
                                        uint8_t *out,
                                        size_t out_len);

/**
 * Wipes the session. Null is ignored.
 */
void lscoap_session_wipe(struct lscoap_session *session);

/**
 * Protects a request, with room for LSCOAP_PROTECT_OVERHEAD bytes more: its options and payload are encrypted, except for what proxies and, in the payload carrier, the
 * server's own routing need (the table in docs/protocol.md). Token, type and message id stay. `*exchange` is for its answers.
 * LSCOAP_ERR_ARGUMENT: not a request, or with an OSCORE or Proxy-Uri option.
 * LSCOAP_ERR_EXHAUSTED, LSCOAP_ERR_UNSTORED as in lscoap_seal_request().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_protect_request(struct lscoap_session *session,
                                     int32_t carrier,
                                     struct lscoap_io *io,
                                     struct lscoap_exchange *exchange);

/**
 * Gives back the answer to `exchange`'s request as the server made it. In a notification, Observe is its number.
 * LSCOAP_ERR_UNEXPECTED: not sealed, or not in the request's carrier: a refusal in the clear, an alert, or nothing of
 * ours. LSCOAP_ERR_MALFORMED, LSCOAP_ERR_BAD_OPTION, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: not the server's
 * answer; drop it and keep waiting. LSCOAP_ERR_STATE: the request was not made by lscoap_protect_request().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_unprotect_response(struct lscoap_session *session,
                                        struct lscoap_io *io,
                                        struct lscoap_exchange *exchange);

/**
 * Whether a request, in whichever carrier it comes, names this session: by its kid and, where it has one, its kid context. For a caller
 * with sessions that lscoap_session_take_over() made, which picks among them before lscoap_unprotect_request(), and takes
 * lscoap_server_unprotect_request() where none is named. Names prove nothing, and a request without a kid context is for each
 * session with its kid: where there are several, try copies of it.
 * LSCOAP_ERR_UNKNOWN_SESSION: it names another. LSCOAP_ERR_UNEXPECTED, LSCOAP_ERR_MALFORMED: not a sealed request.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_is_for(const struct lscoap_session *session,
                                    const uint8_t *message,
                                    size_t len);

/**
 * Gives back a request as the peer made it, for a session that is in no server: see lscoap_server_unprotect_request().
 * LSCOAP_REFUSED: the context was taken over without what it has received, and the request does not show that it is new. Send `out`, a
 * sealed 4.01 with an Echo, of at most LSCOAP_PROTECT_OVERHEAD + 11 bytes beside header and token; the peer asks again.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_unprotect_request(struct lscoap_session *session,
                                       struct lscoap_io *io,
                                       struct lscoap_exchange *exchange);

/**
 * Protects the response to a request that was unprotected, in the same carrier: the first one, or a notification or any
 * other further answer, which gets a number of its own, as does every answer with Observe.
 * LSCOAP_ERR_ARGUMENT: not a response, or with a Uri-, Proxy-, Hop-Limit or OSCORE option.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_protect_response(struct lscoap_session *session,
                                      struct lscoap_io *io,
                                      const struct lscoap_exchange *exchange);

/**
 * Whether a resource that reads the options in `known`, by their numbers, may carry out a request that was unprotected:
 * every critical option is one of those or Uri-Host, -Port, -Path or -Query, and none stands twice that may stand once
 * (RFC 7252 sections 5.4.1 and 5.4.5). LSCOAP_ERR_BAD_OPTION: answer 4.02 with lscoap_protect_response(), before anything is
 * done. LSCOAP_ERR_MALFORMED: not a message.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_check_options(const uint8_t *message,
                                   size_t len,
                                   const uint16_t *known,
                                   size_t known_len);

/**
 * What to answer a request with that was not accepted, in the clear: `input` is the request as it came, or what a call
 * that gave `status` has left of it. The answer has the request's token; that to a non-confirmable request has its message
 * id too: give it one of your own. In the OSCORE carrier as RFC 8613 section 8.2 says, with Max-Age 0; in the payload carrier
 * with an alert (protocol section 10); 4.02 for LSCOAP_ERR_BAD_OPTION; 4.01 for what was not sealed.
 * LSCOAP_ERR_MALFORMED: `input` is not a request.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_refusal(lscoap_status status,
                             struct lscoap_io *io);

/**
 * Writes the session's context for another OSCORE implementation, which goes on with it: this session then seals and opens
 * nothing (LSCOAP_ERR_STATE), and lscoap_session_store() stores it as used up; the other one stores its own. Exported keys,
 * fingerprint and resumption go on. A server's session may be handed over before its first request:
 * lscoap_server_confirm() says when that has opened.
 * LSCOAP_ERR_STATE: handed over before, or taken over.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_hand_over(struct lscoap_session *session,
                                       struct lscoap_context *context);

/**
 * Makes a session of a context that came from elsewhere: from another key exchange, from provisioning, or from storage, over
 * whatever `session` held before. It is in no lscoap_server, has no device id, exports no keys and is not resumed. `next` has to be
 * above every number that was used; it is the caller who stores it, ahead. `platform` gives randomness, and AES in hardware.
 * Requests name the ID Context, if there is one; those that come may. Whole messages alone do: sealed objects do not.
 * LSCOAP_ERR_ARGUMENT: no secret, a field that is too long, equal ids, a number above 2^40. LSCOAP_ERR_RANDOM. Nothing has changed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_take_over(struct lscoap_session *session,
                                       const struct lscoap_platform *platform,
                                       const struct lscoap_context *context);

/**
 * Reserves sequence numbers for a client's session and has it written to storage, at most LSCOAP_SESSION_BLOB_MAX
 * bytes with secrets in them. The session then seals `block` more requests, and no more (LSCOAP_ERR_UNSTORED) until it
 * is stored again; 0 before a long sleep, which wastes none. A device that loses power at any moment and restores
 * what was stored last never uses a number twice, if storage never gives an older blob than the last one that
 * `write` accepted. A copy of the lscoap_session object is not a stored session.
 * LSCOAP_ERR_STATE: not a client's session. LSCOAP_ERR_STORAGE: `write` failed; the session goes on as far as both the
 * older and the newer blob allow.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_store(struct lscoap_session *session,
                                   uint32_t block,
                                   lscoap_write_blob write,
                                   void *context);

/**
 * Makes a session of what lscoap_session_store() wrote, over whatever `session` held before. `platform` may be
 * null: it is for AES in hardware. The session has to be stored again before it seals (LSCOAP_ERR_UNSTORED), and
 * opens only answers to its own requests: no requests of the server's (LSCOAP_ERR_STATE) before it has been resumed
 * with lscoap_client_resume().
 * LSCOAP_ERR_MALFORMED: damaged, or of another version; nothing has changed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_session_restore(struct lscoap_session *session,
                                     const struct lscoap_platform *platform,
                                     const uint8_t *blob,
                                     size_t blob_len);

/**
 * Loads the identity, over whatever the object held before.
 * LSCOAP_ERR_KEY: `identity` or `server_key` is no key. LSCOAP_ERR_ARGUMENT: an id, the buffer or the carrier is none, or a
 * profile that the library was built without.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_init(struct lscoap_device *device,
                                 const struct lscoap_platform *platform,
                                 const struct lscoap_device_config *config);

/**
 * Has the device ask for the members of its groups by itself, after lscoap_device_init(): when one is to ask (lscoap_member_ask_due(), and a random part of
 * `leisure_ms`; 0: 13,000), its ASK goes out in the session, which is made first where there is none, and the answer is taken. The application's requests
 * come first. `members` are an array of `members_len`, initialised, that outlives the device; the application opens and answers requests with
 * them between calls, and has lscoap_device_poll() called after LSCOAP_ERR_ASK, from an object or from lscoap_member_notice(). What they are by now says
 * lscoap_member_group().
 * LSCOAP_ERR_UNINITIALISED: not a device yet.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_set_members(struct lscoap_device *device,
                                        struct lscoap_member *members,
                                        size_t members_len,
                                        uint32_t leisure_ms);

/**
 * Takes the session that was stored last, before the first request.
 * LSCOAP_ERR_MALFORMED: damaged, or of another version. LSCOAP_ERR_STATE: of another device, there is a session already, or
 * `store_block` is 0. Go on in any case: a full handshake follows.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_restore(struct lscoap_device *device,
                                    const uint8_t *blob,
                                    size_t blob_len);

/**
 * Begins a request, and connects first where there is no session. `request` null: only connects. lscoap_device_poll() then says
 * what to send, and how it ended.
 * LSCOAP_ERR_STATE: a request is under way, or is being observed. LSCOAP_ERR_ARGUMENT: a method or a path that is none.
 * LSCOAP_ERR_TOO_LONG: it does not fit the buffer, not even in blocks. LSCOAP_ERR_CAPACITY: no room for an observation.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_request(struct lscoap_device *device,
                                    uint64_t now_ms,
                                    const struct lscoap_request *request);

/**
 * Gives a request up: it ends with LSCOAP_ERR_CANCELLED, and its late answer is dropped. An observation is deregistered, and
 * ends with that status in `take`.
 * LSCOAP_ERR_STATE: it is not under way.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_cancel(struct lscoap_device *device,
                                   uint64_t now_ms,
                                   const struct lscoap_request *request);

/**
 * Takes any datagram that came from the server's address, and opens it in place; call lscoap_device_poll() then. Runs `take`. One step of a
 * handshake may be computed here (docs/footprint.md says how long that takes). LSCOAP_OK also for what was dropped.
 * LSCOAP_ERR_UNEXPECTED: a request, which is untouched.
 */
lscoap_status lscoap_device_receive(struct lscoap_device *device,
                                    uint64_t now_ms,
                                    uint8_t *datagram,
                                    size_t datagram_len);

/**
 * What to do now. Call it again until it gives LSCOAP_OK: nothing before lscoap_device_deadline().
 * LSCOAP_SEND: send `*bytes` to the server; its timers begin here. LSCOAP_STORE: write `*bytes` (at most LSCOAP_SESSION_BLOB_MAX,
 * with secrets in them) in place of the older ones, then call lscoap_device_stored(). LSCOAP_DONE: the request was answered.
 * `*bytes` lie in the device or its buffer, and are valid until the next call.
 * LSCOAP_ERR_RANDOM: the random source failed; it is tried again at the deadline, and so is LSCOAP_ERR_HARDWARE while there is
 * no session. Any other error has ended the request, and is said once: LSCOAP_ERR_NO_ANSWER, LSCOAP_ERR_UNCERTAIN,
 * LSCOAP_ERR_STORAGE, LSCOAP_ERR_TOO_LONG, LSCOAP_ERR_CANCELLED; LSCOAP_ERR_BAD_OPTION and LSCOAP_ERR_MALFORMED for an answer
 * that is none; LSCOAP_ALERT_... where the server refuses handshakes.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_poll(struct lscoap_device *device,
                                 uint64_t now_ms,
                                 const uint8_t **bytes,
                                 size_t *bytes_len);

/**
 * When lscoap_device_poll() is to be called if nothing else happens, in ms; UINT64_MAX: only a datagram or another call changes
 * anything.
 */
uint64_t lscoap_device_deadline(const struct lscoap_device *device);

/**
 * After LSCOAP_STORE. `failed` not 0: a session that was never stored goes on within the numbers of those bytes, and is stored
 * again at its next answer; a request for which no numbers are reserved ends with LSCOAP_ERR_STORAGE, unsent.
 * LSCOAP_ERR_STATE: nothing was to be stored.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_stored(struct lscoap_device *device,
                                   int32_t failed);

/**
 * Before the power goes: the next lscoap_device_poll() gives an LSCOAP_STORE that wastes no numbers, if there is a session.
 * LSCOAP_ERR_STATE: `store_block` is 0.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_suspend(struct lscoap_device *device);

/**
 * The device has another address or socket: what is out goes out again now, and observations are registered anew.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_device_moved(struct lscoap_device *device,
                                  uint64_t now_ms);

/**
 * The code inside the last answer; 0: none.
 */
uint8_t lscoap_device_code(const struct lscoap_device *device);

/**
 * The session in use, for lscoap_session_fingerprint() and lscoap_session_export_key(); null: none.
 */
const struct lscoap_session *lscoap_device_session(const struct lscoap_device *device);

/**
 * A clock of 32 bits as one of 64: `*last` is what it gave before, 0 at first. Called at least once in 49 days.
 */
uint64_t lscoap_extend_ms(uint64_t *last,
                          uint32_t ms);

/**
 * Wipes identity and sessions. Null is ignored.
 */
void lscoap_device_wipe(struct lscoap_device *device);

/**
 * Loads the identity and clears the slots. `slots` must outlive the server; other objects do not use them. Each
 * device with a session takes a slot for good, and a handshake takes one until it has replaced the session: have
 * more slots than devices, or a device that has lost its session finds the server busy.
 * LSCOAP_ERR_KEY: `identity` is no key. LSCOAP_ERR_ARGUMENT: no slots, or ids too short for so many.
 * LSCOAP_ERR_NULL: also for one of `load_resume` and `save_resume` without the other.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_init(struct lscoap_server *server,
                                 const struct lscoap_platform *platform,
                                 const struct lscoap_server_config *config,
                                 struct lscoap_slot *slots,
                                 size_t slots_len);

/**
 * Answers one handshake message of `from`'s. `io->now_ms` is a monotonic clock; where it goes back (a 32-bit one that wraps), no
 * time has gone by. `out` has room for at least LSCOAP_MESSAGE_MAX bytes, else LSCOAP_ERR_CAPACITY.
 *
 * `*made` becomes the session that the message has made, else null. Nobody has used it yet: the sender may be anyone until its first
 * request opens (protocol section 8). A message that is repeated makes none. `made` itself may be null.
 *
 * LSCOAP_SEND, LSCOAP_REFUSED: send the `out_len` bytes in `out`, with lscoap_response_code(). An error: there
 * is no message to send.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_step(struct lscoap_server *server,
                                 const struct lscoap_sender *from,
                                 struct lscoap_io *io,
                                 struct lscoap_session **made);

/**
 * Opens a sealed object that is a request: finds its session by the id in it, in a time that does not depend on the number of
 * sessions; the first record that opens confirms the session, and wipes the device's older one (protocol
 * section 8). `*session` stays the server's: use it to answer, and do not keep it; lscoap_server_find() gives it again. For whole
 * messages, and for the OSCORE option, there is lscoap_server_unprotect_request().
 *
 * A request is opened once. Keep each sealed answer with what its request is known again by (the peer and the message
 * id, or the peer and the object) for 247 s, RFC 7252's EXCHANGE_LIFETIME: a retransmitted request, whose answer was lost,
 * is to get that answer again, without this call, which can only refuse it (LSCOAP_ERR_REPLAY, 4.00). lscoap_answers_find() and its
 * like keep them.
 *
 * LSCOAP_ERR_MALFORMED, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_ERR_AUTHENTICATION, LSCOAP_ERR_REPLAY: answer with
 * lscoap_record_refusal(); the place of the plaintext in `out` may have been zeroed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_open_request(struct lscoap_server *server,
                                         struct lscoap_io *io,
                                         struct lscoap_session **session,
                                         struct lscoap_exchange *exchange);

/**
 * Gives back a sealed request as the client made it, whichever carrier it came in: finds its session by the id in it, in
 * a time that does not depend on the number of sessions; the first request that opens confirms the session, and wipes the
 * device's older one (protocol section 8). `*session` stays the server's: use it with `*exchange` to answer by
 * lscoap_protect_response(), and do not keep it; lscoap_server_session_of() gives it again.
 *
 * LSCOAP_ERR_UNEXPECTED: not sealed; what comes in the clear is for lscoap_server_step(), or for resources that anyone may
 * reach. LSCOAP_ERR_MALFORMED, LSCOAP_ERR_BAD_OPTION, LSCOAP_ERR_UNKNOWN_SESSION, LSCOAP_ERR_AUTHENTICATION,
 * LSCOAP_ERR_REPLAY: answer with lscoap_refusal(). A retransmission that gets past the message layer is a replay: give it
 * the answer that its first copy got.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_unprotect_request(struct lscoap_server *server,
                                              struct lscoap_io *io,
                                              struct lscoap_session **session,
                                              struct lscoap_exchange *exchange);

/**
 * The session whose requests carry this kid, as lscoap_session_recipient_id() gives it; null if there is none. The session
 * stays the server's.
 */
struct lscoap_session *lscoap_server_session_of(struct lscoap_server *server,
                                                uint64_t now_ms,
                                                const uint8_t *kid,
                                                size_t kid_len);

/**
 * The session of a sealed request, by the id in it; null if there is none. The id proves nothing: until a
 * record has opened, the sender may be anyone. The session stays the server's.
 */
struct lscoap_session *lscoap_server_find(struct lscoap_server *server,
                                          uint64_t now_ms,
                                          const uint8_t *object,
                                          size_t object_len);

/**
 * Which of the server's slots a session is in, from 0: where a program keeps something of its own for each session, an
 * array as long as the slots' has a place for it. The next session in a slot is another one.
 * LSCOAP_ERR_ARGUMENT: not a session of this server, or one that has ended.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_slot_index(const struct lscoap_server *server,
                                       const struct lscoap_session *session,
                                       size_t *index);

/**
 * Another implementation's word that a request of the client's has opened in a session that was handed over: confirms it as
 * lscoap_server_open_request() does, and wipes the device's older one (protocol section 8). A session that is confirmed stays so.
 * LSCOAP_ERR_ARGUMENT: not a session of this server, or one that has ended.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_confirm(struct lscoap_server *server,
                                    const struct lscoap_session *session);

/**
 * Ends every session and handshake of a device, which has been taken out of the directory or got another key
 * there, and deletes its resume record. LSCOAP_ERR_UNKNOWN_SESSION: no slot was the device's. LSCOAP_ERR_STORAGE: its
 * slots are free, and the record may still be there, which does no harm while the directory refuses the device.
 */
lscoap_status lscoap_server_forget(struct lscoap_server *server,
                                   const uint8_t *id,
                                   size_t id_len);

/**
 * What has happened so far, and how the slots stand.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_stats(const struct lscoap_server *server,
                                  struct lscoap_stats *out);

/**
 * Writes the server's identity key, LSCOAP_PUBLIC_KEY_LEN bytes, as a compressed SEC1 point.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_server_public_key(const struct lscoap_server *server,
                                       uint8_t *out);

/**
 * Wipes the server and every slot. Null is ignored.
 */
void lscoap_server_wipe(struct lscoap_server *server);

/**
 * The answer that a request had, with its length; null if none is kept, or it is older than 247 s. `request` is the sealed object, or the
 * CoAP message whose payload it ends: type, token and message id may be others. To be called before the request is opened. The
 * answer is as it was kept, and stays where it is until the next call.
 */
LSCOAP_MUST_USE
const uint8_t *lscoap_answers_find(const struct lscoap_answers *answers,
                                   uint64_t now_ms,
                                   const uint8_t *request,
                                   size_t request_len,
                                   size_t *answer_len);

/**
 * Keeps the answer to a request of `session`'s: whatever the caller wants to send again, such as the sealed object, or the message from
 * its code on. A place is taken that is free, else the oldest: of the session's own where it holds a quarter of them.
 * LSCOAP_ERR_CAPACITY: longer than the room for one; it is not kept.
 */
lscoap_status lscoap_answers_keep(struct lscoap_answers *answers,
                                  const struct lscoap_session *session,
                                  uint64_t now_ms,
                                  const uint8_t *request,
                                  size_t request_len,
                                  const uint8_t *answer,
                                  size_t answer_len);

/**
 * Gives back the places of a session that ends, by its fingerprint: see lscoap_server_config.session_ended.
 */
lscoap_status lscoap_answers_forget(struct lscoap_answers *answers,
                                    const uint8_t *fingerprint);

/**
 * Whether bytes begin as a request to a group does: a payload, or the value of an OSCORE option. 1 or 0.
 */
int32_t lscoap_is_group_object(const uint8_t *input,
                               size_t input_len);

/**
 * Makes a member of no group, over whatever `member` held before; it is to ask. `platform` may be null: it is for AES in hardware. So may
 * `config`.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_init(struct lscoap_member *member,
                                 const struct lscoap_platform *platform,
                                 const struct lscoap_member_config *config);

/**
 * Writes an ASK: at most LSCOAP_GROUP_MESSAGE_MAX bytes, to be sealed as a POST to /.well-known/lscoap/group in the session with the owner. A later one makes
 * the answer to an earlier one worthless: drop its exchange.
 * LSCOAP_SEND; LSCOAP_ERR_STATE: too soon after the last one, see lscoap_member_ask_due().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_ask(struct lscoap_member *member,
                                uint64_t now_ms,
                                uint8_t *out,
                                size_t out_cap,
                                size_t *out_len);

/**
 * When the next ASK is due, in ms of the clock that the calls are given; add a random part of the leisure unless the device woke up by
 * itself. UINT64_MAX: there is no reason for one.
 */
uint64_t lscoap_member_ask_due(const struct lscoap_member *member);

/**
 * The device has slept: the member is to ask before it listens, see lscoap_member_ask_due(). Null is ignored.
 */
void lscoap_member_wake(struct lscoap_member *member);

/**
 * Takes what answered the last ASK: the payload of a 2.04 that opened for that ASK's exchange, a JOIN, SYNC or LEAVE. Nothing else.
 * LSCOAP_ERR_UNKNOWN_SESSION: not a member any more; the keys have been wiped. LSCOAP_ERR_UNEXPECTED: no ASK is out, or of another
 * group or epoch. LSCOAP_ERR_MALFORMED.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_answer(struct lscoap_member *member,
                                   uint64_t now_ms,
                                   const uint8_t *input,
                                   size_t input_len);

/**
 * Takes a NOTICE: the payload of a POST to /.well-known/lscoap/group that opened, in the session or in the group. Answer it 2.04, without a payload, in the
 * session only.
 * LSCOAP_OK: nothing new. LSCOAP_ERR_ASK: there is a newer epoch. LSCOAP_ERR_UNKNOWN_SESSION: of another group. LSCOAP_ERR_MALFORMED.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_notice(struct lscoap_member *member,
                                   const uint8_t *input,
                                   size_t input_len);

/**
 * Opens a request to the group that came as an object in a CoAP payload; `io.aad` as in lscoap_open_request(), at most LSCOAP_GROUP_AAD_MAX
 * bytes. `out` has room for the plaintext. `*mode` is how the sender was proved: an application may want LSCOAP_GROUP_SIGNED for
 * some resources. `*exchange` is for lscoap_member_seal_answer(). Answer nothing on an error, whatever it is, but a confirmable message with
 * a Reset before it comes here.
 * LSCOAP_ERR_UNKNOWN_SESSION: of another group, mode or epoch: try the next member. LSCOAP_ERR_ASK, LSCOAP_ERR_BUDGET. LSCOAP_ERR_REPLAY,
 * LSCOAP_ERR_MALFORMED, LSCOAP_ERR_AUTHENTICATION: drop it; after the last the place of the plaintext has been zeroed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_open_request(struct lscoap_member *member,
                                         struct lscoap_io *io,
                                         int32_t *mode,
                                         struct lscoap_group_exchange *exchange);

/**
 * Gives back a whole request to the group, in whichever carrier it came, as the group's sender made it. Otherwise as
 * lscoap_member_open_request().
 * LSCOAP_ERR_UNEXPECTED: not a request to a group; it may be one in a session. LSCOAP_ERR_MALFORMED: also a confirmable one, which gets a Reset. LSCOAP_ERR_BAD_OPTION: an option where it
 * may not be; drop it.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_unprotect_request(struct lscoap_member *member,
                                              struct lscoap_io *io,
                                              int32_t *mode,
                                              struct lscoap_group_exchange *exchange);

/**
 * Whether an answer with this code is wanted, 1 or 0: 2.05 to GET and FETCH, or what the request's inner No-Response option (RFC 7967) says. Send
 * it non-confirmably, after a random part of the leisure, and only to the address at which this device has its server.
 */
int32_t lscoap_member_answer_wanted(const struct lscoap_member *member,
                                    const struct lscoap_group_exchange *exchange,
                                    uint8_t code);

/**
 * Seals the one answer to a request as an object for a CoAP payload, LSCOAP_GROUP_ANSWER_OVERHEAD bytes longer.
 * LSCOAP_ERR_ANSWERED: it had one. LSCOAP_ERR_STATE: there are no answers in this group, or the member holds another epoch by now.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_seal_answer(struct lscoap_member *member,
                                        struct lscoap_io *io,
                                        struct lscoap_group_exchange *exchange);

/**
 * Protects a whole answer, in the carrier of its request, with room for LSCOAP_PROTECT_OVERHEAD bytes more. Otherwise as
 * lscoap_member_seal_answer().
 * LSCOAP_ERR_ARGUMENT: not a response, or with an option that a group has not. LSCOAP_ERR_STATE: also where the request was not unprotected by
 * lscoap_member_unprotect_request().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_protect_answer(struct lscoap_member *member,
                                           struct lscoap_io *io,
                                           struct lscoap_group_exchange *exchange);

/**
 * What the device is in the group.
 * LSCOAP_ERR_UNINITIALISED: not in one, as before the first JOIN.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_group(const struct lscoap_member *member,
                                  struct lscoap_membership *membership);

/**
 * What the member has opened and refused.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_get_stats(const struct lscoap_member *member,
                                      struct lscoap_member_stats *out);

/**
 * Wipes the keys. Null is ignored.
 */
void lscoap_member_wipe(struct lscoap_member *member);

/**
 * Makes a group in its first epoch, with fresh keys and free places, over whatever `group` held before.
 * LSCOAP_ERR_ARGUMENT: no such group. LSCOAP_ERR_RANDOM.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_create(struct lscoap_group *group,
                                  const struct lscoap_platform *platform,
                                  const struct lscoap_group_config *config,
                                  uint64_t now_ms);

/**
 * Answers an ASK of a device that the caller allows into the group, with a JOIN, or a SYNC if it needs no more. `io.input` is the payload of a
 * POST to /.well-known/lscoap/group that opened in `session`, which names the device; `io.out`, with LSCOAP_GROUP_MESSAGE_MAX bytes of room, is the payload of the 2.04
 * (LSCOAP_CONTENT_FORMAT_GROUP) to be sealed as the response to it.
 * LSCOAP_SEND. LSCOAP_ERR_FULL: there is no free place. LSCOAP_ERR_BUDGET: the device was given a JOIN less than 10 s ago. Both: answer 5.03 with
 * Max-Age 10. LSCOAP_ERR_UNKNOWN_SESSION: for another group, see lscoap_group_of_ask(). LSCOAP_ERR_MALFORMED: not an ASK, answer 4.00.
 * LSCOAP_ERR_UNSTORED: store the group, then call again. LSCOAP_ERR_STORAGE: the place could not be saved. LSCOAP_ERR_STATE: no request has opened in
 * `session` yet.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_answer_ask(struct lscoap_group *group,
                                      const struct lscoap_session *session,
                                      struct lscoap_io *io);

/**
 * Which group an ASK is for, so that the caller finds the object; 0: any that the caller has for the device.
 * LSCOAP_ERR_MALFORMED: not an ASK; it may be a member's LEAVE.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_of_ask(const uint8_t *ask,
                                  size_t ask_len,
                                  uint16_t *number);

/**
 * Writes a LEAVE, with LSCOAP_GROUP_MESSAGE_MAX bytes of room: what a device is answered that is not let into the group which it asked for; or a member's own
 * request to leave.
 * LSCOAP_SEND.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_write_leave(uint16_t number,
                                       uint8_t *out,
                                       size_t out_cap,
                                       size_t *out_len);

/**
 * Begins a new epoch, in which `without`, the id of a device, has no place any more; null: everybody stays. Exchanges of the old one end. Store the
 * group, then send the NOTICE that this writes to the members in their sessions. For one in the group as well, seal what
 * lscoap_group_write_notice() gives for epoch + 1 before this call. Members that have not asked yet miss what is sent.
 * LSCOAP_SEND. LSCOAP_ERR_RANDOM; LSCOAP_ERR_EXHAUSTED: there are no more epochs.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_rekey(struct lscoap_group *group,
                                 const uint8_t *without,
                                 size_t without_len,
                                 uint64_t now_ms,
                                 uint8_t *notice,
                                 size_t notice_cap,
                                 size_t *notice_len);

/**
 * Writes the NOTICE of an epoch, with LSCOAP_GROUP_MESSAGE_MAX bytes of room.
 * LSCOAP_SEND.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_write_notice(const struct lscoap_group *group,
                                        uint32_t epoch,
                                        uint8_t *out,
                                        size_t out_cap,
                                        size_t *out_len);

/**
 * Takes a member's LEAVE, `io.input`, which opened in `session`, and begins a new epoch without it as lscoap_group_rekey() does: `io.out` is the NOTICE
 * for the others. The member is answered 2.04, without a payload.
 * LSCOAP_SEND. LSCOAP_ERR_UNKNOWN_SESSION: of another group, or it has no place: there is nothing to do. LSCOAP_ERR_MALFORMED: not a LEAVE.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_take_leave(struct lscoap_group *group,
                                      const struct lscoap_session *session,
                                      struct lscoap_io *io);

/**
 * The group's number; 0: not created.
 */
uint16_t lscoap_group_number(const struct lscoap_group *group);

/**
 * The group's epoch, from 1; 0: not created.
 */
uint32_t lscoap_group_epoch(const struct lscoap_group *group);

/**
 * Whose place is this? The id of the member with this kid: at most LSCOAP_DEVICE_ID_MAX bytes.
 * LSCOAP_ERR_UNKNOWN_SESSION: nobody's.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_member_id(const struct lscoap_group *group,
                                     uint8_t kid,
                                     uint8_t *out,
                                     size_t out_cap,
                                     size_t *out_len);

/**
 * Seals a request to all members as an object for a CoAP payload: `io.input` is the plaintext of RFC 8613 section 5.3, bound to `io.aad`, of at most
 * LSCOAP_GROUP_AAD_MAX bytes; `io.now_ms` is used by groups with LSCOAP_GROUP_TIMED. The object is at most LSCOAP_GROUP_REQUEST_OVERHEAD bytes longer. Send it as a
 * Non-confirmable multicast, and again, if at all, as the same bytes. `*exchange` is what the answers belong to; null: none is awaited.
 * LSCOAP_ERR_STATE: the group does not have this mode, or a delegate sends. LSCOAP_ERR_UNSTORED: store the group first. LSCOAP_ERR_EXHAUSTED: make another
 * group.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_seal_request(struct lscoap_group *group,
                                        int32_t mode,
                                        struct lscoap_io *io,
                                        struct lscoap_group_exchange *exchange);

/**
 * Protects a whole request to all members, with room for LSCOAP_GROUP_PROTECT_OVERHEAD bytes more. It is non-confirmable, has a token of at least two bytes, and neither
 * Uri-Host, Uri-Port, Observe, Block1, Block2, Echo nor a proxy's options. Token and message id stay. Otherwise as lscoap_group_seal_request().
 * LSCOAP_ERR_ARGUMENT: not such a request.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_protect_request(struct lscoap_group *group,
                                           int32_t mode,
                                           int32_t carrier,
                                           struct lscoap_io *io,
                                           struct lscoap_group_exchange *exchange);

/**
 * Opens one member's answer that came as an object in a CoAP payload; call it for each that comes. `*kid` is whose it is, see lscoap_group_member_id().
 * LSCOAP_ERR_REPLAY: this member has answered. LSCOAP_ERR_UNKNOWN_SESSION: nobody has this kid, or the request's epoch has ended.
 * LSCOAP_ERR_MALFORMED, LSCOAP_ERR_AUTHENTICATION: not an answer to this request. Drop it and keep waiting.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_open_answer(struct lscoap_group *group,
                                       struct lscoap_io *io,
                                       struct lscoap_group_exchange *exchange,
                                       uint8_t *kid);

/**
 * Gives back one member's whole answer as that made it. Otherwise as lscoap_group_open_answer().
 * LSCOAP_ERR_UNEXPECTED: not sealed, or not in the request's carrier. LSCOAP_ERR_BAD_OPTION: an option where it may not be. LSCOAP_ERR_STATE: the request was not
 * made by lscoap_group_protect_request().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_unprotect_answer(struct lscoap_group *group,
                                            struct lscoap_io *io,
                                            struct lscoap_group_exchange *exchange,
                                            uint8_t *kid);

/**
 * Wipes the group, and its places. Null is ignored.
 */
void lscoap_group_wipe(struct lscoap_group *group);

/**
 * Reserves numbers for a group's requests and has it written to storage, at most LSCOAP_GROUP_BLOB_MAX bytes with secrets in them. The group
 * then seals `block` more requests, and no more (LSCOAP_ERR_UNSTORED) until it is stored again; with LSCOAP_GROUP_TIMED a number passes every
 * 64 ms, so that 1,024 are 65 s. After that the places of those who have left are deleted with `save_place`. A group that was never stored has no limit;
 * one that was is to be stored after each new epoch, before which it gives out and seals nothing. An owner that loses power at any
 * moment and restores what was stored last never uses a number twice, if storage never gives an older blob than the last one that
 * `write` accepted. A copy of the lscoap_group object is not a stored group.
 * LSCOAP_ERR_STORAGE: `write` or `save_place` failed; the group goes on as far as both the older and the newer blob allow.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_store(struct lscoap_group *group,
                                 uint32_t block,
                                 uint64_t now_ms,
                                 lscoap_write_blob write,
                                 void *context);

/**
 * Makes a group of what lscoap_group_store() wrote, over whatever `group` held before, with free places; `config` as at its creation. Give the places
 * back that `save_place` wrote with lscoap_group_restore_place(), then store the group: before that it gives out and seals nothing (LSCOAP_ERR_UNSTORED). Without
 * `save_place`, where members have places, and after a delegate a new epoch has begun: see lscoap_group_epoch(), and send a NOTICE. Begin one after
 * an outage that was longer than the age which members accept. Never restore from a blob that is older than the last one: make a
 * group with another number.
 * LSCOAP_ERR_MALFORMED: damaged, or of another version. LSCOAP_ERR_STATE: of another group, or with other flags or slots. LSCOAP_ERR_ARGUMENT, LSCOAP_ERR_RANDOM.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_restore(struct lscoap_group *group,
                                   const struct lscoap_platform *platform,
                                   const struct lscoap_group_config *config,
                                   uint64_t now_ms,
                                   const uint8_t *blob,
                                   size_t blob_len);

/**
 * Gives a place back that was saved for a device, after lscoap_group_restore().
 * LSCOAP_ERR_ARGUMENT: no such kid or device id. LSCOAP_ERR_STATE: it is taken, or the device has another one.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_restore_place(struct lscoap_group *group,
                                         uint8_t kid,
                                         const uint8_t *device_id,
                                         size_t device_id_len);

/**
 * Has what a member holds written, at most LSCOAP_MEMBER_BLOB_MAX bytes with secrets in them. It saves the bytes of a JOIN, and is never needed: an older
 * blob, or none, does no harm.
 * LSCOAP_ERR_UNINITIALISED: it holds nothing. LSCOAP_ERR_STORAGE: `write` failed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_store(const struct lscoap_member *member,
                                  lscoap_write_blob write,
                                  void *context);

/**
 * Makes a member of what lscoap_member_store() wrote, over whatever `member` held before. It opens nothing (LSCOAP_ERR_ASK) before it has asked. `platform` and
 * `config` may be null, as in lscoap_member_init().
 * LSCOAP_ERR_MALFORMED: damaged, or of another version; nothing has changed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_member_restore(struct lscoap_member *member,
                                    const struct lscoap_platform *platform,
                                    const struct lscoap_member_config *config,
                                    const uint8_t *blob,
                                    size_t blob_len);

/**
 * Names the device that sends in the owner's place, which then seals nothing; null: the owner itself. Do it after lscoap_group_create() or lscoap_group_restore(),
 * before anything else. Where something of the epoch has been given out, and it is another device, a new one begins: compare
 * lscoap_group_epoch(), store the group, and send a NOTICE, the delegate its own first.
 * LSCOAP_ERR_STATE: the group does not have LSCOAP_GROUP_TIMED, or has LSCOAP_GROUP_ANSWERS. LSCOAP_ERR_ARGUMENT: no device id. LSCOAP_ERR_RANDOM.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_group_set_delegate(struct lscoap_group *group,
                                        const uint8_t *device_id,
                                        size_t device_id_len,
                                        uint64_t now_ms);

/**
 * Makes a delegate of no group, over whatever `delegate` held before; it is to ask. `platform` may be null: it is for AES in hardware. `ask_ms` is the
 * least time between two ASKs; 0: 60,000.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_init(struct lscoap_delegate *delegate,
                                   const struct lscoap_platform *platform,
                                   uint32_t ask_ms);

/**
 * Writes an ASK, as lscoap_member_ask().
 * LSCOAP_SEND; LSCOAP_ERR_STATE: too soon after the last one.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_ask(struct lscoap_delegate *delegate,
                                  uint64_t now_ms,
                                  uint8_t *out,
                                  size_t out_cap,
                                  size_t *out_len);

/**
 * When the next ASK is due, as lscoap_member_ask_due(): at the latest when half of its four hours are over.
 */
uint64_t lscoap_delegate_ask_due(const struct lscoap_delegate *delegate);

/**
 * Takes what answered the last ASK, as lscoap_member_answer(): the delegate's JOIN, or a LEAVE. In the same epoch it goes on with its own numbers; in a new
 * one it is to be stored again, if it ever was. Good for four hours.
 * LSCOAP_ERR_UNEXPECTED: also a member's JOIN: the device is no delegate. LSCOAP_ERR_UNKNOWN_SESSION: not any more. LSCOAP_ERR_MALFORMED.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_answer(struct lscoap_delegate *delegate,
                                     uint64_t now_ms,
                                     const uint8_t *input,
                                     size_t input_len);

/**
 * Takes a NOTICE, as lscoap_member_notice().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_notice(struct lscoap_delegate *delegate,
                                     const uint8_t *input,
                                     size_t input_len);

/**
 * What the delegate sends to.
 * LSCOAP_ERR_UNINITIALISED: nothing, as before the first JOIN.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_group(const struct lscoap_delegate *delegate,
                                    struct lscoap_membership *membership);

/**
 * Seals a request to all members, as lscoap_group_seal_request(). Nothing is answered.
 * LSCOAP_ERR_ASK: four hours are over, or it holds nothing. LSCOAP_ERR_BUDGET: it is 8 s ahead of its clock, seal later. LSCOAP_ERR_UNSTORED. LSCOAP_ERR_STATE: the group does not
 * have this mode.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_seal_request(struct lscoap_delegate *delegate,
                                           int32_t mode,
                                           struct lscoap_io *io);

/**
 * Protects a whole request to all members, as lscoap_group_protect_request(). Otherwise as lscoap_delegate_seal_request().
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_protect_request(struct lscoap_delegate *delegate,
                                              int32_t mode,
                                              int32_t carrier,
                                              struct lscoap_io *io);

/**
 * Reserves numbers and has them written, with their epoch and without secrets, at most LSCOAP_DELEGATE_BLOB_MAX bytes; as lscoap_group_store().
 * LSCOAP_ERR_UNINITIALISED: it holds nothing. LSCOAP_ERR_STORAGE.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_store(struct lscoap_delegate *delegate,
                                    uint32_t block,
                                    uint64_t now_ms,
                                    lscoap_write_blob write,
                                    void *context);

/**
 * Makes a delegate of what lscoap_delegate_store() wrote, over whatever `delegate` held before. It asks before it seals (LSCOAP_ERR_ASK), and is then to be stored
 * again. `platform` and `ask_ms` as in lscoap_delegate_init().
 * LSCOAP_ERR_MALFORMED: damaged, or of another version; nothing has changed.
 */
LSCOAP_MUST_USE
lscoap_status lscoap_delegate_restore(struct lscoap_delegate *delegate,
                                      const struct lscoap_platform *platform,
                                      uint32_t ask_ms,
                                      uint64_t now_ms,
                                      const uint8_t *blob,
                                      size_t blob_len);

/**
 * Wipes the secrets. Null is ignored.
 */
void lscoap_delegate_wipe(struct lscoap_delegate *delegate);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LSCOAP_H */
