/* Arm MPS2 with a CMSDK system of any core. Timers: Cortex-M System Design Kit (DDI0479D), 4.1 and 4.2. */
#include "board.h"
#include "cmsdk/uart.h"
#include "cortex_m/cortex_m.h"
#include "port.h"
#include "wide_counter.h"

#define TIMER_CTRL   REGISTER(TIMER_BASE + 0x00)
#define TIMER_VALUE  REGISTER(TIMER_BASE + 0x04)
#define TIMER_RELOAD REGISTER(TIMER_BASE + 0x08)
#define DUAL_LOAD    REGISTER(DUAL_TIMER_BASE + 0x00)
#define DUAL_VALUE   REGISTER(DUAL_TIMER_BASE + 0x04)
#define DUAL_CONTROL REGISTER(DUAL_TIMER_BASE + 0x08)
#define DUAL_BY_256  (1u << 7 | 2u << 2 | 1u << 1) /* enabled, free running, clock / 256, 32 bits */
#define COARSE_SHIFT 8u
#define START        0xFFFFFFFFu /* both count down from here */

static uint64_t ticks_before;

static void restart_counter(void) {
  DUAL_CONTROL = 0;
  DUAL_LOAD = START;
  DUAL_CONTROL = DUAL_BY_256;
  TIMER_CTRL = 0;
  TIMER_RELOAD = START;
  TIMER_VALUE = START;
  TIMER_CTRL = 1;
}

void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  restart_counter();
  alpharho_cmsdk_uart_init();
}

uint64_t alpharho_port_ticks(void) {
  const uint32_t fine = START - TIMER_VALUE;
  return ticks_before + wide_count(fine, START - DUAL_VALUE, COARSE_SHIFT);
}

uint32_t alpharho_port_ticks_per_second(void) { return CLOCK_HZ; }

const char *alpharho_port_counter_name(void) { return "CMSDK TIMER0"; }

void alpharho_port_measure_begin(void) {
  interrupt_disable(UART_IRQ);
  ticks_before = alpharho_port_ticks();
  restart_counter();
}

void alpharho_port_measure_end(void) { interrupt_enable(UART_IRQ); }

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
  (void)bytes;
  (void)room;
  return 0;
}
