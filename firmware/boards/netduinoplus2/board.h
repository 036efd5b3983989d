/* Netduino Plus 2: STM32F405 with a crystal of 25 MHz; the line is USART1 on PA9 and PA10. RM0090, tables 11, 62
 * (interrupts); data sheet DS8626, table 9. */
#include "stm32f4/registers.h"

#define UART_BASE         0x40011000
#define UART_IRQ          37
#define UART_APB1_ENABLE  0
#define UART_APB2_ENABLE  (1u << 4)
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       9
#define UART_RX_PIN       10
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      2u

#define CHIP_ID       0x413u
#define CHIP_NAME     "STM32F405 or F407"
#define CRYSTAL_HZ    25000000u
#define PLL_N         336u
#define PLL_P         2u
#define PLL_RESERVED  (2u << 28) /* as after reset */
#define CLOCK_MOST_HZ 168000000u
#define APB1_MOST_HZ  42000000u
#define APB2_MOST_HZ  84000000u
#define APB1_DIVIDER  4u
#define APB2_DIVIDER  2u
#define TIMER_DIVIDER 2u
#define FLASH_WAITS   5u
#define POWER_SCALE   1u
