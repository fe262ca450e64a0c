/* What a request may ask of a resource before it is served (RFC 7252 sections 5.10.4 and 5.10.8):
 * for resources that are always there, give no ETags, and have one Content-Format. */
#ifndef LSCOAP_EXAMPLES_CONDITIONS_H
#define LSCOAP_EXAMPLES_CONDITIONS_H

#include <stdbool.h>

#include <coap3/coap.h>

/* The critical options that conditions_met() reads: Accept, If-Match, If-None-Match. */
enum { CONDITIONS_OPTIONS = 3 };
extern const uint16_t conditions_options[CONDITIONS_OPTIONS];

/* False: the response says why not, 4.12 or, for a GET that accepts another format only, 4.06. */
bool conditions_met(const coap_pdu_t *request, unsigned format, coap_pdu_t *response);

#endif
