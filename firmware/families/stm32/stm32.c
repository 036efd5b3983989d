/* All STM32 of this tree. Reference manuals RM0090 (F405, F407), RM0368 (F401), RM0383 (F411), RM0390 (F446), RM0351
 * (L475, L476), RM0385 (F746), RM0433 (H743): chapters GPIO, TIM2 to TIM5, USART, DBG, and the unique device ID.
 *
 * A run is counted by the core's cycle counter, which may stop while the core sleeps; between runs TIM2 counts, which
 * does not. Both, and TIM5, which counts their wraps, start together. */
#include "stm32/stm32.h"

#include "board.h"
#include "port.h"
#include "ring.h"
#include "wide_counter.h"

#define GPIO(offset)  REGISTER(GPIO_BASE + 0x400u * UART_GPIO_PORT + (offset))
#define USART(offset) REGISTER(UART_BASE + (offset))
#define TIM2(offset)  REGISTER(0x40000000u + (offset))
#define TIM5(offset)  REGISTER(0x40000C00u + (offset))
#define DEMCR         REGISTER(0xE000EDFCu)
#define DWT_CTRL      REGISTER(0xE0001000u)
#define DWT_CYCCNT    REGISTER(0xE0001004u)
#define DWT_LAR       REGISTER(0xE0001FB0u)

enum { TIM_CR1 = 0x00, TIM_EGR = 0x14, TIM_CNT = 0x24, TIM_PSC = 0x28, TIM_ARR = 0x2C };
enum { GPIO_MODER = 0x00, GPIO_AFR = 0x20 };
enum { TIM2_AND_TIM5 = 1u << 0 | 1u << 3 }; /* of APB1's enable register, in all families */
/* Bits of the status are at the same place in both kinds of USART. */
enum { STATUS_OVERRUN = 1u << 3, STATUS_RECEIVED = 1u << 5, STATUS_SEND_EMPTY = 1u << 7 };
#ifdef USART_HAS_ISR
enum { USART_CR1 = 0x00, USART_BRR = 0x0C, USART_STATUS = 0x1C, USART_ICR = 0x20, USART_RECEIVED = 0x24 };
enum { USART_SEND = 0x28, USART_ON = 1u << 0 };
#else
enum { USART_STATUS = 0x00, USART_RECEIVED = 0x04, USART_SEND = 0x04, USART_BRR = 0x08, USART_CR1 = 0x0C };
enum { USART_ON = 1u << 13 };
#endif
enum { USART_RXNEIE = 1u << 5, USART_TE = 1u << 3, USART_RE = 1u << 2 };

#define COARSE_SHIFT        16u /* TIM5 counts once for 65,536 cycles of the core */
#define ROUNDED_DIVISOR(hz) (((hz) + UART_BAUD / 2u) / UART_BAUD)

/* A line takes about 2 % of error, of both sides together. */
#define UART_PARTS_PER_THOUSAND(hz) ((hz) / ROUNDED_DIVISOR(hz) * 1000ull / UART_BAUD)
_Static_assert(UART_PARTS_PER_THOUSAND(CLOCK_HZ / UART_DIVIDER) >= 985u &&
                   UART_PARTS_PER_THOUSAND(CLOCK_HZ / UART_DIVIDER) <= 1015u,
               "uart_baud: the clock of the USART has no divisor for it within 1.5 %");
_Static_assert((1u << COARSE_SHIFT) % TIMER_DIVIDER == 0u, "TIMER_DIVIDER: a power of two");

static uint64_t ticks_before;
static volatile uint32_t line_overruns;
static bool has_pll, is_measured;
static uint32_t timer_divider = 1; /* cycles of the core for one of TIM2 */

static bool is_right_chip(void) {
#ifdef EMULATED
  return true; /* the emulator has no debug unit */
#else
  return (REGISTER(CHIP_ID_ADDRESS) & 0xFFFu) == CHIP_ID;
#endif
}

static void restart_counter(void) {
  TIM5(TIM_EGR) = 1; /* UG: back to 0, and take over the prescaler */
  TIM2(TIM_EGR) = 1;
  DWT_CYCCNT = 0;
}

static void counter_init(void) {
  DEMCR |= 1u << 24; /* TRCENA */
#ifdef DWT_IS_LOCKED
  DWT_LAR = 0xC5ACCE55u;
#endif
  DWT_CTRL |= 1u; /* CYCCNTENA */
  TIM5(TIM_PSC) = (1u << COARSE_SHIFT) / timer_divider - 1u;
  TIM5(TIM_ARR) = 0xFFFFFFFFu;
  TIM2(TIM_ARR) = 0xFFFFFFFFu;
  restart_counter();
  TIM5(TIM_CR1) = 1;
  TIM2(TIM_CR1) = 1;
}

/* Connect a pin to the line: AFRL or AFRH, then MODER. */
static void pin_init(unsigned pin) {
  const unsigned function = GPIO_AFR + 4u * (pin / 8u);
  GPIO(function) = (GPIO(function) & ~(0xFu << 4u * (pin % 8u))) | UART_PIN_FUNCTION << 4u * (pin % 8u);
  GPIO(GPIO_MODER) = (GPIO(GPIO_MODER) & ~(3u << 2u * pin)) | 2u << 2u * pin; /* alternate function */
}

