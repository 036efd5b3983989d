#include "stats.h"

#include "format.h"

#include <string.h>

static size_t put_member(uint8_t *text, size_t at, const char *name, uint64_t value) {
  text[at] = at == 0u ? '{' : ',';
  at++;
  text[at++] = '"';
  const size_t length = alpharho_text_length(name);
  memcpy(text + at, name, length);
  at += length;
  text[at++] = '"';
  text[at++] = ':';
  return at + alpharho_format_decimal((char *)text + at, value);
}

size_t alpharho_stats_text(const struct alpharho_device *device, uint8_t *text) {
  struct alpharho_device_memory memory = {0};
  device->port->memory(&memory);
  const struct {
    const char *name;
    uint32_t bytes;
  } sizes[] = {
      {"arena", memory.arena},
      {"stack", memory.stack},
      {"stack_used", memory.stack_used},
      {"peak_rss", memory.peak_rss},
  };
  size_t at = 0;
  at = put_member(text, at, "inferences", device->inferences);
  at = put_member(text, at, "frames", device->frames);
  at = put_member(text, at, "damaged_frames", device->damaged_frames);
  at = put_member(text, at, "overruns", memory.overruns);
  at = put_member(text, at, "uptime_us", device->port->microseconds());
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    if (sizes[i].bytes != 0u) {
      at = put_member(text, at, sizes[i].name, sizes[i].bytes);
    }
  }
  if (memory.run_second_ticks != 0u) {
    at = put_member(text, at, "run_ticks", memory.run_ticks);
    at = put_member(text, at, "run_second_ticks", memory.run_second_ticks);
  }
#ifdef LINUX_BOARD
  at = put_member(text, at, "load_ns", memory.load_ns);
  if (memory.first_inference_ns != 0u) {
    at = put_member(text, at, "first_inference_ns", memory.first_inference_ns);
  }
#endif
  text[at++] = '}';
  return at;
}
