/* The network of the driver and of the fuzzer: two inputs and an output in memory, and what a port answers. */
#ifndef ALPHARHO_TESTS_PROTOCOL_DEVICE_H
#define ALPHARHO_TESTS_PROTOCOL_DEVICE_H

#include "device.h"

#include <string.h>

#define INPUT_0 200u
#define INPUT_1 65u
#define OUTPUT  10u

static uint8_t input_0[INPUT_0], input_1[INPUT_1];
static uint8_t written_0[ALPHARHO_WRITTEN_BYTES(INPUT_0)], written_1[ALPHARHO_WRITTEN_BYTES(INPUT_1)];
static int8_t output[OUTPUT];
static bool restarted;
static struct alpharho_device device;

static const struct alpharho_device_tensor inputs[] = {
#ifdef STREAMED_INPUT
    {NULL, INPUT_0, written_0, 0, 0},
#else
    {input_0, INPUT_0, written_0, 0, 0},
#endif
    {input_1, INPUT_1, written_1, 0, 0},
};
static const struct alpharho_device_tensor outputs[] = {{output, OUTPUT, NULL, 0.5f, -3}};

static void restart(void) { restarted = true; }

static uint32_t info(uint32_t offset, uint8_t *part, uint32_t room) {
  static const char text[] = "{\"protocol\":1}";
  const uint32_t size = sizeof text - 1u;
  if (offset < size) {
    memcpy(part, text + offset, size - offset < room ? size - offset : room);
  }
  return size;
}

#endif
