/* What boards with an STM32F405 or F407 at 168 MHz share; their board.h says the crystal. RM0090, table 11; data sheet
 * DS8626, table 9. */
#include "stm32f4/registers.h"

#define CHIP_ID       0x413u
#define CHIP_NAME     "STM32F405 or F407"
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
