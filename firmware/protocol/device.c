#include "device.h"

#include "coding.h"
#include "format.h"
#include "input.h"
#include "stats.h"
#include "text.h"

#include <string.h>

enum type {
  INFO = 1,
  STATS = 2,
  WRITE = 3,
  RUN = 4,
  READ = 5,
  RESET = 6,
  PING = 7,
#ifdef LINUX_BOARD
  BOARD = 8,
#endif
#ifdef TRACED
  TRACE = 9,
  LAST = TRACE,
#elif defined(LINUX_BOARD)
  LAST = BOARD,
#else
  LAST = PING,
#endif
  LOG = 0x60,
  REPLY = 0x80,
  ERROR = 0xFF,
};
enum code { E_VERSION = 1, E_TYPE, E_LENGTH, E_RANGE, E_INPUT, E_ENGINE };

/* Answer a request, with parity if it had some. */
static void answer(struct alpharho_device *device, const struct alpharho_frame *request, uint8_t type, size_t length) {
  alpharho_frame_send(device->message, type, request->sequence, (uint16_t)length,
                      request->repaired != ALPHARHO_WITHOUT_PARITY, device->port->write);
}

static void reply(struct alpharho_device *device, const struct alpharho_frame *request, size_t length) {
  answer(device, request, request->type | REPLY, length);
}

static size_t make_error(uint8_t *payload, uint8_t type, enum code code, const char *text) {
  const size_t length = alpharho_text_length(text);
  payload[0] = type;
  alpharho_put_u16(payload + 1, (uint16_t)code);
  memcpy(payload + 3, text, length);
  return 3u + length;
}

static void refuse(struct alpharho_device *device, const struct alpharho_frame *request, enum code code,
                   const char *text) {
  const size_t length = make_error(device->message + ALPHARHO_FRAME_HEADER, request->type, code, text);
  answer(device, request, ERROR, length);
}

static void do_info(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 4u && request->length != 6u) {
    refuse(device, request, E_LENGTH, "INFO takes 4 or 6 bytes");
    return;
  }
  uint8_t *payload = device->message + ALPHARHO_FRAME_HEADER;
  const uint32_t offset = alpharho_get_u32(request->payload);
  uint32_t most = ALPHARHO_MAX_PAYLOAD - 8u;
  if (request->length == 6u && alpharho_get_u16(request->payload + 4) < most) {
    most = alpharho_get_u16(request->payload + 4);
  }
  const uint32_t total = device->model->info(offset, payload + 8, most);
  if (offset > total) {
    refuse(device, request, E_RANGE, "INFO: offset behind the end");
    return;
  }
  const uint32_t left = total - offset;
  alpharho_put_u32(payload, offset);
  alpharho_put_u32(payload + 4, total);
  reply(device, request, 8u + (left < most ? left : most));
}

static void do_stats(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 0u) {
    refuse(device, request, E_LENGTH, "STATS takes no bytes");
    return;
  }
  reply(device, request, alpharho_stats_text(device, device->message + ALPHARHO_FRAME_HEADER));
}

static void do_write(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length < 5u) {
    refuse(device, request, E_LENGTH, "WRITE takes at least 5 bytes");
    return;
  }
  const bool with_map = (request->payload[0] & ALPHARHO_WRITE_WITH_MAP) != 0u;
  const bool is_coded = !ALPHARHO_INPUT_IS_STREAMED && (request->payload[0] & ALPHARHO_WRITE_CODED) != 0u;
  const uint8_t tensor =
      request->payload[0] & (uint8_t)~(ALPHARHO_WRITE_WITH_MAP | (is_coded ? ALPHARHO_WRITE_CODED : 0u));
  const uint32_t offset = alpharho_get_u32(request->payload + 1);
  if (tensor >= device->model->input_count) {
    refuse(device, request, E_RANGE, "WRITE: no such input");
    return;
  }
  const uint32_t head = is_coded ? 7u : 5u;
  if (request->length < head) {
    refuse(device, request, E_LENGTH, "WRITE with a code takes at least 7 bytes");
    return;
  }
  const uint8_t *bytes = request->payload + head;
  const uint32_t size = request->length - head;
  const uint32_t count = is_coded ? alpharho_get_u16(request->payload + 5) : size;
  const struct alpharho_device_tensor *input = &device->model->inputs[tensor];
  if (offset > input->bytes || count > input->bytes - offset) {
    refuse(device, request, E_RANGE, "WRITE: outside the input");
    return;
  }
  if (offset % ALPHARHO_INPUT_GRANULE != 0u ||
      (count % ALPHARHO_INPUT_GRANULE != 0u && offset + count != input->bytes)) {
    refuse(device, request, E_RANGE, "WRITE: chunks start and end at multiples of 64 bytes");
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
    refuse(device, request, E_LENGTH, "WRITE: the code is not of so many bytes");
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
      device->kept_length = (uint16_t)make_error(payload, RUN, E_ENGINE, "RUN: the inference failed");
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
                               enum code *code) {
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

static void do_run(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->sequence != device->run_sequence || request->sequence == 0u) {
    enum code code;
    const char *why = why_not_run(device, request, &code);
    if (why != NULL) {
      device->kept_length = (uint16_t)make_error(device->kept, RUN, code, why);
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
  answer(device, request, device->run_type, device->kept_length);
}

static void do_read(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 7u) {
    refuse(device, request, E_LENGTH, "READ takes 7 bytes");
    return;
  }
  const uint8_t tensor = request->payload[0];
  const uint32_t offset = alpharho_get_u32(request->payload + 1);
  const uint16_t count = alpharho_get_u16(request->payload + 5);
  if (tensor >= device->model->output_count) {
    refuse(device, request, E_RANGE, "READ: no such output");
    return;
  }
  const struct alpharho_device_tensor *output = &device->model->outputs[tensor];
  if (offset > output->bytes || count > output->bytes - offset || count > ALPHARHO_MAX_PAYLOAD - 5u) {
    refuse(device, request, E_RANGE, "READ: outside the output, or longer than a reply");
    return;
  }
  if (!device->outputs_are_valid) {
    /* The next input may overwrite an output. */
    refuse(device, request, E_INPUT, "READ: no output since the last WRITE");
    return;
  }
  uint8_t *payload = device->message + ALPHARHO_FRAME_HEADER;
  memcpy(payload, request->payload, 5);
  memcpy(payload + 5, (const uint8_t *)output->data + offset, count);
  reply(device, request, 5u + (size_t)count);
}

static void do_reset(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 0u) {
    refuse(device, request, E_LENGTH, "RESET takes no bytes");
    return;
  }
  reply(device, request, 0);
  device->port->restart();
}

