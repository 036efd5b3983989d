/* The clocks of STM32F4 and STM32F7, whose RCC and PWR are laid out alike: RM0090, 5.4 PWR, 7.3 RCC, 3.9 FLASH_ACR;
 * RM0385, 4.4, 5.3, 3.7. */
#include "board.h"
#include "stm32/cache.h"
#include "stm32/stm32.h"

#define RCC(offset) REGISTER(RCC_BASE + (offset))
enum { RCC_CR = 0x00, RCC_PLLCFGR = 0x04, RCC_CFGR = 0x08 };
enum { CR_HSE_ON = 1u << 16, CR_HSE_READY = 1u << 17, CR_HSE_BYPASS = 1u << 18 };
enum { CR_PLL_ON = 1u << 24, CR_PLL_READY = 1u << 25 };
enum { CFGR_SOURCE_PLL = 2u, CFGR_RUNS_FROM = 3u << 2, CFGR_RUNS_FROM_PLL = 2u << 2 };
enum { OVERDRIVE = 1u << 16, OVERDRIVE_SWITCH = 1u << 17 };
#define POWER_ENABLE (1u << 28)

/* The PLL's input is 1 MHz from either oscillator: its steps are those of the core's clock. */
#define PLL_INPUT_HZ 1000000u
#define VCO_HZ       (PLL_INPUT_HZ * PLL_N)
_Static_assert(CRYSTAL_HZ % PLL_INPUT_HZ == 0u && CRYSTAL_HZ / PLL_INPUT_HZ >= 2u && CRYSTAL_HZ / PLL_INPUT_HZ <= 63u,
               "CRYSTAL_HZ: 2 to 63 MHz, in whole MHz");
_Static_assert(PLL_N >= 50u && PLL_N <= 432u && VCO_HZ >= 100000000u && VCO_HZ <= 432000000u, "PLL_N: out of range");
_Static_assert(PLL_P == 2u || PLL_P == 4u || PLL_P == 6u || PLL_P == 8u, "PLL_P: 2, 4, 6 or 8");
_Static_assert(VCO_HZ / PLL_P == CLOCK_HZ, "clock_hz in the TOML is not what PLL_N and PLL_P give");
_Static_assert(CLOCK_HZ <= CLOCK_MOST_HZ, "CLOCK_MOST_HZ: of the data sheet");
_Static_assert(CLOCK_HZ / APB1_DIVIDER <= APB1_MOST_HZ && CLOCK_HZ / APB2_DIVIDER <= APB2_MOST_HZ,
               "APB1_DIVIDER, APB2_DIVIDER: a bus is too fast");
/* A timer runs at twice the rate of a divided bus. */
_Static_assert(TIMER_DIVIDER == (APB1_DIVIDER == 1u ? 1u : APB1_DIVIDER / 2u), "TIMER_DIVIDER: see APB1_DIVIDER");
_Static_assert(UART_DIVIDER == (UART_APB2_ENABLE != 0u ? APB2_DIVIDER : APB1_DIVIDER), "UART_DIVIDER: see the buses");
/* At 2.7 to 3.6 V each wait state is good for 30 MHz. */
_Static_assert(CLOCK_HZ <= 30000000u * (FLASH_WAITS + 1u), "FLASH_WAITS: too few");

/* PPRE1, PPRE2: 0 undivided, 4 by 2, 5 by 4. */
#define PRESCALER(divider) ((divider) == 1u ? 0u : (divider) == 2u ? 4u : 5u)
_Static_assert(APB1_DIVIDER == 1u || APB1_DIVIDER == 2u || APB1_DIVIDER == 4u, "APB1_DIVIDER: 1, 2 or 4");
_Static_assert(APB2_DIVIDER == 1u || APB2_DIVIDER == 2u || APB2_DIVIDER == 4u, "APB2_DIVIDER: 1, 2 or 4");

static bool crystal_starts(void) {
#ifdef CRYSTAL_IS_EXTERNAL
  RCC(RCC_CR) |= CR_HSE_BYPASS; /* a clock from the probe's chip, not a crystal */
#endif
  RCC(RCC_CR) |= CR_HSE_ON;
  return clock_bits_are(&RCC(RCC_CR), CR_HSE_READY, CR_HSE_READY);
}

static void raise_voltage(void) {
  REGISTER(RCC_APB1_ENABLE) |= POWER_ENABLE;
  REGISTER(POWER_CONTROL) = (REGISTER(POWER_CONTROL) & ~(3u << 14)) | POWER_SCALE << 14;
}

static bool overdrive_starts(void) {
#ifdef NEEDS_OVERDRIVE
  REGISTER(POWER_CONTROL) |= OVERDRIVE;
  if (!clock_bits_are(&REGISTER(POWER_STATUS), OVERDRIVE, OVERDRIVE)) {
    return false;
  }
  REGISTER(POWER_CONTROL) |= OVERDRIVE_SWITCH;
  return clock_bits_are(&REGISTER(POWER_STATUS), OVERDRIVE_SWITCH, OVERDRIVE_SWITCH);
#else
  return true;
#endif
}

static bool pll_starts(void) {
  const bool has_crystal = crystal_starts();
  const uint32_t divider = (has_crystal ? CRYSTAL_HZ : OSCILLATOR_HZ) / PLL_INPUT_HZ;
  /* PLLQ feeds USB, which is not used: any divider that keeps it within its bounds. */
  RCC(RCC_PLLCFGR) =
      divider | PLL_N << 6 | (PLL_P / 2u - 1u) << 16 | (has_crystal ? 1u : 0u) << 22 | 9u << 24 | PLL_RESERVED;
  RCC(RCC_CR) |= CR_PLL_ON;
  return clock_bits_are(&RCC(RCC_CR), CR_PLL_READY, CR_PLL_READY);
}

bool alpharho_stm32_clock_init(void) {
  caches_on();
  raise_voltage();
  if (!pll_starts() || !overdrive_starts()) {
    return false;
  }
  REGISTER(FLASH_CONTROL) = FLASH_WAITS | FLASH_CACHES;
  if (!clock_bits_are(&REGISTER(FLASH_CONTROL), 0xFu, FLASH_WAITS)) {
    return false;
  }
  RCC(RCC_CFGR) = PRESCALER(APB1_DIVIDER) << 10 | PRESCALER(APB2_DIVIDER) << 13 | CFGR_SOURCE_PLL;
  if (clock_bits_are(&RCC(RCC_CFGR), CFGR_RUNS_FROM, CFGR_RUNS_FROM_PLL)) {
    return true;
  }
  RCC(RCC_CFGR) = 0; /* back to the internal oscillator, undivided */
  return false;
}
