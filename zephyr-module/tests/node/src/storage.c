/* Settings that last as long as the node: enough for one value. */
#include <errno.h>
#include <string.h>
#include <zephyr/settings/settings.h>
#include <zephyr/sys/util.h>

static char name[32];
static uint8_t value[128];
static size_t value_len;

static ssize_t read_value(void *from, void *data, size_t len) {
    len = MIN(len, value_len);
    memcpy(data, from, len);
    return (ssize_t)len;
}

static int load(struct settings_store *store, const struct settings_load_arg *arg) {
    ARG_UNUSED(store);
    return value_len == 0 ? 0 : settings_call_set_handler(name, value_len, read_value, value, arg);
}

/* No bytes: it is deleted. */
static int save(struct settings_store *store, const char *what, const char *bytes, size_t len) {
    ARG_UNUSED(store);
    if (strlen(what) >= sizeof name || len > sizeof value) {
        return -ENOSPC;
    }
    strcpy(name, what);
    if (len > 0) {
        memcpy(value, bytes, len);
    }
    value_len = len;
    return 0;
}

int settings_backend_init(void) {
    static const struct settings_store_itf functions = {.csi_load = load, .csi_save = save};
    static struct settings_store store = {.cs_itf = &functions};

    settings_dst_register(&store);
    settings_src_register(&store);
    return 0;
}
