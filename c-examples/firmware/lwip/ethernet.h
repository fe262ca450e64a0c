/* The board's Ethernet controller, by polling: one frame at a time, no interrupts, no DMA. One
 * ethernet_*.c for each kind. Words are in the order of memory. */
#ifndef ETHERNET_H
#define ETHERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETHERNET_MAC_LEN 6

/* Resets the controller and switches it on. False: there is none. */
bool ethernet_init(const uint8_t mac[ETHERNET_MAC_LEN]);

/* Sends one frame of `len` bytes, without the checksum: `words` holds it, filled up to whole words.
 * False: the controller has no room at the moment. */
bool ethernet_send(const uint32_t *words, size_t len);

/* The length of the next frame that has arrived, without the checksum; 0: there is none. Frames
 * that arrived broken are passed over. Each frame is then to be taken with ethernet_take(). */
size_t ethernet_next(void);

/* Copies the frame of `len` bytes that ethernet_next() has told of into `words`; with null, drops
 * it. */
void ethernet_take(uint32_t *words, size_t len);

#endif
