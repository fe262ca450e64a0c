#include "cases.h"
#include "check.h"
#include "coap_client.h"

#include <string.h>

enum { LOG_MAX = 16, INBOX_MAX = 4, SHORT = 32 };

/* A network in which time passes only while somebody waits. */
static struct {
    uint32_t now_ms;
    uint32_t random;
    bool no_random;
    uint32_t junk; /* datagrams that are nothing; one comes each millisecond */
    struct {
        uint32_t at_ms;
        uint8_t bytes[SHORT];
        size_t len;
    } sent[LOG_MAX];
    size_t sent_len;
    struct {
        uint32_t due_ms;
        uint8_t bytes[SHORT];
        size_t len;
    } inbox[INBOX_MAX]; /* in the order of arrival */
    size_t arrived;
    size_t arriving;
    size_t refusals; /* how many responses are not accepted */
    size_t hints;    /* and how many are hints after that */
    char answer;     /* the payload of the accepted one */
} world;

static struct coap_client client;

static void world_send(void *context, const uint8_t *datagram, size_t len) {
    (void)context;
    if (CHECK(world.sent_len < LOG_MAX && len <= SHORT)) {
        memcpy(world.sent[world.sent_len].bytes, datagram, len);
        world.sent[world.sent_len].at_ms = world.now_ms;
        world.sent[world.sent_len].len = len;
        world.sent_len++;
    }
}

static size_t world_receive(void *context, uint8_t *datagram, size_t capacity) {
    size_t len;

    (void)context;
    if (world.junk > 0) {
        world.junk--;
        world.now_ms += 1;
        return 1;
    }
    if (world.arrived == world.arriving ||
        (int32_t)(world.inbox[world.arrived].due_ms - world.now_ms) > 0) {
        return 0;
    }
    len = world.inbox[world.arrived].len;
    len = len < capacity ? len : capacity;
    memset(datagram, 0, len);
    memcpy(datagram, world.inbox[world.arrived].bytes, len < SHORT ? len : SHORT);
    world.arrived++;
    return len;
}

static uint32_t world_now_ms(void *context) {
    (void)context;
    return world.now_ms;
}

/* A token, a message id and a timeout from one number, the next time from the next. */
static int world_random(void *context, uint8_t *out, size_t len) {
    const uint16_t low = (uint16_t)world.random;

    (void)context;
    if (!CHECK(len == COAP_TOKEN_LEN + 2 * sizeof low) || world.no_random) {
        return -1;
    }
    memcpy(out, &world.random, COAP_TOKEN_LEN);
    memcpy(out + COAP_TOKEN_LEN, &low, sizeof low);
    memcpy(out + COAP_TOKEN_LEN + sizeof low, &low, sizeof low);
    world.random++;
    return 0;
}

static void world_wait(void *context) {
    (void)context;
    world.now_ms += 1;
}

static enum coap_verdict accept(void *context, struct coap_message *response) {
    (void)context;
    if (world.refusals > 0) {
        world.refusals--;
        return COAP_DROPPED;
    }
    if (world.hints > 0) {
        world.hints--;
        return COAP_HINT;
    }
    world.answer = response->payload_len > 0 ? (char)response->payload[0] : '-';
    return COAP_TAKEN;
}

/* A client whose first message id is the low half of `random`, and whose first token is all of it.
 */
static void begin(uint32_t random) {
    const struct coap_io io = {.send = world_send,
                               .receive = world_receive,
                               .now_ms = world_now_ms,
                               .random = world_random,
                               .wait = world_wait};

    memset(&world, 0, sizeof world);
    world.random = random;
    world.now_ms = UINT32_MAX - 1000; /* wraps soon */
    coap_client_init(&client, &io);
}

/* What arrives `after_ms` from the beginning; with the token of the requests unless `token` is
 * another. */
static void arrives(uint32_t after_ms, enum coap_type type, uint8_t code, uint16_t id,
                    uint32_t token, char payload) {
    struct coap_writer writer = {.bytes = world.inbox[world.arriving].bytes, .capacity = SHORT};
    const uint8_t text = (uint8_t)payload;
    uint8_t bytes[COAP_TOKEN_LEN];

    memcpy(bytes, &token, sizeof bytes);
    coap_write_header(&writer, type, code, id, bytes, code == COAP_EMPTY ? 0 : sizeof bytes);
    coap_write_payload(&writer, &text, code == COAP_EMPTY ? 0 : 1);
    world.inbox[world.arriving].due_ms = world.now_ms + after_ms;
    world.inbox[world.arriving].len = writer.len;
    world.arriving++;
}