static void do_ping(struct alpharho_device *device, const struct alpharho_frame *request) {
  memcpy(device->message + ALPHARHO_FRAME_HEADER, request->payload, request->length);
  reply(device, request, request->length);
}

#ifdef LINUX_BOARD
static void do_board(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 0u) {
    refuse(device, request, E_LENGTH, "BOARD takes no bytes");
    return;
  }
  reply(device, request, device->port->board((char *)device->message + ALPHARHO_FRAME_HEADER, ALPHARHO_MAX_PAYLOAD));
}
#endif

#ifdef TRACED
static void do_trace(struct alpharho_device *device, const struct alpharho_frame *request) {
  const uint32_t length =
      device->port->trace(request->payload, request->length, device->message + ALPHARHO_FRAME_HEADER);
  if (length == 0u) {
    refuse(device, request, E_RANGE, "TRACE: no such kind, or of another length");
    return;
  }
  reply(device, request, length);
}
#endif

static void handle(struct alpharho_device *device, const struct alpharho_frame *request) {
  static void (*const handlers[])(struct alpharho_device *, const struct alpharho_frame *) = {
      [INFO] = do_info,   [STATS] = do_stats, [WRITE] = do_write, [RUN] = do_run,
      [READ] = do_read,   [RESET] = do_reset, [PING] = do_ping,
#ifdef LINUX_BOARD
      [BOARD] = do_board,
#endif
#ifdef TRACED
      [TRACE] = do_trace,
#endif
  };
  device->frames++;
  if (request->version != ALPHARHO_PROTOCOL_VERSION) {
    refuse(device, request, E_VERSION, "this device speaks version 1");
  } else if (request->type == 0u || request->type > LAST || handlers[request->type] == NULL) {
    refuse(device, request, E_TYPE, "no such request");
  } else {
    handlers[request->type](device, request);
  }
}

void alpharho_device_init(struct alpharho_device *device, const struct alpharho_device_model *model,
                          const struct alpharho_device_port *port) {
  memset(device, 0, sizeof *device);
  device->model = model;
  device->port = port;
  alpharho_receiver_init(&device->receiver);
  alpharho_input_clear(device);
}

void alpharho_device_receive(struct alpharho_device *device, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    switch (alpharho_receiver_push(&device->receiver, bytes[i])) {
    case RECEIVED_FRAME:
      handle(device, &device->receiver.frame);
      break;
    case RECEIVED_DAMAGED_FRAME:
      device->damaged_frames++;
      break;
    case RECEIVED_TEXT:
      alpharho_text_command(device, (char *)device->receiver.buffer);
      break;
    case RECEIVED_LONG_TEXT:
      alpharho_text_too_long(device);
      break;
    default:
      break;
    }
  }
}

void alpharho_device_log(struct alpharho_device *device, const char *text) {
  const size_t length = alpharho_text_length(text);
  if (length > ALPHARHO_MAX_PAYLOAD) {
    return;
  }
  memcpy(device->message + ALPHARHO_FRAME_HEADER, text, length);
  alpharho_frame_send(device->message, LOG, 0, (uint16_t)length, false, device->port->write);
}
