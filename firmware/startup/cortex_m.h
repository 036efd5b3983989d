/* What startup/cortex_m.c gives to the board.c of a Cortex-M. Registers: Armv7-M Architecture Reference
 * Manual (DDI0403), B3.2 system control space and B3.4 NVIC; the same addresses in Armv8-M (DDI0553). */
#ifndef ALPHARHO_CORTEX_M_H
#define ALPHARHO_CORTEX_M_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* The receive interrupt of the line, UART_IRQ: a board defines it. */
void alpharho_uart_interrupt(void);

/* Enable or disable an external interrupt: NVIC_ISER, NVIC_ICER. */
static inline void interrupt_enable(unsigned number) {
  REGISTER(0xE000E100u + 4u * (number / 32u)) = 1u << number % 32u;
}

static inline void interrupt_disable(unsigned number) {
  REGISTER(0xE000E180u + 4u * (number / 32u)) = 1u << number % 32u;
  __asm volatile("dsb\n isb" ::: "memory");
}

#endif
