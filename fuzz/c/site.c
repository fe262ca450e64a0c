#include "site.h"

#include "target.h"

#include <string.h>

static const uint8_t device_id[] = {'s', 'e', 'n', 's', 'o', 'r', '-', '7'};
static const uint8_t device_secret[LSCOAP_SECRET_KEY_LEN] = {1, 2, 3};
static const uint8_t server_secret[LSCOAP_SECRET_KEY_LEN] = {4, 5, 6};

struct record {
    uint8_t cid[LSCOAP_DEVICE_ID_MAX];
    size_t cid_len;
    uint8_t bytes[LSCOAP_RESUME_RECORD_MAX];
    size_t len; /* 0: there is none */
};

/* The server, now and after the first session. */
static struct server {
    lscoap_server server;
    lscoap_slot slots[2];
} live, saved;

static struct {
    bool made;
    uint8_t device_key[LSCOAP_PUBLIC_KEY_LEN];
    uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    size_t blob_len;
    struct record first; /* of the session that the blob is */
    struct record record;
    uint64_t random;
    uint64_t unique;
} site;

static int fill_random(void *context, uint8_t *out, size_t len) {
    (void)context;
    for (size_t i = 0; i < len; i++) {
        site.random = site.random * 6364136223846793005U + 1442695040888963407U;
        out[i] = (uint8_t)(site.random >> 56);
    }
    return 0;
}

static uint64_t unique(void *context) {
    (void)context;
    return site.unique++;
}

static int find_device(void *context, const uint8_t *id, size_t len, uint8_t *key) {
    (void)context;
    if (len != sizeof device_id || memcmp(id, device_id, len) != 0) {
        return -1;
    }
    memcpy(key, site.device_key, sizeof site.device_key);
    return 0;
}

static int load(void *context, const uint8_t *cid, size_t cid_len, uint8_t *record, size_t *len) {
    (void)context;
    if (site.record.len == 0 || cid_len != site.record.cid_len ||
        memcmp(cid, site.record.cid, cid_len) != 0) {
        return -1;
    }
    memcpy(record, site.record.bytes, site.record.len);
    *len = site.record.len;
    return 0;
}

static int save(void *context, const uint8_t *id, size_t id_len, const uint8_t *cid, size_t cid_len,
                const uint8_t *record, size_t len) {
    (void)context;
    MUST(id_len == sizeof device_id && memcmp(id, device_id, id_len) == 0);
    site.record.len = 0;
    if (record != NULL) {
        MUST(cid_len <= sizeof site.record.cid && len <= sizeof site.record.bytes);
        memcpy(site.record.cid, cid, cid_len);
        site.record.cid_len = cid_len;
        memcpy(site.record.bytes, record, len);
        site.record.len = len;
    }
    return 0;
}

static int keep_blob(void *context, const uint8_t *blob, size_t len) {
    (void)context;
    MUST(len <= sizeof site.blob);
    memcpy(site.blob, blob, len);
    site.blob_len = len;
    return 0;
}

int site_write_nothing(void *context, const uint8_t *blob, size_t len) {
    (void)context;
    (void)blob;
    (void)len;
    return 0;
}

lscoap_platform site_platform(void) {
    const lscoap_platform platform = {.random = fill_random, .unique = unique};

    return platform;
}

lscoap_client_config site_client_config(int32_t profile) {
    const lscoap_client_config config = {.device_id = device_id,
                                         .device_id_len = sizeof device_id,
                                         .identity = device_secret,
                                         .server_key = site.server_key,
                                         .profile = profile};

    return config;
}

lscoap_server_config site_server_config(void) {
    const lscoap_server_config config = {.identity = server_secret,
                                         .find_device = find_device,
                                         .load_resume = load,
                                         .save_resume = save};

    return config;
}

const uint8_t *site_session_blob(size_t *len) {
    *len = site.blob_len;
    return site.blob;
}

lscoap_server *site_server(void) {
    return &live.server;
}

/* A first request, which has the server store what resumption needs, and the device store the
 * session. */
static void use(lscoap_session *session) {
    static const uint8_t get[] = {1};
    uint8_t object[64], plain[64];
    lscoap_io io = {.input = get, .input_len = sizeof get, .out = object, .out_cap = sizeof object};
    lscoap_exchange ours, theirs;
    lscoap_session *found;

    MUST(lscoap_seal_request(session, &io, &ours) == LSCOAP_OK);
    io = (lscoap_io){
        .input = object, .input_len = io.out_len, .out = plain, .out_cap = sizeof plain};
    MUST(lscoap_server_open_request(&live.server, &io, &found, &theirs) == LSCOAP_OK);
    MUST(lscoap_session_store(session, 4, keep_blob, NULL) == LSCOAP_OK);
}

static void make(void) {
    static lscoap_client client;
    static lscoap_session session;
    const lscoap_platform platform = site_platform();
    lscoap_client_config client_config;
    const lscoap_server_config server_config = site_server_config();
    uint8_t message[LSCOAP_MESSAGE_MAX], answer[LSCOAP_MESSAGE_MAX];
    size_t len;
    lscoap_status status;

    MUST(lscoap_public_key(device_secret, site.device_key) == LSCOAP_OK);
    MUST(lscoap_public_key(server_secret, site.server_key) == LSCOAP_OK);
    client_config = site_client_config(LSCOAP_EXPRESS);
    MUST(lscoap_server_init(&live.server, &platform, &server_config, live.slots, 2) == LSCOAP_OK);
    MUST(lscoap_client_init(&client, &platform, &client_config) == LSCOAP_OK);
    status = lscoap_client_step(&client, NULL, 0, message, sizeof message, &len);
    while (status == LSCOAP_SEND) {
        lscoap_io io = {
            .input = message, .input_len = len, .out = answer, .out_cap = sizeof answer};

        MUST(lscoap_server_step(&live.server, &(lscoap_sender){0}, &io, NULL) > 0);
        status = lscoap_client_step(&client, answer, io.out_len, message, sizeof message, &len);
    }
    MUST(status == LSCOAP_READY && lscoap_client_finish(&client, &session) == LSCOAP_OK);
    use(&session);
    MUST(site.record.len > 0 && site.blob_len > 0);
    site.first = site.record;
    lscoap_session_wipe(&session);
    lscoap_client_wipe(&client);
    saved = live;
}

void site_begin(const uint8_t *input, size_t len) {
    if (!site.made) {
        make();
        site.made = true;
    }
    live = saved;
    site.record = site.first;
    site.unique = 1;
    site.random = 7;
    for (size_t i = 0; i < len; i++) {
        site.random = (site.random ^ input[i]) * 0x100000001b3U;
    }
}
