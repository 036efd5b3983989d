/* STM32F7: RM0385, memory map, RCC, DBGMCU. Definitions alone: assembly includes this too. */
#define GPIO_BASE         0x40020000u
#define RCC_BASE          0x40023800u
#define RCC_GPIO_ENABLE   0x40023830u
#define RCC_APB1_ENABLE   0x40023840u
#define RCC_APB2_ENABLE   0x40023844u
#define POWER_CONTROL     0x40007000u
#define POWER_STATUS      0x40007004u
#define FLASH_CONTROL     0x40023C00u
#define FLASH_CACHES      (1u << 8 | 1u << 9) /* prefetch and the ART accelerator, for the ITCM's view of the flash */
#define CHIP_ID_ADDRESS   0xE0042000u
#define UNIQUE_ID_ADDRESS 0x1FF0F420u
#define OSCILLATOR_HZ     16000000u
#define USART_HAS_ISR
#define DWT_IS_LOCKED
#define HAS_L1_CACHES
