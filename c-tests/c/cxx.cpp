// The header as C++11.
#include <lscoap.h>

#include <cstring>
#include <vector>

extern "C" int cxx_uses_the_header(void);

int cxx_uses_the_header(void) {
    static lscoap_client client;
    lscoap_session session = {};
    std::vector<uint8_t> secret(LSCOAP_SECRET_KEY_LEN, 1), key(LSCOAP_PUBLIC_KEY_LEN),
        buffer(LSCOAP_MESSAGE_MAX);
    size_t len = 0;
    lscoap_platform platform = lscoap_platform();
    platform.random = [](void *, uint8_t *out, size_t out_len) {
        std::memset(out, 7, out_len);
        return 0;
    };
    if (lscoap_public_key(secret.data(), key.data()) != LSCOAP_OK) {
        return 1;
    }
    lscoap_client_config config = lscoap_client_config();
    config.device_id = secret.data();
    config.device_id_len = 1;
    config.identity = secret.data();
    config.server_key = key.data();
    config.profile = LSCOAP_SIGNED;
    if (lscoap_client_init(&client, &platform, &config) != LSCOAP_OK ||
        lscoap_client_step(&client, nullptr, 0, buffer.data(), buffer.size(), &len) !=
            LSCOAP_SEND ||
        std::strcmp(lscoap_message_name(buffer.data(), len), "M1") != 0) {
        return 2;
    }
    if (lscoap_client_finish(&client, &session) != LSCOAP_ERR_STATE) {
        return 3;
    }
    lscoap_client_wipe(&client);
    return 0;
}
