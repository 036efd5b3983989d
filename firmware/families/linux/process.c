/* What all firmware that is a process of Linux shares of port.h. */
#include "process.h"
#include "port.h"

#include <string.h>
#include <sys/utsname.h>

uint8_t alpharho_linux_pending[8192];
size_t alpharho_linux_pending_count;

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  while (count > 0u) {
    const size_t room = sizeof alpharho_linux_pending - alpharho_linux_pending_count;
    const size_t part = count < room ? count : room;
    memcpy(alpharho_linux_pending + alpharho_linux_pending_count, bytes, part);
    alpharho_linux_pending_count += part;
    bytes += part;
    count -= part;
    if (alpharho_linux_pending_count == sizeof alpharho_linux_pending) {
      alpharho_linux_flush();
    }
  }
}

uint32_t alpharho_port_ticks_per_second(void) { return 1000000000u; }

const char *alpharho_port_counter_name(void) { return "CLOCK_MONOTONIC"; }

void alpharho_port_measure_begin(void) { alpharho_linux_flush(); }

void alpharho_port_measure_end(void) {}

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
  (void)bytes;
  (void)room;
  return 0;
}

uint32_t alpharho_port_cpuid(void) { return 0; }

const char *alpharho_port_machine(void) {
  static struct utsname name;
  return uname(&name) == 0 ? name.machine : "";
}

uint32_t alpharho_port_stack_bytes(void) { return 0; }

uint32_t alpharho_port_stack_used(void) { return 0; }
