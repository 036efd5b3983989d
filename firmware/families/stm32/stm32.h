/* What the families of STM32 share. A family is registers.h, with the addresses of its chips, and clock.c. */
#ifndef ALPHARHO_STM32_H
#define ALPHARHO_STM32_H

#include <stdbool.h>
#include <stdint.h>

#include "cortex_m/cortex_m.h"

/* Bring up the PLL at CLOCK_HZ, with the flash's wait states, its caches, and the dividers of the buses. Returns false
 * where it does not start; the chip then runs from its internal oscillator at OSCILLATOR_HZ, undivided. */
bool alpharho_stm32_clock_init(void);

/* Polls until a bit has a value. A chip that does not answer, or an emulator without a clock tree, must not hang. */
#define CLOCK_POLLS 50000u

static inline bool clock_bits_are(volatile const uint32_t *where, uint32_t mask, uint32_t expected) {
  for (uint32_t i = 0; i < CLOCK_POLLS; i++) {
    if ((*where & mask) == expected) {
      return true;
    }
  }
  return false;
}

#endif
