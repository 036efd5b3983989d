/* What start-up code without an SDK shares: RAM as C expects it, and how much of the stack was used. */
#ifndef ALPHARHO_RAM_H
#define ALPHARHO_RAM_H

#define ALPHARHO_STACK_PAINT 0xC5C5C5C5 /* fills the unused stack; the assembler takes no suffix */

#ifndef __ASSEMBLER__

#ifdef __cplusplus
extern "C" {
#endif

/* Copy .data and clear .bss. Called once, before main. */
void alpharho_prepare_ram(void);

#ifdef __cplusplus
}
#endif

#endif /* __ASSEMBLER__ */
#endif
