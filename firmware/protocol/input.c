#include "input.h"

#include <string.h>

void alpharho_input_clear(struct alpharho_device *device) {
  for (uint8_t i = 0; i < device->model->input_count; i++) {
    const struct alpharho_device_tensor *tensor = &device->model->inputs[i];
    memset(tensor->written, 0, ALPHARHO_WRITTEN_BYTES(tensor->bytes));
  }
  device->input_is_old = false;
  device->load_size = 0;
  device->load_at = 0;
}

void alpharho_input_mark(struct alpharho_device *device, uint8_t tensor, uint32_t offset, uint32_t count) {
  const struct alpharho_device_tensor *input = &device->model->inputs[tensor];
  if (device->input_is_old) {
    alpharho_input_clear(device);
  }
  const uint32_t end = offset + count;
  const uint32_t last =
      end == input->bytes ? (end + ALPHARHO_INPUT_GRANULE - 1u) / ALPHARHO_INPUT_GRANULE : end / ALPHARHO_INPUT_GRANULE;
  for (uint32_t granule = offset / ALPHARHO_INPUT_GRANULE; granule < last; granule++) {
    input->written[granule / 8u] |= (uint8_t)(1u << granule % 8u);
  }
}

static bool is_written(const struct alpharho_device_tensor *input, uint32_t granule) {
  return ((uint32_t)input->written[granule / 8u] >> granule % 8u & 1u) != 0u;
}

static uint32_t granules_of(const struct alpharho_device_tensor *input) {
  return (input->bytes + ALPHARHO_INPUT_GRANULE - 1u) / ALPHARHO_INPUT_GRANULE;
}

void alpharho_input_map(const struct alpharho_device *device, uint8_t tensor, uint32_t offset,
                        uint8_t map[ALPHARHO_WRITE_MAP_BYTES]) {
  const struct alpharho_device_tensor *input = &device->model->inputs[tensor];
  const uint32_t at = offset / ALPHARHO_INPUT_GRANULE;
  const uint32_t first = at > ALPHARHO_WRITE_MAP_BEFORE ? at - ALPHARHO_WRITE_MAP_BEFORE : 0u;
  memset(map, 0, ALPHARHO_WRITE_MAP_BYTES);
  for (uint32_t i = 0; i < 8u * ALPHARHO_WRITE_MAP_BYTES && first + i < granules_of(input); i++) {
    if (is_written(input, first + i)) {
      map[i / 8u] |= (uint8_t)(1u << i % 8u);
    }
  }
}

static bool tensor_is_whole(const struct alpharho_device_tensor *input) {
  for (uint32_t granule = 0; granule < granules_of(input); granule++) {
    if (!is_written(input, granule)) {
      return false;
    }
  }
  return true;
}

bool alpharho_input_is_whole(const struct alpharho_device *device) {
  for (uint8_t i = 0; i < device->model->input_count; i++) {
    if (!tensor_is_whole(&device->model->inputs[i])) {
      return false;
    }
  }
  return true;
}

#ifdef STREAMED_INPUT

enum alpharho_streamed alpharho_input_stream(struct alpharho_device *device, uint16_t sequence, const uint8_t *bytes,
                                             uint32_t offset, uint32_t count) {
  const bool is_first = offset == 0u && (device->streamed == 0u || sequence != device->stream_sequence);
  if (is_first) {
    alpharho_input_clear(device);
    device->streamed = 0;
    device->stream_ticks = 0;
    device->stream_sequence = sequence;
  }
  if (offset > device->streamed) {
    return STREAMED_TOO_EARLY;
  }
  if (offset < device->streamed) {
    return offset + count <= device->streamed ? STREAMED_TOO_LATE : STREAMED_TOO_EARLY;
  }
  uint64_t ticks = 0;
  device->port->stream(bytes, count, is_first, &ticks);
  device->streamed += count;
  device->stream_ticks += ticks;
  return STREAMED;
}

#endif
