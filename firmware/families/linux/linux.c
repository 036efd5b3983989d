/* A Linux board as a device: the line is standard input and output, the counter CLOCK_MONOTONIC in nanoseconds.
 *
 *     firmware [--lock FILE HOLDER | --again PROGRAM ARGUMENT...]
 *
 * With --lock it takes the lock of the board. It ends with its input. A reset executes --again, which is this file
 * itself without it; an emulated program has its emulator in there. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the name that glibc reads */
#include "linux.h"
#include "board.h"
#include "port.h"
#include "process.h"
#include "rss.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STARTED    "ALPHARHO_STARTED" /* in the environment: the counter when this program was executed */
#define SELF       "/proc/self/exe"
#define AGAIN      "--again"
#define LOCKED     "--locked" /* in place of --lock, once this process has the lock */
#define MOST_WORDS 32

static char **again;
static uint64_t started;
static int patience_ms = -1;
static bool is_emulated;

_Noreturn void alpharho_linux_die(const char *what) {
  (void)fprintf(stderr, "firmware: %s: %s\n", what, strerror(errno));
  exit(1);
}

uint64_t alpharho_port_ticks(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Execute this program again, with the time of that in its environment: start-up is measured from there. */
static _Noreturn void execute(void) {
  char text[24];
  (void)snprintf(text, sizeof text, "%llu", (unsigned long long)alpharho_port_ticks());
  (void)setenv(STARTED, text, 1); /* NOLINT(concurrency-mt-unsafe): there is one thread */
  (void)execv(again[0], again);
  alpharho_linux_die("can't start again");
}

static _Noreturn void refuse_arguments(void) {
  (void)fprintf(stderr, "firmware: expected [--lock FILE HOLDER | --again PROGRAM ARGUMENT...]\n");
  exit(2);
}

/* The command of --again with itself as its --again, so that it can be executed any number of times. */
static char **repeated(char **words, size_t count) {
  static char flag[] = AGAIN;
  static char *command[2 * MOST_WORDS];
  for (size_t i = 0; i < count; i++) {
    command[i] = words[i];
    command[count + 1u + i] = words[i];
  }
  command[count] = flag;
  return command; /* the rest is NULL */
}

void alpharho_port_init(int argc, char **argv) {
  static char self[] = SELF;
  static char locked[] = LOCKED;
  static char *alone[] = {self, NULL, NULL};
  const char *text = getenv(STARTED); /* NOLINT(concurrency-mt-unsafe): there is one thread */
  (void)signal(SIGPIPE, SIG_IGN);
  again = alone;
  if (argc == 4 && strcmp(argv[1], "--lock") == 0) {
    alpharho_linux_lock(argv[2], argv[3]);
    alone[1] = locked;
  } else if (argc == 2 && strcmp(argv[1], LOCKED) == 0) {
    alone[1] = locked;
  } else if (argc > 2 && argc <= MOST_WORDS && strcmp(argv[1], AGAIN) == 0) {
    is_emulated = true;
    again = repeated(argv + 2, (size_t)argc - 2u);
  } else if (argc > 1) {
    refuse_arguments();
  }
  patience_ms = alone[1] != NULL ? QUIET_S * 1000 : -1;
  if (text == NULL) {
    execute();
  }
  started = strtoull(text, NULL, 10);
}

uint64_t alpharho_port_started(void) { return started; }

void alpharho_linux_flush(void) {
  size_t sent = 0;
  while (sent < alpharho_linux_pending_count) {
    const ssize_t count = write(STDOUT_FILENO, alpharho_linux_pending + sent, alpharho_linux_pending_count - sent);
    if (count > 0) {
      sent += (size_t)count;
    } else if (count == 0 || errno != EINTR) {
      exit(0); /* nobody listens any more */
    }
  }
  alpharho_linux_pending_count = 0;
}

static bool has_input(int timeout_ms) {
  struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
  const int count = poll(&wait, 1, timeout_ms);
  if (count == 0 && timeout_ms > 0) {
    (void)fprintf(stderr, "firmware: no request in %d s\n", QUIET_S);
    exit(1);
  }
  return count > 0;
}

size_t alpharho_port_read(uint8_t *bytes, size_t room) {
  static uint8_t arrived[ALPHARHO_RX_RING_BYTES];
  static size_t from;
  static size_t until;
  if (from == until) {
    const ssize_t count = has_input(0) ? read(STDIN_FILENO, arrived, sizeof arrived) : -1;
    if (count == 0) {
      exit(0); /* the host has gone */
    }
    from = 0;
    until = count > 0 ? (size_t)count : 0u;
  }
  const size_t left = until - from;
  const size_t part = left < room ? left : room;
  memcpy(bytes, arrived + from, part);
  from += part;
  return part;
}

void alpharho_port_wait_for_input(void) {
  alpharho_linux_flush();
  (void)has_input(patience_ms);
}

void alpharho_port_reset(void) {
  alpharho_linux_flush();
  execute();
}

uint32_t alpharho_port_overruns(void) { return 0; /* a pipe holds back what was not read */ }

uint32_t alpharho_port_peak_rss(void) {
  return is_emulated ? 0u : alpharho_linux_peak_rss(); /* the emulator's would be counted */
}

uint32_t alpharho_port_board(char *text, uint32_t room) {
  return (uint32_t)alpharho_linux_facts(text, room, is_emulated);
}
