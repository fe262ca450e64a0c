/* A client's session in Zephyr's settings, under lscoap/session. */
#ifndef LSCOAP_CLIENT_SETTINGS_H
#define LSCOAP_CLIENT_SETTINGS_H

#include <lscoap.h>

/* 0 once it will survive. No bytes: the one that is stored is deleted. */
int client_settings_save(const uint8_t *blob, size_t len);

/* Gives it to a device: as lscoap_device_restore(). */
lscoap_status client_settings_restore(lscoap_device *device);

#endif
