/* Nucleo F411RE: 8 MHz from the ST-Link; the line is USART2 on PA2 and PA3, the ST-Link's port: UM1724, 6.8. */
#include "stm32f4/stm32f411.h"

#define UART_BASE         0x40004400
#define UART_IRQ          38
#define UART_APB1_ENABLE  (1u << 17)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       2
#define UART_RX_PIN       3
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      2u

#define CRYSTAL_HZ          8000000u
#define CRYSTAL_IS_EXTERNAL /* the ST-Link's MCO */
