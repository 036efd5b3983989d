/* Arm MPS3 with a subsystem that has a system counter, such as the SSE-300. System counter: SSE-123 Technical Reference
 * Manual (101370), control frame. */
#include "board.h"
#include "cmsdk/uart.h"
#include "cortex_m/cortex_m.h"
#include "port.h"

#define CNTCR      REGISTER(SYSTEM_COUNTER_BASE + 0x00)
#define CNTCV_LOW  REGISTER(SYSTEM_COUNTER_BASE + 0x08)
#define CNTCV_HIGH REGISTER(SYSTEM_COUNTER_BASE + 0x0C)

void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  CNTCR = 1;
  alpharho_cmsdk_uart_init();
}

uint64_t alpharho_port_ticks(void) {
  uint32_t high, low;
  do {
    high = CNTCV_HIGH;
    low = CNTCV_LOW;
  } while (high != CNTCV_HIGH);
  return (uint64_t)high << 32 | low;
}

uint32_t alpharho_port_ticks_per_second(void) { return CLOCK_HZ; }

const char *alpharho_port_counter_name(void) { return "SSE-300 system counter"; }

void alpharho_port_measure_begin(void) {
  interrupt_disable(UART_IRQ);
  CNTCR = 0; /* it keeps its value, and starts the next tick when it is enabled again */
  CNTCR = 1;
}

void alpharho_port_measure_end(void) { interrupt_enable(UART_IRQ); }

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
  (void)bytes;
  (void)room;
  return 0;
}
