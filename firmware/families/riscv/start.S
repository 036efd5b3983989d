/* Reset of a 32-bit RISC-V core, and what only its own instructions can do. riscv.h says what the functions do. */
#include "ram.h"

        /* Not in -march: with it the compiler of Debian 12 links libraries for 64 bits. */
        .option arch, +zicsr

        .macro  FUNCTION name, section
        .section \section, "ax", %progbits
        .global \name
        .type   \name, %function
\name:
        .endm

        .macro  END_FUNCTION name
        .size   \name, . - \name
        .endm

/* The first instruction of the image: the emulator starts at the beginning of RAM, whatever the ELF's entry is.
 * Paints the whole stack and must not use it, so this is not C.
 *
 *   t0  next word of the stack      t1  the paint      sp  the stack's end */
        FUNCTION alpharho_reset_handler, .start
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      t0, fault_handler
        csrw    mtvec, t0
#ifdef __riscv_flen
        li      t0, 1 << 13             /* mstatus.FS: floating-point instructions are faults until it is set */
        csrs    mstatus, t0
#endif
        la      t0, link_stack_low
        la      sp, link_stack_top
        li      t1, ALPHARHO_STACK_PAINT
paint:  sw      t1, 0(t0)
        addi    t0, t0, 4
        bltu    t0, sp, paint
        tail    alpharho_start
        END_FUNCTION alpharho_reset_handler

/* A fault can't be reported from here: the banner after the restart shows the host that the device failed. */
        .balign 4
fault_handler:
        tail    alpharho_port_reset

        FUNCTION alpharho_riscv_instructions, .text.alpharho_riscv_instructions
again:  csrr    a1, minstreth
        csrr    a0, minstret
        csrr    t0, minstreth
        bne     t0, a1, again           /* the low half wrapped in between */
        ret
        END_FUNCTION alpharho_riscv_instructions

        FUNCTION alpharho_riscv_misa, .text.alpharho_riscv_misa
        csrr    a0, misa
        ret
        END_FUNCTION alpharho_riscv_misa

        FUNCTION alpharho_riscv_wake_on_interrupt, .text.alpharho_riscv_wake_on_interrupt
        li      t0, 1 << 11             /* mie.MEIE; mstatus.MIE stays 0 */
        csrs    mie, t0
        ret
        END_FUNCTION alpharho_riscv_wake_on_interrupt

        FUNCTION alpharho_riscv_sleep, .text.alpharho_riscv_sleep
        wfi
        ret
        END_FUNCTION alpharho_riscv_sleep
