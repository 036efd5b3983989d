/* nRF52840. Product Specification 1.7: 5.4 CLOCK, 4.4 FICR, 4.3.7 ICACHECNF, 6.9 GPIO, 6.30 TIMER, 6.34 UARTE. The core
 * runs at 64 MHz from reset.
 *
 * A run is counted by the core's cycle counter, which may stop while the core sleeps; between runs TIMER0 counts, which
 * does not. Both, and TIMER1, which counts their wraps, start together. */
#include "board.h"
#include "cortex_m/cortex_m.h"
#include "port.h"
#include "ring.h"
#include "wide_counter.h"

#define CLOCK(offset)  REGISTER(0x40000000u + (offset))
#define UARTE0(offset) REGISTER(0x40002000u + (offset))
#define TIMER0(offset) REGISTER(0x40008000u + (offset))
#define TIMER1(offset) REGISTER(0x40009000u + (offset))
#define P0(offset)     REGISTER(0x50000000u + (offset))
#define FICR(offset)   REGISTER(0x10000000u + (offset))
#define ICACHECNF      REGISTER(0x4001E540u)
#define DEMCR          REGISTER(0xE000EDFCu)
#define DWT_CTRL       REGISTER(0xE0001000u)
#define DWT_CYCCNT     REGISTER(0xE0001004u)

enum { CLOCK_HFCLKSTART = 0x000, CLOCK_HFCLKSTARTED = 0x100 };
enum { TIMER_START = 0x000, TIMER_CLEAR = 0x00C, TIMER_CAPTURE0 = 0x040 };
enum { TIMER_BITMODE = 0x508, TIMER_PRESCALER = 0x510, TIMER_CC0 = 0x540, BITMODE_32 = 3 };
enum { UARTE_STARTRX = 0x000, UARTE_STARTTX = 0x008, UARTE_ENDRX = 0x110, UARTE_ENDTX = 0x120 };
enum { UARTE_SHORTS = 0x200, UARTE_INTENSET = 0x304, UARTE_ERRORSRC = 0x480, UARTE_ENABLE = 0x500 };
enum { UARTE_PSEL_RTS = 0x508, UARTE_PSEL_TXD = 0x50C, UARTE_PSEL_CTS = 0x510, UARTE_PSEL_RXD = 0x514 };
enum { UARTE_BAUDRATE = 0x524, UARTE_RXD_PTR = 0x534, UARTE_RXD_MAXCNT = 0x538 };
enum { UARTE_TXD_PTR = 0x544, UARTE_TXD_MAXCNT = 0x548 };
enum { GPIO_OUTSET = 0x508, GPIO_DIRSET = 0x518 };
#define NOT_CONNECTED 0xFFFFFFFFu

/* Table 6.34.10, BAUDRATE: no other rate is in it near these. */
#if UART_BAUD == 9600
#define BAUDRATE 0x00275000u
#elif UART_BAUD == 115200
#define BAUDRATE 0x01D60000u
#elif UART_BAUD == 921600
#define BAUDRATE 0x0F000000u
#elif UART_BAUD == 1000000
#define BAUDRATE 0x10000000u
#else
#error "UART_BAUD: uart_baud of the target's TOML is none of 9600, 115200, 921600 and 1000000"
#endif
_Static_assert(CLOCK_HZ == 64000000u, "clock_hz: the nRF52840 has one clock, 64 MHz");

#define TIMER_DIVIDER    4u /* TIMER0 counts at 16 MHz */
#define COARSE_PRESCALER 9u /* TIMER1 once for 512 of it */
#define COARSE_SHIFT     11u
_Static_assert(TIMER_DIVIDER << COARSE_PRESCALER == 1u << COARSE_SHIFT, "COARSE_SHIFT: cycles for a count of TIMER1");

/* EasyDMA reads and writes RAM alone. */
static volatile uint8_t received;
static uint8_t sending[64];
static uint64_t ticks_before;
static volatile uint32_t line_overruns;
static bool is_measured;

static void restart_counter(void) {
  TIMER1(TIMER_CLEAR) = 1;
  TIMER0(TIMER_CLEAR) = 1;
  DWT_CYCCNT = 0;
}

static void counter_init(void) {
  DEMCR |= 1u << 24; /* TRCENA */
  DWT_CTRL |= 1u;    /* CYCCNTENA */
  TIMER0(TIMER_BITMODE) = BITMODE_32;
  TIMER1(TIMER_BITMODE) = BITMODE_32;
  TIMER0(TIMER_PRESCALER) = 0;
  TIMER1(TIMER_PRESCALER) = COARSE_PRESCALER;
  restart_counter();
  TIMER1(TIMER_START) = 1;
  TIMER0(TIMER_START) = 1;
}

