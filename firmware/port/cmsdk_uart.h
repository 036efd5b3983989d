/* The UART of Arm's Cortex-M System Design Kit (DDI0479D, 4.3), on MPS2 and MPS3 boards. */
#ifndef ALPHARHO_PORT_CMSDK_UART_H
#define ALPHARHO_PORT_CMSDK_UART_H

/* Enable both directions and the receive interrupt. UART_BASE, UART_HZ and UART_BAUD say where and how fast.
 */
void alpharho_cmsdk_uart_init(void);

#endif
