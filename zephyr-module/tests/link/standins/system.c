/* Console, shell, settings and PSA crypto: what is called is there, and does nothing worth a test.
 */
#include <psa/crypto.h>
#include <zephyr/kernel.h>
#include <zephyr/random/random.h>
#include <zephyr/settings/settings.h>
#include <zephyr/shell/shell.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void printk(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
}

void shell_fprintf(const struct shell *sh, int color, const char *format, ...) {
    va_list arguments;

    ARG_UNUSED(sh);
    ARG_UNUSED(color);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
}

void shell_hexdump(const struct shell *sh, const uint8_t *bytes, size_t len) {
    ARG_UNUSED(sh);
    ARG_UNUSED(bytes);
    ARG_UNUSED(len);
}

int settings_subsys_init(void) {
    return 0;
}

/* One value is kept. */
static char stored_name[32];
static uint8_t stored[128];
static size_t stored_len;

static ssize_t read_stored(void *from, void *data, size_t len) {
    memcpy(data, from, len);
    return (ssize_t)len;
}

int settings_load_subtree_direct(const char *subtree, settings_load_direct_cb load, void *param) {
    return stored_len > 0 && strcmp(subtree, stored_name) == 0
               ? load(NULL, stored_len, read_stored, stored, param)
               : 0;
}

int settings_save_one(const char *name, const void *value, size_t len) {
    if (len > sizeof stored || strlen(name) >= sizeof stored_name) {
        return -1;
    }
    strcpy(stored_name, name);
    memcpy(stored, value, len);
    stored_len = len;
    return 0;
}

int settings_delete(const char *name) {
    if (strcmp(name, stored_name) == 0) {
        stored_len = 0;
    }
    return 0;
}

psa_status_t psa_crypto_init(void) {
    return PSA_SUCCESS;
}

psa_status_t psa_generate_random(uint8_t *out, size_t len) {
    sys_rand_get(out, len);
    return PSA_SUCCESS;
}

void psa_set_key_type(psa_key_attributes_t *attributes, uint32_t type) {
    attributes->type = type;
}

void psa_set_key_bits(psa_key_attributes_t *attributes, size_t bits) {
    attributes->bits = bits;
}

void psa_set_key_usage_flags(psa_key_attributes_t *attributes, uint32_t usage) {
    attributes->usage = usage;
}

void psa_set_key_algorithm(psa_key_attributes_t *attributes, uint32_t algorithm) {
    attributes->algorithm = algorithm;
}

psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *key, size_t len,
                            psa_key_id_t *id) {
    ARG_UNUSED(attributes);
    ARG_UNUSED(key);
    ARG_UNUSED(len);
    *id = 0;
    return -1;
}

psa_status_t psa_destroy_key(psa_key_id_t id) {
    ARG_UNUSED(id);
    return PSA_SUCCESS;
}

psa_status_t psa_cipher_encrypt(psa_key_id_t id, uint32_t algorithm, const uint8_t *in,
                                size_t in_len, uint8_t *out, size_t out_size, size_t *out_len) {
    ARG_UNUSED(id);
    ARG_UNUSED(algorithm);
    ARG_UNUSED(in);
    ARG_UNUSED(in_len);
    ARG_UNUSED(out);
    ARG_UNUSED(out_size);
    *out_len = 0;
    return -1;
}
