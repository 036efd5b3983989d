/* The line alone, to measure the throughput of an emulator's UART: `s` and a count of KiB takes that many bytes and
 * answers
 * `.`; `g` and a count of KiB sends that many. */
#include "engine.h"
#include "port.h"

static uint8_t take(void) {
  uint8_t byte;
  while (alpharho_port_read(&byte, 1) == 0u) {
    alpharho_port_wait_for_input();
  }
  return byte;
}

static void swallow(size_t left) {
  while (left > 0u) {
    uint8_t bytes[64];
    const size_t count = alpharho_port_read(bytes, left < sizeof bytes ? left : sizeof bytes);
    left -= count;
    if (count == 0u) {
      alpharho_port_wait_for_input();
    }
  }
}

static void give(size_t left) {
  static const uint8_t bytes[64] = {0};
  for (; left > 0u; left -= sizeof bytes) {
    alpharho_port_write(bytes, sizeof bytes);
  }
}

int main(int argc, char **argv) {
  alpharho_port_init(argc, argv);
  for (;;) {
    const uint8_t order = take();
    const size_t bytes = (size_t)take() * 1024u;
    if (order == 's') {
      swallow(bytes);
      alpharho_port_write((const uint8_t *)".", 1);
    } else if (order == 'g') {
      give(bytes);
    } else {
      (void)alpharho_engine_invoke(); /* so that it is linked, and the image is laid out as the firmware's */
    }
  }
}
