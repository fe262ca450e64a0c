/* A device for the linker's eyes: every call that a device makes. It is not run. */
#include <lscoap.h>
#include <string.h>

static lscoap_client client;
static lscoap_session session;
static uint8_t buffer[256];
/* Volatile, so that nothing is worked out at compile time. */
static volatile uint8_t radio;

static int random_bytes(void *context, uint8_t *out, size_t len) {
    (void)context;
    while (len-- > 0) {
        *out++ = radio;
    }
    return 0;
}

static void send_and_receive(uint8_t *bytes, size_t *len) {
    for (size_t i = 0; i < *len; i++) {
        radio = bytes[i];
    }
    *len = radio;
    memset(bytes, radio, *len);
}

int main(void) {
    static const uint8_t identity[LSCOAP_SECRET_KEY_LEN] = {1};
    static uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
    const lscoap_platform platform = {.random = random_bytes};
    const lscoap_client_config config = {.device_id = (const uint8_t *)"sensor-7",
                                         .device_id_len = 8,
                                         .identity = identity,
                                         .server_key = server_key,
                                         .profile = LSCOAP_SIGNED};
    lscoap_exchange exchange;
    size_t len = 0;
    lscoap_io io = {.input = buffer, .input_len = 1, .out = buffer, .out_cap = sizeof buffer};
    lscoap_status status = lscoap_client_init(&client, &platform, &config);
    do {
        send_and_receive(buffer, &len);
        status = lscoap_client_step(&client, buffer, len, buffer, sizeof buffer, &len);
    } while (status == LSCOAP_SEND);
    if (status != LSCOAP_READY || lscoap_client_finish(&client, &session) != LSCOAP_OK ||
        lscoap_seal_request(&session, &io, &exchange) != LSCOAP_OK) {
        return 1;
    }
    len = io.out_len;
    send_and_receive(buffer, &len);
    io.input_len = len;
    return lscoap_open_response(&session, &io, &exchange);
}
