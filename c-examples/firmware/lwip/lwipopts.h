/* lwIP for one device that speaks UDP over IPv4: without an operating system, without TCP, without
 * a heap. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#include "network.h"

/* One loop calls everything. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0

/* What is left out. No fragments: CoAP keeps its datagrams short for that reason. */
#define LWIP_TCP 0
#define LWIP_RAW 0
#define LWIP_DHCP 0
#define LWIP_IPV6 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_STATS 0

/* Memory: these pools, static. MEM_SIZE is for the frames that are sent. */
#define MEM_ALIGNMENT 4
#define MEM_SIZE 4096
#define PBUF_POOL_SIZE 6
#define PBUF_POOL_BUFSIZE 1536
#define MEMP_NUM_PBUF 6
#define MEMP_NUM_UDP_PCB 2 /* the server's, and a group's */
#define ARP_TABLE_SIZE 4

/* For the UDP port. */
#define LWIP_RAND() network_random()

#endif
