/* The controller in the Stellaris LM3S (data sheet of the LM3S6965). Its FIFO counts from two bytes
 * before a frame, where the length is: the frame's words are across its own. */
#include "board.h"
#include "ethernet.h"

/* System control. */
#define RCGC2 (*(volatile uint32_t *)0x400fe108u)
#define GPIOF_AFSEL (*(volatile uint32_t *)0x40025420u)
#define GPIOF_DEN (*(volatile uint32_t *)0x4002551cu)

/* The controller. */
#define MACRCTL (*(volatile uint32_t *)0x40048008u)
#define MACTCTL (*(volatile uint32_t *)0x4004800cu)
#define MACDATA (*(volatile uint32_t *)0x40048010u)
#define MACIA0 (*(volatile uint32_t *)0x40048014u)
#define MACIA1 (*(volatile uint32_t *)0x40048018u)
#define MACNP (*(volatile uint32_t *)0x40048034u)
#define MACTR (*(volatile uint32_t *)0x40048038u)

#define BIT(n) ((uint32_t)1 << (n))
#define RCGC2_MAC BIT(28)
#define RCGC2_PHY BIT(30)
#define RCGC2_GPIOF BIT(5)
#define GPIOF_LEDS (BIT(2) | BIT(3))
#define MACRCTL_RECEIVE BIT(0)
#define MACRCTL_REJECT_BROKEN BIT(3)
#define MACRCTL_RESET_FIFO BIT(4)
#define MACTCTL_TRANSMIT BIT(0)
#define MACTCTL_PAD BIT(1)
#define MACTCTL_CHECKSUM BIT(2)
#define MACTCTL_FULL_DUPLEX BIT(4)
#define MACTR_BEGIN BIT(0)

enum {
    LENGTH_LEN = 2,
    HEADER_LEN = 14, /* not counted in the length of what is sent */
    CHECKSUM_LEN = 4
};

/* The two bytes of the frame that came with its length. */
static uint32_t first;

bool ethernet_init(const uint8_t mac[ETHERNET_MAC_LEN]) {
    RCGC2 |= RCGC2_MAC | RCGC2_PHY | RCGC2_GPIOF;
    (void)RCGC2; /* the clocks take three cycles to start */
    (void)RCGC2;
    GPIOF_AFSEL |= GPIOF_LEDS; /* of link and activity, the socket's */
    GPIOF_DEN |= GPIOF_LEDS;

    MACRCTL = MACRCTL_RESET_FIFO;
    MACIA0 = (uint32_t)mac[3] << 24 | (uint32_t)mac[2] << 16 | (uint32_t)mac[1] << 8 | mac[0];
    MACIA1 = (uint32_t)mac[5] << 8 | mac[4];
    MACTCTL = MACTCTL_FULL_DUPLEX | MACTCTL_CHECKSUM | MACTCTL_PAD | MACTCTL_TRANSMIT;
    MACRCTL = MACRCTL_REJECT_BROKEN | MACRCTL_RECEIVE;
    return true;
}

bool ethernet_send(const uint32_t *words, size_t len) {
    uint32_t before = (uint32_t)(len - HEADER_LEN);

    if (len < HEADER_LEN || (MACTR & MACTR_BEGIN) != 0) {
        return false;
    }
    for (size_t i = 0; i < LENGTH_LEN + len; i += 4) {
        const uint32_t word = i < len ? words[i / 4] : 0;

        MACDATA = before | word << 16;
        before = word >> 16;
    }
    MACTR = MACTR_BEGIN;
    return true;
}

static void read_out(size_t len) {
    for (size_t i = 0; i < len; i += 4) {
        (void)MACDATA;
    }
}

size_t ethernet_next(void) {
    while (MACNP != 0) {
        const uint32_t word = MACDATA;
        const size_t len = word & 0xffffu; /* with length and checksum */

        if (len > LENGTH_LEN + CHECKSUM_LEN) {
            first = word >> 16;
            return len - LENGTH_LEN - CHECKSUM_LEN;
        }
        read_out(len > 4 ? len - 4 : 0);
    }
    return 0;
}

void ethernet_take(uint32_t *words, size_t len) {
    size_t taken = 0; /* the checksum after the frame included */

    for (uint32_t half = first; words != NULL && taken < len; taken += 4) {
        const uint32_t word = MACDATA;

        words[taken / 4] = half | word << 16;
        half = word >> 16;
    }
    /* The FIFO is at 4 + taken, or at 4, of a packet of 2 + len + 4 bytes. */
    read_out(taken < len + LENGTH_LEN ? len + LENGTH_LEN - taken : 0);
}
