/* RP2040. Datasheet: 2.20 system information, 2.14 resets, 2.15 clocks, 2.16 XOSC, 2.18 PLL, 2.19 GPIO, 4.2 UART, 4.6
 * timer, 4.7 watchdog; SysTick: Armv6-M Architecture Reference Manual (DDI0419), B3.3. */
#include "board.h"
#include "cortex_m/cortex_m.h"
#include "port.h"
#include "ring.h"
#include "wide_counter.h"

#define CHIP_ID          REGISTER(0x40000000u)
#define SYSTICK(offset)  REGISTER(0xE000E010u + (offset))
#define CLOCKS(offset)   REGISTER(0x40008000u + (offset))
#define RESETS(offset)   REGISTER(0x4000C000u + (offset))
#define IO_BANK0(offset) REGISTER(0x40014000u + (offset))
#define XOSC(offset)     REGISTER(0x40024000u + (offset))
#define PLL_SYS(offset)  REGISTER(0x40028000u + (offset))
#define TIMER(offset)    REGISTER(0x40054000u + (offset))
#define WATCHDOG(offset) REGISTER(0x40058000u + (offset))
#define UART(offset)     REGISTER(UART_BASE + (offset))
#define SET              0x2000u /* beside a register: writing there sets bits of it, or clears them */
#define CLEAR            0x3000u

#define PLL_DIVIDER_1 6u
#define PLL_DIVIDER_2 2u
/* The PLL's oscillator runs at XTAL_HZ times this. */
#define PLL_FEEDBACK (CLOCK_HZ * (PLL_DIVIDER_1 * PLL_DIVIDER_2) / XTAL_HZ)
#define MICROSECOND  (CLOCK_HZ / 1000000u)
_Static_assert(XTAL_HZ / (PLL_DIVIDER_1 * PLL_DIVIDER_2) * PLL_FEEDBACK == CLOCK_HZ, "clock_hz: a multiple of 1 MHz");
_Static_assert(CLOCK_HZ <= 133000000u, "clock_hz: 133 MHz at most");

enum { SYST_CSR = 0x0, SYST_RVR = 0x4, SYST_CVR = 0x8 };
enum { RESET_IO_BANK0 = 1u << 5, RESET_PADS_BANK0 = 1u << 8, RESET_PLL_SYS = 1u << 12, RESET_TIMER = 1u << 21 };
enum { RESET_DONE = 0x8 };
enum { CLK_REF_CTRL = 0x30, CLK_REF_SELECTED = 0x38 };
enum { CLK_SYS_CTRL = 0x3C, CLK_SYS_SELECTED = 0x44, CLK_PERI_CTRL = 0x48 };
enum { XOSC_CTRL = 0x0, XOSC_STATUS = 0x4, XOSC_STARTUP = 0xC };
enum { PLL_CS = 0x0, PLL_PWR = 0x4, PLL_FBDIV = 0x8, PLL_PRIM = 0xC };
enum { PLL_PD = 1u << 0, PLL_POSTDIVPD = 1u << 3, PLL_VCOPD = 1u << 5 };
enum { WATCHDOG_TICK = 0x2C };
enum { TIMERAWH = 0x24, TIMERAWL = 0x28 };
enum { UART_DR = 0x00, UART_FR = 0x18, UART_IBRD = 0x24, UART_FBRD = 0x28, UART_LCR_H = 0x2C, UART_CR = 0x30 };
enum { UART_IFLS = 0x34, UART_IMSC = 0x38, UART_ICR = 0x44 };
enum { FR_RX_EMPTY = 1u << 4, FR_TX_FULL = 1u << 5, DR_OVERRUN = 1u << 11 };

static uint64_t ticks_before; /* those until the counter was started again */
static uint64_t start_us;
static uint32_t start_fine;
static volatile uint32_t line_overruns;

static void start_blocks(uint32_t blocks) {
  RESETS(SET) = blocks;
  RESETS(CLEAR) = blocks;
  while ((RESETS(RESET_DONE) & blocks) != blocks) {
  }
}

static void pll_init(void) {
  start_blocks(RESET_PLL_SYS);
  PLL_SYS(PLL_CS) = 1; /* the crystal's clock, not divided */
  PLL_SYS(PLL_FBDIV) = PLL_FEEDBACK;
  PLL_SYS(PLL_PWR + CLEAR) = PLL_PD | PLL_VCOPD;
  while ((PLL_SYS(PLL_CS) & 1u << 31) == 0u) {
  }
  PLL_SYS(PLL_PRIM) = PLL_DIVIDER_1 << 16 | PLL_DIVIDER_2 << 12;
  PLL_SYS(PLL_PWR + CLEAR) = PLL_POSTDIVPD;
}

