/* What boards with an STM32F411 at 100 MHz share; their board.h says the crystal. RM0383, 3.4.1, 5.4.1, 6.3.2; data
 * sheet DS10314, table 9. */
#include "stm32f4/registers.h"

#define CHIP_ID       0x431u
#define CHIP_NAME     "STM32F411"
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
