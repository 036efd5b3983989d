/* Raspberry Pi Pico: RP2040 with a crystal of 12 MHz. The line is UART0 on GPIO 0 and 1, pins 1 and 2 of the board:
 * RP2040 datasheet, 2.3.2 (interrupts), 2.19.2 (functions of the pins). */
#define XTAL_HZ     12000000
#define UART_BASE   0x40034000
#define UART_IRQ    20
#define UART_RESET  (1u << 22)
#define UART_TX_PIN 0
#define UART_RX_PIN 1
