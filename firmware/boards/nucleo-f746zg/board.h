/* Nucleo F746ZG: 8 MHz from the ST-Link; the line is USART3 on PD8 and PD9, the ST-Link's port: UM1974, 6.9.
 * RM0385, 3.3.2, 4.1.4, 5.3.2; data sheet DS10916, table 12. */
#include "stm32f7/registers.h"

#define UART_BASE         0x40004800
#define UART_IRQ          39
#define UART_APB1_ENABLE  (1u << 18)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    3 /* D */
#define UART_TX_PIN       8
#define UART_RX_PIN       9
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      4u

#define CHIP_ID             0x449u
#define CHIP_NAME           "STM32F746"
#define CRYSTAL_HZ          8000000u
#define CRYSTAL_IS_EXTERNAL /* the ST-Link's MCO */
#define PLL_N               432u
#define PLL_P               2u
#define PLL_RESERVED        (2u << 28) /* as after reset */
#define CLOCK_MOST_HZ       216000000u
#define APB1_MOST_HZ        54000000u
#define APB2_MOST_HZ        108000000u
#define APB1_DIVIDER        4u
#define APB2_DIVIDER        2u
#define TIMER_DIVIDER       2u
#define FLASH_WAITS         7u
#define POWER_SCALE         3u
#define NEEDS_OVERDRIVE     /* above 180 MHz */
