/* The application of every example server: the resource /index.
 *
 *     GET     six readings, {"Data":[{"timeStamp":<unix time>,"value":<number>}, ...]},
 *             ?readings=N for 1 to 500: how to get a body of many blocks; Observe       2.05
 *     POST    adds a reading: a number, or {"value":v} with or without "timeStamp"      2.04
 *     PUT     {"Data":[...]} takes the place of what clients have written               2.04
 *     DELETE  forgets what clients have written                                         2.02
 *
 * What clients have written is shown first; the rest are measurements made for this GET. Bad
 * payloads get 4.00, a Content-Format that is neither JSON nor text 4.15; what conditions.h has is
 * honoured.
 *
 * The handlers are ordinary coap_method_handler_t functions, and the same ones serve CoAP, DTLS
 * and lscoap. Whoever serves them says, with a callback, where handlers go:
 * coap_register_request_handler() for plain CoAP and DTLS (index_add_resource() does that), the
 * lscoap adapter's own table for a secured resource. There they see the inner request and write
 * the inner response, two PDUs that never travel as they are. So they keep to what makes sense
 * for both:
 *   - of the request: its code, options other than Uri-* and Block*, its data, and `query`;
 *   - of the response: its code, its options, and one body;
 *   - `resource` is only passed on to coap_resource_notify_observers(), and `session` to
 *     index_reply_body().
 *
 * One way to give the body serves all: coap_add_data_large_response(). In plain CoAP and DTLS it
 * cuts a long body into blocks. Given an inner response with enough room (INDEX_BODY_MAX and
 * some for options; coap_pdu_init() with 65,536 is plenty) and an inner request without a Block2
 * option, libcoap 4.3 copies the body into it whole and adds Content-Format and nothing else: no
 * Block2, no ETag, no state kept in the session. The adapter therefore keeps inner Block1 and
 * Block2 options to itself, and cuts the body into blocks, or what it sealed.
 */
#ifndef LSCOAP_EXAMPLES_INDEX_RESOURCE_H
#define LSCOAP_EXAMPLES_INDEX_RESOURCE_H

#include <coap3/coap.h>

#define INDEX_PATH "index"

/* No body of this resource is longer. */
enum { INDEX_BODY_MAX = 32768 };

/* Takes a handler for a method; `arg` is the one given to index_init(). */
typedef void (*index_register_fn)(void *arg, coap_request_t method, coap_method_handler_t handler);

/* Empties the resource and hands each of its handlers to `register_handler`. */
void index_init(index_register_fn register_handler, void *arg);

/* From now on GET without a query gives one body, of the length that six measurements have: to make
 * those takes longer than all else that a server does for a request, which is what is measured. */
void index_fix(void);

/* For plain CoAP and DTLS: makes the observable resource, registers the handlers and adds it to the
 * context, which owns it from then on. NULL on failure. */
coap_resource_t *index_add_resource(coap_context_t *context);

/* A new measurement is stored and observers of `resource` are told. Of the type of
 * server_hooks.tick: pass the resource as `arg`. With lscoap that is the inner resource, and
 * lscoap_libcoap_notify() tells the observers. */
void index_tick(void *resource);

/* For handlers: a JSON body made with malloc(), which this takes over. */
void index_reply_body(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                      const coap_string_t *query, coap_pdu_t *response, char *body, size_t length);

#endif
