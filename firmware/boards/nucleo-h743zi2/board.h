/* Nucleo H743ZI2: 8 MHz from the ST-Link; the line is USART3 on PD8 and PD9, the ST-Link's port: UM2407, 6.9. Data
 * sheet DS12110, table 9. */
#include "stm32h7/registers.h"

#define UART_BASE         0x40004800
#define UART_IRQ          39
#define UART_APB1_ENABLE  (1u << 18)
#define UART_APB2_ENABLE  0
#define UART_GPIO_PORT    3 /* D */
#define UART_TX_PIN       8
#define UART_RX_PIN       9
#define UART_PIN_FUNCTION 7u

#define CHIP_ID    0x450u
#define CHIP_NAME  "STM32H743"
#define CRYSTAL_HZ 8000000u
#define PLL_N      400u
