/* STM32F405 and others of its series. Reference manual RM0090: 7.3 RCC, 8.4 GPIO, 18.4 TIM2 to TIM5, 30.6 USART. Runs
 * from the 16 MHz oscillator, as after reset: QEMU has no clock tree to try a PLL on. */
#include "board.h"
#include "cortex_m/cortex_m.h"
#include "port.h"
#include "ring.h"
#include "wide_counter.h"

#define RCC_AHB1ENR   REGISTER(0x40023830u)
#define RCC_APB1ENR   REGISTER(0x40023840u)
#define RCC_APB2ENR   REGISTER(0x40023844u)
#define GPIO(offset)  REGISTER(0x40020000u + 0x400u * UART_GPIO_PORT + (offset))
#define USART(offset) REGISTER(UART_BASE + (offset))
#define TIM2(offset)  REGISTER(0x40000000u + (offset))
#define TIM5(offset)  REGISTER(0x40000C00u + (offset))

enum { TIM_CR1 = 0x00, TIM_EGR = 0x14, TIM_CNT = 0x24, TIM_PSC = 0x28, TIM_ARR = 0x2C };
enum { GPIO_MODER = 0x00, GPIO_AFR = 0x20 };
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

/* Connect a pin to the line: AFRL or AFRH, then MODER. */
static void pin_init(unsigned pin) {
  const unsigned function = GPIO_AFR + 4u * (pin / 8u);
  GPIO(function) = (GPIO(function) & ~(0xFu << 4u * (pin % 8u))) | UART_PIN_FUNCTION << 4u * (pin % 8u);
  GPIO(GPIO_MODER) = (GPIO(GPIO_MODER) & ~(3u << 2u * pin)) | 2u << 2u * pin; /* alternate function */
}

static void uart_init(void) {
  pin_init(UART_TX_PIN);
  pin_init(UART_RX_PIN);
  USART(USART_BRR) = (CLOCK_HZ + UART_BAUD / 2u) / UART_BAUD;
  USART(USART_CR1) = 1u << 13 | 1u << 5 | 1u << 3 | 1u << 2; /* UE, RXNEIE, TE, RE */
  interrupt_enable(UART_IRQ);
}

void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  RCC_AHB1ENR |= 1u << UART_GPIO_PORT;
  RCC_APB1ENR |= 1u << 0 | 1u << 3; /* TIM2, TIM5 */
  RCC_APB1ENR |= UART_APB1_ENABLE;
  RCC_APB2ENR |= UART_APB2_ENABLE;
  counter_init();
  uart_init();
}

void alpharho_uart_interrupt(void) {
  uint32_t status = USART(USART_SR);
  while ((status & (SR_RECEIVED | SR_OVERRUN)) != 0u) {
    line_overruns += (status & SR_OVERRUN) != 0u;
    alpharho_ring_push((uint8_t)USART(USART_DR)); /* reading DR after SR clears both */
    status = USART(USART_SR);
  }
}

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    while ((USART(USART_SR) & SR_SEND_EMPTY) == 0u) {
    }
    USART(USART_DR) = bytes[i];
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
  (void)bytes; /* the emulator has no memory at that address: reading it is a fault */
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