static void uart_init(void) {
  P0(GPIO_OUTSET) = 1u << UART_TX_PIN;
  P0(GPIO_DIRSET) = 1u << UART_TX_PIN;
  UARTE0(UARTE_PSEL_TXD) = UART_TX_PIN;
  UARTE0(UARTE_PSEL_RXD) = UART_RX_PIN;
  UARTE0(UARTE_PSEL_RTS) = NOT_CONNECTED;
  UARTE0(UARTE_PSEL_CTS) = NOT_CONNECTED;
  UARTE0(UARTE_BAUDRATE) = BAUDRATE;
  UARTE0(UARTE_ENABLE) = 8;
  UARTE0(UARTE_RXD_PTR) = (uint32_t)(uintptr_t)&received;
  UARTE0(UARTE_RXD_MAXCNT) = 1;
  UARTE0(UARTE_SHORTS) = 1u << 5;   /* ENDRX starts the next reception */
  UARTE0(UARTE_INTENSET) = 1u << 4; /* ENDRX */
  UARTE0(UARTE_STARTRX) = 1;
  interrupt_enable(UART_IRQ);
}

void alpharho_port_init(int argc, char **argv) {
  (void)argc;
  (void)argv;
  CLOCK(CLOCK_HFCLKSTART) = 1; /* the crystal, for the line's rate; without it the internal oscillator goes on */
  for (uint32_t i = 0; i < 200000u && CLOCK(CLOCK_HFCLKSTARTED) == 0u; i++) {
  }
  ICACHECNF = 1; /* the flash's cache */
  counter_init();
  uart_init();
}

/* A byte has about 11 us until the next one takes its place. */
void alpharho_uart_interrupt(void) {
  while (UARTE0(UARTE_ENDRX) != 0u) {
    UARTE0(UARTE_ENDRX) = 0;
    alpharho_ring_push(received);
  }
  const uint32_t errors = UARTE0(UARTE_ERRORSRC);
  line_overruns += errors & 1u;
  UARTE0(UARTE_ERRORSRC) = errors;
}

void alpharho_port_write(const uint8_t *bytes, size_t count) {
  while (count > 0u) {
    const size_t part = count < sizeof sending ? count : sizeof sending;
    for (size_t i = 0; i < part; i++) {
      sending[i] = bytes[i];
    }
    __asm volatile("dsb" ::: "memory");
    UARTE0(UARTE_TXD_PTR) = (uint32_t)(uintptr_t)sending;
    UARTE0(UARTE_TXD_MAXCNT) = part;
    UARTE0(UARTE_ENDTX) = 0;
    UARTE0(UARTE_STARTTX) = 1;
    while (UARTE0(UARTE_ENDTX) == 0u) {
    }
    bytes += part;
    count -= part;
  }
}

uint32_t alpharho_port_overruns(void) { return line_overruns + alpharho_ring_overruns(); }

uint64_t alpharho_port_ticks(void) {
  TIMER0(TIMER_CAPTURE0) = 1;
  TIMER1(TIMER_CAPTURE0) = 1;
  const uint32_t fine = is_measured ? DWT_CYCCNT : TIMER0(TIMER_CC0) * TIMER_DIVIDER;
  return ticks_before + wide_count(fine, TIMER1(TIMER_CC0), COARSE_SHIFT);
}

uint32_t alpharho_port_ticks_per_second(void) { return CLOCK_HZ; }

const char *alpharho_port_counter_name(void) { return "DWT CYCCNT"; }

bool alpharho_port_counts_cycles(void) { return true; }

static uint64_t timer_ticks(void) {
  TIMER0(TIMER_CAPTURE0) = 1;
  TIMER1(TIMER_CAPTURE0) = 1;
  return wide_count(TIMER0(TIMER_CC0), TIMER1(TIMER_CC0), COARSE_PRESCALER);
}

const struct alpharho_port_second *alpharho_port_second(void) {
  static const struct alpharho_port_second second = {"TIMER0", CLOCK_HZ / TIMER_DIVIDER, timer_ticks};
  return &second;
}

void alpharho_port_measure_begin(void) {
  ticks_before = alpharho_port_ticks();
  restart_counter();
  is_measured = true;
}

void alpharho_port_measure_end(void) { is_measured = false; }

size_t alpharho_port_unique_id(uint8_t *bytes, size_t room) {
  const uint32_t id[2] = {FICR(0x60), FICR(0x64)};
  const size_t count = room < sizeof id ? room : sizeof id;
  for (size_t i = 0; i < count; i++) {
    bytes[i] = (uint8_t)(id[i / 4u] >> 8u * (i % 4u));
  }
  return count;
}

/* FICR INFO.PART is the part's number in hexadecimal digits: 0x52840. */
const char *alpharho_port_machine(void) {
  static char name[] = "nRF00000";
  const uint32_t part = FICR(0x100);
  for (unsigned i = 0; i < 5u; i++) {
    name[sizeof name - 2u - i] = "0123456789abcdef"[part >> 4u * i & 0xFu];
  }
  return name;
}
