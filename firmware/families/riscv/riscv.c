/* What start.S goes on with after reset, and what all 32-bit RISC-V cores share of port.h. */
#include "riscv/riscv.h"

#include "port.h"

/* Set by memory.ld.S. */
extern uint32_t link_stack_low[], link_stack_top[];
extern uint32_t link_data_low[], link_data_end[];
extern const uint32_t link_data_load[];
extern uint32_t link_bss_low[], link_bss_end[];

int main(int argc, char **argv);

/* Called by start.S once the stack is painted. Prepares what C expects, then runs main. Does not return. */
void alpharho_start(void) {
  const uint32_t *from = link_data_load;
  for (uint32_t *to = link_data_low; to < link_data_end; to++) {
    *to = *from++;
  }
  for (uint32_t *word = link_bss_low; word < link_bss_end; word++) {
    *word = 0;
  }
  (void)main(0, (char **)0);
  alpharho_port_reset();
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

uint32_t alpharho_port_cpuid(void) { return 0; }

/* The instruction set as compilers write it, such as rv32imc: misa has a bit for each letter. */
const char *alpharho_port_machine(void) {
  static const char order[] = "imafdc";
  static char name[4u + sizeof order] = "rv32";
  const uint32_t misa = alpharho_riscv_misa();
  char *end = name + 4;
  for (const char *letter = order; *letter != '\0'; letter++) {
    if ((misa >> (*letter - 'a') & 1u) != 0u) {
      *end++ = *letter;
    }
  }
  *end = '\0';
  return name;
}
