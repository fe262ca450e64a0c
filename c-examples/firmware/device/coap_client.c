#include "coap_client.h"

#include <string.h>

enum { RECEIVED_AT_ONCE = 8 /* then it is time to look at the clock */ };

/* What is known of the exchange under way. */
struct exchange {
    coap_accept accept;
    void *context;
    uint8_t token[COAP_TOKEN_LEN];
    uint16_t id;
    uint8_t former_token[COAP_TOKEN_LEN]; /* before the hint */
    uint16_t former_id;
    size_t request_len;
    uint32_t began, sent, timeout; /* in ms */
    unsigned retransmissions;
    bool acknowledged; /* by an empty ACK: the response comes by itself */
    bool reminded;     /* after that */
    bool reset;
    bool hinted;
    bool too_long; /* that was the first hint */
};

void coap_client_init(struct coap_client *client, const struct coap_io *io) {
    memset(client, 0, sizeof *client);
    client->io = *io;
}

/* ---- what is sent ---- */

/* A token, a message id and a timeout for what is sent next. */
static bool draw(struct coap_client *client, struct exchange *exchange) {
    struct {
        uint8_t token[COAP_TOKEN_LEN];
        uint16_t id;
        uint16_t timeout;
    } random;

    if (client->io.random(client->io.context, (uint8_t *)&random, sizeof random) != 0) {
        return false;
    }
    if (!client->has_id) {
        client->has_id = true;
        client->next_id = random.id;
    }
    memcpy(exchange->token, random.token, sizeof exchange->token);
    exchange->id = client->next_id++;
    exchange->timeout = COAP_ACK_TIMEOUT_MS + random.timeout % (COAP_ACK_TIMEOUT_MS / 2 + 1u);
    return true;
}

static enum coap_result write_request(struct coap_client *client,
                                      const struct coap_request *request,
                                      struct exchange *exchange) {
    struct coap_writer writer = {.bytes = client->request, .capacity = sizeof client->request};

    if (!draw(client, exchange)) {
        return COAP_NO_RANDOM;
    }
    coap_write_header(&writer, COAP_CON, request->code, exchange->id, exchange->token,
                      sizeof exchange->token);
    if (!coap_write_path(&writer, request->path)) {
        return COAP_BAD_PATH;
    }
    if (request->content_format != COAP_NO_FORMAT) {
        coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT,
                               (uint32_t)request->content_format);
    }
    if (!coap_write_query(&writer, request->path)) {
        return COAP_BAD_PATH;
    }
    coap_write_payload(&writer, request->payload, request->payload_len);
    exchange->request_len = writer.len;
    return writer.overflow ? COAP_TOO_LONG : COAP_ANSWERED;
}

static void transmit(const struct coap_client *client, const struct exchange *exchange) {
    client->io.send(client->io.context, client->request, exchange->request_len);
}

static void transmit_first(const struct coap_client *client, struct exchange *exchange) {
    exchange->began = exchange->sent = client->io.now_ms(client->io.context);
    exchange->retransmissions = 0;
    exchange->acknowledged = exchange->reminded = exchange->reset = false;
    transmit(client, exchange);
}

/* The same request as another message. */
static bool transmit_anew(struct coap_client *client, struct exchange *exchange) {
    struct coap_writer header = {.bytes = client->request, .capacity = sizeof client->request};
    const uint8_t code = client->request[1];

    memcpy(exchange->former_token, exchange->token, sizeof exchange->token);
    exchange->former_id = exchange->id;
    if (!draw(client, exchange)) {
        return false;
    }
    coap_write_header(&header, COAP_CON, code, exchange->id, exchange->token,
                      sizeof exchange->token);
    exchange->hinted = true;
    transmit_first(client, exchange);
    return true;
}

static void send_empty(const struct coap_client *client, enum coap_type type, uint16_t id) {
    uint8_t bytes[COAP_HEADER_LEN];
    struct coap_writer writer = {.bytes = bytes, .capacity = sizeof bytes};

    coap_write_header(&writer, type, COAP_EMPTY, id, NULL, 0);
    client->io.send(client->io.context, bytes, writer.len);
}

/* ---- what is received ---- */

static bool has_token(const struct coap_message *message, const uint8_t token[COAP_TOKEN_LEN]) {
    return message->token_len == COAP_TOKEN_LEN &&
           memcmp(message->token, token, COAP_TOKEN_LEN) == 0;
}

static bool is_response(const struct exchange *exchange, const struct coap_message *message) {
    return message->code >= COAP_CODE(2, 0) && !message->critical &&
           (has_token(message, exchange->token) ||
            (exchange->hinted && has_token(message, exchange->former_token)));
}

