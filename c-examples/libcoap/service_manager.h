/* Tells the service manager that started the program how it goes (sd_notify(3)): a datagram to the
 * socket that NOTIFY_SOCKET names, if there is one. Without libsystemd, whose other functions
 * nothing here needs. */
#ifndef LSCOAP_EXAMPLES_SERVICE_MANAGER_H
#define LSCOAP_EXAMPLES_SERVICE_MANAGER_H

/* "READY=1", "STOPPING=1". That nobody is told is no fault. */
void service_manager_tell(const char *state);

#endif
