/* SMSC LAN9118. */
#include "ethernet.h"

/* Where the boards MPS2 have it. */
#ifndef LAN9118_BASE
#define LAN9118_BASE 0x40200000u
#endif

/* Offsets in bytes. */
enum {
    RX_DATA = 0x00,
    TX_DATA = 0x20,
    RX_STATUS = 0x40,
    BYTE_TEST = 0x64,
    TX_CFG = 0x70,
    HW_CFG = 0x74,
    RX_DP_CTRL = 0x78,
    RX_FIFO_INF = 0x7C,
    TX_FIFO_INF = 0x80,
    MAC_CSR_CMD = 0xA4,
    MAC_CSR_DATA = 0xA8
};

/* Registers of the MAC, behind MAC_CSR_CMD. */
enum { MAC_CR = 1, ADDRH = 2, ADDRL = 3 };

#define BIT(n) ((uint32_t)1 << (n))
#define BYTE_TEST_VALUE 0x87654321u
#define TX_CFG_ON BIT(1)
#define TX_CFG_STATUS_MAY_OVERFLOW BIT(2) /* nobody reads how sending went */
#define HW_CFG_RESET BIT(0)
#define HW_CFG_MUST_BE_ONE BIT(20)
#define RX_DP_CTRL_SKIP BIT(31)
#define RX_STATUS_ERROR BIT(15)
#define MAC_CSR_BUSY BIT(31)
#define MAC_CR_RECEIVE BIT(2)
#define MAC_CR_TRANSMIT BIT(3)
#define MAC_CR_FULL_DUPLEX BIT(20)
#define TX_FIRST_AND_LAST (BIT(13) | BIT(12))

enum {
    CHECKSUM_LEN = 4,
    TX_COMMANDS_LEN = 8,
    SKIP_MIN_WORDS = 4, /* shorter frames have to be read out */
    POLLS_MAX = 1000000 /* no wait for the controller may last for ever */
};

static uint32_t get(unsigned offset) {
    return *(volatile uint32_t *)(LAN9118_BASE + offset);
}

static void set(unsigned offset, uint32_t value) {
    *(volatile uint32_t *)(LAN9118_BASE + offset) = value;
}

/* Waits until these bits are zero. */
static bool wait_for_clear(unsigned offset, uint32_t bits) {
    for (unsigned i = 0; i < POLLS_MAX; i++) {
        if ((get(offset) & bits) == 0) {
            return true;
        }
    }
    return false;
}

static bool set_mac(unsigned number, uint32_t value) {
    if (!wait_for_clear(MAC_CSR_CMD, MAC_CSR_BUSY)) {
        return false;
    }
    set(MAC_CSR_DATA, value);
    set(MAC_CSR_CMD, MAC_CSR_BUSY | number);
    return wait_for_clear(MAC_CSR_CMD, MAC_CSR_BUSY);
}

static size_t words_of(size_t len) {
    return (len + 3) / 4;
}

bool ethernet_init(const uint8_t mac[ETHERNET_MAC_LEN]) {
    if (get(BYTE_TEST) != BYTE_TEST_VALUE) {
        return false;
    }
    set(HW_CFG, get(HW_CFG) | HW_CFG_RESET);
    if (!wait_for_clear(HW_CFG, HW_CFG_RESET)) {
        return false;
    }
    set(HW_CFG, get(HW_CFG) | HW_CFG_MUST_BE_ONE);
    set(TX_CFG, TX_CFG_ON | TX_CFG_STATUS_MAY_OVERFLOW);
    return set_mac(ADDRL, (uint32_t)mac[3] << 24 | (uint32_t)mac[2] << 16 | (uint32_t)mac[1] << 8 |
                              mac[0]) &&
           set_mac(ADDRH, (uint32_t)mac[5] << 8 | mac[4]) &&
           set_mac(MAC_CR, MAC_CR_FULL_DUPLEX | MAC_CR_TRANSMIT | MAC_CR_RECEIVE);
}

bool ethernet_send(const uint32_t *words, size_t len) {
    const size_t room = get(TX_FIFO_INF) & 0xFFFFu;

    if (room < TX_COMMANDS_LEN + 4 * words_of(len)) {
        return false;
    }
    set(TX_DATA, TX_FIRST_AND_LAST | (uint32_t)len);
    set(TX_DATA, (uint32_t)len);
    for (size_t i = 0; i < words_of(len); i++) {
        set(TX_DATA, words[i]);
    }
    return true;
}

/* Takes `words` words out of the receive FIFO; with null, nobody wants them. */
static void read_out(uint32_t *words, size_t count) {
    if (words == NULL && count >= SKIP_MIN_WORDS) {
        set(RX_DP_CTRL, RX_DP_CTRL_SKIP);
        (void)wait_for_clear(RX_DP_CTRL, RX_DP_CTRL_SKIP);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const uint32_t word = get(RX_DATA);

        if (words != NULL) {
            words[i] = word;
        }
    }
}

size_t ethernet_next(void) {
    while ((get(RX_FIFO_INF) >> 16 & 0xFFu) > 0) {
        const uint32_t status = get(RX_STATUS);
        const size_t len = status >> 16 & 0x3FFFu;

        if ((status & RX_STATUS_ERROR) == 0 && len > CHECKSUM_LEN) {
            return len - CHECKSUM_LEN;
        }
        read_out(NULL, words_of(len));
    }
    return 0;
}

void ethernet_take(uint32_t *words, size_t len) {
    const size_t all = words_of(len + CHECKSUM_LEN);

    if (words == NULL) {
        read_out(NULL, all);
        return;
    }
    read_out(words, words_of(len));
    read_out(NULL, all - words_of(len));
}
