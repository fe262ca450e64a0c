#include "coap_client.h"

#include <string.h>

enum { TOKEN_LEN = 4 };

/* What is known of the exchange under way. */
struct exchange {
    coap_accept accept;
    void *context;
    uint8_t token[TOKEN_LEN];
    uint16_t id;
    size_t request_len;
    bool acknowledged; /* by an empty ACK: the response comes by itself */
    bool reset;
};

void coap_client_init(struct coap_client *client, const struct coap_io *io) {
    memset(client, 0, sizeof *client);
    client->io = *io;
    client->next_id = (uint16_t)io->random(io->context);
}

/* ---- what is sent ---- */

static bool write_request(struct coap_client *client, const struct coap_request *request,
                          struct exchange *exchange) {
    struct coap_writer writer = {.bytes = client->request, .capacity = sizeof client->request};
    const uint32_t random = client->io.random(client->io.context);

    memcpy(exchange->token, &random, sizeof exchange->token);
    exchange->id = client->next_id++;
    coap_write_header(&writer, COAP_CON, request->code, exchange->id, exchange->token, TOKEN_LEN);
    coap_write_path(&writer, request->path);
    if (request->content_format != COAP_NO_FORMAT) {
        coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT,
                               (uint32_t)request->content_format);
    }
    coap_write_payload(&writer, request->payload, request->payload_len);
    exchange->request_len = writer.len;
    return !writer.overflow;
}

static void send_empty(const struct coap_client *client, enum coap_type type, uint16_t id) {
    uint8_t bytes[COAP_HEADER_LEN];
    struct coap_writer writer = {.bytes = bytes, .capacity = sizeof bytes};

    coap_write_header(&writer, type, COAP_EMPTY, id, NULL, 0);
    client->io.send(client->io.context, bytes, writer.len);
}

/* ---- what is received ---- */

static bool is_response(const struct exchange *exchange, const struct coap_message *message) {
    return message->code >= COAP_CODE(2, 0) && message->token_len == TOKEN_LEN &&
           memcmp(message->token, exchange->token, TOKEN_LEN) == 0 && !message->critical;
}

/* A confirmable message: a response that comes by itself, or nothing that this client understands.
 */
static bool take_confirmable(struct coap_client *client, const struct exchange *exchange,
                             struct coap_message *message) {
    if (!is_response(exchange, message)) {
        /* The last response comes again when its acknowledgement was lost. */
        bool again = client->has_acknowledged && message->id == client->acknowledged_id;

        send_empty(client, again ? COAP_ACK : COAP_RST, message->id);
        return false;
    }
    if (!exchange->accept(exchange->context, message)) {
        return false;
    }
    client->has_acknowledged = true;
    client->acknowledged_id = message->id;
    send_empty(client, COAP_ACK, message->id);
    return true;
}

/* True: that was the answer. */
static bool take_message(struct coap_client *client, struct exchange *exchange,
                         struct coap_message *message) {
    switch (message->type) {
    case COAP_CON:
        return take_confirmable(client, exchange, message);
    case COAP_NON:
        return is_response(exchange, message) && exchange->accept(exchange->context, message);
    case COAP_ACK:
        if (message->id != exchange->id) {
            return false;
        }
        if (message->code == COAP_EMPTY) {
            exchange->acknowledged = true;
            return false;
        }
        return is_response(exchange, message) && exchange->accept(exchange->context, message);
    case COAP_RST:
        exchange->reset = message->id == exchange->id;
        return false;
    }
    return false;
}

/* Takes all that has come. True: the answer was among it. */
static bool receive(struct coap_client *client, struct exchange *exchange) {
    struct coap_message message;
    size_t len;

    while (!exchange->reset && (len = client->io.receive(client->io.context, client->response,
                                                         sizeof client->response)) > 0) {
        if (coap_parse(client->response, len, &message) &&
            take_message(client, exchange, &message)) {
            return true;
        }
    }
    return false;
}

/* ---- the exchange ---- */

enum coap_result coap_exchange(struct coap_client *client, const struct coap_request *request,
                               coap_accept accept, void *context) {
    const struct coap_io *io = &client->io;
    struct exchange exchange = {.accept = accept, .context = context};
    uint32_t timeout =
        COAP_ACK_TIMEOUT_MS + io->random(io->context) % (COAP_ACK_TIMEOUT_MS / 2 + 1);
    uint32_t began = io->now_ms(io->context);
    uint32_t sent = began;

    if (!write_request(client, request, &exchange)) {
        return COAP_TOO_LONG;
    }
    io->send(io->context, client->request, exchange.request_len);
    for (unsigned retransmissions = 0;;) {
        uint32_t now;

        if (receive(client, &exchange)) {
            return COAP_ANSWERED;
        }
        if (exchange.reset) {
            return COAP_RESET;
        }
        now = io->now_ms(io->context);
        if (exchange.acknowledged) {
            if (now - began >= COAP_MAX_TRANSMIT_WAIT_MS) {
                return COAP_NO_ANSWER;
            }
        } else if (now - sent >= timeout) {
            if (retransmissions == COAP_MAX_RETRANSMIT) {
                return COAP_NO_ANSWER;
            }
            retransmissions++;
            client->retransmissions++;
            io->send(io->context, client->request, exchange.request_len);
            sent = now;
            timeout *= 2;
        }
        io->wait(io->context);
    }
}
