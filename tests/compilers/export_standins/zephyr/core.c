// The receive interrupt comes while the program sleeps.
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/timing/timing.h>

#include "../line.h"

const struct device standin_zephyr_console = {0};
static uart_irq_callback_user_data_t interrupt;
static void *interrupt_data;
static int enabled;

int uart_irq_callback_user_data_set(const struct device *device, uart_irq_callback_user_data_t callback, void *data) {
  (void)device;
  interrupt = callback;
  interrupt_data = data;
  return 0;
}

void uart_irq_rx_enable(const struct device *device) {
  (void)device;
  enabled = 1;
}

int uart_irq_update(const struct device *device) {
  (void)device;
  return 1;
}

int uart_irq_rx_ready(const struct device *device) {
  (void)device;
  return line_waits(0);
}

int uart_fifo_read(const struct device *device, uint8_t *bytes, const int room) {
  (void)device;
  return (int)line_take(bytes, (size_t)room);
}

void uart_poll_out(const struct device *device, unsigned char byte) {
  (void)device;
  line_send(&byte, 1);
}

int k_sem_init(struct k_sem *sem, unsigned count, unsigned limit) {
  sem->count = count;
  sem->limit = limit;
  return 0;
}

void k_sem_give(struct k_sem *sem) { sem->count += sem->count < sem->limit ? 1u : 0u; }

int k_sem_take(struct k_sem *sem, k_timeout_t timeout) {
  if (enabled && line_waits((int)timeout.ticks)) {
    interrupt(&standin_zephyr_console, interrupt_data);
  }
  const int was_given = sem->count > 0u;
  sem->count = 0;
  return was_given ? 0 : -11;
}

static int timing;

void timing_init(void) { timing = 1; }

void timing_start(void) { timing += timing == 1; }

timing_t timing_counter_get(void) { return timing == 2 ? (timing_t)line_microseconds() * 64u : 0u; }

uint64_t timing_freq_get(void) { return 64000000u; }

uint32_t k_cycle_get_32(void) { return line_microseconds() * 8u; }

int sys_clock_hw_cycles_per_sec(void) { return 8000000; }
