/* Nucleo F401RE: 8 MHz from the ST-Link; the line is USART2 on PA2 and PA3, the ST-Link's port: UM1724, 6.8.
 * RM0368, 3.4.1, 5.4.1, 6.3.2; data sheet DS10086, table 9. */
#include "stm32f4/registers.h"

#define UART_BASE         0x40004400
#define UART_IRQ          38
#define UART_APB1_ENABLE  (1u << 17)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       2
#define UART_RX_PIN       3
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      2u

#define CHIP_ID             0x433u
#define CHIP_NAME           "STM32F401xE"
#define CRYSTAL_HZ          8000000u
#define CRYSTAL_IS_EXTERNAL /* the ST-Link's MCO */
#define PLL_N               336u
#define PLL_P               4u
#define PLL_RESERVED        (2u << 28) /* as after reset */
#define CLOCK_MOST_HZ       84000000u
#define APB1_MOST_HZ        42000000u
#define APB2_MOST_HZ        84000000u
#define APB1_DIVIDER        2u
#define APB2_DIVIDER        1u
#define TIMER_DIVIDER       1u
#define FLASH_WAITS         2u
#define POWER_SCALE         2u
