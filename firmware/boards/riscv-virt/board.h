/* QEMU's RISC-V machine `virt`: its memory map and interrupts are those of hw/riscv/virt.c and include/hw/riscv/virt.h.
 */
#define TEST_BASE 0x00100000
#define PLIC_BASE 0x0C000000
#define UART_BASE 0x10000000
#define UART_IRQ  10
