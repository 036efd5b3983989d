/* Vector table and reset of any Cortex-M, in the instructions of Armv6-M, which all of them have.
 *
 * The table: Armv6-M (DDI0419) B1.5.3, Armv7-M (DDI0403) B1.5.3, Armv8-M (DDI0553) B3.30; the same first 16 entries. */
#include "board.h"
#include "ram.h"

#ifndef UART_IRQ
#error "UART_IRQ is not set: the board.h of this board says which interrupt receives"
#endif

        .syntax unified
        .thumb

        .section .vectors, "a", %progbits
        .align  2
        .word   link_stack_top
        .word   alpharho_reset_handler
        .rept   14                      /* faults, SVCall, PendSV, SysTick: nothing here enables or uses these */
        .word   alpharho_fault_handler
        .endr
        .rept   UART_IRQ                /* external interrupts before the line's */
        .word   alpharho_fault_handler
        .endr
        .word   alpharho_uart_interrupt

/* Paints the whole stack and must not use it, so this is not C.
 *
 *   r0  next word of the stack      r1  its end      r2  the paint */
        .section .text.alpharho_reset_handler, "ax", %progbits
        .align  2
        .global alpharho_reset_handler
        .type   alpharho_reset_handler, %function
        .thumb_func
alpharho_reset_handler:
        ldr     r0, =link_stack_low
        ldr     r1, =link_stack_top
        ldr     r2, =ALPHARHO_STACK_PAINT
paint:  str     r2, [r0]
        adds    r0, r0, #4
        cmp     r0, r1
        blo     paint
        ldr     r0, =alpharho_start
        bx      r0
        .size   alpharho_reset_handler, . - alpharho_reset_handler
