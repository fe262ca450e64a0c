/* A device is provisioned once, by the shell, and knows itself ever after. The tests run in this
 * order. */
#include <lscoap/identity.h>

#include <errno.h>
#include <string.h>
#include <zephyr/settings/settings.h>
#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/ztest.h>

#define SERVER_STRING "LSS2:ALFLWXUP7FYLHMVJSYFIJNKKIWRQ5LLLPHARK4I3OG6SO2SB3SFKQ:EDVT"

/* Runs a command; what it printed. */
static const char *say(const char *command, int *result) {
    const struct shell *sh = shell_backend_dummy_get_ptr();
    size_t len;

    shell_backend_dummy_clear_output(sh);
    *result = shell_execute_cmd(sh, command);
    return shell_backend_dummy_get_output(sh, &len);
}

static void wait_for_shell(void) {
    WAIT_FOR(shell_ready(shell_backend_dummy_get_ptr()), 20000, k_msleep(1));
}

static void *set_up(void) {
    static const char *const keys[] = {"lscoap/id", "lscoap/key", "lscoap/server"};

    zassert_ok(settings_subsys_init());
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        (void)settings_delete(keys[i]); /* of an earlier run */
    }
    wait_for_shell();
    return NULL;
}

ZTEST_SUITE(lscoap_identity, NULL, set_up, NULL, NULL, NULL);

ZTEST(lscoap_identity, test_1_nobody_yet) {
    struct lscoap_identity identity;
    int result;

    zassert_equal(lscoap_identity_load(&identity), -ENOENT);
    zassert_not_null(strstr(say("lscoap info", &result), "device id: none"));
    zassert_ok(result);
    zassert_not_null(strstr(say("lscoap enrol", &result), "not enrolled"));
    zassert_equal(result, -ENOENT);
    zassert_equal(lscoap_identity_enrol((const uint8_t *)"", 0), -EINVAL);
}

ZTEST(lscoap_identity, test_2_enrolled_once) {
    struct lscoap_identity identity, again;
    uint8_t id[LSCOAP_DEVICE_ID_MAX], key[LSCOAP_PUBLIC_KEY_LEN], public_key[LSCOAP_PUBLIC_KEY_LEN];
    const char *printed, *string;
    size_t id_len;
    int result;

    printed = say("lscoap enrol node-1", &result);
    zassert_ok(result);
    string = strstr(printed, "LSC2:");
    zassert_not_null(string);
    zassert_ok(lscoap_parse_device(string, strcspn(string, "\r\n"), id, &id_len, key, NULL));
    zassert_mem_equal(id, "node-1", id_len);

    zassert_ok(lscoap_identity_load(&identity));
    zassert_ok(lscoap_public_key(identity.secret, public_key));
    zassert_mem_equal(key, public_key, sizeof key);
    zassert_false(identity.has_server_key);

    zassert_not_null(strstr(say("lscoap enrol node-2", &result), "has a key already"));
    zassert_ok(lscoap_identity_load(&again));
    zassert_mem_equal(&again, &identity, sizeof again);
}

ZTEST(lscoap_identity, test_3_server) {
    struct lscoap_identity identity;
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    int result;

    zassert_not_null(strstr(say("lscoap handshake 127.0.0.1 5683", &result), "no server key"));
    zassert_not_null(strstr(say("lscoap server LSS2:NONSENSE", &result), "not a server's"));
    (void)say("lscoap server " SERVER_STRING, &result);
    zassert_ok(result);
    zassert_ok(lscoap_identity_load(&identity));
    zassert_true(identity.has_server_key);
    zassert_ok(lscoap_parse_server(SERVER_STRING, strlen(SERVER_STRING), key, NULL));
    zassert_mem_equal(identity.server_key, key, sizeof key);
    zassert_not_null(strstr(say("lscoap info", &result), "server key: known"));
}

/* A key that is cut short in the flash is no key. */
ZTEST(lscoap_identity, test_4_damaged) {
    struct lscoap_identity identity;
    static const uint8_t half[LSCOAP_SECRET_KEY_LEN / 2] = {1};

    zassert_ok(settings_save_one("lscoap/key", half, sizeof half));
    zassert_equal(lscoap_identity_load(&identity), -ENOENT);
}
