#include "conditions.h"

const uint16_t conditions_options[CONDITIONS_OPTIONS] = {
    COAP_OPTION_IF_MATCH, COAP_OPTION_IF_NONE_MATCH, COAP_OPTION_ACCEPT};

bool conditions_met(const coap_pdu_t *request, unsigned format, coap_pdu_t *response) {
    coap_opt_iterator_t iterator;
    const coap_opt_t *option;
    bool matches = true;

    coap_option_iterator_init(request, &iterator, COAP_OPT_ALL);
    while ((option = coap_option_next(&iterator)) != NULL) {
        if (iterator.number == COAP_OPTION_IF_MATCH && coap_opt_length(option) == 0) {
            matches = true; /* it is enough that the resource is there */
            break;
        }
        if (iterator.number == COAP_OPTION_IF_MATCH) {
            matches = false;
        }
    }
    if (!matches || coap_check_option(request, COAP_OPTION_IF_NONE_MATCH, &iterator) != NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_PRECONDITION_FAILED);
        return false;
    }
    option = coap_check_option(request, COAP_OPTION_ACCEPT, &iterator);
    if (option != NULL && coap_pdu_get_code(request) == COAP_REQUEST_CODE_GET &&
        coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option)) != format) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_NOT_ACCEPTABLE);
        return false;
    }
    return true;
}
