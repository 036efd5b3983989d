/* Arm MPS2 with AN385 (Cortex-M3), AN386 (M4) or AN500 (M7): Application Notes DAI0385D, DAI0386 and DAI0400. */
#define UART_BASE       0x40004000
#define UART_IRQ        0
#define UART_HZ         CLOCK_HZ
#define TIMER_BASE      0x40000000
#define DUAL_TIMER_BASE 0x40002000
