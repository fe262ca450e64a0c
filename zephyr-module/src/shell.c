/* The shell command lscoap. */
#include <lscoap/coap_client.h>
#include <lscoap/identity.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/coap.h>
#include <zephyr/shell/shell.h>

BUILD_ASSERT(CONFIG_SHELL_STACK_SIZE >= CONFIG_LSCOAP_STACK_SIZE,
             "set CONFIG_SHELL_STACK_SIZE to at least CONFIG_LSCOAP_STACK_SIZE");

enum { PORT_MAX = 65535 };

#if defined(CONFIG_LSCOAP_SIGNED)
#define PROFILE LSCOAP_SIGNED
#else
#define PROFILE LSCOAP_EXPRESS
#endif

static struct lscoap_coap_client client;

static int load(const struct shell *sh, struct lscoap_identity *identity) {
    int result = lscoap_identity_load(identity);

    if (result == -ENOENT) {
        shell_error(sh, "not enrolled: the device has no key yet");
    } else if (result != 0) {
        shell_error(sh, "the identity cannot be read: %d", result);
    }
    return result;
}

static int cmd_info(const struct shell *sh, size_t argc, char **argv) {
    const uint32_t version = lscoap_version();
    struct lscoap_identity identity;

    ARG_UNUSED(argc);
    ARG_UNUSED(argv);
    shell_print(sh, "lscoap %u.%u.%u", (unsigned)(version >> 16), (unsigned)(version >> 8 & 0xFF),
                (unsigned)(version & 0xFF));
    shell_print(sh, "roles:%s%s", IS_ENABLED(CONFIG_LSCOAP_CLIENT) ? " client" : "",
                IS_ENABLED(CONFIG_LSCOAP_SERVER) ? " server" : "");
    shell_print(sh, "profiles:%s%s", IS_ENABLED(CONFIG_LSCOAP_SIGNED) ? " signed" : "",
                IS_ENABLED(CONFIG_LSCOAP_EXPRESS) ? " express" : "");
    if (lscoap_identity_load(&identity) == 0) {
        shell_print(sh, "device id: %.*s", (int)identity.device_id_len,
                    (const char *)identity.device_id);
        shell_print(sh, "server key: %s", identity.has_server_key ? "known" : "none");
    } else {
        shell_print(sh, "device id: none");
    }
    lscoap_identity_wipe(&identity);
    return 0;
}

/* With an id, gives the device a key first. */
static int cmd_enrol(const struct shell *sh, size_t argc, char **argv) {
    struct lscoap_identity identity;
    char text[LSCOAP_DEVICE_STRING_MAX];
    int result = 0;

    if (argc > 1) {
#if defined(CONFIG_LSCOAP_IDENTITY_SETTINGS)
        result = lscoap_identity_enrol((const uint8_t *)argv[1], strlen(argv[1]));
#else
        ARG_UNUSED(argv);
        result = -EALREADY;
#endif
    }
    if (result == -EALREADY) {
        shell_error(sh, "the device has a key already");
        return result;
    }
    if (result != 0) {
        shell_error(sh, "no key was made: %d", result);
        return result;
    }
    result = load(sh, &identity);
    if (result == 0 && lscoap_identity_string(&identity, text) == LSCOAP_OK) {
        shell_print(sh, "%s", text);
    }
    lscoap_identity_wipe(&identity);
    return result;
}

#if defined(CONFIG_LSCOAP_IDENTITY_SETTINGS)
static int cmd_server(const struct shell *sh, size_t argc, char **argv) {
    int result = lscoap_identity_set_server(argv[1]);

    ARG_UNUSED(argc);
    if (result == -EINVAL) {
        shell_error(sh, "not a server's enrolment string (LSS2:...)");
    } else if (result != 0) {
        shell_error(sh, "not kept: %d", result);
    }
    return result;
}
#endif

/* ---- over the network: ADDRESS PORT */

