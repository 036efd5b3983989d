/* Nucleo F446RE: 8 MHz from the ST-Link; the line is USART2 on PA2 and PA3, the ST-Link's port: UM1724, 6.8.
 * RM0390, 3.4.1, 5.1.4, 6.3.2; data sheet DS10693, table 11. */
#include "stm32f4/registers.h"

#define UART_BASE         0x40004400
#define UART_IRQ          38
#define UART_APB1_ENABLE  (1u << 17)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       2
#define UART_RX_PIN       3
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      4u

#define CHIP_ID             0x421u
#define CHIP_NAME           "STM32F446"
#define CRYSTAL_HZ          8000000u
#define CRYSTAL_IS_EXTERNAL /* the ST-Link's MCO */
#define PLL_N               360u
#define PLL_P               2u
#define PLL_RESERVED        (2u << 28) /* PLLR, not used: at least 2 */
#define CLOCK_MOST_HZ       180000000u
#define APB1_MOST_HZ        45000000u
#define APB2_MOST_HZ        90000000u
#define APB1_DIVIDER        4u
#define APB2_DIVIDER        2u
#define TIMER_DIVIDER       2u
#define FLASH_WAITS         5u
#define POWER_SCALE         3u
#define NEEDS_OVERDRIVE     /* above 168 MHz */
