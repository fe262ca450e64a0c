/* OSCORE contexts in and out, and RFC 8613's own messages. */
#include <string.h>

#include "storage.h"
#include "support.h"

enum { ROOM = 160 };

static const uint8_t secret[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t salt[] = {0x9e, 0x7c, 0xa9, 0x22, 0x23, 0x78, 0x63, 0x40};
static const uint8_t id_context[] = {0x37, 0xcb, 0xf3, 0x21, 0x00, 0x17, 0xa2, 0xd3};

static lscoap_io io_of(const uint8_t *input, size_t input_len, uint8_t *out, size_t out_cap) {
    lscoap_io io = {input, input_len, out, out_cap, 0, 0, NULL, 0};
    return io;
}

static lscoap_context context_of(bool has_salt, bool has_id_context, uint64_t next) {
    lscoap_context context;
    memset(&context, 0, sizeof context);
    memcpy(context.secret, secret, sizeof secret);
    context.secret_len = sizeof secret;
    memcpy(context.salt, salt, sizeof salt);
    context.salt_len = has_salt ? sizeof salt : 0;
    memcpy(context.id_context, id_context, sizeof id_context);
    context.id_context_len = has_id_context ? sizeof id_context : 0;
    context.recipient_id[0] = 1;
    context.recipient_id_len = 1;
    context.next = next;
    return context;
}

/* The other end of a context. */
static lscoap_context other_end(lscoap_context context, uint64_t next) {
    lscoap_context other = context;
    memcpy(other.sender_id, context.recipient_id, sizeof other.sender_id);
    other.sender_id_len = context.recipient_id_len;
    memcpy(other.recipient_id, context.sender_id, sizeof other.recipient_id);
    other.recipient_id_len = context.sender_id_len;
    other.next = next;
    return other;
}

/* An end's session, and a source for the contexts' Echo. */
static bool take(struct check *t, lscoap_session *session, const lscoap_context *context) {
    static struct source source;
    lscoap_platform platform;
    memset(&platform, 0, sizeof platform);
    platform.random = source_random;
    platform.context = &source;
    return CHECK_STATUS(lscoap_session_take_over(session, &platform, context), LSCOAP_OK);
}

/* RFC 8613 Appendix C: the requests of C.4 to C.6, with the contexts of C.1 to C.3, and the
 * responses of C.7 and C.8 to the first. */
void case_rfc8613(struct check *t) {
    static const struct {
        bool has_salt, has_id_context;
        int16_t sender_id;
        const char *plain, *sent;
        size_t plain_len, sent_len;
    } requests[] = {
        {true, false, -1, "\x44\x01\x5d\x1f\x00\x00\x39\x74\x39localhost\x83tv1",
         "\x44\x02\x5d\x1f\x00\x00\x39\x74\x39localhost\x62\x09\x14\xff\x61\x2f\x10\x92\xf1\x77\x6f"
         "\x1c\x16\x68\xb3\x82\x5e",
         22, 35},
        {false, false, 0, "\x44\x01\x71\xc3\x00\x00\xb9\x32\x39localhost\x83tv1",
         "\x44\x02\x71\xc3\x00\x00\xb9\x32\x39localhost\x63\x09\x14\x00\xff\x4e\xd3\x39\xa5\xa3\x79"
         "\xb0\xb8\xbc\x73\x1f\xff\xb0",
         22, 36},
        {true, true, -1, "\x44\x01\x2f\x8e\xef\x9b\xbf\x7a\x39localhost\x83tv1",
         "\x44\x02\x2f\x8e\xef\x9b\xbf\x7a\x39localhost\x6b\x19\x14\x08\x37\xcb\xf3\x21\x00\x17\xa2"
         "\xd3\xff\x72\xcd\x72\x73\xfd\x33\x1a\xc4\x5c\xff\xbe\x55\xc3",
         22, 44},
    };
    static const char content[] = "\x64\x45\x5d\x1f\x00\x00\x39\x74\xffHello World!";
    static const struct {
        const char *sent;
        size_t len;
    } responses[] = {
        {"\x64\x44\x5d\x1f\x00\x00\x39\x74\x90\xff\xdb\xaa\xd1\xe9\xa7\xe7\xb2\xa8\x13\xd3\xc3\x15"
         "\x24\x37\x83\x03\xcd\xaf\xae\x11\x91\x06",
         32},
        {"\x64\x44\x5d\x1f\x00\x00\x39\x74\x92\x01\x00\xff\x4d\x4c\x13\x66\x93\x84\xb6\x73\x54\xb2"
         "\xb6\x17\x5f\xf4\xb8\x65\x8c\x66\x6a\x6c\xf8\x8e",
         34},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        lscoap_context ours = context_of(requests[i].has_salt, requests[i].has_id_context, 20);
        lscoap_session client = {{0}}, server = {{0}};
        lscoap_exchange asked, answered;
        uint8_t sent[ROOM], received[ROOM];
        if (requests[i].sender_id >= 0) {
            ours.sender_id[0] = (uint8_t)requests[i].sender_id;
            ours.sender_id_len = 1;
        }
        lscoap_context theirs = other_end(ours, 0);
        take(t, &client, &ours);
        take(t, &server, &theirs);
        lscoap_io io =
            io_of((const uint8_t *)requests[i].plain, requests[i].plain_len, BYTES(sent));
        CHECK_STATUS(lscoap_protect_request(&client, LSCOAP_CARRIER_OSCORE, &io, &asked),
                     LSCOAP_OK);
        CHECK(io.out_len == requests[i].sent_len);
        CHECK_BYTES(sent, requests[i].sent, requests[i].sent_len);
        io = io_of((const uint8_t *)requests[i].sent, requests[i].sent_len, BYTES(received));
        CHECK_STATUS(lscoap_unprotect_request(&server, &io, &answered), LSCOAP_OK);
        CHECK(io.out_len == requests[i].plain_len);
        CHECK_BYTES(received, requests[i].plain, requests[i].plain_len);
        for (size_t j = 0; i == 0 && j < 2; j++) {
            io = io_of((const uint8_t *)content, sizeof content - 1, BYTES(sent));
            CHECK_STATUS(lscoap_protect_response(&server, &io, &answered), LSCOAP_OK);
            CHECK(io.out_len == responses[j].len);
            CHECK_BYTES(sent, responses[j].sent, responses[j].len);
            io = io_of((const uint8_t *)responses[j].sent, responses[j].len, BYTES(received));
            CHECK_STATUS(lscoap_unprotect_response(&client, &io, &asked), LSCOAP_OK);
            CHECK(io.out_len == sizeof content - 1);
            CHECK_BYTES(received, content, sizeof content - 1);
        }
        lscoap_session_wipe(&client);
        lscoap_session_wipe(&server);
    }
}

static const uint8_t get[] = {0x40, 1, 0, 1, 0xb1, 'x'};

/* One request through both sessions. */
static lscoap_status ask(lscoap_session *client, lscoap_session *server, uint8_t *sent,
                         size_t *sent_len) {
    uint8_t received[ROOM];
    lscoap_exchange asked, answered;
    lscoap_io io = io_of(get, sizeof get, sent, ROOM);
    lscoap_status status = lscoap_protect_request(client, LSCOAP_CARRIER_OSCORE, &io, &asked);
    if (status != LSCOAP_OK) {
        return status;
    }
    *sent_len = io.out_len;
    io = io_of(sent, *sent_len, BYTES(received));
    return lscoap_unprotect_request(server, &io, &answered);
}

/* A session's context goes on elsewhere, and the session itself does not. */
void case_hand_over(struct check *t) {
    struct world w;
    struct message query, answer;
    struct storage storage;
    lscoap_session device = {{0}}, *made = NULL, client = {{0}}, server = {{0}};
    lscoap_context ours, theirs;
    lscoap_exchange exchange;
    lscoap_sender from = {0};
    lscoap_stats stats;
    uint8_t out[ROOM], key[2][16];
    size_t len;
    memset(&storage, 0, sizeof storage);
    world_init(t, &w, LSCOAP_EXPRESS);
    CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
    lscoap_io io = {query.bytes, query.len, BYTES(answer.bytes), 0, w.now_ms, NULL, 0};
    CHECK_STATUS(lscoap_server_step(&w.server, &from, &io, &made), LSCOAP_SEND);
    answer.len = io.out_len;
    CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_READY);
    CHECK_STATUS(lscoap_client_finish(&w.client, &device), LSCOAP_OK);

    CHECK_STATUS(lscoap_session_hand_over(NULL, &ours), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_hand_over(&device, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_hand_over(&client, &ours), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(ask(&device, &device, out, &len), LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(lscoap_session_hand_over(&device, &ours), LSCOAP_OK);
    CHECK_STATUS(lscoap_session_hand_over(&device, &ours), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_session_hand_over(made, &theirs), LSCOAP_OK);
    CHECK(ours.next == 1 && theirs.next == 0 && ours.secret_len == 16 && ours.salt_len == 8);
    CHECK_BYTES(ours.secret, theirs.secret, ours.secret_len);
    CHECK(ours.sender_id_len == 1 && ours.sender_id[0] == theirs.recipient_id[0]);
    CHECK_STATUS(ask(&device, &device, out, &len), LSCOAP_ERR_STATE);
    io = (lscoap_io){get, sizeof get, BYTES(out), 0, 0, NULL, 0};
    CHECK_STATUS(lscoap_seal_request(&device, &io, &exchange), LSCOAP_ERR_STATE);

    /* What comes of the handshake stays; what is stored can send nothing. */
    CHECK_STATUS(lscoap_session_export_key(&device, NULL, 0, NULL, 0, BYTES(key[0])), LSCOAP_OK);
    CHECK_STATUS(lscoap_session_export_key(made, NULL, 0, NULL, 0, BYTES(key[1])), LSCOAP_OK);
    CHECK_BYTES(key[0], key[1], sizeof key[0]);
    CHECK_STATUS(lscoap_session_store(&device, 8, storage_write, &storage), LSCOAP_OK);
    CHECK_STATUS(lscoap_session_restore(&client, NULL, storage.blob, storage.blob_len), LSCOAP_OK);
    CHECK_STATUS(ask(&client, &server, out, &len), LSCOAP_ERR_EXHAUSTED);

    take(t, &client, &ours);
    take(t, &server, &theirs);
    CHECK_STATUS(ask(&client, &server, out, &len), LSCOAP_OK);
    CHECK_STATUS(lscoap_session_device_id(&server, BYTES(out), &len), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_session_export_key(&server, NULL, 0, NULL, 0, BYTES(key[0])),
                 LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_session_hand_over(&server, &theirs), LSCOAP_ERR_STATE);

    CHECK_STATUS(lscoap_server_confirm(&w.server, &server), LSCOAP_ERR_ARGUMENT);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(lscoap_server_confirm(&w.server, made), LSCOAP_OK);
        CHECK_STATUS(lscoap_server_stats(&w.server, &stats), LSCOAP_OK);
        CHECK(stats.confirmed == 1 && stats.confirmed_now == 1 && stats.unconfirmed == 0);
    }
    lscoap_session_wipe(&device);
    lscoap_session_wipe(&client);
    lscoap_session_wipe(&server);
    world_wipe(&w);
}

/* A window that goes on, and one that is lost: then nothing is delivered before a request has
 * brought the Echo. */
void case_take_over(struct check *t) {
    static const uint8_t with_echo[] = {0x40, 1, 0, 2, 0xb1, 'x', 0xd8, 228};
    lscoap_context ours = context_of(true, true, 5), theirs = other_end(ours, 7);
    lscoap_session client = {{0}}, server = {{0}};
    lscoap_exchange asked, answered;
    uint8_t old[ROOM], sent[ROOM], received[ROOM], request[ROOM];
    size_t old_len = 0, len = 0;

    theirs.received_end = 6; /* 5 and 3 */
    theirs.received = 5;
    take(t, &client, &ours);
    take(t, &server, &theirs);
    CHECK_STATUS(ask(&client, &server, old, &old_len), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(ask(&client, &server, old, &old_len), LSCOAP_OK);
    ours.next = 3;
    take(t, &client, &ours);
    CHECK_STATUS(ask(&client, &server, sent, &len), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(ask(&client, &server, sent, &len), LSCOAP_OK);

    theirs.is_lost = 1;
    ours.next = 9;
    take(t, &client, &ours);
    take(t, &server, &theirs);
    lscoap_io io = io_of(old, old_len, BYTES(received));
    CHECK_STATUS(lscoap_unprotect_request(&server, &io, &answered), LSCOAP_REFUSED);
    io = io_of(get, sizeof get, BYTES(sent));
    CHECK_STATUS(lscoap_protect_request(&client, LSCOAP_CARRIER_OSCORE, &io, &asked), LSCOAP_OK);
    io = io_of(sent, io.out_len, BYTES(received));
    CHECK_STATUS(lscoap_unprotect_request(&server, &io, &answered), LSCOAP_REFUSED);
    io = io_of(received, io.out_len, BYTES(sent));
    CHECK_STATUS(lscoap_unprotect_response(&client, &io, &asked), LSCOAP_OK);
    /* 60 81 00 01 | Echo, 8 bytes */
    CHECK(io.out_len == 4 + 2 + 8 && sent[0] == 0x60 && sent[1] == (4 << 5 | 1));
    CHECK(sent[4] == 0xd8 && sent[5] == 252 - 13);
    memcpy(request, with_echo, sizeof with_echo);
    memcpy(request + sizeof with_echo, sent + 6, 8);
    for (int wrong = 1; wrong >= 0; wrong--) {
        request[sizeof with_echo] ^= (uint8_t)wrong;
        io = io_of(request, sizeof with_echo + 8, BYTES(sent));
        CHECK_STATUS(lscoap_protect_request(&client, LSCOAP_CARRIER_OSCORE, &io, &asked),
                     LSCOAP_OK);
        len = io.out_len;
        io = io_of(sent, len, BYTES(received));
        CHECK_STATUS(lscoap_unprotect_request(&server, &io, &answered),
                     wrong ? LSCOAP_REFUSED : LSCOAP_OK);
        request[sizeof with_echo] ^= (uint8_t)wrong;
    }
    CHECK(io.out_len == sizeof with_echo + 8);
    io = io_of(sent, len, BYTES(received));
    CHECK_STATUS(lscoap_unprotect_request(&server, &io, &answered), LSCOAP_ERR_REPLAY);
    io = io_of(old, old_len, BYTES(received));
    CHECK_STATUS(lscoap_unprotect_request(&server, &io, &answered), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(ask(&client, &server, sent, &len), LSCOAP_OK);
    lscoap_session_wipe(&client);
    lscoap_session_wipe(&server);
}

void case_bad_contexts(struct check *t) {
    struct source source;
    lscoap_platform platform;
    lscoap_session session = {{0}};
    const lscoap_context good = context_of(true, true, 0);
    memset(&source, 0, sizeof source);
    memset(&platform, 0, sizeof platform);
    platform.random = source_random;
    platform.context = &source;
    for (int fault = 0; fault < 10; fault++) {
        lscoap_context bad = good;
        switch (fault) {
        case 0:
            bad.secret_len = 0;
            break;
        case 1:
            bad.secret_len = LSCOAP_CONTEXT_SECRET_MAX + 1;
            break;
        case 2:
            bad.salt_len = LSCOAP_CONTEXT_SECRET_MAX + 1;
            break;
        case 3:
            bad.id_context_len = LSCOAP_ID_CONTEXT_MAX + 1;
            break;
        case 4:
            bad.sender_id_len = LSCOAP_CID_MAX + 1;
            break;
        case 5:
            bad.recipient_id_len = LSCOAP_CID_MAX + 1;
            break;
        case 6:
            bad.recipient_id_len = 0; /* as the other */
            break;
        case 7:
            bad.next = ((uint64_t)1 << 40) + 1;
            break;
        case 8:
            bad.received_end = ((uint64_t)1 << 40) + 1;
            break;
        default:
            bad.is_lost = 2;
        }
        CHECK_STATUS(lscoap_session_take_over(&session, &platform, &bad), LSCOAP_ERR_ARGUMENT);
    }
    source.fails_at = source.calls + 1;
    CHECK_STATUS(lscoap_session_take_over(&session, &platform, &good), LSCOAP_ERR_RANDOM);
    CHECK_STATUS(lscoap_session_take_over(NULL, &platform, &good), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_take_over(&session, NULL, &good), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_take_over(&session, &platform, NULL), LSCOAP_ERR_NULL);
    CHECK_FILLED((const uint8_t *)&session, 0, sizeof session);
    CHECK_STATUS(lscoap_session_take_over(&session, &platform, &good), LSCOAP_OK);
    lscoap_session_wipe(&session);
}

/* A request finds its context among several, by kid and kid context, before anything is computed.
 */
void case_pick_a_context(struct check *t) {
    enum { CONTEXTS = 3 };
    lscoap_session clients[CONTEXTS], servers[CONTEXTS], zeroed = {{0}};
    lscoap_exchange asked, answered;
    uint8_t sent[ROOM], received[ROOM];
    memset(clients, 0, sizeof clients);
    memset(servers, 0, sizeof servers);
    /* Two with one kid and different ID Contexts, one with another kid. */
    for (uint8_t i = 0; i < CONTEXTS; i++) {
        lscoap_context ours = context_of(true, true, 0);
        ours.sender_id_len = 1;
        ours.sender_id[0] = i == 2 ? 9 : 8;
        ours.id_context[0] ^= i == 1;
        lscoap_context theirs = other_end(ours, 0);
        take(t, &clients[i], &ours);
        take(t, &servers[i], &theirs);
    }
    for (int i = 0; i < 2 * CONTEXTS; i++) {
        lscoap_io io = io_of(get, sizeof get, BYTES(sent));
        CHECK_STATUS(
            lscoap_protect_request(&clients[i % CONTEXTS], LSCOAP_CARRIER_OSCORE, &io, &asked),
            LSCOAP_OK);
        const size_t len = io.out_len;
        for (int j = 0; j < CONTEXTS; j++) {
            const bool is_its = j == i % CONTEXTS;
            const lscoap_status expected = is_its ? LSCOAP_OK : LSCOAP_ERR_UNKNOWN_SESSION;
            CHECK_STATUS(lscoap_session_is_for(&servers[j], sent, len), expected);
            io = io_of(sent, len, BYTES(received));
            CHECK_STATUS(lscoap_unprotect_request(&servers[j], &io, &answered), expected);
        }
    }
    CHECK_STATUS(lscoap_session_is_for(&servers[0], get, sizeof get), LSCOAP_ERR_UNEXPECTED);
    CHECK_STATUS(lscoap_session_is_for(&servers[0], get, 3), LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(lscoap_session_is_for(&servers[0], NULL, 0), LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(lscoap_session_is_for(&servers[0], NULL, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_is_for(NULL, sent, 20), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_is_for(&zeroed, sent, 20), LSCOAP_ERR_UNINITIALISED);
    for (int i = 0; i < CONTEXTS; i++) {
        lscoap_session_wipe(&clients[i]);
        lscoap_session_wipe(&servers[i]);
    }
}
