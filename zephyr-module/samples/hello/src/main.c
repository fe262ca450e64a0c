/* A device and a server in one node: they shake hands and exchange a sealed GET, in memory. */
#include <lscoap/platform.h>

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

static const uint8_t device_id[] = "hello";
static const uint8_t get[] = {0x01};                                    /* GET */
static const uint8_t content[] = {0x45, 0xFF, 'H', 'e', 'l', 'l', 'o'}; /* 2.05 */
static const uint8_t aad[] = {0xB5, 'h', 'e', 'l', 'l', 'o'};           /* Uri-Path */

struct keys {
    uint8_t secret[LSCOAP_SECRET_KEY_LEN];
    uint8_t public_key[LSCOAP_PUBLIC_KEY_LEN];
};

static struct keys device_keys, server_keys;
static lscoap_client client;
static lscoap_session session;
static lscoap_server server;
static lscoap_slot slots[2];

static bool make_keys(struct keys *keys) {
    const lscoap_platform *platform = lscoap_platform_zephyr();

    return platform->random(platform->context, keys->secret, sizeof keys->secret) == 0 &&
           lscoap_public_key(keys->secret, keys->public_key) == LSCOAP_OK;
}

static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    (void)context;
    if (id_len != sizeof device_id - 1 || memcmp(id, device_id, id_len) != 0) {
        return -1;
    }
    memcpy(public_key, device_keys.public_key, sizeof device_keys.public_key);
    return 0;
}

static bool init(int32_t profile) {
    const lscoap_client_config client_config = {.device_id = device_id,
                                                .device_id_len = sizeof device_id - 1,
                                                .identity = device_keys.secret,
                                                .server_key = server_keys.public_key,
                                                .profile = profile};
    const lscoap_server_config server_config = {.identity = server_keys.secret,
                                                .find_device = find_device};

    return make_keys(&device_keys) && make_keys(&server_keys) &&
           lscoap_server_init(&server, lscoap_platform_zephyr(), &server_config, slots,
                              ARRAY_SIZE(slots)) == LSCOAP_OK &&
           lscoap_client_init(&client, lscoap_platform_zephyr(), &client_config) == LSCOAP_OK;
}

static bool handshake(void) {
    uint8_t message[LSCOAP_MESSAGE_MAX];
    size_t len;
    const lscoap_sender from = {0};
    lscoap_io io;
    lscoap_status status = lscoap_client_step(&client, NULL, 0, message, sizeof message, &len);

    while (status == LSCOAP_SEND) {
        printk("  %s, %zu bytes\n", lscoap_message_name(message, len), len);
        io = (lscoap_io){.input = message,
                         .input_len = len,
                         .out = message,
                         .out_cap = sizeof message,
                         .now_ms = k_uptime_get()};
        status = lscoap_server_step(&server, &from, &io, NULL);
        len = io.out_len;
        if (status != LSCOAP_SEND) {
            break;
        }
        printk("  %s, %zu bytes\n", lscoap_message_name(message, len), len);
        status = lscoap_client_step(&client, message, len, message, sizeof message, &len);
    }
    return status == LSCOAP_READY && lscoap_client_finish(&client, &session) == LSCOAP_OK;
}

static bool request(const char *profile) {
    uint8_t object[sizeof content + LSCOAP_REQUEST_OVERHEAD];
    uint8_t ours[LSCOAP_FINGERPRINT_LEN], theirs[LSCOAP_FINGERPRINT_LEN];
    lscoap_io io = {.input = get,
                    .input_len = sizeof get,
                    .out = object,
                    .out_cap = sizeof object,
                    .now_ms = k_uptime_get(),
                    .aad = aad,
                    .aad_len = sizeof aad};
    lscoap_session *server_session;
    lscoap_exchange asked, answered;

    if (lscoap_seal_request(&session, &io, &asked) != LSCOAP_OK) {
        return false;
    }
    io.input = object;
    io.input_len = io.out_len;
    if (lscoap_server_open_request(&server, &io, &server_session, &answered) != LSCOAP_OK ||
        io.out_len != sizeof get || object[0] != get[0] ||
        lscoap_session_fingerprint(&session, ours) != LSCOAP_OK ||
        lscoap_session_fingerprint(server_session, theirs) != LSCOAP_OK ||
        memcmp(ours, theirs, sizeof ours) != 0) {
        return false;
    }
    printk("%s: fingerprints agree\n", profile);
    io.input = content;
    io.input_len = sizeof content;
    if (lscoap_seal_response(server_session, &io, &answered) != LSCOAP_OK) {
        return false;
    }
    io.input = object;
    io.input_len = io.out_len;
    if (lscoap_open_response(&session, &io, &asked) != LSCOAP_OK || io.out_len != sizeof content) {
        return false;
    }
    printk("%s: %u.%02u %.*s\n", profile, object[0] >> 5, object[0] & 0x1F, (int)io.out_len - 2,
           (const char *)object + 2);
    return true;
}

static bool run(const char *name, int32_t profile) {
    const uint32_t began = k_cycle_get_32();
    bool good = init(profile) && handshake() && request(name);

    printk("%s: %s, %u us for both ends\n", name, good ? "good" : "FAILED",
           k_cyc_to_us_near32(k_cycle_get_32() - began));
    return good;
}

int main(void) {
    bool good = run("signed", LSCOAP_SIGNED);
    size_t unused;

    good = run("express", LSCOAP_EXPRESS) && good;
    if (k_thread_stack_space_get(k_current_get(), &unused) == 0) {
        printk("stack: main used %zu of %d bytes\n", CONFIG_MAIN_STACK_SIZE - unused,
               CONFIG_MAIN_STACK_SIZE);
    }
    lscoap_client_wipe(&client);
    lscoap_session_wipe(&session);
    lscoap_server_wipe(&server);
    printk("lscoap hello: %s\n", good ? "passed" : "FAILED");
    return 0;
}
