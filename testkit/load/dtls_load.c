/* Many DTLS sessions with a CoAP server, from one process: the load of make bench-server for what
 * lscoap is compared with. OpenSSL itself instead of libcoap's client, which costs more than the
 * server that it is to keep busy.
 *
 *     dtls_load PORT AT_ONCE psk CIPHERS IDENTITY HEXKEY
 *     dtls_load PORT AT_ONCE cert CIPHERS CERT KEY CA
 *
 * Reads commands from standard input, and answers each with "done NANOSECONDS CIPHER":
 *
 *     cold N   N times, AT_ONCE at a time: handshake, GET /index, close
 *     open N   the same without closing, in addition to what is open
 *     ask N    N times GET /index in each open session
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { EVENTS = 64, MTU = 1400, PATIENCE_S = 5, KEY_MAX = 64, DATAGRAM_MAX = 2048 };

struct session {
    SSL *ssl;
    int fd;
    unsigned left; /* requests until the conversation is over */
    uint16_t id;
    bool stays; /* open when it is */
};

static struct {
    SSL_CTX *context;
    struct sockaddr_in server;
    int epoll;
    size_t at_once;
    char cipher[64];
    struct session **open; /* what stays open */
    size_t n_open;
    size_t capacity;
} load;

static struct {
    const char *identity;
    unsigned char key[KEY_MAX];
    unsigned length;
} psk;

static void fail(const char *what) {
    fprintf(stderr, "dtls_load: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

static unsigned give_psk(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
                         unsigned char *key, unsigned key_max) {
    (void)ssl;
    (void)hint;
    if (strlen(psk.identity) + 1 > identity_max || psk.length > key_max) {
        return 0;
    }
    strcpy(identity, psk.identity);
    memcpy(key, psk.key, psk.length);
    return psk.length;
}

/* ---- one session ---- */

static struct session *begin(bool stays) {
    struct session *session = calloc(1, sizeof *session);
    struct epoll_event event = {.events = EPOLLIN};
    BIO *bio;

    if (session == NULL) {
        fail("memory");
    }
    session->stays = stays;
    session->left = 1;
    session->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (session->fd < 0 ||
        connect(session->fd, (const struct sockaddr *)&load.server, sizeof load.server) != 0 ||
        fcntl(session->fd, F_SETFL, O_NONBLOCK) != 0) {
        fail("socket");
    }
    event.data.ptr = session;
    if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, session->fd, &event) != 0) {
        fail("epoll_ctl");
    }
    session->ssl = SSL_new(load.context);
    bio = BIO_new_dgram(session->fd, BIO_NOCLOSE);
    if (session->ssl == NULL || bio == NULL) {
        fail("SSL_new");
    }
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &load.server);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_options(session->ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(session->ssl, MTU);
    SSL_set_connect_state(session->ssl);
    return session;
}

static void ask(struct session *session) {
    const uint8_t high = (uint8_t)(++session->id >> 8);
    const uint8_t low = (uint8_t)session->id;
    const uint8_t get[] = {0x42, 0x01, high, low, high, low, 0xB5, 'i', 'n', 'd', 'e', 'x'};

    if (SSL_write(session->ssl, get, sizeof get) != (int)sizeof get) {
        fail("SSL_write");
    }
}

static void end(struct session *session) {
    if (session->stays) {
        return;
    }
    SSL_shutdown(session->ssl);
    SSL_free(session->ssl);
    close(session->fd);
    free(session);
}

/* What has come. True when the conversation is over. */
static bool go_on(struct session *session) {
    uint8_t answer[DATAGRAM_MAX];
    int len;

    if (!SSL_is_init_finished(session->ssl)) {
        int result = SSL_do_handshake(session->ssl);

        if (result != 1) {
            if (SSL_get_error(session->ssl, result) != SSL_ERROR_WANT_READ) {
                fail("handshake");
            }
            return false;
        }
        ask(session);
        return false;
    }
    len = SSL_read(session->ssl, answer, sizeof answer);
    if (len <= 0) {
        if (SSL_get_error(session->ssl, len) != SSL_ERROR_WANT_READ) {
            fail("SSL_read");
        }
        return false;
    }
    if (len < 8 || answer[0] != 0x62 || answer[1] != 0x45 || answer[2] != session->id >> 8 ||
        answer[3] != (session->id & 0xFF)) {
        errno = EPROTO;
        fail("not the answer that was awaited");
    }
    if (--session->left == 0) {
        return true;
    }
    ask(session);
    return false;
}

/* ---- many ---- */

static uint64_t now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Waits for a second without sleeping: to wake the load would be work of the server's core. */
static int wait_ready(struct epoll_event events[EVENTS]) {
    const uint64_t until = now_ns() + 1000000000U;
    int ready;

    while ((ready = epoll_wait(load.epoll, events, EVENTS, 0)) == 0 && now_ns() < until) {
        sched_yield(); /* to the server, where both have one core */
    }
    return ready;
}

