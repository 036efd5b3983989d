/* STM32L4: RM0351, memory map, RCC, DBGMCU. Definitions alone: assembly includes this too. */
#define GPIO_BASE         0x48000000u
#define RCC_BASE          0x40021000u
#define RCC_GPIO_ENABLE   0x4002104Cu
#define RCC_APB1_ENABLE   0x40021058u
#define RCC_APB2_ENABLE   0x40021060u
#define FLASH_CONTROL     0x40022000u
#define CHIP_ID_ADDRESS   0xE0042000u
#define UNIQUE_ID_ADDRESS 0x1FFF7590u
#define OSCILLATOR_HZ     4000000u /* MSI after reset */
#define USART_HAS_ISR
/* No bus is divided. */
#define TIMER_DIVIDER 1u
#define UART_DIVIDER  1u
