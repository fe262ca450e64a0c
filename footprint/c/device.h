/* What a device's driver costs: a session, a request in it, and the rest of its functions. */
#ifndef DEVICE_H
#define DEVICE_H

void measure_device(void);

#endif