/* What a response comes to: COAP_NO_ANSWER means nothing yet. */
static enum coap_result judge(const struct exchange *exchange, struct coap_message *response,
                              bool cut) {
    const bool too_long = cut || response->in_blocks;

    switch (too_long ? COAP_HINT : exchange->accept(exchange->context, response)) {
    case COAP_TAKEN:
        return COAP_ANSWERED;
    case COAP_HINT:
        if (has_token(response, exchange->token)) {
            return too_long ? COAP_ANSWER_TOO_LONG : COAP_REFUSED;
        }
        break; /* of the request before the hint: that one is known */
    case COAP_DROPPED:
        break;
    }
    return COAP_NO_ANSWER;
}

/* A confirmable message: a response that comes by itself, or nothing that this client understands.
 */
static enum coap_result take_confirmable(struct coap_client *client,
                                         const struct exchange *exchange,
                                         struct coap_message *message, bool cut) {
    enum coap_result result;

    if (!is_response(exchange, message)) {
        /* The last response comes again when its acknowledgement was lost. */
        bool again = client->has_acknowledged && message->id == client->acknowledged_id;

        send_empty(client, again ? COAP_ACK : COAP_RST, message->id);
        return COAP_NO_ANSWER;
    }
    result = judge(exchange, message, cut);
    if (result != COAP_NO_ANSWER) {
        client->has_acknowledged = true;
        client->acknowledged_id = message->id;
        send_empty(client, COAP_ACK, message->id);
    }
    return result;
}

static enum coap_result take_message(struct coap_client *client, struct exchange *exchange,
                                     struct coap_message *message, bool cut) {
    switch (message->type) {
    case COAP_CON:
        return take_confirmable(client, exchange, message, cut);
    case COAP_ACK:
        if (message->id != exchange->id &&
            !(exchange->hinted && message->id == exchange->former_id)) {
            return COAP_NO_ANSWER;
        }
        exchange->acknowledged =
            exchange->acknowledged || (message->code == COAP_EMPTY && message->id == exchange->id);
        break;
    case COAP_RST:
        exchange->reset = exchange->reset || message->id == exchange->id;
        return COAP_NO_ANSWER;
    case COAP_NON:
        break;
    }
    return is_response(exchange, message) ? judge(exchange, message, cut) : COAP_NO_ANSWER;
}

/* Takes what has come: so much of it that a flood does not stop the clock. */
static enum coap_result receive(struct coap_client *client, struct exchange *exchange) {
    struct coap_message message;
    enum coap_result result = COAP_NO_ANSWER;

    for (int i = 0; i < RECEIVED_AT_ONCE && result == COAP_NO_ANSWER; i++) {
        const size_t len =
            client->io.receive(client->io.context, client->response, sizeof client->response);

        if (len == 0) {
            break;
        }
        if (coap_parse(client->response, len, &message)) {
            result = take_message(client, exchange, &message, len > COAP_DATAGRAM_MAX);
        }
    }
    return result;
}

/* ---- the exchange ---- */

/* Sends again what is due. False: it is over. Both Reset and empty ACK have nothing but a message
 * id of 16 bits to show, so that neither ends anything. */
static bool keep_time(struct coap_client *client, struct exchange *exchange) {
    const uint32_t now = client->io.now_ms(client->io.context);

    if (exchange->acknowledged) {
        if (!exchange->reminded && now - exchange->began >= COAP_MAX_TRANSMIT_WAIT_MS / 2) {
            exchange->reminded = true;
            client->retransmissions++;
            transmit(client, exchange);
        }
        return now - exchange->began < COAP_MAX_TRANSMIT_WAIT_MS;
    }
    if (now - exchange->sent >= exchange->timeout) {
        if (exchange->retransmissions == COAP_MAX_RETRANSMIT) {
            return false;
        }
        exchange->retransmissions++;
        client->retransmissions++;
        transmit(client, exchange);
        exchange->sent = now;
        exchange->timeout *= 2;
    }
    return true;
}

enum coap_result coap_exchange(struct coap_client *client, const struct coap_request *request,
                               coap_accept accept, void *context) {
    struct exchange exchange = {.accept = accept, .context = context};
    enum coap_result result = write_request(client, request, &exchange);

    if (result != COAP_ANSWERED) {
        return result;
    }
    transmit_first(client, &exchange);
    for (;;) {
        result = receive(client, &exchange);
        if (result == COAP_NO_ANSWER) {
            if (!keep_time(client, &exchange)) {
                return exchange.reset ? COAP_RESET : COAP_NO_ANSWER;
            }
            client->io.wait(client->io.context);
        } else if (result == COAP_ANSWERED) {
            return result;
        } else if (exchange.hinted) {
            /* A server need not answer the same bytes again: what it did answer was too long. */
            return exchange.too_long ? COAP_ANSWER_TOO_LONG : result;
        } else if (!transmit_anew(client, &exchange)) {
            return COAP_NO_RANDOM;
        } else {
            exchange.too_long = result == COAP_ANSWER_TOO_LONG;
        }
    }
}
