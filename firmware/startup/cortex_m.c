/* From reset to main on any Cortex-M, in plain C: vectors, RAM, stack painting, FPU; and what all of them
 * share of port.h. */
#include "cortex_m.h"

#include "port.h"
#include "ring.h"

#ifndef UART_IRQ
#error "UART_IRQ is not set: the board's CMakeLists.txt says which interrupt receives"
#endif

#define STACK_PAINT 0xC5C5C5C5 /* the assembler takes no u */

/* Set by linker/cortex_m.ld.S. */
extern uint32_t link_stack_low[], link_stack_top[];
extern uint32_t link_data_low[], link_data_end[];
extern const uint32_t link_data_load[];
extern uint32_t link_bss_low[], link_bss_end[];
typedef void (*constructor)(void);
extern const constructor link_init_low[], link_init_end[];

int main(int argc, char **argv);
void reset_handler(void);

static void fault(void) {
  /* Nothing can be told from here; the banner after the restart shows the host that the device fell over.
   */
  alpharho_port_reset();
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  vector system[15];
  vector external[UART_IRQ + 1];
} vectors = {
    .stack = link_stack_top,
    .system = {reset_handler, fault, fault, fault, fault, fault, fault, [10] = fault, [13] = fault, [14] = fault},
    .external = {[UART_IRQ] = alpharho_uart_interrupt},
};

static void fill(uint32_t *low, const uint32_t *end, uint32_t value) {
  while (low < end) {
    *low++ = value;
  }
}

__attribute__((noreturn, used)) static void start(void) {
#if defined(__ARM_FP)
  REGISTER(0xE000ED88u) |= 0xFu << 20; /* CPACR: full access to CP10 and CP11, the FPU and MVE */
  __asm volatile("dsb\n isb" ::: "memory");
#endif
  const uint32_t *from = link_data_load;
  for (uint32_t *to = link_data_low; to < link_data_end; to++) {
    *to = *from++;
  }
  fill(link_bss_low, link_bss_end, 0);
  for (const constructor *construct = link_init_low; construct < link_init_end; construct++) {
    (*construct)();
  }
  (void)main(0, (char **)0);
  alpharho_port_reset();
  for (;;) {
  }
}

#define TEXT_OF(value)       #value
#define TEXT_OF_VALUE(value) TEXT_OF(value)

/* Paints the whole stack, so it must not use it: hence no C. */
__attribute__((naked)) void reset_handler(void) {
  __asm volatile("ldr r0, =link_stack_low\n"
                 "ldr r1, =link_stack_top\n"
                 "ldr r2, =" TEXT_OF_VALUE(STACK_PAINT) "\n"
                                                        "1: str r2, [r0], #4\n"
                                                        "cmp r0, r1\n"
                                                        "blo 1b\n"
                                                        "b start\n"
                                                        ".ltorg");
}

uint32_t alpharho_port_stack_bytes(void) { return (uint32_t)((uintptr_t)link_stack_top - (uintptr_t)link_stack_low); }

uint32_t alpharho_port_stack_used(void) {
  const volatile uint32_t *word = link_stack_low;
  while (word < link_stack_top && *word == STACK_PAINT) {
    word++;
  }
  return (uint32_t)((uintptr_t)link_stack_top - (uintptr_t)word);
}

uint32_t alpharho_port_peak_rss(void) { return 0; }

void alpharho_port_reset(void) {
  REGISTER(0xE000ED0Cu) = 0x05FA0004u; /* AIRCR: VECTKEY, SYSRESETREQ */
  for (;;) {
  }
}

size_t alpharho_port_read(uint8_t *bytes, size_t room) { return alpharho_ring_pop(bytes, room); }

void alpharho_port_wait_for_input(void) {
  /* With interrupts masked a byte that comes between the test and WFI still wakes WFI. */
  __asm volatile("cpsid i" ::: "memory");
  if (alpharho_ring_is_empty()) {
    __asm volatile("dsb\n wfi" ::: "memory");
  }
  __asm volatile("cpsie i" ::: "memory");
}
