#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one exchange that is going on. */
static struct {
    bool answered;
    bool failed;
    bool unreachable; /* by this address */
    bool observing;
    double answered_at;
    coap_pdu_code_t code;
    uint8_t *payload; /* a copy, printed when the clock has been read */
    size_t length;
} exchange;

static void begin_exchange(void) {
    free(exchange.payload);
    memset(&exchange, 0, sizeof exchange);
}

static bool good(coap_pdu_code_t code) {
    return COAP_RESPONSE_CLASS(code) == 2;
}

static coap_response_t on_response(coap_session_t *session, const coap_pdu_t *sent,
                                   const coap_pdu_t *received, const coap_mid_t mid) {
    const uint8_t *data = NULL;
    size_t length = 0;
    size_t offset;
    size_t total;

    (void)session;
    (void)sent;
    (void)mid;
    coap_get_data_large(received, &length, &data, &offset, &total);
    if (exchange.answered) { /* a notification */
        cli_print_response(coap_pdu_get_code(received), data, length);
        exchange.failed = !good(coap_pdu_get_code(received));
        return COAP_RESPONSE_OK;
    }
    exchange.answered_at = cli_now_ms();
    exchange.answered = true;
    exchange.code = coap_pdu_get_code(received);
    if (length > 0) {
        exchange.payload = malloc(length);
        if (exchange.payload == NULL) {
            exchange.failed = true;
            return COAP_RESPONSE_OK;
        }
        memcpy(exchange.payload, data, length);
        exchange.length = length;
    }
    if (exchange.observing) { /* what follows is printed at once, so this comes first */
        coap_opt_iterator_t iterator;

        cli_print_response(exchange.code, exchange.payload, exchange.length);
        exchange.failed = coap_check_option(received, COAP_OPTION_OBSERVE, &iterator) == NULL;
    }
    return COAP_RESPONSE_OK;
}

static void on_nack(coap_session_t *session, const coap_pdu_t *sent,
                    const coap_nack_reason_t reason, const coap_mid_t mid) {
    const char *why = reason == COAP_NACK_TOO_MANY_RETRIES ? "no answer after all retransmissions"
                      : reason == COAP_NACK_RST            ? "the server refused the message"
                                                           : "the TLS handshake failed";

    (void)session;
    (void)sent;
    (void)mid;
    exchange.unreachable = reason == COAP_NACK_NOT_DELIVERABLE || reason == COAP_NACK_ICMP_ISSUE;
    if (!exchange.failed && !exchange.unreachable) {
        fprintf(stderr, "%s\n", why);
    }
    exchange.failed = true;
}

static int on_event(coap_session_t *session, const coap_event_t event) {
    (void)session;
    if (event == COAP_EVENT_DTLS_ERROR && !exchange.failed) {
        fprintf(stderr, "the TLS handshake failed\n");
        exchange.failed = true;
    }
    return 0;
}

/* Puts the request together and hands it to libcoap. */
static bool send_request(coap_session_t *session, const struct cli_client *cli) {
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, cli->method, coap_new_message_id(session),
                                    coap_session_max_pdu_size(session));
    uint8_t token[8];
    size_t token_length;
    bool built;

    if (pdu == NULL) {
        return false;
    }
    coap_session_new_token(session, &token_length, token);
    built = coap_add_token(pdu, token_length, token) &&
            (cli->observe_seconds == 0 || coap_add_option(pdu, COAP_OPTION_OBSERVE, 0, NULL)) &&
            cli_add_path(pdu, cli->path);
    if (built && cli->payload != NULL) {
        uint8_t format[2];
        size_t length =
            coap_encode_var_safe(format, sizeof format, COAP_MEDIATYPE_APPLICATION_JSON);

        built = coap_add_option(pdu, COAP_OPTION_CONTENT_FORMAT, length, format) &&
                coap_add_data_large_request(session, pdu, strlen(cli->payload),
                                            (const uint8_t *)cli->payload, NULL, NULL);
    }
    if (!built) {
        coap_delete_pdu(pdu);
        fprintf(stderr, "the request does not fit\n");
        return false;
    }
    exchange.observing = cli->observe_seconds > 0;
    return coap_send(session, pdu) != COAP_INVALID_MID; /* which takes the PDU in any case */
}

/* Lets libcoap work until the exchange is over, or that long. */
static void wait_for_answer(coap_context_t *context, unsigned seconds) {
    double end = cli_now_ms() + seconds * 1e3;

    while (!exchange.answered && !exchange.failed) {
        double left = end - cli_now_ms();

        if (left < 1) {
            fprintf(stderr, "no answer\n");
            exchange.failed = true;
        } else if (coap_io_process(context, (uint32_t)left) < 0) {
            exchange.failed = true;
        }
    }
}

static void listen_for_notifications(coap_context_t *context, unsigned seconds) {
    double end = cli_now_ms() + seconds * 1e3;
    double left;

    while (!exchange.failed && (left = end - cli_now_ms()) >= 1) {
        if (coap_io_process(context, (uint32_t)left) < 0) {
            exchange.failed = true;
        }
    }
}

/* Opens *session when there is none, sends the request and waits. False when there is no answer. */
static bool ask(coap_context_t *context, const struct cli_client *cli, client_open_fn open,
                void *arg, coap_session_t **session) {
    begin_exchange();
    if (*session == NULL) {
        *session = open(context, cli, arg);
        exchange.unreachable = *session == NULL;
    }
    if (*session != NULL && send_request(*session, cli)) {
        wait_for_answer(context, cli->timeout_seconds);
    }
    return exchange.answered;
}

static void close_session(coap_session_t **session) {
    if (*session != NULL) {
        coap_session_release(*session);
        *session = NULL;
    }
}

/* One exchange. True when it ended in a 2.xx. */
static bool run_one(coap_context_t *context, struct cli_client *cli, client_open_fn open, void *arg,
                    coap_session_t **session) {
    double began = cli_now_ms();

    while (!ask(context, cli, open, arg, session)) {
        if (!exchange.unreachable || !cli_next_destination(cli)) {
            fprintf(stderr, "%s cannot be reached\n", cli->uri);
            return false;
        }
        close_session(session);
    }
    if (!exchange.observing) {
        cli_print_response(exchange.code, exchange.payload, exchange.length);
    }
    cli_print_elapsed(exchange.answered_at - began);
    if (exchange.observing && !exchange.failed) {
        listen_for_notifications(context, cli->observe_seconds);
    }
    return good(exchange.code) && !exchange.failed;
}

int client_run(struct cli_client *cli, client_open_fn open, void *arg) {
    coap_context_t *context = coap_new_context(NULL);
    coap_session_t *session = NULL;
    bool all_good = true;

    if (context == NULL) {
        fprintf(stderr, "libcoap gives no context\n");
        return CLI_FAILED;
    }
    coap_context_set_block_mode(context, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
    coap_register_response_handler(context, on_response);
    coap_register_nack_handler(context, on_nack);
    coap_register_event_handler(context, on_event);
    for (unsigned i = 0; i < cli->count && cli_may_begin(cli); i++) {
        all_good = run_one(context, cli, open, arg, &session) && all_good;
        if (cli->cold || !all_good) {
            close_session(&session);
        }
    }
    close_session(&session);
    coap_free_context(context);
    free(exchange.payload);
    return all_good ? CLI_OK : CLI_FAILED;
}
