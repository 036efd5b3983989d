#include "answer.h"

#include "format.h"
#include "text.h"

#include <string.h>

void alpharho_answer(struct alpharho_device *device, const struct alpharho_frame *request, uint8_t type,
                     size_t length) {
  alpharho_frame_send(device->message, type, request->sequence, (uint16_t)length,
                      request->repaired != ALPHARHO_WITHOUT_PARITY, device->port->write);
}

void alpharho_answer_reply(struct alpharho_device *device, const struct alpharho_frame *request, size_t length) {
  alpharho_answer(device, request, request->type | REPLY, length);
}

size_t alpharho_answer_error(uint8_t *payload, uint8_t type, enum alpharho_error_code code, const char *text) {
  const size_t length = alpharho_text_length(text);
  payload[0] = type;
  alpharho_put_u16(payload + 1, (uint16_t)code);
  memcpy(payload + 3, text, length);
  return 3u + length;
}

void alpharho_answer_refuse(struct alpharho_device *device, const struct alpharho_frame *request,
                            enum alpharho_error_code code, const char *text) {
  const size_t length = alpharho_answer_error(device->message + ALPHARHO_FRAME_HEADER, request->type, code, text);
  alpharho_answer(device, request, ERROR, length);
}
