/* Adafruit Feather STM32F405 Express: crystal of 12 MHz; the line is USART3 on its pins TX (PB10) and RX (PB11).
 * RM0090, tables 11, 62 (interrupts); data sheet DS8626, table 9. */
#include "stm32f4/stm32f405.h"

#define UART_BASE         0x40004800
#define UART_IRQ          39
#define UART_APB1_ENABLE  (1u << 18)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    1 /* B */
#define UART_TX_PIN       10
#define UART_RX_PIN       11
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      4u

#define CRYSTAL_HZ 12000000u
