/* Nucleo L476RG: the line is USART2 on PA2 and PA3, the ST-Link's port: UM1724, 6.8. RM0351, 3.3.3, 6.2.4; data
 * sheet DS10198, table 17. */
#include "stm32l4/registers.h"

#define UART_BASE         0x40004400
#define UART_IRQ          38
#define UART_APB1_ENABLE  (1u << 17)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       2
#define UART_RX_PIN       3
#define UART_PIN_FUNCTION 7u

#define CHIP_ID     0x415u
#define CHIP_NAME   "STM32L47x"
#define PLL_N       10u
#define FLASH_WAITS 4u
