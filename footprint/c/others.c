#include "others.h"
#include "ends.h"
#include "probe.h"
#include <string.h>

static char text[LSCOAP_DEVICE_STRING_MAX];
static size_t text_len;
static uint8_t bytes[LSCOAP_DEVICE_ID_MAX];
static size_t bytes_len;
static uint8_t key[LSCOAP_PUBLIC_KEY_LEN];

static int32_t public_key(void) {
    return lscoap_public_key(device_secret, key);
}
static int32_t format_device(void) {
    return lscoap_format_device(DEVICE_ID, device_key, text, sizeof text, &text_len);
}
static int32_t parse_device(void) {
    return lscoap_parse_device(text, text_len, bytes, &bytes_len, key, NULL);
}
static int32_t format_server(void) {
    return lscoap_format_server(server_key, text, sizeof text, &text_len);
}
static int32_t parse_server(void) {
    return lscoap_parse_server(text, text_len, key, NULL);
}

void measure_enrolment(void) {
    probe("public_key", public_key);
    probe("format_device", format_device);
    probe("parse_device", parse_device);
    probe("format_server", format_server);
    probe("parse_server", parse_server);
}

static int32_t device_id(void) {
    return lscoap_session_device_id(&device_session, bytes, sizeof bytes, &bytes_len);
}
static int32_t fingerprint(void) {
    return lscoap_session_fingerprint(&device_session, bytes);
}
static int32_t export_key(void) {
    return lscoap_session_export_key(&device_session, (const uint8_t *)"label", 5, NULL, 0, bytes,
                                     sizeof bytes);
}
static int32_t server_public_key(void) {
    return lscoap_server_public_key(&server, key);
}
static int32_t server_stats(void) {
    static lscoap_stats stats;
    return lscoap_server_stats(&server, &stats);
}

static uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
static size_t blob_len;

static int keep(void *context, const uint8_t *data, size_t len) {
    (void)context;
    memcpy(blob, data, len);
    blob_len = len;
    return 0;
}
static int32_t session_store(void) {
    return lscoap_session_store(&device_session, 1000, keep, NULL);
}
static int32_t session_restore(void) {
    return lscoap_session_restore(&device_session, NULL, blob, blob_len);
}

void measure_session(void) {
    probe("session_device_id", device_id);
    probe("session_fingerprint", fingerprint);
    probe("session_export_key", export_key);
    probe("server_public_key", server_public_key);
    probe("server_stats", server_stats);
    probe("session_store", session_store);
    probe("session_restore", session_restore);
}

static const uint8_t alert[] = {0x1f, 1};

static int32_t version(void) {
    return lscoap_version() == 0;
}
static int32_t status_string(void) {
    return lscoap_status_string(LSCOAP_OK) == NULL;
}
static int32_t message_name(void) {
    return lscoap_message_name(alert, sizeof alert) == NULL;
}
static int32_t response_code(void) {
    return lscoap_response_code(alert, sizeof alert) == 0;
}
static int32_t record_refusal(void) {
    return lscoap_record_refusal(LSCOAP_ERR_MALFORMED, bytes) == 0;
}

void measure_names(void) {
    probe("version", version);
    probe("status_string", status_string);
    probe("message_name", message_name);
    probe("response_code", response_code);
    probe("record_refusal", record_refusal);
}

static int32_t session_wipe(void) {
    lscoap_session_wipe(&device_session);
    return 0;
}
static int32_t client_restart(void) {
    return lscoap_client_restart(&client);
}
static int32_t client_wipe(void) {
    lscoap_client_wipe(&client);
    return 0;
}
static int32_t server_forget(void) {
    return lscoap_server_forget(&server, DEVICE_ID);
}
static int32_t server_wipe(void) {
    lscoap_server_wipe(&server);
    return 0;
}

void measure_ends(void) {
    probe("session_wipe", session_wipe);
    probe("client_restart", client_restart);
    probe("client_wipe", client_wipe);
    probe("server_forget", server_forget);
    probe("server_wipe", server_wipe);
}

void print_sizes(void) {
    probe_size("lscoap_client", sizeof(lscoap_client));
    probe_size("lscoap_session", sizeof(lscoap_session));
    probe_size("lscoap_exchange", sizeof(lscoap_exchange));
    probe_size("lscoap_server", sizeof(lscoap_server));
    probe_size("lscoap_slot", sizeof(lscoap_slot));
}
