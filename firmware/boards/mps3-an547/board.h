/* Arm MPS3 with AN547 (Cortex-M55 in an SSE-300): Application Note DAI0547; Corstone SSE-300 (101773), 4.6. */
#define UART_BASE           0x49303000
#define UART_IRQ            33
#define UART_HZ             25000000 /* the UARTs have a clock of their own */
#define SYSTEM_COUNTER_BASE 0x58100000
