/* Arm MPS2 with AN505 (Cortex-M33 in an SSE-200), secure addresses: Application Note DAI0505. */
#define UART_BASE       0x50200000
#define UART_IRQ        32
#define UART_HZ         CLOCK_HZ
#define TIMER_BASE      0x50000000
#define DUAL_TIMER_BASE 0x50002000
