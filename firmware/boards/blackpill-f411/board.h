/* WeAct Black Pill F411CE: crystal of 25 MHz; the line is USART1 on PA9 and PA10. RM0383, 3.4.1, 5.4.1, 6.3.2; data
 * sheet DS10314, table 9. */
#include "stm32f4/registers.h"

#define UART_BASE         0x40011000
#define UART_IRQ          37
#define UART_APB1_ENABLE  0
#define UART_APB2_ENABLE  (1u << 4)
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       9
#define UART_RX_PIN       10
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      1u

#define CHIP_ID       0x431u
#define CHIP_NAME     "STM32F411"
#define CRYSTAL_HZ    25000000u
#define PLL_N         400u
#define PLL_P         4u
#define PLL_RESERVED  (2u << 28) /* as after reset */
#define CLOCK_MOST_HZ 100000000u
#define APB1_MOST_HZ  50000000u
#define APB2_MOST_HZ  100000000u
#define APB1_DIVIDER  2u
#define APB2_DIVIDER  1u
#define TIMER_DIVIDER 1u
#define FLASH_WAITS   3u
#define POWER_SCALE   3u
