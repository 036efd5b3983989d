/* STM32F4 Discovery (STM32F407VG): crystal of 8 MHz; the line is USART2 on PA2 and PA3, user manual UM1472. RM0090,
 * tables 11, 62 (interrupts); data sheet DS8626, table 9. */
#include "stm32f4/stm32f405.h"

#define UART_BASE         0x40004400
#define UART_IRQ          38
#define UART_APB1_ENABLE  (1u << 17)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       2
#define UART_RX_PIN       3
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      4u

#define CRYSTAL_HZ 8000000u
