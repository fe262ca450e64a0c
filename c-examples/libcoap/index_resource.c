#include "index_resource.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conditions.h"
#include "readings.h"

enum { SHOWN_BY_DEFAULT = 6 }; /* what the paper's server gives */

static struct readings readings;

static bool is_fixed;            /* index_fix() */
static const char fixed_body[] = /* the gateway has it too, for --serve-index */
    "{\"Data\":["
    "{\"timeStamp\":1764331200.000,\"value\":21.25},{\"timeStamp\":1764331140.000,\"value\":21.5},"
    "{\"timeStamp\":1764331080.000,\"value\":21.75},{\"timeStamp\":1764331020.000,\"value\":22},"
    "{\"timeStamp\":1764330960.000,\"value\":21.875},{\"timeStamp\":1764330900.000,\"value\":21."
    "625}]}";

static void refuse(coap_pdu_t *response, coap_pdu_code_t code, const char *why) {
    coap_pdu_set_code(response, code);
    coap_add_data(response, strlen(why), (const uint8_t *)why);
}

/* How many readings the query asks for; 0 when it makes no sense. */
static size_t shown_by(const coap_string_t *query) {
    static const char name[] = "readings=";
    const size_t name_length = sizeof name - 1;
    size_t shown = 0;

    if (query == NULL || query->length == 0) {
        return SHOWN_BY_DEFAULT;
    }
    if (query->length <= name_length || memcmp(query->s, name, name_length) != 0) {
        return 0;
    }
    for (size_t i = name_length; i < query->length; i++) {
        if (query->s[i] < '0' || query->s[i] > '9') {
            return 0;
        }
        shown = shown * 10 + (size_t)(query->s[i] - '0');
        if (shown > READINGS_SHOWN_MAX) {
            return 0;
        }
    }
    return shown;
}

/* JSON, text, or not said. */
static bool acceptable_format(const coap_pdu_t *request) {
    coap_opt_iterator_t iterator;
    const coap_opt_t *option = coap_check_option(request, COAP_OPTION_CONTENT_FORMAT, &iterator);
    unsigned format;

    if (option == NULL) {
        return true;
    }
    format = coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option));
    return format == COAP_MEDIATYPE_APPLICATION_JSON || format == COAP_MEDIATYPE_TEXT_PLAIN;
}

/* The body of a POST or PUT; false when there is none, or only a part of one. */
static bool body_of(const coap_pdu_t *request, const char **body, size_t *length) {
    const uint8_t *data;
    size_t offset;
    size_t total;

    if (!coap_get_data_large(request, length, &data, &offset, &total) || offset != 0 ||
        *length != total) {
        return false;
    }
    *body = (const char *)data;
    return true;
}

static void release_body(coap_session_t *session, void *body) {
    (void)session;
    free(body);
}

void index_reply_body(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                      const coap_string_t *query, coap_pdu_t *response, char *body, size_t length) {
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    /* Calls release_body() in any case, and makes the answer a 5.00 when the body does not fit. */
    coap_add_data_large_response(resource, session, request, response, query,
                                 COAP_MEDIATYPE_APPLICATION_JSON, -1, 0, length,
                                 (const uint8_t *)body, release_body, body);
}

static void handle_get(coap_resource_t *resource, coap_session_t *session,
                       const coap_pdu_t *request, const coap_string_t *query,
                       coap_pdu_t *response) {
    size_t shown = shown_by(query);
    size_t length;
    char *body;

    if (!conditions_met(request, COAP_MEDIATYPE_APPLICATION_JSON, response)) {
        return;
    }
    if (is_fixed && query == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
        coap_add_data_large_response(resource, session, request, response, query,
                                     COAP_MEDIATYPE_APPLICATION_JSON, -1, 0, sizeof fixed_body - 1,
                                     (const uint8_t *)fixed_body, NULL, NULL);
        return;
    }
    if (shown == 0) {
        refuse(response, COAP_RESPONSE_CODE_BAD_REQUEST, "the query is readings=1 to 500");
        return;
    }
    body = readings_document(&readings, shown, &length);
    if (body == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return;
    }
    index_reply_body(resource, session, request, query, response, body, length);
}

/* POST and PUT. */
static void handle_write(coap_resource_t *resource, coap_session_t *session,
                         const coap_pdu_t *request, const coap_string_t *query,
                         coap_pdu_t *response) {
    const char *body;
    size_t length;

    (void)session;
    (void)query;
    if (!conditions_met(request, COAP_MEDIATYPE_APPLICATION_JSON, response)) {
        return;
    }
    if (!acceptable_format(request)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_UNSUPPORTED_CONTENT_FORMAT);
        return;
    }
    if (!body_of(request, &body, &length)) {
        refuse(response, COAP_RESPONSE_CODE_BAD_REQUEST, "no payload");
        return;
    }
    if (coap_pdu_get_code(request) == COAP_REQUEST_CODE_PUT) {
        if (!readings_parse_all(body, length, &readings)) {
            refuse(response, COAP_RESPONSE_CODE_BAD_REQUEST, "not {\"Data\":[...]}");
            return;
        }
    } else {
        struct reading reading;

        if (!readings_parse_one(body, length, &reading)) {
            refuse(response, COAP_RESPONSE_CODE_BAD_REQUEST, "neither a number nor a reading");
            return;
        }
        readings_add(&readings, reading);
    }
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CHANGED);
    coap_resource_notify_observers(resource, NULL);
}

static void handle_delete(coap_resource_t *resource, coap_session_t *session,
                          const coap_pdu_t *request, const coap_string_t *query,
                          coap_pdu_t *response) {
    (void)session;
    (void)query;
    if (!conditions_met(request, COAP_MEDIATYPE_APPLICATION_JSON, response)) {
        return;
    }
    readings_clear(&readings);
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_DELETED);
    coap_resource_notify_observers(resource, NULL);
}

void index_init(index_register_fn register_handler, void *arg) {
    readings_clear(&readings);
    register_handler(arg, COAP_REQUEST_GET, handle_get);
    register_handler(arg, COAP_REQUEST_POST, handle_write);
    register_handler(arg, COAP_REQUEST_PUT, handle_write);
    register_handler(arg, COAP_REQUEST_DELETE, handle_delete);
}

void index_fix(void) {
    is_fixed = true;
}

static void register_with_libcoap(void *resource, coap_request_t method,
                                  coap_method_handler_t handler) {
    coap_register_request_handler(resource, method, handler);
}

coap_resource_t *index_add_resource(coap_context_t *context) {
    /* Notifications are confirmable: one that is lost is sent again. */
    coap_resource_t *resource =
        coap_resource_init(coap_make_str_const(INDEX_PATH), COAP_RESOURCE_FLAGS_NOTIFY_CON);

    if (resource == NULL) {
        return NULL;
    }
    coap_resource_set_get_observable(resource, 1);
    index_init(register_with_libcoap, resource);
    coap_add_resource(context, resource);
    return resource;
}

void index_tick(void *resource) {
    readings_add(&readings, readings_measure());
    coap_resource_notify_observers(resource, NULL);
}
