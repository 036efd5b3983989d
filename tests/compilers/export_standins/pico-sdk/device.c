// The stand-in on the chip: what is called is there, and does nothing. It is linked, never run.
#include <stddef.h>

#include "hardware/clocks.h"
#include "hardware/structs/systick.h"
#include "hardware/sync.h"
#include "hardware/timer.h"
#include "pico/stdio_usb.h"
#include "pico/stdlib.h"
#include "pico/unique_id.h"

char stack[PICO_STACK_SIZE] __attribute__((section(".stack_dummy"), used));
char heap[2048] __attribute__((section(".heap"), used));

static void out_chars(const char *bytes, int count) {
  (void)bytes;
  (void)count;
}

static int in_chars(char *bytes, int room) {
  (void)bytes;
  (void)room;
  return -3; // PICO_ERROR_NO_DATA
}

stdio_driver_t stdio_usb = {out_chars, in_chars};

bool stdio_usb_init(void) { return true; }

void __wfe(void) {}

uint32_t time_us_32(void) { return 0; }

uint32_t clock_get_hz(int clock) { return clock == clk_sys ? 125000000u : 0u; }

systick_hw_t *standin_systick(void) {
  static systick_hw_t systick;
  return &systick;
}

void pico_get_unique_board_id(pico_unique_board_id_t *id) { id->id[0] = 0; }
