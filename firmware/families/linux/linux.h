/* Parts of the family for Linux boards. */
#ifndef ALPHARHO_LINUX_H
#define ALPHARHO_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Print "firmware: what: reason of errno" on standard error and end. */
_Noreturn void alpharho_linux_die(const char *what);

/* Take the lock of a board, a file, until this process ends. Ends it with LOCK_BUSY and the holder's name on standard
 * error if another process has the lock. */
void alpharho_linux_lock(const char *path, const char *holder);

#define LOCK_BUSY 75 /* EX_TEMPFAIL of sysexits.h */

/* Write what the kernel reports of the board as a JSON object, at most `room` bytes; of an emulated one its machine's
 * name only. Returns its length. */
size_t alpharho_linux_facts(char *text, size_t room, bool is_emulated);

#endif
