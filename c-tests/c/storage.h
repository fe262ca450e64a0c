/* Storage that tests can break: a session's blob, and one resume record. */
#ifndef STORAGE_H
#define STORAGE_H

#include "support.h"

struct storage {
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    size_t blob_len;
    uint8_t record[LSCOAP_RESUME_RECORD_MAX];
    size_t record_len;
    uint8_t cid[LSCOAP_CID_MAX];
    size_t cid_len;
    bool broken;
    unsigned writes;
};

int storage_write(void *storage, const uint8_t *blob, size_t blob_len);
int storage_load(void *storage, const uint8_t *cid, size_t cid_len, uint8_t *record,
                 size_t *record_len);
int storage_save(void *storage, const uint8_t *device_id, size_t device_id_len, const uint8_t *cid,
                 size_t cid_len, const uint8_t *record, size_t record_len);
/* Gives w's server storage: it begins anew, without any session. */
void storage_restart_server(struct check *t, struct world *w, struct storage *storage);

#endif
