/* What a family of Cortex-M gets from start.S and cortex_m.c. Registers: Armv7-M Architecture Reference
 * Manual (DDI0403), B3.2 system control space and B3.4 NVIC; the same addresses in Armv8-M (DDI0553). */
#ifndef ALPHARHO_CORTEX_M_H
#define ALPHARHO_CORTEX_M_H

#ifndef __ASSEMBLER__

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Called by start.S. */
void alpharho_start(void);
void alpharho_fault_handler(void);

/* The receive interrupt of the line, UART_IRQ of board.h: a family defines it. */
void alpharho_uart_interrupt(void);

/* Enable or disable an external interrupt: NVIC_ISER, NVIC_ICER. */
static inline void interrupt_enable(unsigned number) {
  REGISTER(0xE000E100u + 4u * (number / 32u)) = 1u << number % 32u;
}

static inline void interrupt_disable(unsigned number) {
  REGISTER(0xE000E180u + 4u * (number / 32u)) = 1u << number % 32u;
  __asm volatile("dsb\n isb" ::: "memory");
}

#endif /* __ASSEMBLER__ */
#endif
