#include "device.h"

#include "answer.h"
#include "format.h"
#include "input.h"
#include "stats.h"
#include "tensors.h"
#include "text.h"

#include <string.h>

static void do_info(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 4u && request->length != 6u) {
    alpharho_answer_refuse(device, request, E_LENGTH, "INFO takes 4 or 6 bytes");
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
    alpharho_answer_refuse(device, request, E_RANGE, "INFO: offset behind the end");
    return;
  }
  const uint32_t left = total - offset;
  alpharho_put_u32(payload, offset);
  alpharho_put_u32(payload + 4, total);
  alpharho_answer_reply(device, request, 8u + (left < most ? left : most));
}

static void do_stats(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 0u) {
    alpharho_answer_refuse(device, request, E_LENGTH, "STATS takes no bytes");
    return;
  }
  alpharho_answer_reply(device, request, alpharho_stats_text(device, device->message + ALPHARHO_FRAME_HEADER));
}

static void do_reset(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 0u) {
    alpharho_answer_refuse(device, request, E_LENGTH, "RESET takes no bytes");
    return;
  }
  alpharho_answer_reply(device, request, 0);
  device->port->restart();
}

static void do_ping(struct alpharho_device *device, const struct alpharho_frame *request) {
  memcpy(device->message + ALPHARHO_FRAME_HEADER, request->payload, request->length);
  alpharho_answer_reply(device, request, request->length);
}

#ifdef LINUX_BOARD
static void do_board(struct alpharho_device *device, const struct alpharho_frame *request) {
  if (request->length != 0u) {
    alpharho_answer_refuse(device, request, E_LENGTH, "BOARD takes no bytes");
    return;
  }
  alpharho_answer_reply(device, request,
                        device->port->board((char *)device->message + ALPHARHO_FRAME_HEADER, ALPHARHO_MAX_PAYLOAD));
}
#endif

#ifdef TRACED
static void do_trace(struct alpharho_device *device, const struct alpharho_frame *request) {
  const uint32_t length =
      device->port->trace(request->payload, request->length, device->message + ALPHARHO_FRAME_HEADER);
  if (length == 0u) {
    alpharho_answer_refuse(device, request, E_RANGE, "TRACE: no such kind, or of another length");
    return;
  }
  alpharho_answer_reply(device, request, length);
}
#endif

static void handle(struct alpharho_device *device, const struct alpharho_frame *request) {
  static void (*const handlers[])(struct alpharho_device *, const struct alpharho_frame *) = {
      [INFO] = do_info,
      [STATS] = do_stats,
      [WRITE] = alpharho_request_write,
      [RUN] = alpharho_request_run,
      [READ] = alpharho_request_read,
      [RESET] = do_reset,
      [PING] = do_ping,
#ifdef LINUX_BOARD
      [BOARD] = do_board,
#endif
#ifdef TRACED
      [TRACE] = do_trace,
#endif
  };
  device->frames++;
  if (request->version != ALPHARHO_PROTOCOL_VERSION) {
    alpharho_answer_refuse(device, request, E_VERSION, "this device speaks version 1");
  } else if (request->type == 0u || request->type > LAST || handlers[request->type] == NULL) {
    alpharho_answer_refuse(device, request, E_TYPE, "no such request");
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
