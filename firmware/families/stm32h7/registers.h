/* STM32H743: RM0433, memory map, RCC, DBGMCU. Definitions alone: assembly includes this too. */
#define GPIO_BASE         0x58020000u
#define RCC_BASE          0x58024400u
#define RCC_GPIO_ENABLE   0x580244E0u
#define RCC_APB1_ENABLE   0x580244E8u
#define RCC_APB2_ENABLE   0x580244F0u
#define POWER_BASE        0x58024800u
#define FLASH_CONTROL     0x52002000u
#define CHIP_ID_ADDRESS   0x5C001000u
#define UNIQUE_ID_ADDRESS 0x1FF1E800u
#define OSCILLATOR_HZ     64000000u
#define USART_HAS_ISR
#define DWT_IS_LOCKED
#define HAS_L1_CACHES
/* The core's clock by 2 for AXI and AHB, again by 2 for APB; a timer runs at twice the rate of a divided bus. */
#define TIMER_DIVIDER 2u
#define UART_DIVIDER  4u
