/* What start.S goes on with after reset, and what all 32-bit RISC-V cores share of port.h. */
#include "riscv/riscv.h"

#include "port.h"
#include "ram.h"

int main(int argc, char **argv);

/* Called by start.S once the stack is painted. Prepares what C expects, then runs main. Does not return. */
void alpharho_start(void) {
  alpharho_prepare_ram();
  (void)main(0, (char **)0);
  alpharho_port_reset();
}

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
