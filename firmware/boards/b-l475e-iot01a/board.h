/* B-L475E-IOT01A: the line is USART1 on PB6 and PB7, the ST-Link's port: UM2153, 7.12. RM0351, 3.3.3, 6.2.4; data
 * sheet DS10969, table 17. */
#include "stm32l4/registers.h"

#define UART_BASE         0x40013800
#define UART_IRQ          37
#define UART_APB1_ENABLE  0
#define UART_APB2_ENABLE  (1u << 14)
#define UART_GPIO_PORT    1 /* B */
#define UART_TX_PIN       6
#define UART_RX_PIN       7
#define UART_PIN_FUNCTION 7u

#define CHIP_ID     0x415u
#define CHIP_NAME   "STM32L47x"
#define PLL_N       10u
#define FLASH_WAITS 4u
