#include "network.h"

#include "board.h"
#include "ethernet.h"

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>
#include <netif/ethernet.h>

enum { MTU = 1500, FRAME_MAX = 1518 };

/* Locally administered. */
static const uint8_t mac[ETHERNET_MAC_LEN] = {0x02, 0, 0, 0, 0, 1};

static struct netif netif;
static struct udp_pcb *udp;
static network_random_fn random_number;
static uint32_t frame[(FRAME_MAX + 3) / 4]; /* the one on its way in or out */

static struct {
    struct pbuf *datagrams[NETWORK_QUEUE_LEN];
    size_t first;
    size_t count;
} queue;

uint32_t network_random(void) {
    return random_number();
}

/* lwIP's clock. */
u32_t sys_now(void) {
    return board_millis();
}

/* ---- frames ---- */

static err_t send_frame(struct netif *to, struct pbuf *bytes) {
    (void)to;
    if (bytes->tot_len > sizeof frame) {
        return ERR_BUF;
    }
    pbuf_copy_partial(bytes, frame, bytes->tot_len, 0);
    return ethernet_send(frame, bytes->tot_len) ? ERR_OK : ERR_BUF;
}

static void receive_frame(size_t len) {
    struct pbuf *bytes = NULL;

    if (len <= sizeof frame) {
        bytes = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);
    }
    if (bytes == NULL) {
        ethernet_take(NULL, len);
        return;
    }
    ethernet_take(frame, len);
    pbuf_take(bytes, frame, (u16_t)len);
    if (netif.input(bytes, &netif) != ERR_OK) {
        pbuf_free(bytes);
    }
}

static err_t init_netif(struct netif *made) {
    made->name[0] = 'e';
    made->name[1] = 'n';
    made->mtu = MTU;
    made->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    made->hwaddr_len = ETHERNET_MAC_LEN;
    MEMCPY(made->hwaddr, mac, ETHERNET_MAC_LEN);
    made->output = etharp_output;
    made->linkoutput = send_frame;
    return ethernet_init(mac) ? ERR_OK : ERR_IF;
}

/* ---- datagrams ---- */

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *bytes, const ip_addr_t *from,
                        u16_t port) {
    (void)arg;
    (void)pcb;
    (void)from;
    (void)port;
    if (queue.count == NETWORK_QUEUE_LEN) {
        pbuf_free(bytes);
        return;
    }
    queue.datagrams[(queue.first + queue.count) % NETWORK_QUEUE_LEN] = bytes;
    queue.count++;
}

bool network_init(uint16_t peer_port, network_random_fn random) {
    const ip_addr_t address = IPADDR4_INIT_BYTES(10, 0, 2, 15);
    const ip_addr_t mask = IPADDR4_INIT_BYTES(255, 255, 255, 0);
    const ip_addr_t host = IPADDR4_INIT_BYTES(10, 0, 2, 2);

    random_number = random;
    lwip_init();
    if (netif_add(&netif, &address, &mask, &host, NULL, init_netif, ethernet_input) == NULL) {
        return false;
    }
    netif_set_default(&netif);
    netif_set_link_up(&netif);
    netif_set_up(&netif);
    udp = udp_new();
    if (udp == NULL || udp_connect(udp, &host, peer_port) != ERR_OK) {
        return false;
    }
    udp_recv(udp, on_datagram, NULL);
    return true;
}

bool network_listen(uint16_t port) {
    struct udp_pcb *group = udp_new();

    if (group == NULL || udp_bind(group, IP_ANY_TYPE, port) != ERR_OK) {
        return false;
    }
    udp_recv(group, on_datagram, NULL);
    return true;
}

void network_poll(void) {
    /* No more than there is room for, lest a flood keeps the caller here. */
    for (size_t i = 0; i < NETWORK_QUEUE_LEN; i++) {
        const size_t len = ethernet_next();

        if (len == 0) {
            break;
        }
        receive_frame(len);
    }
    sys_check_timeouts();
}

bool network_send(const uint8_t *datagram, size_t len) {
    struct pbuf *bytes = NULL;
    err_t result = ERR_MEM;

    if (len <= MTU) {
        bytes = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    }
    if (bytes != NULL) {
        pbuf_take(bytes, datagram, (u16_t)len);
        result = udp_send(udp, bytes);
        pbuf_free(bytes);
    }
    return result == ERR_OK;
}

size_t network_receive(uint8_t *datagram, size_t capacity) {
    struct pbuf *bytes;
    size_t len;

    if (queue.count == 0) {
        return 0;
    }
    bytes = queue.datagrams[queue.first];
    queue.first = (queue.first + 1) % NETWORK_QUEUE_LEN;
    queue.count--;
    len = bytes->tot_len < capacity ? bytes->tot_len : capacity;
    len = pbuf_copy_partial(bytes, datagram, (u16_t)len, 0);
    pbuf_free(bytes);
    return len;
}
