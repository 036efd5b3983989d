/* What start.S goes on with after reset, and what all Cortex-M share of port.h. */
#include "cortex_m/cortex_m.h"

#include "port.h"
#include "ram.h"
#include "ring.h"

/* Set by memory.ld.S. */
typedef void (*constructor)(void);
extern const constructor link_init_low[], link_init_end[];

int main(int argc, char **argv);

/* A fault can't be reported from here: the banner after the restart shows the host that the device failed. */
void alpharho_fault_handler(void) { alpharho_port_reset(); }

/* Called by start.S once the stack is painted. Prepares what C expects, then runs main. Does not return. */
void alpharho_start(void) {
#ifdef __ARM_FP
  REGISTER(0xE000ED88u) |= 0xFu << 20; /* CPACR: full access to CP10 and CP11, the FPU and MVE */
  __asm volatile("dsb\n isb" ::: "memory");
#endif
  alpharho_prepare_ram();
  for (const constructor *construct = link_init_low; construct < link_init_end; construct++) {
    (*construct)();
  }
  (void)main(0, (char **)0);
  alpharho_port_reset();
}

uint32_t alpharho_port_cpuid(void) { return REGISTER(0xE000ED00u); }

/* A family whose chips have a number of their own replaces this. */
__attribute__((weak)) const char *alpharho_port_machine(void) { return ""; }

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
