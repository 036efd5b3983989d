/* Netduino Plus 2: STM32F405. The line is USART1 on PA9 and PA10: RM0090, table 62 (interrupts), datasheet DS8626,
 * table 9. */
#define UART_BASE         0x40011000
#define UART_IRQ          37
#define UART_APB1_ENABLE  0
#define UART_APB2_ENABLE  (1u << 4)
#define UART_GPIO_PORT    0 /* A */
#define UART_TX_PIN       9
#define UART_RX_PIN       10
#define UART_PIN_FUNCTION 7u
