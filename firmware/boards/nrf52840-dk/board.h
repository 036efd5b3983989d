/* nRF52840 DK (PCA10056): the line is UARTE0 on P0.06 and P0.08, the debug chip's port: its user guide, 8.4. */
#define UART_IRQ    2
#define UART_TX_PIN 6u
#define UART_RX_PIN 8u