static enum coap_result get_path(const char *path) {
    const struct coap_request request = {
        .code = COAP_GET, .path = path, .content_format = COAP_NO_FORMAT};

    return coap_exchange(&client, &request, accept, NULL);
}

static enum coap_result get(void) {
    return get_path("/a");
}

static bool sent_empty(size_t number, enum coap_type type, uint16_t id) {
    const uint8_t expected[] = {(uint8_t)(0x40 | (unsigned)type << 4), 0, (uint8_t)(id >> 8),
                                (uint8_t)id};

    return world.sent_len > number && world.sent[number].len == sizeof expected &&
           memcmp(world.sent[number].bytes, expected, sizeof expected) == 0;
}

/* ---- cases ---- */

enum { ID = 0x3344, FIRST_TIMEOUT_MS = 2000 + 0x3344 % 1001 };
#define RANDOM 0x11223344u

static void an_answer_ends_it(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    arrives(10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
    CHECK(get() == COAP_ANSWERED && world.answer == 'a');
    CHECK(world.sent_len == 1 && client.retransmissions == 0);

    begin(RANDOM);
    arrives(10, COAP_NON, COAP_CODE(4, 4), 1, RANDOM, 'n');
    CHECK(get() == COAP_ANSWERED && world.answer == 'n');
    CHECK(world.sent_len == 1);
}

/* The first timeout is 2 to 3 s; each further one is twice as long; after four retransmissions that
 * is all. */
static void silence_is_answered_with_retransmissions(int32_t profile) {
    static const uint32_t randoms[][2] = {{0, 2000}, {500, 2500}, {1000, 3000}, {1001, 2000}};

    (void)profile;
    for (size_t i = 0; i < sizeof randoms / sizeof randoms[0]; i++) {
        const uint32_t timeout = randoms[i][1];

        begin(randoms[i][0]);
        CHECK(get() == COAP_NO_ANSWER);
        CHECK(world.sent_len == 5 && client.retransmissions == 4);
        for (size_t n = 1; n < world.sent_len; n++) {
            CHECK(world.sent[n].at_ms - world.sent[0].at_ms == timeout * ((1u << n) - 1));
            CHECK(world.sent[n].len == world.sent[0].len);
            CHECK(memcmp(world.sent[n].bytes, world.sent[0].bytes, world.sent[0].len) == 0);
        }
        CHECK(world.now_ms - world.sent[0].at_ms == timeout * 31);
    }
}

static void a_retransmission_is_answered(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    arrives(FIRST_TIMEOUT_MS + 10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
    CHECK(get() == COAP_ANSWERED && world.answer == 'a');
    CHECK(world.sent_len == 2 && client.retransmissions == 1);
}

static void a_separate_response_is_acknowledged(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    arrives(10, COAP_ACK, COAP_EMPTY, ID, 0, 0);
    arrives(40000, COAP_CON, COAP_CODE(2, 5), 0x9999, RANDOM, 's');
    CHECK(get() == COAP_ANSWERED && world.answer == 's');
    CHECK(world.sent_len == 2 && sent_empty(1, COAP_ACK, 0x9999));

    /* The acknowledgement was lost. */
    world.random = 1;
    arrives(1, COAP_CON, COAP_CODE(2, 5), 0x9999, RANDOM, 's');
    arrives(2, COAP_ACK, COAP_CODE(2, 5), ID + 1, 1, 'n');
    CHECK(get() == COAP_ANSWERED && world.answer == 'n');
    CHECK(world.sent_len == 4 && sent_empty(3, COAP_ACK, 0x9999));
}

/* Anybody may have made it up, so that the request goes out once more. */
static void an_acknowledgement_alone_is_not_enough(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    arrives(10, COAP_ACK, COAP_EMPTY, ID, 0, 0);
    CHECK(get() == COAP_NO_ANSWER && world.sent_len == 2);
    CHECK(world.sent[1].at_ms - world.sent[0].at_ms == COAP_MAX_TRANSMIT_WAIT_MS / 2);
    CHECK(memcmp(world.sent[1].bytes, world.sent[0].bytes, world.sent[0].len) == 0);
    CHECK(world.now_ms - world.sent[0].at_ms == COAP_MAX_TRANSMIT_WAIT_MS);
}

static void what_is_no_answer_changes_nothing(int32_t profile) {
    static const struct {
        enum coap_type type;
        uint8_t code;
        uint16_t id;
        uint32_t token;
    } others[] = {
        {COAP_ACK, COAP_CODE(2, 5), ID + 1, RANDOM},
        {COAP_ACK, COAP_CODE(2, 5), ID, RANDOM + 1},
        {COAP_ACK, COAP_GET, ID, RANDOM},
        {COAP_ACK, COAP_EMPTY, ID + 1, 0},
        {COAP_NON, COAP_CODE(2, 5), ID, RANDOM + 1},
        {COAP_RST, COAP_EMPTY, ID + 1, 0},
    };

    (void)profile;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        begin(RANDOM);
        arrives(10, others[i].type, others[i].code, others[i].id, others[i].token, 'x');
        arrives(FIRST_TIMEOUT_MS + 10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
        CHECK(get() == COAP_ANSWERED && world.answer == 'a');
        CHECK(world.sent_len == 2);
    }
}

/* Answers but for one byte: the payload becomes a part of the token, or an option of number 13. */
static void near_answers_change_nothing(int32_t profile) {
    static const struct {
        size_t at;
        uint8_t byte;
    } changes[] = {{0, 0x65}, {COAP_HEADER_LEN + COAP_TOKEN_LEN, 0xD0}};

    (void)profile;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        begin(RANDOM);
        arrives(10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, '\0');
        world.inbox[0].bytes[changes[i].at] = changes[i].byte;
        arrives(FIRST_TIMEOUT_MS + 10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
        CHECK(get() == COAP_ANSWERED && world.answer == 'a');
        CHECK(world.sent_len == 2);
    }
}

static void a_forgery_counts_as_not_received(int32_t profile) {
    static const enum coap_type types[] = {COAP_ACK, COAP_NON, COAP_CON};

    (void)profile;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        begin(RANDOM);
        world.refusals = 1;
        arrives(10, types[i], COAP_CODE(2, 5), ID, RANDOM, 'x');
        arrives(FIRST_TIMEOUT_MS + 10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
        CHECK(get() == COAP_ANSWERED && world.answer == 'a');
        CHECK(world.sent_len == 2 && !sent_empty(1, COAP_ACK, ID));
    }
}

/* By 16 bits that anybody may guess: it says why there was no answer, but ends nothing. */
static void a_reset_ends_nothing(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    arrives(10, COAP_RST, COAP_EMPTY, ID, 0, 0);
    arrives(20, COAP_RST, COAP_EMPTY, ID + 1, 0, 0);
    CHECK(get() == COAP_RESET && world.sent_len == 5);

    begin(RANDOM);
    arrives(10, COAP_RST, COAP_EMPTY, ID, 0, 0);
    arrives(FIRST_TIMEOUT_MS + 10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
    CHECK(get() == COAP_ANSWERED && world.answer == 'a' && world.sent_len == 2);
}

/* The second message is the first one under the next token and message id. */
static bool went_out_anew(void) {
    const size_t at = COAP_HEADER_LEN + COAP_TOKEN_LEN;
    const uint32_t token = RANDOM + 1;

    return world.sent_len >= 2 && world.sent[1].len == world.sent[0].len &&
           memcmp(world.sent[1].bytes, world.sent[0].bytes, 2) == 0 &&
           world.sent[1].bytes[3] == ((ID + 1) & 0xFF) &&
           memcmp(world.sent[1].bytes + COAP_HEADER_LEN, &token, sizeof token) == 0 &&
           memcmp(world.sent[1].bytes + at, world.sent[0].bytes + at, world.sent[0].len - at) == 0;
}

static void a_hint_is_asked_about(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    world.hints = 1;
    arrives(10, COAP_ACK, COAP_CODE(4, 1), ID, RANDOM, 'h');
    arrives(20, COAP_ACK, COAP_CODE(2, 5), ID + 1, RANDOM + 1, 'a');
    CHECK(get() == COAP_ANSWERED && world.answer == 'a');
    CHECK(world.sent_len == 2 && went_out_anew());

    /* The true answer was slower than the forged one. */
    begin(RANDOM);
    world.hints = 1;
    arrives(10, COAP_NON, COAP_CODE(4, 1), 1, RANDOM, 'h');
    arrives(20, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
    CHECK(get() == COAP_ANSWERED && world.answer == 'a');
    CHECK(world.sent_len == 2 && went_out_anew());

    begin(RANDOM);
    world.hints = 3;
    arrives(10, COAP_ACK, COAP_CODE(4, 1), ID, RANDOM, 'h');
    arrives(20, COAP_ACK, COAP_CODE(4, 1), ID, RANDOM, 'h'); /* of the first request again */
    arrives(9000, COAP_ACK, COAP_CODE(4, 1), ID + 1, RANDOM + 1, 'h');
    CHECK(get() == COAP_REFUSED);
    CHECK(world.sent_len == 4 && went_out_anew()); /* retransmitted after 2 to 3 s and 6 to 9 s */
    CHECK(world.now_ms - world.sent[0].at_ms == 9000);

    begin(RANDOM);
    world.hints = 1;
    arrives(10, COAP_CON, COAP_CODE(4, 1), 0x9999, RANDOM, 'h');
    CHECK(get() == COAP_NO_ANSWER && world.sent_len == 7);
    CHECK(sent_empty(1, COAP_ACK, 0x9999));
}

/* Appends a Block2 option, in place of the payload. */
static void in_block(size_t number, uint8_t value) {
    world.inbox[number].len = COAP_HEADER_LEN + COAP_TOKEN_LEN + 3;
    memcpy(world.inbox[number].bytes + COAP_HEADER_LEN + COAP_TOKEN_LEN, "\xD1\x0A", 2);
    world.inbox[number].bytes[COAP_HEADER_LEN + COAP_TOKEN_LEN + 2] = value;
}

/* As soon as it is known, not after all retransmissions. */
static void an_answer_in_blocks_is_an_error(int32_t profile) {
    static const uint8_t values[] = {0x0E /* more follow */, 0x16 /* the second one */};

    (void)profile;
    for (size_t i = 0; i < sizeof values; i++) {
        begin(RANDOM);
        arrives(10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'x');
        arrives(20, COAP_ACK, COAP_CODE(2, 5), ID + 1, RANDOM + 1, 'x');
        in_block(0, values[i]);
        in_block(1, values[i]);
        CHECK(get() == COAP_ANSWER_TOO_LONG && went_out_anew());
        CHECK(world.sent_len == 2 && world.now_ms - world.sent[0].at_ms == 20);
    }
    /* The server does not answer the same bytes twice. */
    begin(RANDOM);
    world.hints = 1;
    arrives(10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'x');
    arrives(20, COAP_ACK, COAP_CODE(4, 0), ID + 1, RANDOM + 1, 'x');
    in_block(0, values[0]);
    CHECK(get() == COAP_ANSWER_TOO_LONG && world.sent_len == 2);

    begin(RANDOM);
    arrives(10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'x');
    in_block(0, 6); /* the only one */
    CHECK(get() == COAP_ANSWERED && world.sent_len == 1);
}

static void an_answer_that_does_not_fit_is_an_error(int32_t profile) {
    (void)profile;
    for (size_t longer = 0; longer < 2; longer++) {
        begin(RANDOM);
        arrives(10, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'x');
        arrives(20, COAP_ACK, COAP_CODE(2, 5), ID + 1, RANDOM + 1, 'x');
        world.inbox[0].len = world.inbox[1].len = COAP_DATAGRAM_MAX + longer;
        CHECK(get() == (longer == 0 ? COAP_ANSWERED : COAP_ANSWER_TOO_LONG));
        CHECK(world.sent_len == 1 + longer);
    }
}

/* What comes in is bounded, so that the clock is looked at in time: within a few datagrams. */
static void a_flood_of_junk_stops_nothing(int32_t profile) {
    enum { LATE_MS = 20 };
    const uint32_t junk = 200000;

    (void)profile;
    begin(0);
    world.junk = junk;
    CHECK(get() == COAP_NO_ANSWER && world.sent_len == 5);
    for (size_t n = 1; n < world.sent_len; n++) {
        const uint32_t due = world.sent[n - 1].at_ms + COAP_ACK_TIMEOUT_MS * (1u << (n - 1));

        CHECK(world.sent[n].at_ms - due <= LATE_MS);
    }
    CHECK(world.junk > junk / 2);
}

static void without_randomness_nothing_is_sent(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    world.no_random = true;
    CHECK(get() == COAP_NO_RANDOM && world.sent_len == 0);
}

/* Uri-Path, Content-Format, Uri-Query: by their numbers. */
static void options_are_in_order(int32_t profile) {
    static const uint8_t expected[] = {0xB1, 'a', 0x11, 50, 0x31, 'b', 0xFF, 'c'};
    const struct coap_request request = {.code = COAP_POST,
                                         .path = "a?b",
                                         .content_format = COAP_FORMAT_JSON,
                                         .payload = (const uint8_t *)"c",
                                         .payload_len = 1};
    const size_t at = COAP_HEADER_LEN + COAP_TOKEN_LEN;

    (void)profile;
    begin(RANDOM);
    arrives(10, COAP_ACK, COAP_CODE(2, 4), ID, RANDOM, 'a');
    CHECK(coap_exchange(&client, &request, accept, NULL) == COAP_ANSWERED);
    CHECK(world.sent[0].len == at + sizeof expected);
    CHECK(memcmp(world.sent[0].bytes + at, expected, sizeof expected) == 0);
}

static void what_is_no_path_is_not_sent(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    CHECK(get_path("/a#b") == COAP_BAD_PATH && get_path("/%4") == COAP_BAD_PATH);
    CHECK(world.sent_len == 0);
}

static void strange_messages_are_reset(int32_t profile) {
    (void)profile;
    begin(RANDOM);
    arrives(1, COAP_CON, COAP_CODE(2, 5), 0x4242, RANDOM + 1, 'x');
    arrives(2, COAP_CON, COAP_EMPTY, 0x4243, 0, 0); /* a ping */
    arrives(3, COAP_CON, COAP_GET, 0x4244, RANDOM, 'x');
    arrives(4, COAP_ACK, COAP_CODE(2, 5), ID, RANDOM, 'a');
    CHECK(get() == COAP_ANSWERED && world.answer == 'a');
    CHECK(world.sent_len == 4);
    for (uint16_t i = 0; i < 3; i++) {
        CHECK(sent_empty(1u + i, COAP_RST, (uint16_t)(0x4242 + i)));
    }
}

static void what_does_not_fit_is_not_sent(int32_t profile) {
    static const uint8_t payload[COAP_DATAGRAM_MAX];
    const struct coap_request request = {.code = COAP_POST,
                                         .path = "/a",
                                         .content_format = COAP_NO_FORMAT,
                                         .payload = payload,
                                         .payload_len = sizeof payload};

    (void)profile;
    begin(RANDOM);
    CHECK(coap_exchange(&client, &request, accept, NULL) == COAP_TOO_LONG);
    CHECK(world.sent_len == 0);
}

void client_cases(void) {
    check_case("an answer ends it", an_answer_ends_it, 0);
    check_case("silence is answered with retransmissions", silence_is_answered_with_retransmissions,
               0);
    check_case("a retransmission is answered", a_retransmission_is_answered, 0);
    check_case("a separate response is acknowledged", a_separate_response_is_acknowledged, 0);
    check_case("an acknowledgement alone is not enough", an_acknowledgement_alone_is_not_enough, 0);
    check_case("what is no answer changes nothing", what_is_no_answer_changes_nothing, 0);
    check_case("near-answers change nothing", near_answers_change_nothing, 0);
    check_case("a forgery counts as not received", a_forgery_counts_as_not_received, 0);
    check_case("a reset ends nothing", a_reset_ends_nothing, 0);
    check_case("a hint is asked about", a_hint_is_asked_about, 0);
    check_case("an answer in blocks is an error", an_answer_in_blocks_is_an_error, 0);
    check_case("an answer that does not fit is an error", an_answer_that_does_not_fit_is_an_error,
               0);
    check_case("a flood of junk stops nothing", a_flood_of_junk_stops_nothing, 0);
    check_case("without randomness nothing is sent", without_randomness_nothing_is_sent, 0);
    check_case("options are in order", options_are_in_order, 0);
    check_case("what is no path is not sent", what_is_no_path_is_not_sent, 0);
    check_case("strange messages are reset", strange_messages_are_reset, 0);
    check_case("what does not fit is not sent", what_does_not_fit_is_not_sent, 0);
}
