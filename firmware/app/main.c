/* The firmware's main loop: bytes from the line to the protocol, inferences by the engine, time from the port. */
#include "device.h"
#include "engine.h"
#include "format.h"
#include "info.h"
#include "port.h"

#define MAX_TENSORS 4u

#if !defined(MODEL_NAME) || !defined(MODEL_INPUT_BYTES) || !defined(TEXT_OFFSET)
#error "MODEL_NAME, MODEL_INPUT_BYTES, TEXT_OFFSET: not set; compilers/firmware.py hands them to CMake"
#endif

/* One byte more for each input, since none shares a byte with the next. */
static uint8_t written[WRITTEN_BYTES(MODEL_INPUT_BYTES) + MAX_TENSORS];
static struct device_tensor inputs[MAX_TENSORS];
static struct device_tensor outputs[MAX_TENSORS];
static struct device device;

static bool infer(uint64_t *ticks) {
  port_measure_begin();
  const uint64_t start = port_ticks();
  const bool is_good = engine_invoke() == 0;
  *ticks = port_ticks() - start;
  port_measure_end();
  return is_good;
}

#ifdef STREAMED_INPUT
static void stream(const uint8_t *bytes, uint32_t count, bool is_first, uint64_t *ticks) {
  port_measure_begin();
  const uint64_t start = port_ticks();
  engine_info()->stream((const int8_t *)bytes, count, is_first);
  *ticks = port_ticks() - start;
  port_measure_end();
}
#endif

static uint64_t microseconds(void) {
  const uint32_t rate = port_ticks_per_second();
  uint32_t rest;
  const uint64_t seconds = divide(port_ticks(), rate, &rest);
  return seconds * 1000000u + divide((uint64_t)rest * 1000000u, rate, &rest);
}

static void memory(struct device_memory *told) {
  told->arena = engine_info()->arena_bytes;
  told->stack = port_stack_bytes();
  told->stack_used = port_stack_used();
  told->peak_rss = port_peak_rss();
  told->overruns = port_overruns();
}

static void say(const char *text) { port_write((const uint8_t *)text, text_length(text)); }

/* Text is not taken for a frame: the host logs it, a terminal shows it. */
static void say_hello(void) {
  uint8_t id[16];
  const size_t count = port_unique_id(id, sizeof id);
  say("alpharho " FIRMWARE_REVISION " on " BOARD_NAME);
  say(count > 0u ? ", unit " : "");
  for (size_t i = 0; i < count; i++) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t pair[2] = {(uint8_t)digits[id[i] >> 4], (uint8_t)digits[id[i] & 15u]};
    port_write(pair, sizeof pair);
  }
  say("\r\n");
}

/* Describe the engine's tensors to the protocol. Returns false if there are more than the build was told of. */
static bool take_tensors(const struct engine_info *engine) {
  uint32_t used = 0;
  if (engine->input_count > MAX_TENSORS || engine->output_count > MAX_TENSORS || engine->input_count == 0u ||
      engine->output_count == 0u) {
    return false;
  }
  for (uint32_t i = 0; i < engine->input_count; i++) {
    const uint32_t bytes = engine->inputs[i].bytes;
    inputs[i] = (struct device_tensor){engine_input(i), bytes, written + used, 0.0f, 0};
    used += WRITTEN_BYTES(bytes);
    if (used > sizeof written) {
      return false;
    }
  }
  for (uint32_t i = 0; i < engine->output_count; i++) {
    const struct engine_tensor *output = &engine->outputs[i];
    outputs[i] = (struct device_tensor){(void *)(uintptr_t)engine_output(i), output->bytes, NULL,
                                        info_number(output->scale), output->zero_point};
  }
  return true;
}

int main(int argc, char **argv) {
  static const struct device_port port = {
      .write = port_write,
      .infer = infer,
#ifdef STREAMED_INPUT
      .stream = stream,
#endif
      .microseconds = microseconds,
      .memory = memory,
      .restart = port_reset,
  };
  static struct device_model model = {
      .info = info_part,
      .board = BOARD_NAME,
      .name = MODEL_NAME,
      .inputs = inputs,
      .outputs = outputs,
      .text_offset = TEXT_OFFSET,
  };
  const struct engine_info *engine = engine_info();
  port_init(argc, argv);
  say_hello();
  while (engine_init() != 0 || !take_tensors(engine)) {
    say("the engine does not start: build the firmware anew\r\n");
    port_wait_for_input();
    uint8_t byte;
    (void)port_read(&byte, 1);
  }
  model.input_count = (uint8_t)engine->input_count;
  model.output_count = (uint8_t)engine->output_count;
  model.input_preserved = engine->input_preserved;
  device_init(&device, &model, &port);
  for (;;) {
    uint8_t bytes[64];
    const size_t count = port_read(bytes, sizeof bytes);
    if (count == 0u) {
      port_wait_for_input();
    } else {
      device_receive(&device, bytes, count);
    }
  }
}
