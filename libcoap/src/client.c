#include "client.h"

#include <stdlib.h>
#include <string.h>

lscoap_libcoap_client *lscoap_libcoap_client_new(const lscoap_libcoap_client_config *config,
                                                 int *status) {
    lscoap_libcoap_client *client = calloc(1, sizeof *client);
    int ignored;

    if (status == NULL) {
        status = &ignored;
    }
    *status = LSCOAP_LIBCOAP_ERR_MEMORY;
    if (client == NULL) {
        return NULL;
    }
    client->config = *config;
    if (client->config.carrier == 0) {
        client->config.carrier = LSCOAP_CARRIER_PAYLOAD;
    }
    client->message = malloc(LC_MESSAGE_MAX);
    if (client->message != NULL) {
        *status = lscoap_client_init(&client->handshake, &client->config.platform,
                                     &client->config.client);
    }
    if (*status == LSCOAP_OK) {
        memcpy(client->device_id, config->client.device_id, config->client.device_id_len);
    }
    if (*status != LSCOAP_OK) {
        lscoap_libcoap_client_free(client);
        return NULL;
    }
    return client;
}

void lscoap_libcoap_client_free(lscoap_libcoap_client *client) {
    if (client == NULL) {
        return;
    }
    lscoap_libcoap_disconnect(client);
    lscoap_client_wipe(&client->handshake);
    lc_ask_clear(&client->pending.ask);
    coap_delete_pdu(client->answer);
    if (client->message != NULL) {
        lc_wipe(client->message, LC_MESSAGE_MAX);
    }
    free(client->message);
    lc_wipe(client, sizeof *client);
    free(client);
}
