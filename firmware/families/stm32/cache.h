/* The level 1 caches of a Cortex-M7: Armv7-M Architecture Reference Manual (DDI0403), B2.2 and B3.2; the order of the
 * steps is that of the Cortex-M7 Technical Reference Manual (DDI0489), 5.4. */
#ifndef ALPHARHO_STM32_CACHE_H
#define ALPHARHO_STM32_CACHE_H

#include "cortex_m/cortex_m.h"

#ifdef HAS_L1_CACHES
#define CCR     REGISTER(0xE000ED14u)
#define CCSIDR  REGISTER(0xE000ED80u)
#define CSSELR  REGISTER(0xE000ED84u)
#define ICIALLU REGISTER(0xE000EF50u)
#define DCISW   REGISTER(0xE000EF60u)
#endif

/* Empty the caches, whose content is random after power-on, and switch them on. */
static inline void caches_on(void) {
#ifdef HAS_L1_CACHES
  CSSELR = 0; /* the data cache of level 1 */
  __asm volatile("dsb" ::: "memory");
  const uint32_t sets = (CCSIDR >> 13 & 0x7FFFu) + 1u;
  const uint32_t ways = (CCSIDR >> 3 & 0x3FFu) + 1u;
  for (uint32_t set = 0; set < sets; set++) {
    for (uint32_t way = 0; way < ways; way++) {
      DCISW = set << 5 | way << 30; /* lines of 32 bytes, four ways */
    }
  }
  ICIALLU = 0;
  __asm volatile("dsb\n isb" ::: "memory");
  CCR |= 1u << 16 | 1u << 17; /* DC, IC */
  __asm volatile("dsb\n isb" ::: "memory");
#endif
}

#endif
