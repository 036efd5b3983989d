#include "cmsdk/uart.h"

#include "board.h"
#include "cortex_m/cortex_m.h"
#include "port.h"
#include "ring.h"

#define UART(offset) REGISTER(UART_BASE + (offset))
#define DATA         UART(0x00u)
#define STATE        UART(0x04u)
#define CTRL         UART(0x08u)
#define INTCLEAR     UART(0x0Cu)
#define BAUDDIV      UART(0x10u)

enum { TX_FULL = 1u << 0, RX_FULL = 1u << 1, RX_OVERRUN = 1u << 3 };
enum { TX_ENABLE = 1u << 0, RX_ENABLE = 1u << 1, RX_INTERRUPT = 1u << 3 };

static volatile uint32_t line_overruns;

void alpharho_cmsdk_uart_init(void) {
  BAUDDIV = UART_HZ / UART_BAUD;
  CTRL = TX_ENABLE | RX_ENABLE | RX_INTERRUPT;
  interrupt_enable(UART_IRQ);
}

void alpharho_uart_interrupt(void) {
  INTCLEAR = 1u << 1;
  uint32_t state = STATE;
  do {
    if ((state & RX_OVERRUN) != 0u) {
      STATE = RX_OVERRUN;
      line_overruns++;
    }
    if ((state & RX_FULL) != 0u) {
      alpharho_ring_push((uint8_t)DATA);
    }
    state = STATE;
  } while ((state & RX_FULL) != 0u);
}

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    while ((STATE & TX_FULL) != 0u) {
    }
    DATA = bytes[i];
  }
}

uint32_t alpharho_port_overruns(void) { return line_overruns + alpharho_ring_overruns(); }
