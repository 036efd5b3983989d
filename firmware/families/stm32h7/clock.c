/* The clocks of STM32H743 at 400 MHz, which both revisions of the chip reach at voltage scale 1: RM0433, 8.7 RCC, 6.8
 * PWR, table 17 (flash wait states). */
#include "board.h"
#include "stm32/cache.h"
#include "stm32/stm32.h"

#define RCC(offset)   REGISTER(RCC_BASE + (offset))
#define POWER(offset) REGISTER(POWER_BASE + (offset))
enum { RCC_CR = 0x00, RCC_CFGR = 0x10, RCC_D1CFGR = 0x18, RCC_D2CFGR = 0x1C, RCC_D3CFGR = 0x20 };
enum { RCC_PLLCKSELR = 0x28, RCC_PLLCFGR = 0x2C, RCC_PLL1DIVR = 0x30 };
enum { POWER_CSR1 = 0x04, POWER_CR3 = 0x0C, POWER_D3CR = 0x18 };
enum { CR_HSE_ON = 1u << 16, CR_HSE_READY = 1u << 17, CR_HSE_BYPASS = 1u << 18 };
enum { CR_PLL_ON = 1u << 24, CR_PLL_READY = 1u << 25 };
enum { CFGR_SOURCE_PLL = 3u, CFGR_RUNS_FROM = 7u << 3, CFGR_RUNS_FROM_PLL = 3u << 3 };
enum { VOLTAGE_READY = 1u << 13, VOLTAGE_SCALE_1 = 3u << 14, SUPPLY_LDO = 1u << 1 };
enum { PLL_FROM_HSI = 0u, PLL_FROM_HSE = 2u, PLL_INPUT_2_TO_4_MHZ = 1u << 2, PLL_P_ON = 1u << 16 };
enum { AHB_BY_2 = 8u, D1_APB_BY_2 = 4u << 4, APB_BY_2 = 4u << 4 | 4u << 8 };

#define PLL_INPUT_HZ 2000000u
#define PLL_P        2u
#define VCO_HZ       (PLL_INPUT_HZ * PLL_N)
#define FLASH_WAITS  (2u | 2u << 4) /* and the delay of a write: for AXI at 185 to 210 MHz */
_Static_assert(CRYSTAL_HZ % PLL_INPUT_HZ == 0u && CRYSTAL_HZ / PLL_INPUT_HZ <= 63u, "CRYSTAL_HZ: in steps of 2 MHz");
_Static_assert(PLL_N >= 4u && PLL_N <= 512u && VCO_HZ >= 192000000u && VCO_HZ <= 836000000u, "PLL_N: out of range");
_Static_assert(VCO_HZ / PLL_P == CLOCK_HZ, "clock_hz in the TOML is not what PLL_N gives");
_Static_assert(CLOCK_HZ <= 400000000u, "clock_hz: at most 400 MHz at voltage scale 1");

static bool supply_is_ready(void) {
  POWER(POWER_CR3) = (POWER(POWER_CR3) & ~7u) | SUPPLY_LDO; /* writing it once ends the limits after power-on */
  if (!clock_bits_are(&POWER(POWER_CSR1), VOLTAGE_READY, VOLTAGE_READY)) {
    return false;
  }
  POWER(POWER_D3CR) |= VOLTAGE_SCALE_1;
  return clock_bits_are(&POWER(POWER_D3CR), VOLTAGE_READY, VOLTAGE_READY);
}

static bool pll_starts(void) {
  RCC(RCC_CR) |= CR_HSE_BYPASS; /* a clock from the probe's chip, not a crystal */
  RCC(RCC_CR) |= CR_HSE_ON;
  const bool has_crystal = clock_bits_are(&RCC(RCC_CR), CR_HSE_READY, CR_HSE_READY);
  const uint32_t divider = (has_crystal ? CRYSTAL_HZ : OSCILLATOR_HZ) / PLL_INPUT_HZ;
  RCC(RCC_PLLCKSELR) = divider << 4 | (has_crystal ? PLL_FROM_HSE : PLL_FROM_HSI);
  RCC(RCC_PLLCFGR) = PLL_INPUT_2_TO_4_MHZ | PLL_P_ON;
  RCC(RCC_PLL1DIVR) = (PLL_N - 1u) | (PLL_P - 1u) << 9 | 1u << 16 | 1u << 24;
  RCC(RCC_CR) |= CR_PLL_ON;
  return clock_bits_are(&RCC(RCC_CR), CR_PLL_READY, CR_PLL_READY);
}

bool alpharho_stm32_clock_init(void) {
  caches_on();
  if (!supply_is_ready() || !pll_starts()) {
    return false;
  }
  REGISTER(FLASH_CONTROL) = FLASH_WAITS;
  if (!clock_bits_are(&REGISTER(FLASH_CONTROL), 0x3Fu, FLASH_WAITS)) {
    return false;
  }
  RCC(RCC_D1CFGR) = AHB_BY_2 | D1_APB_BY_2;
  RCC(RCC_D2CFGR) = APB_BY_2;
  RCC(RCC_D3CFGR) = APB_BY_2 & 0x70u;
  RCC(RCC_CFGR) = CFGR_SOURCE_PLL;
  if (clock_bits_are(&RCC(RCC_CFGR), CFGR_RUNS_FROM, CFGR_RUNS_FROM_PLL)) {
    return true;
  }
  RCC(RCC_CFGR) = 0;
  RCC(RCC_D1CFGR) = 0;
  RCC(RCC_D2CFGR) = 0;
  return false;
}
