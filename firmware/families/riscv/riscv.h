/* What a family of 32-bit RISC-V cores gets from start.S and riscv.c. Control and status registers: RISC-V Instruction
 * Set Manual, volume II, Privileged Architecture 20211203, chapter 3. */
#ifndef ALPHARHO_RISCV_H
#define ALPHARHO_RISCV_H

#ifndef __ASSEMBLER__

#include <stdint.h>

#define REGISTER(address)      (*(volatile uint32_t *)(uintptr_t)(address))
#define REGISTER_BYTE(address) (*(volatile uint8_t *)(uintptr_t)(address))

/* Called by start.S. */
void alpharho_start(void);

/* Instructions that the core has completed since it started: minstret and minstreth. */
uint64_t alpharho_riscv_instructions(void);

/* The core's instruction set: misa. */
uint32_t alpharho_riscv_misa(void);

/* Let external interrupts end alpharho_riscv_sleep; none is ever taken. */
void alpharho_riscv_wake_on_interrupt(void);
void alpharho_riscv_sleep(void);

#endif /* __ASSEMBLER__ */
#endif
