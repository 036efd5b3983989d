#include "serve.h"

#include "device.h"
#include "engine.h"
#include "format.h"
#include "info.h"
#include "port.h"
#ifdef TRACED
#include "trace_request.h"
#endif

#include <stdbool.h>

#define MAX_TENSORS 4u

#if !defined(MODEL_NAME) || !defined(MODEL_INPUT_BYTES) || !defined(TEXT_OFFSET)
#error "MODEL_NAME, MODEL_INPUT_BYTES, TEXT_OFFSET: not set; compilers/image/firmware.py passes them to CMake"
#endif

/* One byte more for each input: no two inputs share a byte. */
static uint8_t written[ALPHARHO_WRITTEN_BYTES(MODEL_INPUT_BYTES) + MAX_TENSORS];
static struct alpharho_device_tensor inputs[MAX_TENSORS];
static struct alpharho_device_tensor outputs[MAX_TENSORS];
static struct alpharho_device device;

#ifdef LINUX_BOARD
static uint64_t ready;           /* the counter when it could answer first */
static uint64_t first_inference; /* in ticks */
#endif

/* What both counters counted of all inferences. */
static uint64_t run_ticks;
static uint64_t run_second_ticks;

__attribute__((weak)) bool alpharho_port_counts_cycles(void) { return false; }

__attribute__((weak)) const struct alpharho_port_second *alpharho_port_second(void) { return NULL; }

static uint64_t second_ticks(void) {
  const struct alpharho_port_second *second = alpharho_port_second();
  return second != NULL ? second->ticks() : 0u;
}

/* What is timed comes between these: the second counter is read outside of the first. */
static uint64_t timed_begin(uint64_t *second_start) {
  alpharho_port_measure_begin();
  *second_start = second_ticks();
  return alpharho_port_ticks();
}

static uint64_t timed_end(uint64_t start, uint64_t second_start) {
  const uint64_t ticks = alpharho_port_ticks() - start;
  run_ticks += ticks;
  run_second_ticks += second_ticks() - second_start;
  alpharho_port_measure_end();
  return ticks;
}

static bool infer(uint64_t *ticks) {
  uint64_t second_start;
  const uint64_t start = timed_begin(&second_start);
  const bool is_good = alpharho_engine_invoke() == 0;
  *ticks = timed_end(start, second_start);
#ifdef LINUX_BOARD
  first_inference = first_inference == 0u ? *ticks : first_inference;
#endif
  return is_good;
}

#ifdef STREAMED_INPUT
static void stream(const uint8_t *bytes, uint32_t count, bool is_first, uint64_t *ticks) {
  uint64_t second_start;
  const uint64_t start = timed_begin(&second_start);
  alpharho_engine_info()->stream((const int8_t *)bytes, count, is_first);
  *ticks = timed_end(start, second_start);
}
#endif

static uint64_t microseconds(void) {
  const uint32_t rate = alpharho_port_ticks_per_second();
  uint32_t rest;
  const uint64_t seconds = alpharho_divide(alpharho_port_ticks(), rate, &rest);
  return seconds * 1000000u + alpharho_divide((uint64_t)rest * 1000000u, rate, &rest);
}

static void memory(struct alpharho_device_memory *memory) {
  memory->arena = alpharho_engine_info()->arena_bytes;
  memory->stack = alpharho_port_stack_bytes();
  memory->stack_used = alpharho_port_stack_used();
  memory->peak_rss = alpharho_port_peak_rss();
  memory->overruns = alpharho_port_overruns();
  memory->run_ticks = run_ticks;
  memory->run_second_ticks = run_second_ticks;
#ifdef LINUX_BOARD
  memory->load_ns = ready - alpharho_port_started(); /* its ticks are nanoseconds */
  memory->first_inference_ns = first_inference;
#endif
}

static void say(const char *text) { alpharho_port_write((const uint8_t *)text, alpharho_text_length(text)); }

/* Text does not look like a frame: the host logs it, a terminal shows it. */
static void say_hello(void) {
  char unit[2u * ALPHARHO_UNIT_BYTES + 1u];
  alpharho_info_unit(unit);
  say("alpharho " FIRMWARE_REVISION " on " BOARD_NAME);
  say(*unit != '\0' ? ", unit " : "");
  say(unit);
  say("\r\n");
}

/* Describe the engine's tensors to the protocol. Returns false if there are more than there is room for. */
static bool take_tensors(const struct alpharho_engine_info *engine) {
  uint32_t used = 0;
  if (engine->input_count > MAX_TENSORS || engine->output_count > MAX_TENSORS || engine->input_count == 0u ||
      engine->output_count == 0u) {
    return false;
  }
  for (uint32_t i = 0; i < engine->input_count; i++) {
    const uint32_t bytes = engine->inputs[i].bytes;
    inputs[i] = (struct alpharho_device_tensor){alpharho_engine_input(i), bytes, written + used, 0.0f, 0};
    used += ALPHARHO_WRITTEN_BYTES(bytes);
    if (used > sizeof written) {
      return false;
    }
  }
  for (uint32_t i = 0; i < engine->output_count; i++) {
    const struct alpharho_engine_tensor *output = &engine->outputs[i];
    outputs[i] = (struct alpharho_device_tensor){
        .data = (void *)(uintptr_t)alpharho_engine_output(i),
        .bytes = output->bytes,
        .scale = output->scale,
        .zero_point = output->zero_point,
    };
  }
  return true;
}

/* Start the engine; say so on the line where that fails. */
static bool engine_starts(const struct alpharho_engine_info *engine) {
  if (alpharho_engine_init() == 0 && take_tensors(engine)) {
    return true;
  }
  say("the engine does not start: build the firmware again\r\n");
  return false;
}

static bool is_ready;

void alpharho_serve_begin(void) {
  static const struct alpharho_device_port port = {
      .write = alpharho_port_write,
      .infer = infer,
#ifdef STREAMED_INPUT
      .stream = stream,
#endif
      .microseconds = microseconds,
      .memory = memory,
      .restart = alpharho_port_reset,
#ifdef LINUX_BOARD
      .board = alpharho_port_board,
#endif
#ifdef TRACED
      .trace = alpharho_trace_request,
#endif
  };
  static struct alpharho_device_model model = {
      .info = alpharho_info_part,
      .board = BOARD_NAME,
      .name = MODEL_NAME,
      .inputs = inputs,
      .outputs = outputs,
      .text_offset = TEXT_OFFSET,
  };
  const struct alpharho_engine_info *engine = alpharho_engine_info();
  say_hello();
  is_ready = engine_starts(engine);
  model.input_count = (uint8_t)engine->input_count;
  model.output_count = (uint8_t)engine->output_count;
  model.input_preserved = engine->input_preserved;
  alpharho_device_init(&device, &model, &port);
#ifdef LINUX_BOARD
  ready = alpharho_port_ticks();
#endif
}

void alpharho_serve_poll(void) {
  uint8_t bytes[64];
  const size_t count = alpharho_port_read(bytes, sizeof bytes);
  if (count == 0u) {
    alpharho_port_wait_for_input();
  } else if (is_ready) {
    alpharho_device_receive(&device, bytes, count);
  } else {
    is_ready = engine_starts(alpharho_engine_info());
  }
}
