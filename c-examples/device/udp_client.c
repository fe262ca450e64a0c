/* A whole device: udp_client HOST PORT PATH [payload] makes a session and a GET in it, over a UDP
 * socket. */
#include <lscoap.h>

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include DEVICE_HEADER /* of `lscoap c-header`: lscoap_device_id, lscoap_identity, lscoap_server_key */

static int fill_random(void *context, uint8_t *out, size_t len) {
    (void)context;
    return getentropy(out, len);
}

static int print(void *context, const lscoap_piece *piece) {
    (void)context;
    return fwrite(piece->payload, 1, piece->payload_len, stdout) == piece->payload_len ? 0 : -1;
}

static uint64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* README: from here */
static lscoap_device device; /* client, sessions, exchange: there is no heap */
static uint8_t buffer[LSCOAP_DEVICE_BUFFER_MAX];

static lscoap_status ask(int sock, const lscoap_request *request) {
    static uint8_t datagram[1500];
    const uint8_t *bytes;
    size_t len;
    lscoap_status status = lscoap_device_request(&device, now_ms(), request);

    while (status >= 0 && status != LSCOAP_DONE) {
        status = lscoap_device_poll(&device, now_ms(), &bytes, &len);
        if (status == LSCOAP_SEND) {
            (void)send(sock, bytes, len, 0); /* what is lost is sent again */
        } else if (status == LSCOAP_OK) {
            struct pollfd wait = {.fd = sock, .events = POLLIN};
            uint64_t now = now_ms(), deadline = lscoap_device_deadline(&device);
            ssize_t got = poll(&wait, 1, deadline > now ? (int)(deadline - now) : 0) > 0
                              ? recv(sock, datagram, sizeof datagram, 0)
                              : 0;

            if (got > 0) {
                (void)lscoap_device_receive(&device, now_ms(), datagram, (size_t)got);
            }
        }
    }
    return status;
}
/* README: to here */

int main(int argc, char **argv) {
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    const lscoap_platform platform = {.random = fill_random};
    const lscoap_device_config config = {.client = {.device_id = lscoap_device_id,
                                                    .device_id_len = sizeof lscoap_device_id,
                                                    .identity = lscoap_identity,
                                                    .server_key = lscoap_server_key,
                                                    .profile = LSCOAP_EXPRESS},
                                         .buffer = buffer,
                                         .buffer_len = sizeof buffer,
                                         .carrier = argc > 4 ? LSCOAP_CARRIER_PAYLOAD
                                                             : LSCOAP_CARRIER_OSCORE};
    const lscoap_request get = {.path = argc > 3 ? argv[3] : "", .code = 1, .take = print};
    struct addrinfo *server = NULL;
    lscoap_status status = lscoap_device_init(&device, &platform, &config);
    int sock;
    int good;

    if (argc < 4 || status != LSCOAP_OK || getaddrinfo(argv[1], argv[2], &hints, &server) != 0) {
        fprintf(stderr, "usage: udp_client HOST PORT PATH [payload]\n");
        return 2;
    }
    sock = socket(server->ai_family, SOCK_DGRAM, 0);
    status = sock >= 0 && connect(sock, server->ai_addr, server->ai_addrlen) == 0
                 ? ask(sock, &get)
                 : LSCOAP_ERR_NO_ANSWER;
    freeaddrinfo(server);
    if (status != LSCOAP_DONE) {
        fprintf(stderr, "%s\n", lscoap_status_string(status));
    }
    good = status == LSCOAP_DONE && lscoap_device_code(&device) >> 5 == 2;
    lscoap_device_wipe(&device);
    return good ? 0 : 1;
}
