/* Where secure_server keeps what resumption needs: one SQLite file with one row a device, so that
 * devices resume after a restart. A row holds the secret of a session: who can read the file can be
 * the device, so it is made for its owner alone, and refused where private_file.h would refuse it.
 *
 * A store belongs to one process: a second server on the same file is refused. */
#ifndef LSCOAP_EXAMPLES_RESUME_STORE_H
#define LSCOAP_EXAMPLES_RESUME_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resume_store;

/* Opens the file, or makes it. NULL, and a line on stderr, when that fails or when the file is
 * something else or of another version. */
struct resume_store *resume_store_open(const char *path);

/* NULL is allowed. */
void resume_store_close(struct resume_store *store);

/* These two are an lscoap_load_resume and an lscoap_save_resume; the context is the store. */
int resume_store_load(void *store, const uint8_t *cid, size_t cid_len, uint8_t *record,
                      size_t *record_len);
int resume_store_save(void *store, const uint8_t *device_id, size_t device_id_len,
                      const uint8_t *cid, size_t cid_len, const uint8_t *record, size_t record_len);

/* What is saved between the two is on storage after the second, and waits for the disk once. */
bool resume_store_begin(struct resume_store *store);
bool resume_store_commit(struct resume_store *store);

/* Deletes the row of each device that `known` does not know. */
bool resume_store_prune(struct resume_store *store,
                        bool (*known)(void *context, const uint8_t *device_id, size_t len),
                        void *context);

#endif
