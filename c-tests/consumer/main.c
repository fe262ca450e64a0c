/* A consumer of the library: prints the enrolment string of a server's key. */
#include <lscoap.h>
#include <stdio.h>

int main(void) {
    const uint8_t secret[LSCOAP_SECRET_KEY_LEN] = {1};
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    char text[LSCOAP_SERVER_STRING_MAX];
    size_t len;
    if (lscoap_public_key(secret, key) != LSCOAP_OK ||
        lscoap_format_server(key, text, sizeof text, &len) != LSCOAP_OK) {
        return 1;
    }
    puts(text);
    return 0;
}
