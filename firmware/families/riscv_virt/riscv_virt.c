/* QEMU's RISC-V machine `virt`: hw/riscv/virt.c. UART: PC16550D datasheet, 8.0 (registers); interrupt controller:
 * RISC-V PLIC Specification 1.0. No interrupt is taken, so none disturbs what is timed; QEMU keeps the bytes that come
 * meanwhile. */
#include "board.h"
#include "port.h"
#include "riscv/riscv.h"

#define UART(offset) REGISTER_BYTE(UART_BASE + (offset))
#define PLIC(offset) REGISTER(PLIC_BASE + (offset))

enum { UART_DATA = 0, UART_IER = 1, UART_FCR = 2, UART_LSR = 5 };
enum { LSR_RECEIVED = 1u << 0, LSR_SEND_EMPTY = 1u << 5 };
enum { PLIC_PRIORITY = 0x0, PLIC_ENABLE = 0x2000, PLIC_THRESHOLD = 0x200000, PLIC_CLAIM = 0x200004 };
#define SYSTEM_RESET 0x7777u /* of the device sifive_test */

void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  UART(UART_FCR) = 1; /* FIFOs */
  UART(UART_IER) = 1; /* received data */
  PLIC(PLIC_PRIORITY + 4u * UART_IRQ) = 1;
  PLIC(PLIC_ENABLE + 4u * (UART_IRQ / 32u)) = 1u << UART_IRQ % 32u;
  PLIC(PLIC_THRESHOLD) = 0;
  alpharho_riscv_wake_on_interrupt();
}

size_t alpharho_port_read(uint8_t *bytes, size_t room) {
  size_t count = 0;
  while (count < room && (UART(UART_LSR) & LSR_RECEIVED) != 0u) {
    bytes[count++] = UART(UART_DATA);
  }
  return count;
}

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    while ((UART(UART_LSR) & LSR_SEND_EMPTY) == 0u) {
    }
    UART(UART_DATA) = bytes[i];
  }
}

void alpharho_port_wait_for_input(void) {
  if ((UART(UART_LSR) & LSR_RECEIVED) == 0u) {
    alpharho_riscv_sleep();
  }
  PLIC(PLIC_CLAIM) = PLIC(PLIC_CLAIM); /* claimed and completed: it is pending again while there are bytes */
}

uint32_t alpharho_port_overruns(void) { return 0; }

uint64_t alpharho_port_ticks(void) { return alpharho_riscv_instructions(); }

uint32_t alpharho_port_ticks_per_second(void) { return CLOCK_HZ; }

const char *alpharho_port_counter_name(void) { return "minstret"; }

void alpharho_port_measure_begin(void) {}

void alpharho_port_measure_end(void) {}

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
  (void)bytes;
  (void)room;
  return 0;
}

void alpharho_port_reset(void) {
  REGISTER(TEST_BASE) = SYSTEM_RESET;
  for (;;) {
  }
}