static void uart_init(void) {
  pin_init(UART_TX_PIN);
  pin_init(UART_RX_PIN);
  USART(USART_BRR) = ROUNDED_DIVISOR(has_pll ? CLOCK_HZ / UART_DIVIDER : OSCILLATOR_HZ);
  USART(USART_CR1) = USART_ON | USART_RXNEIE | USART_TE | USART_RE;
  interrupt_enable(UART_IRQ);
}

/* Another chip keeps its internal oscillator, so that it can say what it is: these clocks may be too fast for it. */
void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  has_pll = is_right_chip() && alpharho_stm32_clock_init();
#ifndef EMULATED /* QEMU's timers count nanoseconds, whatever the clocks are */
  if (has_pll) {
    timer_divider = TIMER_DIVIDER;
  }
#endif
  REGISTER(RCC_GPIO_ENABLE) |= 1u << UART_GPIO_PORT;
  REGISTER(RCC_APB1_ENABLE) |= TIM2_AND_TIM5 | UART_APB1_ENABLE;
  REGISTER(RCC_APB2_ENABLE) |= UART_APB2_ENABLE;
  (void)REGISTER(RCC_APB2_ENABLE); /* a peripheral answers two cycles after it was enabled */
  counter_init();
  uart_init();
}

void alpharho_uart_interrupt(void) {
  uint32_t status = USART(USART_STATUS);
  while ((status & (STATUS_RECEIVED | STATUS_OVERRUN)) != 0u) {
    line_overruns += (status & STATUS_OVERRUN) != 0u;
#ifdef USART_HAS_ISR
    USART(USART_ICR) = STATUS_OVERRUN;
    if ((status & STATUS_RECEIVED) != 0u) {
      alpharho_ring_push((uint8_t)USART(USART_RECEIVED));
    }
#else
    alpharho_ring_push((uint8_t)USART(USART_RECEIVED)); /* reading DR after SR clears both */
#endif
    status = USART(USART_STATUS);
  }
}

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    while ((USART(USART_STATUS) & STATUS_SEND_EMPTY) == 0u) {
    }
    USART(USART_SEND) = bytes[i];
  }
}

uint32_t alpharho_port_overruns(void) { return line_overruns + alpharho_ring_overruns(); }

uint64_t alpharho_port_ticks(void) {
#ifdef EMULATED
  const uint32_t fine = TIM2(TIM_CNT);
#else
  const uint32_t fine = is_measured ? DWT_CYCCNT : TIM2(TIM_CNT) * timer_divider;
#endif
  return ticks_before + wide_count(fine, TIM5(TIM_CNT), COARSE_SHIFT);
}

uint32_t alpharho_port_ticks_per_second(void) {
#ifdef EMULATED
  return 1000000000u;
#else
  return has_pll ? CLOCK_HZ : OSCILLATOR_HZ;
#endif
}

const char *alpharho_port_counter_name(void) {
#ifdef EMULATED
  return "TIM2"; /* QEMU has no cycle counter */
#else
  return "DWT CYCCNT";
#endif
}

#ifndef EMULATED
bool alpharho_port_counts_cycles(void) { return true; }

static uint64_t timer_ticks(void) {
  const unsigned shift = COARSE_SHIFT - (unsigned)__builtin_ctz(timer_divider);
  return wide_count(TIM2(TIM_CNT), TIM5(TIM_CNT), shift);
}

/* Not by the core's clock but by that of APB1. */
const struct alpharho_port_second *alpharho_port_second(void) {
  static struct alpharho_port_second second = {.name = "TIM2", .ticks = timer_ticks};
  second.rate_hz = alpharho_port_ticks_per_second() / timer_divider;
  return &second;
}
#endif

void alpharho_port_measure_begin(void) {
#ifdef EMULATED
  interrupt_disable(UART_IRQ);
#endif
  ticks_before = alpharho_port_ticks();
  restart_counter();
  is_measured = true;
}

void alpharho_port_measure_end(void) {
  is_measured = false;
  interrupt_enable(UART_IRQ);
}

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
#ifdef EMULATED
  (void)bytes; /* the emulator has no memory at that address: reading it is a fault */
  (void)room;
  return 0;
#else
  const size_t count = room < 12u ? room : 12u; /* 96 bits */
  for (size_t i = 0; i < count; i++) {
    bytes[i] = ((const volatile uint8_t *)UNIQUE_ID_ADDRESS)[i];
  }
  return count;
#endif
}

/* The name of the chip's line of products, or the device ID of another one. */
const char *alpharho_port_machine(void) {
#ifdef EMULATED
  return "";
#else
  if (is_right_chip()) {
    return CHIP_NAME;
  }
  static char name[] = "STM32 device 0x000";
  const uint32_t id = REGISTER(CHIP_ID_ADDRESS);
  for (unsigned i = 0; i < 3u; i++) {
    name[sizeof name - 2u - i] = "0123456789abcdef"[id >> 4u * i & 0xFu];
  }
  return name;
#endif
}
