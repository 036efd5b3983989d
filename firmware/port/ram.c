#include "ram.h"

#include <stdint.h>

#include "port.h"

/* Set by memory.ld.S of each core. */
extern uint32_t link_stack_low[], link_stack_top[];
extern uint32_t link_data_low[], link_data_end[];
extern const uint32_t link_data_load[];
extern uint32_t link_bss_low[], link_bss_end[];

void alpharho_prepare_ram(void) {
  const uint32_t *from = link_data_load;
  for (uint32_t *to = link_data_low; to < link_data_end; to++) {
    *to = *from++;
  }
  for (uint32_t *word = link_bss_low; word < link_bss_end; word++) {
    *word = 0;
  }
}

uint32_t alpharho_port_stack_bytes(void) { return (uint32_t)((uintptr_t)link_stack_top - (uintptr_t)link_stack_low); }

uint32_t alpharho_port_stack_used(void) {
  const volatile uint32_t *word = link_stack_low;
  while (word < link_stack_top && *word == ALPHARHO_STACK_PAINT) {
    word++;
  }
  return (uint32_t)((uintptr_t)link_stack_top - (uintptr_t)word);
}

uint32_t alpharho_port_peak_rss(void) { return 0; }
