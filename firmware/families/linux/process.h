/* Parts of any family whose firmware is a process of Linux. */
#ifndef ALPHARHO_LINUX_PROCESS_H
#define ALPHARHO_LINUX_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* Gathered until the main loop waits for input: a reply is many small pieces. */
extern uint8_t alpharho_linux_pending[8192];
extern size_t alpharho_linux_pending_count;

/* Send what is gathered; the family's own, since each has another line. */
void alpharho_linux_flush(void);

#endif
