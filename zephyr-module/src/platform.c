#include <lscoap/platform.h>

#include <zephyr/init.h>
#include <zephyr/logging/log.h>

#if defined(CONFIG_LSCOAP_ENTROPY_PSA)
#include <psa/crypto.h>
#else
#include <zephyr/random/random.h>
#endif
#if defined(CONFIG_LSCOAP_AES_PSA)
#include "aes_psa.h"
#endif

LOG_MODULE_REGISTER(lscoap, CONFIG_LSCOAP_LOG_LEVEL);

static int fill_random(void *context, uint8_t *out, size_t len) {
    (void)context;
#if defined(CONFIG_LSCOAP_ENTROPY_PSA)
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
#elif defined(CONFIG_LSCOAP_ENTROPY_CSPRNG)
    return sys_csrand_get(out, len);
#else
    sys_rand_get(out, len);
    return 0;
#endif
}

const lscoap_platform *lscoap_platform_zephyr(void) {
    static const lscoap_platform platform = {
        .random = fill_random,
#if defined(CONFIG_LSCOAP_AES_PSA)
        .aes128_encrypt = lscoap_aes_psa_encrypt,
#endif
    };

    return &platform;
}

static int start(void) {
#if defined(CONFIG_LSCOAP_ENTROPY_INSECURE_TEST)
    LOG_WRN("INSECURE: random numbers are not random (LSCOAP_ENTROPY_INSECURE_TEST)");
#endif
#if defined(CONFIG_LSCOAP_IDENTITY_TEST)
    LOG_WRN("INSECURE: everybody knows this node's key (LSCOAP_IDENTITY_TEST)");
#endif
#if defined(CONFIG_LSCOAP_AES_PSA) || defined(CONFIG_LSCOAP_ENTROPY_PSA)
    if (psa_crypto_init() != PSA_SUCCESS) {
        LOG_ERR("PSA crypto does not start");
        return -EIO;
    }
#endif
    return 0;
}

SYS_INIT(start, APPLICATION, CONFIG_APPLICATION_INIT_PRIORITY);
