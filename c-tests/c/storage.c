#include "storage.h"
#include <string.h>

int storage_write(void *context, const uint8_t *blob, size_t blob_len) {
    struct storage *storage = context;
    storage->writes++;
    if (storage->broken || blob_len > sizeof storage->blob) {
        return -1;
    }
    memcpy(storage->blob, blob, blob_len);
    storage->blob_len = blob_len;
    return 0;
}

int storage_load(void *context, const uint8_t *cid, size_t cid_len, uint8_t *record,
                 size_t *record_len) {
    const struct storage *storage = context;
    if (storage->record_len == 0 || cid_len != storage->cid_len ||
        memcmp(cid, storage->cid, cid_len) != 0) {
        return -1;
    }
    memcpy(record, storage->record, storage->record_len);
    *record_len = storage->record_len;
    return 0;
}

int storage_save(void *context, const uint8_t *device_id, size_t device_id_len, const uint8_t *cid,
                 size_t cid_len, const uint8_t *record, size_t record_len) {
    struct storage *storage = context;
    storage->writes++;
    if (storage->broken || device_id_len != 8 || memcmp(device_id, "sensor-7", 8) != 0) {
        return -1;
    }
    if (record != NULL) {
        memcpy(storage->record, record, record_len);
        memcpy(storage->cid, cid, cid_len);
    }
    storage->record_len = record_len;
    storage->cid_len = cid_len;
    return 0;
}

void storage_restart_server(struct check *t, struct world *w, struct storage *storage) {
    w->server_config.load_resume = storage_load;
    w->server_config.save_resume = storage_save;
    w->server_config.resume_context = storage;
    CHECK_STATUS(
        lscoap_server_init(&w->server, &w->server_platform, &w->server_config, w->slots, SLOTS),
        LSCOAP_OK);
}
