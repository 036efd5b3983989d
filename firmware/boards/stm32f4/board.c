/* STM32F405 and its kin. Reference manual RM0090: 7.3 RCC, 8.4 GPIO, 18.4 TIM2 to TIM5, 30.6 USART. Runs from
 * the 16 MHz oscillator, as after reset: QEMU has no clock tree, so there was nothing to try a PLL on. */
#include "cortex_m.h"
#include "port.h"
#include "ring.h"
#include "wide_counter.h"

#define RCC_AHB1ENR    REGISTER(0x40023830u)
#define RCC_APB1ENR    REGISTER(0x40023840u)
#define RCC_APB2ENR    REGISTER(0x40023844u)
#define GPIOA(offset)  REGISTER(0x40020000u + (offset))
#define USART1(offset) REGISTER(0x40011000u + (offset))
#define TIM2(offset)   REGISTER(0x40000000u + (offset))
#define TIM5(offset)   REGISTER(0x40000C00u + (offset))

enum { TIM_CR1 = 0x00, TIM_EGR = 0x14, TIM_CNT = 0x24, TIM_PSC = 0x28, TIM_ARR = 0x2C };
enum { USART_SR = 0x00, USART_DR = 0x04, USART_BRR = 0x08, USART_CR1 = 0x0C };
enum { SR_OVERRUN = 1u << 3, SR_RECEIVED = 1u << 5, SR_SEND_EMPTY = 1u << 7 };

#define COARSE_SHIFT 16u /* TIM5 counts once for 65,536 of TIM2 */

static uint64_t ticks_before;
static volatile uint32_t line_overruns;

static void restart_counter(void) {
  TIM5(TIM_EGR) = 1; /* UG: back to 0, and take over the prescaler */
  TIM2(TIM_EGR) = 1;
}

static void counter_init(void) {
  TIM5(TIM_PSC) = (1u << COARSE_SHIFT) - 1u;
  TIM5(TIM_ARR) = 0xFFFFFFFFu;
  TIM2(TIM_ARR) = 0xFFFFFFFFu;
  restart_counter();
  TIM5(TIM_CR1) = 1;
  TIM2(TIM_CR1) = 1;
}

static void uart_init(void) {
  GPIOA(0x20 + 4) = (GPIOA(0x20 + 4) & ~(0xFFu << 4)) | 0x77u << 4; /* AFRH: PA9 and PA10 are USART1, AF7 */
  GPIOA(0x00) = (GPIOA(0x00) & ~(0xFu << 18)) | 0xAu << 18;         /* MODER: alternate function */
  USART1(USART_BRR) = (CLOCK_HZ + UART_BAUD / 2u) / UART_BAUD;
  USART1(USART_CR1) = 1u << 13 | 1u << 5 | 1u << 3 | 1u << 2; /* UE, RXNEIE, TE, RE */
  interrupt_enable(UART_IRQ);
}

void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  RCC_AHB1ENR |= 1u << 0;           /* GPIOA */
  RCC_APB1ENR |= 1u << 0 | 1u << 3; /* TIM2, TIM5 */
  RCC_APB2ENR |= 1u << 4;           /* USART1 */
  counter_init();
  uart_init();
}

void alpharho_uart_interrupt(void) {
  uint32_t status = USART1(USART_SR);
  while ((status & (SR_RECEIVED | SR_OVERRUN)) != 0u) {
    line_overruns += (status & SR_OVERRUN) != 0u;
    alpharho_ring_push((uint8_t)USART1(USART_DR)); /* reading DR after SR clears both */
    status = USART1(USART_SR);
  }
}

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    while ((USART1(USART_SR) & SR_SEND_EMPTY) == 0u) {
    }
    USART1(USART_DR) = bytes[i];
  }
}

uint32_t alpharho_port_overruns(void) { return line_overruns + alpharho_ring_overruns(); }

uint64_t alpharho_port_ticks(void) {
  const uint32_t fine = TIM2(TIM_CNT);
  return ticks_before + wide_count(fine, TIM5(TIM_CNT), COARSE_SHIFT);
}

uint32_t alpharho_port_ticks_per_second(void) {
#ifdef EMULATED
  return 1000000000u; /* QEMU's timers count nanoseconds, whatever the clocks are */
#else
  return CLOCK_HZ; /* APB1 is not divided after reset */
#endif
}

const char *alpharho_port_counter_name(void) { return "TIM2"; }

void alpharho_port_measure_begin(void) {
#ifdef EMULATED
  interrupt_disable(UART_IRQ);
#endif
  ticks_before = alpharho_port_ticks();
  restart_counter();
}

void alpharho_port_measure_end(void) { interrupt_enable(UART_IRQ); }

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
#ifdef EMULATED
  (void)bytes; /* the emulator has nothing at that address, and reading there is a fault */
  (void)room;
  return 0;
#else
  const size_t count = room < 12u ? room : 12u; /* RM0090, 39.1: 96 bits */
  for (size_t i = 0; i < count; i++) {
    bytes[i] = ((const volatile uint8_t *)0x1FFF7A10u)[i];
  }
  return count;
#endif
}
