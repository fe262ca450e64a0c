/* The identity in Zephyr's settings, under lscoap/id, lscoap/key and lscoap/server. */
#include <lscoap/identity.h>
#include <lscoap/platform.h>

#include <errno.h>
#include <string.h>
#include <zephyr/settings/settings.h>

enum { KEY_ATTEMPTS = 4 };

struct loaded {
    struct lscoap_identity *identity;
    bool has_secret;
};

static bool read_exactly(settings_read_cb read, void *from, size_t stored, void *out, size_t len) {
    return stored == len && read(from, out, len) == (ssize_t)len;
}

static int take(const char *key, size_t len, settings_read_cb read, void *from, void *param) {
    struct loaded *loaded = param;
    struct lscoap_identity *identity = loaded->identity;

    if (strcmp(key, "id") == 0) {
        if (len >= 1 && len <= sizeof identity->device_id &&
            read_exactly(read, from, len, identity->device_id, len)) {
            identity->device_id_len = len;
        }
    } else if (strcmp(key, "key") == 0) {
        loaded->has_secret =
            read_exactly(read, from, len, identity->secret, sizeof identity->secret);
    } else if (strcmp(key, "server") == 0) {
        identity->has_server_key =
            read_exactly(read, from, len, identity->server_key, sizeof identity->server_key);
    }
    return 0;
}

int lscoap_identity_load(struct lscoap_identity *identity) {
    struct loaded loaded = {.identity = identity};
    int result;

    memset(identity, 0, sizeof *identity);
    result = settings_subsys_init();
    if (result == 0) {
        result = settings_load_subtree_direct("lscoap", take, &loaded);
    }
    if (result != 0) {
        return result;
    }
    return loaded.has_secret && identity->device_id_len > 0 ? 0 : -ENOENT;
}

/* A secret that has a public key: nearly every 32 random bytes do. */
static int make_secret(uint8_t secret[LSCOAP_SECRET_KEY_LEN]) {
    const lscoap_platform *platform = lscoap_platform_zephyr();
    uint8_t public_key[LSCOAP_PUBLIC_KEY_LEN];

    for (int i = 0; i < KEY_ATTEMPTS; i++) {
        if (platform->random(platform->context, secret, LSCOAP_SECRET_KEY_LEN) != 0) {
            break;
        }
        if (lscoap_public_key(secret, public_key) == LSCOAP_OK) {
            return 0;
        }
    }
    return -EIO;
}

int lscoap_identity_enrol(const uint8_t *device_id, size_t len) {
    struct lscoap_identity identity;
    int result;

    if (len < 1 || len > LSCOAP_DEVICE_ID_MAX) {
        return -EINVAL;
    }
    result = lscoap_identity_load(&identity);
    if (result == 0) {
        result = -EALREADY;
    } else if (result == -ENOENT) {
        result = make_secret(identity.secret);
        if (result == 0) {
            result = settings_save_one("lscoap/key", identity.secret, sizeof identity.secret);
        }
        if (result == 0) { /* last: without an id there is no identity */
            result = settings_save_one("lscoap/id", device_id, len);
        }
    }
    lscoap_identity_wipe(&identity);
    return result;
}

int lscoap_identity_set_server(const char *text) {
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    int result = settings_subsys_init();

    if (result != 0) {
        return result;
    }
    if (lscoap_parse_server(text, strlen(text), key, NULL) != LSCOAP_OK) {
        return -EINVAL;
    }
    return settings_save_one("lscoap/server", key, sizeof key);
}
