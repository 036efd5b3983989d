/* This machine as a device: the line is a TCP connection on 127.0.0.1, the counter CLOCK_MONOTONIC in
 * nanoseconds.
 *
 *     firmware [PORT]        listens there, or on a free port; prints `listening on 127.0.0.1:PORT`
 */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the name that glibc reads */
#include "board.h"
#include "linux/process.h"
#include "linux/rss.h"
#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INHERIT "--inherit"

static int listener = -1;
static int line = -1; /* the connection, -1 between two */

static void die(const char *what) {
  (void)fprintf(stderr, "firmware: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void listen_on(unsigned port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  socklen_t length = sizeof address;
  const int yes = 1;
  address.sin_addr.s_addr = htonl(LISTEN_ADDRESS);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0) {
    die("socket");
  }
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0) {
    die("can't listen on that port of 127.0.0.1; choose another");
  }
  if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
    die("getsockname");
  }
  (void)printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
  (void)fflush(stdout);
}

void alpharho_port_init(int argc, char **argv) {
  (void)signal(SIGPIPE, SIG_IGN);
  if (argc == 4 && strcmp(argv[1], INHERIT) == 0) {
    listener = (int)strtol(argv[2], NULL, 10);
    line = (int)strtol(argv[3], NULL, 10);
    return;
  }
  char *end = "";
  const long port = argc > 1 ? strtol(argv[1], &end, 10) : 0;
  if (argc > 2 || *end != '\0' || port < 0 || port > 65535) {
    (void)fprintf(stderr, "firmware: expected one argument at most, a port from 0 to 65535\n");
    exit(2);
  }
  listen_on((unsigned)port);
}

static void hang_up(void) {
  (void)close(line);
  line = -1;
  alpharho_linux_pending_count = 0;
}

/* What is sent before a host has connected, the banner, waits for the first that does. */
void alpharho_linux_flush(void) {
  size_t sent = 0;
  while (line >= 0 && sent < alpharho_linux_pending_count) {
    const ssize_t count = send(line, alpharho_linux_pending + sent, alpharho_linux_pending_count - sent, MSG_NOSIGNAL);
    if (count > 0) {
      sent += (size_t)count;
    } else if (count == 0 || errno != EINTR) {
      hang_up();
    }
  }
  if (line >= 0 || alpharho_linux_pending_count == sizeof alpharho_linux_pending) {
    alpharho_linux_pending_count = 0;
  }
}

size_t alpharho_port_read(uint8_t *bytes, size_t room) {
  if (line < 0) {
    return 0;
  }
  const ssize_t count = recv(line, bytes, room, MSG_DONTWAIT);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
    hang_up();
  }
  return count > 0 ? (size_t)count : 0u;
}

void alpharho_port_wait_for_input(void) {
  alpharho_linux_flush();
  if (line >= 0) {
    struct pollfd wait = {.fd = line, .events = POLLIN};
    (void)poll(&wait, 1, -1);
    return;
  }
  line = accept(listener, NULL, NULL);
  if (line >= 0) {
    const int yes = 1;
    (void)setsockopt(line, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  } else if (errno != EINTR && errno != ECONNABORTED) {
    die("accept");
  }
}

void alpharho_port_reset(void) {
  char listener_text[16];
  char line_text[16];
  alpharho_linux_flush();
  (void)snprintf(listener_text, sizeof listener_text, "%d", listener);
  (void)snprintf(line_text, sizeof line_text, "%d", line);
  (void)execl("/proc/self/exe", "firmware", INHERIT, listener_text, line_text, (char *)NULL);
  die("can't start again");
}

uint64_t alpharho_port_ticks(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t alpharho_port_overruns(void) { return 0; /* TCP holds back what was not read */ }

uint32_t alpharho_port_peak_rss(void) { return alpharho_linux_peak_rss(); }
