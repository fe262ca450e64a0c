// A device in C++ for a microcontroller: no exceptions, no run-time types, no standard library. It
// is not run.
#include <lscoap.h>

namespace {

class Client {
  public:
    Client() = default;
    Client(const Client &) = delete; // an object of lscoap is never copied
    Client &operator=(const Client &) = delete;
    ~Client() {
        lscoap_client_wipe(&client_);
    }

    lscoap_status init(const lscoap_platform &platform, const lscoap_client_config &config) {
        return lscoap_client_init(&client_, &platform, &config);
    }
    lscoap_status first(uint8_t (&message)[LSCOAP_MESSAGE_MAX], size_t &len) {
        return lscoap_client_step(&client_, nullptr, 0, message, sizeof message, &len);
    }

  private:
    lscoap_client client_ = {};
};

volatile uint8_t radio;

} // namespace

int main() {
    static const uint8_t identity[LSCOAP_SECRET_KEY_LEN] = {1};
    static uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
    static uint8_t message[LSCOAP_MESSAGE_MAX];
    lscoap_platform platform = lscoap_platform();
    platform.random = [](void *, uint8_t *out, size_t len) {
        while (len-- > 0) {
            *out++ = radio;
        }
        return 0;
    };
    lscoap_client_config config = lscoap_client_config();
    config.device_id = identity;
    config.device_id_len = 1;
    config.identity = identity;
    config.server_key = server_key;
    config.profile = LSCOAP_SIGNED;

    Client client;
    size_t len = 0;
    lscoap_status status = client.init(platform, config);
    if (status == LSCOAP_OK) {
        status = client.first(message, len);
    }
    radio = message[0];
    return status;
}
