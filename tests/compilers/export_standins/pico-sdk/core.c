#include "hardware/clocks.h"
#include "hardware/structs/systick.h"
#include "hardware/sync.h"
#include "hardware/timer.h"
#include "pico/stdio_usb.h"
#include "pico/stdlib.h"
#include "pico/unique_id.h"

#include "../line.h"

static bool is_up;

static void out_chars(const char *bytes, int count) {
  while (is_up && count > 0) {
    const size_t sent = line_send(bytes, (size_t)count);
    bytes += sent;
    count -= (int)sent;
  }
}

static int in_chars(char *bytes, int room) {
  return is_up && line_waits(0) ? (int)line_take(bytes, (size_t)room) : -3; // PICO_ERROR_NO_DATA
}

stdio_driver_t stdio_usb = {out_chars, in_chars};

bool stdio_usb_init(void) { return is_up = true; }

bool stdio_init_all(void) { return true; }

void sleep_ms(uint32_t ms) {
  (void)ms;
  exit(0);
}

void __wfe(void) { (void)line_waits(1); }

uint32_t time_us_32(void) { return line_microseconds(); }

uint32_t clock_get_hz(int clock) { return clock == clk_sys ? 125000000u : 0u; }

systick_hw_t *standin_systick(void) {
  static systick_hw_t systick;
  systick.cvr = 0xFFFFFFu & (0u - line_microseconds() * 125u);
  return &systick;
}

void pico_get_unique_board_id(pico_unique_board_id_t *id) {
  for (uint8_t i = 0; i < sizeof id->id; i++) {
    id->id[i] = (uint8_t)(0xE0u + i);
  }
}
