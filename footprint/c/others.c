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

static lscoap_context context;
static lscoap_session taken;

static int32_t session_hand_over(void) {
    return lscoap_session_hand_over(&device_session, &context);
}
static int32_t session_take_over(void) {
    static const lscoap_platform platform = {.random = ends_random};
    return lscoap_session_take_over(&taken, &platform, &context);
}
static int32_t server_confirm(void) {
    return lscoap_server_confirm(&server, server_session);
}

static lscoap_kept places[2];
static uint8_t kept_for[LSCOAP_FINGERPRINT_LEN];
static lscoap_answers answers = {places, 2, bytes, sizeof bytes};

static int32_t answers_keep(void) {
    return lscoap_answers_keep(&answers, server_session, NOW, blob, blob_len, blob, 8);
}
static int32_t answers_find(void) {
    size_t len;
    return lscoap_answers_find(&answers, NOW, blob, blob_len, &len) == NULL;
}
static int32_t answers_forget(void) {
    return lscoap_answers_forget(&answers, kept_for);
}

void measure_contexts(void) {
    probe("session_hand_over", session_hand_over);
    probe("session_take_over", session_take_over);
    probe("server_confirm", server_confirm);
    must("fingerprint", lscoap_session_fingerprint(server_session, kept_for));
    probe("answers_keep", answers_keep);
    probe("answers_find", answers_find);
    probe("answers_forget", answers_forget);
    memset(&context, 0, sizeof context);
    lscoap_session_wipe(&taken);
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
    probe_size("lscoap_device", sizeof(lscoap_device));
    probe_size("lscoap_observation", sizeof(lscoap_observation));
    probe_size("device_buffer", LSCOAP_DEVICE_BUFFER_MIN);
}
