/* The Ethernet controller SMSC LAN9118, by polling: one frame at a time, no interrupts, no DMA. */
#ifndef LAN9118_H
#define LAN9118_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAN9118_MAC_LEN 6

/* Resets the controller and switches it on. False: there is no LAN9118. */
bool lan9118_init(const uint8_t mac[LAN9118_MAC_LEN]);

/* Sends one frame of `len` bytes, without the checksum: `words` holds it, filled up to whole words.
 * False: the controller has no room at the moment. */
bool lan9118_send(const uint32_t *words, size_t len);

/* The length of the next frame that has arrived, without the checksum; 0: there is none. Frames
 * that arrived broken are passed over. Each frame is then to be taken with lan9118_take(). */
size_t lan9118_next(void);

/* Copies the frame of `len` bytes that lan9118_next() has told of into `words`; with null, drops
 * it. */
void lan9118_take(uint32_t *words, size_t len);

#endif