/* Lets `count` conversations happen; `next` begins the n-th. */
static void run(size_t count, struct session *(*next)(size_t n)) {
    struct session **talking = calloc(load.at_once, sizeof(struct session *));
    size_t begun = 0;
    size_t done = 0;
    int silent = 0;

    if (talking == NULL) {
        fail("memory");
    }
    while (begun < count && begun < load.at_once) {
        talking[begun] = next(begun);
        begun++;
    }
    while (done < count) {
        struct epoll_event events[EVENTS];
        int ready = wait_ready(events);

        if (ready < 0 && errno != EINTR) {
            fail("epoll_wait");
        }
        silent = ready == 0 ? silent + 1 : 0;
        if (silent > PATIENCE_S) {
            errno = ETIMEDOUT;
            fail("no answer");
        }
        for (size_t i = 0; ready == 0 && i < load.at_once; i++) {
            if (talking[i] != NULL) {
                DTLSv1_handle_timeout(talking[i]->ssl);
            }
        }
        for (int i = 0; i < ready; i++) {
            struct session *session = events[i].data.ptr;

            if (session->left > 0 && go_on(session)) {
                size_t place = 0;

                while (talking[place] != session) {
                    place++;
                }
                snprintf(load.cipher, sizeof load.cipher, "%s", SSL_get_cipher(session->ssl));
                end(session);
                done++;
                talking[place] = begun < count ? next(begun++) : NULL;
            }
        }
    }
    free(talking);
}

static struct session *next_cold(size_t n) {
    struct session *session = begin(false);

    (void)n;
    SSL_do_handshake(session->ssl);
    return session;
}

static struct session *next_open(size_t n) {
    struct session *session = begin(true);

    (void)n;
    if (load.n_open == load.capacity) {
        load.capacity = load.capacity == 0 ? 1024 : 2 * load.capacity;
        load.open = realloc(load.open, load.capacity * sizeof(struct session *));
        if (load.open == NULL) {
            fail("memory");
        }
    }
    load.open[load.n_open++] = session;
    SSL_do_handshake(session->ssl);
    return session;
}

static unsigned long requests;

static struct session *next_asking(size_t n) {
    load.open[n]->left = (unsigned)requests;
    ask(load.open[n]);
    return load.open[n];
}

static bool obey(const char *command) {
    unsigned long number;

    if (sscanf(command, "cold %lu", &number) == 1) {
        run(number, next_cold);
    } else if (sscanf(command, "open %lu", &number) == 1) {
        run(number, next_open);
    } else if (sscanf(command, "ask %lu", &requests) == 1 && requests > 0) {
        run(load.n_open, next_asking);
    } else {
        return false;
    }
    return true;
}

/* ---- start ---- */

static bool read_key(const char *hex) {
    for (psk.length = 0; psk.length < KEY_MAX && hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        unsigned byte;

        if (sscanf(hex, "%2x", &byte) != 1) {
            return false;
        }
        psk.key[psk.length++] = (unsigned char)byte;
    }
    return psk.length > 0 && *hex == '\0';
}

static bool use_keys(int argc, char **argv) {
    if (argc == 7 && strcmp(argv[3], "psk") == 0) {
        psk.identity = argv[5];
        SSL_CTX_set_psk_client_callback(load.context, give_psk);
        return read_key(argv[6]);
    }
    if (argc == 8 && strcmp(argv[3], "cert") == 0) {
        SSL_CTX_set_verify(load.context, SSL_VERIFY_PEER, NULL);
        return SSL_CTX_use_certificate_file(load.context, argv[5], SSL_FILETYPE_PEM) == 1 &&
               SSL_CTX_use_PrivateKey_file(load.context, argv[6], SSL_FILETYPE_PEM) == 1 &&
               SSL_CTX_load_verify_locations(load.context, argv[7], NULL) == 1;
    }
    return false;
}

int main(int argc, char **argv) {
    char command[64];

    if (argc < 7) {
        fprintf(stderr, "usage: %s PORT AT_ONCE psk|cert CIPHERS ...\n", argv[0]);
        return 2;
    }
    load.server.sin_family = AF_INET;
    load.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    load.server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    load.at_once = strtoul(argv[2], NULL, 10);
    load.epoll = epoll_create1(0);
    load.context = SSL_CTX_new(DTLS_client_method());
    if (load.epoll < 0 || load.context == NULL ||
        SSL_CTX_set_cipher_list(load.context, argv[4]) != 1 || !use_keys(argc, argv)) {
        fail("start");
    }
    SSL_CTX_set_min_proto_version(load.context, DTLS1_2_VERSION);
    while (fgets(command, sizeof command, stdin) != NULL) {
        uint64_t start = now_ns();

        if (!obey(command)) {
            fprintf(stderr, "dtls_load: what is %s", command);
            return 2;
        }
        printf("done %llu %s\n", (unsigned long long)(now_ns() - start), load.cipher);
        fflush(stdout);
    }
    return 0; /* what is open the system closes */
}
