#include "driver/uart.h"
#include "driver/usb_serial_jtag.h"
#include "esp_cpu.h"
#include "esp_rom_sys.h"
#include "esp_timer.h"

#include "../line.h"

void app_main(void);

int main(void) {
  app_main();
  return 0;
}

int64_t esp_timer_get_time(void) { return line_microseconds(); }

// At 3.2 GHz it wraps in 1.3 s.
uint32_t esp_cpu_get_cycle_count(void) { return line_microseconds() * 3200u; }

uint32_t esp_rom_get_cpu_ticks_per_us(void) { return 3200; }

static int installed;

esp_err_t uart_driver_install(uart_port_t port, int rx_bytes, int tx_bytes, int queue_size, QueueHandle_t *queue,
                              int interrupt_flags) {
  (void)tx_bytes, (void)queue_size, (void)queue, (void)interrupt_flags;
  installed = port == 0 && rx_bytes > 128; // as the driver asks for
  return installed ? 0 : -1;
}

int uart_read_bytes(uart_port_t port, void *bytes, uint32_t room, TickType_t wait) {
  (void)port;
  return installed && line_waits((int)wait) ? (int)line_take(bytes, room) : 0;
}

int uart_write_bytes(uart_port_t port, const void *bytes, size_t count) {
  (void)port;
  return installed ? (int)line_send(bytes, count) : -1;
}

int usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t *config) {
  installed = config->tx_buffer_size > 0u && config->rx_buffer_size > 0u;
  return installed ? 0 : -1;
}

int usb_serial_jtag_read_bytes(void *bytes, uint32_t room, TickType_t wait) {
  return uart_read_bytes(0, bytes, room, wait);
}

int usb_serial_jtag_write_bytes(const void *bytes, size_t count, TickType_t wait) {
  (void)wait;
  return uart_write_bytes(0, bytes, count);
}
