/* WeAct Black Pill F411CE: crystal of 25 MHz; the line is USART1 on PA9 and PA10. */
#include "stm32f4/stm32f411.h"

#define UART_BASE         0x40011000
#define UART_IRQ          37
#define UART_APB1_ENABLE  0
#define UART_APB2_ENABLE  (1u << 4)
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       9
#define UART_RX_PIN       10
#define UART_PIN_FUNCTION 7u
#define UART_DIVIDER      1u

#define CRYSTAL_HZ 25000000u
