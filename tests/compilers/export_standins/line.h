// Standard input and output as a serial line. The process ends when the other side closes it.
#ifndef STANDIN_LINE_H
#define STANDIN_LINE_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline int line_waits(int timeout_ms) {
  struct pollfd input = {0, POLLIN, 0};
  return poll(&input, 1, timeout_ms) > 0;
}

static inline size_t line_take(void *bytes, size_t room) {
  const ssize_t count = read(0, bytes, room);
  if (count <= 0) {
    exit(0);
  }
  return (size_t)count;
}

static inline size_t line_send(const void *bytes, size_t count) {
  const ssize_t sent = write(1, bytes, count);
  if (sent <= 0) {
    exit(1);
  }
  return (size_t)sent;
}

static inline uint32_t line_microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
}

#endif