static void clocks_init(void) {
  XOSC(XOSC_STARTUP) = (XTAL_HZ / 1000u + 128u) / 256u * 64u; /* 64 ms, as some crystals are slow */
  XOSC(XOSC_CTRL) = 0xFABu << 12 | 0xAA0u;                    /* on, 1 to 15 MHz */
  while ((XOSC(XOSC_STATUS) & 1u << 31) == 0u) {
  }
  CLOCKS(CLK_SYS_CTRL + CLEAR) = 1; /* off the PLL, which runs on when the core alone is reset */
  while (CLOCKS(CLK_SYS_SELECTED) != 1u) {
  }
  CLOCKS(CLK_REF_CTRL) = 2; /* the crystal */
  while (CLOCKS(CLK_REF_SELECTED) != 1u << 2) {
  }
  pll_init();
  CLOCKS(CLK_SYS_CTRL) = 0;       /* auxiliary source: the PLL */
  CLOCKS(CLK_SYS_CTRL + SET) = 1; /* take it */
  while (CLOCKS(CLK_SYS_SELECTED) != 1u << 1) {
  }
  CLOCKS(CLK_PERI_CTRL) = 1u << 11;                       /* enabled, the processor's */
  WATCHDOG(WATCHDOG_TICK) = 1u << 9 | XTAL_HZ / 1000000u; /* the timer counts microseconds */
}

static void uart_init(void) {
  const uint32_t divisor = (CLOCK_HZ * 4u + UART_BAUD / 2u) / UART_BAUD; /* in 1/64 */
  IO_BANK0(8u * UART_TX_PIN + 4u) = 2;                                   /* function UART */
  IO_BANK0(8u * UART_RX_PIN + 4u) = 2;
  UART(UART_IBRD) = divisor >> 6;
  UART(UART_FBRD) = divisor & 63u;
  UART(UART_LCR_H) = 3u << 5 | 1u << 4; /* 8 bits, FIFOs */
  UART(UART_IFLS) = 0;                  /* receive interrupt from 4 bytes on, or after the time of 32 bits */
  UART(UART_ICR) = 0x7FF;
  UART(UART_IMSC) = 1u << 4 | 1u << 6;         /* received, timeout */
  UART(UART_CR) = 1u << 9 | 1u << 8 | 1u << 0; /* RXE, TXE, UARTEN */
  interrupt_enable(UART_IRQ);
}

static uint64_t microseconds(void) {
  uint32_t high, low;
  do {
    high = TIMER(TIMERAWH);
    low = TIMER(TIMERAWL);
  } while (high != TIMER(TIMERAWH));
  return (uint64_t)high << 32 | low;
}

/* Cycles modulo 2^24. */
static uint32_t fine_ticks(void) { return 0u - SYSTICK(SYST_CVR); }

static void restart_counter(void) {
  SYSTICK(SYST_CVR) = 0;
  start_us = microseconds();
  start_fine = fine_ticks();
}

void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  clocks_init();
  start_blocks(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_TIMER | UART_RESET);
  SYSTICK(SYST_RVR) = 0xFFFFFF;
  SYSTICK(SYST_CSR) = 1u << 2 | 1u << 0; /* the processor's clock, enabled */
  restart_counter();
  uart_init();
}

void alpharho_uart_interrupt(void) {
  while ((UART(UART_FR) & FR_RX_EMPTY) == 0u) {
    const uint32_t data = UART(UART_DR);
    line_overruns += (data & DR_OVERRUN) != 0u;
    alpharho_ring_push((uint8_t)data);
  }
}

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    while ((UART(UART_FR) & FR_TX_FULL) != 0u) {
    }
    UART(UART_DR) = bytes[i];
  }
}

uint32_t alpharho_port_overruns(void) { return line_overruns + alpharho_ring_overruns(); }

/* SysTick has the cycles but wraps after 134 ms; the timer knows how often it did. */
uint64_t alpharho_port_ticks(void) {
  const uint32_t fine = fine_ticks() - start_fine;
  const uint64_t about = (microseconds() - start_us) * MICROSECOND;
  return ticks_before + wide_count_24(fine, about);
}

uint32_t alpharho_port_ticks_per_second(void) { return CLOCK_HZ; }

const char *alpharho_port_counter_name(void) { return "SysTick"; }

bool alpharho_port_counts_cycles(void) { return true; }

/* The timer counts by the crystal, which the PLL multiplies. */
const struct alpharho_port_second *alpharho_port_second(void) {
  static const struct alpharho_port_second second = {"TIMER", 1000000u, microseconds};
  return &second;
}

void alpharho_port_measure_begin(void) {
#ifdef EMULATED
  interrupt_disable(UART_IRQ);
#endif
  ticks_before = alpharho_port_ticks();
  restart_counter();
}

void alpharho_port_measure_end(void) { interrupt_enable(UART_IRQ); }

/* JEDEC's number of the maker, and the maker's of the part; the revision is above them. */
const char *alpharho_port_machine(void) { return (CHIP_ID & 0x0FFFFFFFu) == 0x0002927u ? "RP2040" : ""; }

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
  (void)bytes; /* the chip has none; its flash has one, which can't be read while code runs from there */
  (void)room;
  return 0;
}
