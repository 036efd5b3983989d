#include "tensors.h"

#include "answer.h"
#include "coding.h"
#include "format.h"
#include "input.h"

#include <string.h>

void alpharho_request_write(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length < 5u) {
    alpharho_answer_refuse(device, request, E_LENGTH, "WRITE takes at least 5 bytes");
    return;
  }
  const bool with_map = (request->payload[0] & ALPHARHO_WRITE_WITH_MAP) != 0u;
  const bool is_coded = !ALPHARHO_INPUT_IS_STREAMED && (request->payload[0] & ALPHARHO_WRITE_CODED) != 0u;
  const uint8_t tensor =
      request->payload[0] & (uint8_t)~(ALPHARHO_WRITE_WITH_MAP | (is_coded ? ALPHARHO_WRITE_CODED : 0u));
  const uint32_t offset = alpharho_get_u32(request->payload + 1);
  if (tensor >= device->model->input_count) {
    alpharho_answer_refuse(device, request, E_RANGE, "WRITE: no such input");
    return;
  }
  const uint32_t head = is_coded ? 7u : 5u;
  if (request->length < head) {
    alpharho_answer_refuse(device, request, E_LENGTH, "WRITE with a code takes at least 7 bytes");
    return;
  }
  const uint8_t *bytes = request->payload + head;
  const uint32_t size = request->length - head;
  const uint32_t count = is_coded ? alpharho_get_u16(request->payload + 5) : size;
  const struct alpharho_device_tensor *input = &device->model->inputs[tensor];
  if (offset > input->bytes || count > input->bytes - offset) {
    alpharho_answer_refuse(device, request, E_RANGE, "WRITE: outside the input");
    return;
  }
  if (offset % ALPHARHO_INPUT_GRANULE != 0u ||
      (count % ALPHARHO_INPUT_GRANULE != 0u && offset + count != input->bytes)) {
    alpharho_answer_refuse(device, request, E_RANGE, "WRITE: chunks start and end at multiples of 64 bytes");
    return;
  }
#ifdef STREAMED_INPUT
  const enum alpharho_streamed streamed = alpharho_input_stream(device, request->sequence, bytes, offset, count);
  if (streamed == STREAMED_TOO_EARLY) {
    return;
  }
  if (streamed == STREAMED) {
    alpharho_input_mark(device, tensor, offset, count);
  }
#else
  uint8_t *to = (uint8_t *)input->data + offset;
  if (!is_coded) {
    memcpy(to, bytes, count);
  } else if (alpharho_coding_decode(bytes, size, NULL, count)) {
    (void)alpharho_coding_decode(bytes, size, to, count);
  } else {
    alpharho_answer_refuse(device, request, E_LENGTH, "WRITE: the code is not of so many bytes");
    return;
  }
  alpharho_input_mark(device, tensor, offset, count);
#endif
  device->run_sequence = 0;
  device->outputs_are_valid = false;
  uint8_t *payload = device->message + ALPHARHO_FRAME_HEADER;
  memcpy(payload, request->payload, 5);
  alpharho_put_u16(payload + 5, (uint16_t)count);
  size_t length = 7;
  if (with_map) {
    alpharho_input_map(device, tensor, offset, payload + length);
    length += ALPHARHO_WRITE_MAP_BYTES;
  }
  if (with_map && request->repaired != ALPHARHO_WITHOUT_PARITY) {
    payload[length++] = request->repaired;
  }
  /* One with a map needs no parity: those behind it say the same. */
  alpharho_frame_send(device->message, WRITE | REPLY, request->sequence, (uint16_t)length,
                      !with_map && request->repaired != ALPHARHO_WITHOUT_PARITY, device->port->write);
}

/* Infer `count` times; the payload of the reply goes to `device->kept`. Returns the type of the reply. */
static uint8_t run(struct alpharho_device *device, uint16_t count) {
  uint8_t *payload = device->kept;
  alpharho_put_u16(payload, count);
  device->kept_length = (uint16_t)(2u + 8u * count);
  device->outputs_are_kept = false;
  for (uint16_t i = 0; i < count; i++) {
    uint64_t ticks = 0;
    if (!device->port->infer(&ticks)) {
      device->outputs_are_valid = false;
      device->kept_length = (uint16_t)alpharho_answer_error(payload, RUN, E_ENGINE, "RUN: the inference failed");
      return ERROR;
    }
#ifdef STREAMED_INPUT
    ticks += device->stream_ticks;
    device->stream_ticks = 0;
    device->streamed = 0;
#endif
    device->inferences++;
    alpharho_put_u64(payload + 2u + 8u * i, ticks);
  }
  device->outputs_are_valid = true;
  return RUN | REPLY;
}

static const char *why_not_run(const struct alpharho_device *device, const struct alpharho_frame *request,
                               enum alpharho_error_code *code) {
  *code = E_LENGTH;
  if (request->length != 2u) {
    return "RUN takes 2 bytes";
  }
  const uint16_t count = alpharho_get_u16(request->payload);
  *code = E_RANGE;
  if (count == 0u || count > (device->model->input_preserved ? ALPHARHO_MAX_RUNS : 1u)) {
    return device->model->input_preserved ? "RUN: count is 1 to 127" : "RUN: count is 1, the input is overwritten";
  }
  *code = E_INPUT;
  return alpharho_input_is_whole(device) ? NULL : "RUN: the input is not whole";
}

void alpharho_request_run(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->sequence != device->run_sequence || request->sequence == 0u) {
    enum alpharho_error_code code;
    const char *why = why_not_run(device, request, &code);
    if (why != NULL) {
      device->kept_length = (uint16_t)alpharho_answer_error(device->kept, RUN, code, why);
      device->run_type = ERROR;
      device->outputs_are_kept = false;
    } else {
      device->run_type = run(device, alpharho_get_u16(request->payload));
      device->input_is_old = true;
      if (!device->model->input_preserved) {
        alpharho_input_clear(device);
      }
    }
    device->run_sequence = request->sequence;
  }
  memcpy(device->message + ALPHARHO_FRAME_HEADER, device->kept, device->kept_length);
  alpharho_answer(device, request, device->run_type, device->kept_length);
}

void alpharho_request_read(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 7u) {
    alpharho_answer_refuse(device, request, E_LENGTH, "READ takes 7 bytes");
    return;
  }
  const uint8_t tensor = request->payload[0];
  const uint32_t offset = alpharho_get_u32(request->payload + 1);
  const uint16_t count = alpharho_get_u16(request->payload + 5);
  if (tensor >= device->model->output_count) {
    alpharho_answer_refuse(device, request, E_RANGE, "READ: no such output");
    return;
  }
  const struct alpharho_device_tensor *output = &device->model->outputs[tensor];
  if (offset > output->bytes || count > output->bytes - offset || count > ALPHARHO_MAX_PAYLOAD - 5u) {
    alpharho_answer_refuse(device, request, E_RANGE, "READ: outside the output, or longer than a reply");
    return;
  }
  if (!device->outputs_are_valid) {
    /* The next input may overwrite an output. */
    alpharho_answer_refuse(device, request, E_INPUT, "READ: no output since the last WRITE");
    return;
  }
  uint8_t *payload = device->message + ALPHARHO_FRAME_HEADER;
  memcpy(payload, request->payload, 5);
  memcpy(payload + 5, (const uint8_t *)output->data + offset, count);
  alpharho_answer_reply(device, request, 5u + (size_t)count);
}
