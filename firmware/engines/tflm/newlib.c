// What newlib needs of an operating system, for the little of it that TFLite-Micro links: there is no heap and no file,
// and the end of the program is the start of the device.
#include "port.h"

#include <errno.h>
#include <stddef.h>

// The C library calls these; their names are its own.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,misc-use-internal-linkage)
void _exit(int code);
int _kill(int process, int signal);
int _getpid(void);
void *_sbrk(ptrdiff_t bytes);
int _write(int file, const void *bytes, int count);
int _read(int file, void *bytes, int room);
int _close(int file);
int _lseek(int file, int offset, int from);
int _fstat(int file, void *status);
int _isatty(int file);

extern void *__dso_handle;
int __aeabi_atexit(void *object, void (*destroy)(void *), void *handle);

/* Objects of C++ live as long as the device runs: nothing is ever destroyed. */
void *__dso_handle;

int __aeabi_atexit(void *object, void (*destroy)(void *), void *handle) {
  (void)object;
  (void)destroy;
  (void)handle;
  return 0;
}

void _exit(int code) {
  (void)code;
  alpharho_port_reset();
  for (;;) {
  }
}

int _kill(int process, int signal) {
  (void)process;
  (void)signal;
  alpharho_port_reset();
  return -1;
}

int _getpid(void) { return 1; }

void *_sbrk(ptrdiff_t bytes) {
  (void)bytes;
  errno = ENOMEM;
  return (void *)-1;
}

int _write(int file, const void *bytes, int count) {
  (void)file;
  alpharho_port_write(bytes, (size_t)count);
  return count;
}

int _read(int file, void *bytes, int room) {
  (void)file;
  (void)bytes;
  (void)room;
  return 0;
}

int _close(int file) {
  (void)file;
  return -1;
}

int _lseek(int file, int offset, int from) {
  (void)file;
  (void)offset;
  (void)from;
  return -1;
}

int _fstat(int file, void *status) {
  (void)file;
  (void)status;
  return -1;
}

int _isatty(int file) { return file >= 0; }
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,misc-use-internal-linkage)
