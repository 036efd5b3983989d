/* The lock of a board: the same file as deploy/remote/helper.py takes. It is the kernel's and ends with the process. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the name that glibc reads */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HOLDER_BYTES 1000

void alpharho_linux_lock(const char *path, const char *holder) {
  /* Kept over exec, so that a reset does not release it. */
  const int lock = open(path, O_RDWR | O_CREAT, 0600); /* NOLINT(android-cloexec-open) */
  if (lock < 0) {
    alpharho_linux_die(path);
  }
  if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
    char text[HOLDER_BYTES + 1] = "";
    if (errno != EWOULDBLOCK || pread(lock, text, HOLDER_BYTES, 0) < 0) {
      alpharho_linux_die(path);
    }
    (void)fprintf(stderr, "%s\n", text[0] == '\0' ? "another run" : text);
    exit(LOCK_BUSY);
  }
  if (ftruncate(lock, 0) < 0 || pwrite(lock, holder, strlen(holder), 0) < 0) {
    alpharho_linux_die(path);
  }
}