static bool parse_address(const struct shell *sh, char **argv, struct lscoap_coap_address *out) {
    char *end;
    const unsigned long port = strtoul(argv[2], &end, 10);

    if (*end != '\0' || port < 1 || port > PORT_MAX ||
        !lscoap_coap_parse_address(argv[1], (uint16_t)port, out)) {
        shell_error(sh, "an address and a port are needed, such as 192.0.2.1 5683");
        return false;
    }
    return true;
}

static int connect_to(const struct shell *sh, char **argv) {
    struct lscoap_identity identity;
    struct lscoap_coap_address server;
    lscoap_client_config config;
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];
    int result;

    if (!parse_address(sh, argv, &server) || load(sh, &identity) != 0) {
        return -EINVAL;
    }
    if (!identity.has_server_key) {
        lscoap_identity_wipe(&identity);
        shell_error(sh, "no server key: lscoap server LSS2:...");
        return -ENOENT;
    }
    lscoap_coap_client_close(&client);
    config = lscoap_identity_config(&identity, PROFILE);
    result = lscoap_coap_client_init(&client, &config, LSCOAP_CARRIER_PAYLOAD);
    lscoap_identity_wipe(&identity);
    if (result == LSCOAP_OK) {
        result = lscoap_coap_client_connect(&client, &server.any, server.len);
    }
    if (result == LSCOAP_OK) {
        result = lscoap_session_fingerprint(lscoap_coap_client_session(&client), fingerprint);
    }
    if (result != LSCOAP_OK) {
        shell_error(sh, "%s", lscoap_coap_client_strerror(result));
        return -EIO;
    }
    shell_print(sh, "server authenticated, session fingerprint:");
    shell_hexdump(sh, fingerprint, sizeof fingerprint);
    return 0;
}

static int cmd_handshake(const struct shell *sh, size_t argc, char **argv) {
    int result = connect_to(sh, argv);

    ARG_UNUSED(argc);
    lscoap_coap_client_close(&client);
    return result;
}

/* An answer on its way to the console. */
static int print_piece(void *context, const lscoap_piece *piece) {
    const struct shell *sh = context;
    char text[LSCOAP_COAP_PRINTABLE_MAX];

    if (piece->offset == 0) {
        shell_print(sh, "%u.%02u", piece->code >> 5, piece->code & 0x1F);
    }
    for (size_t i = 0; i < piece->payload_len; i++) {
        lscoap_coap_printable(piece->payload[i], text);
        shell_fprintf(sh, SHELL_NORMAL, "%s", text);
    }
    if (!piece->more && piece->offset + piece->payload_len > 0) {
        shell_print(sh, "%s", "");
    }
    return 0;
}

static int cmd_get(const struct shell *sh, size_t argc, char **argv) {
    const lscoap_request get = {
        .code = COAP_METHOD_GET, .path = argv[3], .take = print_piece, .context = (void *)sh};
    int result = connect_to(sh, argv);

    ARG_UNUSED(argc);
    if (result == 0) {
        const int got = lscoap_coap_client_request(&client, &get);

        if (got != LSCOAP_OK) {
            shell_error(sh, "%s", lscoap_coap_client_strerror(got));
            result = -EIO;
        }
    }
    lscoap_coap_client_close(&client);
    return result;
}

SHELL_STATIC_SUBCMD_SET_CREATE(
    commands, SHELL_CMD_ARG(info, NULL, "version, features, identity", cmd_info, 1, 0),
    SHELL_CMD_ARG(enrol, NULL, "[ID]: the enrolment string; with an id, makes the key first",
                  cmd_enrol, 1, 1),
#if defined(CONFIG_LSCOAP_IDENTITY_SETTINGS)
    SHELL_CMD_ARG(server, NULL, "LSS2:...: keeps the server's key", cmd_server, 2, 0),
#endif
    SHELL_CMD_ARG(handshake, NULL, "ADDRESS PORT", cmd_handshake, 3, 0),
    SHELL_CMD_ARG(get, NULL, "ADDRESS PORT PATH", cmd_get, 4, 0), SHELL_SUBCMD_SET_END);

SHELL_CMD_REGISTER(lscoap, &commands, "secure CoAP", NULL);
