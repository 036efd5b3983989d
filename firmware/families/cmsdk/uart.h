/* The UART of Arm's Cortex-M System Design Kit (DDI0479D, 4.3), on MPS2 and MPS3 boards. */
#ifndef ALPHARHO_CMSDK_UART_H
#define ALPHARHO_CMSDK_UART_H

/* Enable both directions and the receive interrupt. Takes UART_BASE, UART_IRQ and UART_HZ from board.h and UART_BAUD
 * from the target. */
void alpharho_cmsdk_uart_init(void);

#endif
