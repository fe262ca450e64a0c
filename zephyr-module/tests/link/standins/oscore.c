/* Zephyr's OSCORE, by lscoap's own: contexts are added, open requests, and are removed. */
#include "oscore.h"

#include <lscoap.h>
#include <lscoap/platform.h>

#include <errno.h>
#include <string.h>

struct coap_oscore_context {
    lscoap_session session;
    bool is_there;
};
static struct coap_oscore_context pool[CONFIG_COAP_OSCORE_MAX_CONTEXTS];
struct standin_oscore standin_oscore;

static bool copy(uint8_t *to, size_t room, uint8_t *to_len, const uint8_t *from, size_t len) {
    if (len > room || (len > 0 && from == NULL)) {
        return false;
    }
    if (len > 0) {
        memcpy(to, from, len);
    }
    *to_len = (uint8_t)len;
    return true;
}

int coap_oscore_context_add(const struct coap_oscore_init_params *params,
                            struct coap_oscore_context **context) {
    lscoap_context given = {0};

    if (params->master_secret_len == 0 || params->sender_id == NULL ||
        params->recipient_id == NULL ||
        !copy(given.secret, sizeof given.secret, &given.secret_len, params->master_secret,
              params->master_secret_len) ||
        !copy(given.salt, sizeof given.salt, &given.salt_len, params->master_salt,
              params->master_salt_len) ||
        !copy(given.id_context, sizeof given.id_context, &given.id_context_len, params->id_context,
              params->id_context_len) ||
        !copy(given.sender_id, sizeof given.sender_id, &given.sender_id_len, params->sender_id,
              params->sender_id_len) ||
        !copy(given.recipient_id, sizeof given.recipient_id, &given.recipient_id_len,
              params->recipient_id, params->recipient_id_len)) {
        return -EINVAL;
    }
    if (!params->fresh_master_secret_salt) {
        return -ENOTSUP;
    }
    for (size_t i = 0; standin_oscore.full == 0 && i < CONFIG_COAP_OSCORE_MAX_CONTEXTS; i++) {
        if (!pool[i].is_there) {
            if (lscoap_session_take_over(&pool[i].session, lscoap_platform_zephyr(), &given) !=
                LSCOAP_OK) {
                return -EINVAL;
            }
            pool[i].is_there = true;
            standin_oscore.contexts++;
            *context = &pool[i];
            return 0;
        }
    }
    return -ENOMEM;
}

int coap_oscore_context_remove(struct coap_oscore_context *context) {
    if (!context->is_there) {
        return -EINVAL;
    }
    if (standin_oscore.in_use == context) {
        return -EAGAIN;
    }
    lscoap_session_wipe(&context->session);
    context->is_there = false;
    standin_oscore.contexts--;
    return 0;
}

struct coap_oscore_context *standin_oscore_open(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < CONFIG_COAP_OSCORE_MAX_CONTEXTS; i++) {
        uint8_t opened[256];
        lscoap_exchange exchange;
        lscoap_io io = {.input = bytes, .input_len = len, .out = opened, .out_cap = sizeof opened};

        if (pool[i].is_there &&
            lscoap_unprotect_request(&pool[i].session, &io, &exchange) == LSCOAP_OK) {
            return &pool[i];
        }
    }
    return NULL;
}
