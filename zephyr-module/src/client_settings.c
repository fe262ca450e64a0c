#include "client_settings.h"

#include <zephyr/settings/settings.h>

static const char name[] = "lscoap/session";

struct loaded {
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    size_t len;
};

int client_settings_save(const uint8_t *blob, size_t len) {
    const int result = settings_subsys_init();

    if (result != 0) {
        return result;
    }
    return len == 0 ? settings_delete(name) : settings_save_one(name, blob, len);
}

static int take(const char *key, size_t len, settings_read_cb read, void *from, void *param) {
    struct loaded *loaded = param;

    /* What is below the name is somebody else's. */
    if ((key == NULL || *key == '\0') && len <= sizeof loaded->blob &&
        read(from, loaded->blob, len) == (ssize_t)len) {
        loaded->len = len;
    }
    return 0;
}

lscoap_status client_settings_restore(lscoap_device *device) {
    struct loaded loaded = {.len = 0};
    /* Through a volatile pointer, so that wiping is not left out. */
    volatile uint8_t *bytes = loaded.blob;
    lscoap_status status = LSCOAP_ERR_STORAGE;

    if (settings_subsys_init() == 0 && settings_load_subtree_direct(name, take, &loaded) == 0) {
        status = lscoap_device_restore(device, loaded.blob, loaded.len);
    }
    for (size_t i = 0; i < sizeof loaded.blob; i++) {
        bytes[i] = 0;
    }
    return status;
}
