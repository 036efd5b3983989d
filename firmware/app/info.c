#include "info.h"

#include "engine.h"
#include "format.h"
#include "frame.h"
#include "port.h"

#include <stdbool.h>

#if !defined(BOARD_NAME) || !defined(FIRMWARE_REVISION)
#error "BOARD_NAME, FIRMWARE_REVISION: not set; compilers/image/firmware.py passes them to CMake"
#endif

#ifndef COUNTER_UNIT
#define COUNTER_UNIT "ticks" /* of a clock; an emulator's counter counts something else */
#endif

struct part {
  uint32_t at; /* in the whole text */
  uint32_t from;
  uint32_t room;
  uint8_t *bytes;
};

static void put_char(struct part *part, char c) {
  if (part->at >= part->from && part->at - part->from < part->room) {
    part->bytes[part->at - part->from] = (uint8_t)c;
  }
  part->at++;
}

static void put(struct part *part, const char *text) {
  for (; *text != '\0'; text++) {
    put_char(part, *text);
  }
}

static void put_quoted(struct part *part, const char *before, const char *text) {
  put(part, before);
  put_char(part, '"');
  put(part, text);
  put_char(part, '"');
}

static void put_number(struct part *part, const char *before, uint64_t value) {
  char digits[ALPHARHO_DECIMAL_MAX + 1u];
  digits[alpharho_format_decimal(digits, value)] = '\0';
  put(part, before);
  put(part, digits);
}

static void put_tensor(struct part *part, const struct alpharho_engine_tensor *tensor) {
  put_quoted(part, "{\"name\":", tensor->name);
  put(part, ",\"shape\":[");
  for (uint32_t i = 0; i < tensor->rank; i++) {
    put_number(part, i == 0u ? "" : ",", (uint32_t)tensor->shape[i]);
  }
  put_quoted(part, "],\"dtype\":", tensor->dtype);
  put(part, ",\"scale\":");
  put(part, tensor->scale_text);
  const int64_t zero_point = tensor->zero_point;
  put_number(part, zero_point < 0 ? ",\"zero_point\":-" : ",\"zero_point\":",
             (uint64_t)(zero_point < 0 ? -zero_point : zero_point));
  put_char(part, '}');
}

static void put_tensors(struct part *part, const char *before, const struct alpharho_engine_tensor *tensors,
                        uint32_t count) {
  put(part, before);
  for (uint32_t i = 0; i < count; i++) {
    put(part, i == 0u ? "[" : ",");
    put_tensor(part, &tensors[i]);
  }
  put_char(part, ']');
}

void alpharho_info_unit(char digits[2u * ALPHARHO_UNIT_BYTES + 1u]) {
  static const char hex[] = "0123456789abcdef";
  uint8_t id[ALPHARHO_UNIT_BYTES];
  const size_t count = alpharho_port_unique_id(id, sizeof id);
  for (size_t i = 0; i < count; i++) {
    digits[2u * i] = hex[id[i] >> 4];
    digits[2u * i + 1u] = hex[id[i] & 15u];
  }
  digits[2u * count] = '\0';
}

/* What the chip or the operating system says of itself, as far as there is something. */
static void put_identity(struct part *part) {
  char unit[2u * ALPHARHO_UNIT_BYTES + 1u];
  alpharho_info_unit(unit);
  if (alpharho_port_cpuid() != 0u) {
    put_number(part, ",\"cpuid\":", alpharho_port_cpuid());
  }
  if (*alpharho_port_machine() != '\0') {
    put_quoted(part, ",\"machine\":", alpharho_port_machine());
  }
  if (*unit != '\0') {
    put_quoted(part, ",\"unit\":", unit);
  }
}

/* The counter of RUN's ticks, and a second one. */
static void put_counters(struct part *part) {
  const struct alpharho_port_second *second = alpharho_port_second();
  put_quoted(part, ",\"counter\":{\"name\":", alpharho_port_counter_name());
  put_number(part, ",\"rate_hz\":", alpharho_port_ticks_per_second());
  put_quoted(part, ",\"unit\":", COUNTER_UNIT);
  if (second != NULL || alpharho_port_counts_cycles()) {
    put(part, alpharho_port_counts_cycles() ? ",\"cycles\":true" : ",\"cycles\":false");
  }
  if (second != NULL) {
    put_quoted(part, "},\"second_counter\":{\"name\":", second->name);
    put_number(part, ",\"rate_hz\":", second->rate_hz);
  }
  put_char(part, '}');
}

uint32_t alpharho_info_part(uint32_t offset, uint8_t *bytes, uint32_t room) {
  struct part part = {0, offset, room, bytes};
  const struct alpharho_engine_info *engine = alpharho_engine_info();
  put_number(&part, "{\"protocol\":", ALPHARHO_PROTOCOL_VERSION);
  put_quoted(&part, ",\"board\":", BOARD_NAME);
  put_quoted(&part, ",\"engine\":", engine->name);
  put_quoted(&part, ",\"engine_version\":", engine->version);
  put_quoted(&part, ",\"kernels\":", engine->kernels);
  put_quoted(&part, ",\"model_sha256\":", engine->model_sha256);
  put_quoted(&part, ",\"firmware\":", FIRMWARE_REVISION);
  put_identity(&part);
  put_tensors(&part, ",\"inputs\":", engine->inputs, engine->input_count);
  put_tensors(&part, ",\"outputs\":", engine->outputs, engine->output_count);
  put_number(&part, ",\"memory\":{\"arena\":", engine->arena_bytes);
  if (engine->arena_used_bytes != 0u) {
    put_number(&part, ",\"arena_used\":", engine->arena_used_bytes);
  }
  if (alpharho_port_stack_bytes() != 0u) {
    put_number(&part, ",\"stack\":", alpharho_port_stack_bytes());
  }
  put_char(&part, '}');
  put_counters(&part);
  put_number(&part, ",\"window\":", ALPHARHO_PORT_WINDOW);
  put_number(&part, ",\"max_payload\":", ALPHARHO_MAX_PAYLOAD);
  put(&part, ",\"write_map\":true,\"parity\":true");
#ifdef STREAMED_INPUT
  put(&part, ",\"input_streamed\":true");
#else
  put(&part, ",\"coding\":true");
#endif
#ifdef TRACED
  put(&part, ",\"traced\":true");
#endif
#ifdef PROFILED
  put(&part, ",\"profiled\":true");
#endif
  put(&part, engine->input_preserved ? ",\"input_preserved\":true}" : ",\"input_preserved\":false}");
  return part.at;
}
