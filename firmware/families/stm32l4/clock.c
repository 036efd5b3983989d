/* The clocks of STM32L4, from its oscillator HSI16, which is good to 1 %: RM0351, 6.4 RCC, 3.7.1 FLASH_ACR. The voltage
 * is that of range 1 after reset. */
#include "board.h"
#include "stm32/stm32.h"

#define RCC(offset) REGISTER(RCC_BASE + (offset))
enum { RCC_CR = 0x00, RCC_CFGR = 0x08, RCC_PLLCFGR = 0x0C };
enum { CR_HSI_ON = 1u << 8, CR_HSI_READY = 1u << 10, CR_PLL_ON = 1u << 24, CR_PLL_READY = 1u << 25 };
enum { CFGR_SOURCE_PLL = 3u, CFGR_RUNS_FROM = 3u << 2, CFGR_RUNS_FROM_PLL = 3u << 2 };
enum { PLL_FROM_HSI = 2u, PLL_R_ON = 1u << 24 };
#define FLASH_CACHES (1u << 8 | 1u << 9 | 1u << 10) /* prefetch, instructions, data */

/* Input 16 MHz, PLLM 1, PLLR 2. */
#define VCO_HZ (16000000u * PLL_N)
_Static_assert(PLL_N >= 8u && PLL_N <= 86u && VCO_HZ >= 64000000u && VCO_HZ <= 344000000u, "PLL_N: out of range");
_Static_assert(VCO_HZ / 2u == CLOCK_HZ, "clock_hz in the TOML is not what PLL_N gives");
_Static_assert(CLOCK_HZ <= 80000000u, "clock_hz: at most 80 MHz");
_Static_assert(CLOCK_HZ <= 16000000u * (FLASH_WAITS + 1u), "FLASH_WAITS: too few, in range 1 each is good for 16 MHz");

static bool pll_starts(void) {
  RCC(RCC_CR) |= CR_HSI_ON;
  if (!clock_bits_are(&RCC(RCC_CR), CR_HSI_READY, CR_HSI_READY)) {
    return false;
  }
  RCC(RCC_PLLCFGR) = PLL_FROM_HSI | PLL_N << 8 | PLL_R_ON;
  RCC(RCC_CR) |= CR_PLL_ON;
  return clock_bits_are(&RCC(RCC_CR), CR_PLL_READY, CR_PLL_READY);
}

bool alpharho_stm32_clock_init(void) {
  if (!pll_starts()) {
    return false;
  }
  REGISTER(FLASH_CONTROL) = FLASH_WAITS | FLASH_CACHES;
  if (!clock_bits_are(&REGISTER(FLASH_CONTROL), 7u, FLASH_WAITS)) {
    return false;
  }
  RCC(RCC_CFGR) = CFGR_SOURCE_PLL;
  if (clock_bits_are(&RCC(RCC_CFGR), CFGR_RUNS_FROM, CFGR_RUNS_FROM_PLL)) {
    return true;
  }
  RCC(RCC_CFGR) = 0;
  return false;
}
