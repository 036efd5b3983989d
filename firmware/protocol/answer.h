/* Types of requests, and the answer to one, whose payload is written to `message` behind ALPHARHO_FRAME_HEADER. */
#ifndef ALPHARHO_PROTOCOL_ANSWER_H
#define ALPHARHO_PROTOCOL_ANSWER_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

enum alpharho_request_type {
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
enum alpharho_error_code { E_VERSION = 1, E_TYPE, E_LENGTH, E_RANGE, E_INPUT, E_ENGINE };

/* Send a frame of `type` with `length` bytes of payload, with parity if the request had some. */
void alpharho_answer(struct alpharho_device *device, const struct alpharho_frame *request, uint8_t type, size_t length);

/* Send the reply to a request that was carried out. */
void alpharho_answer_reply(struct alpharho_device *device, const struct alpharho_frame *request, size_t length);

/* Write an ERROR's payload and return its length. `type` is that of the request. */
size_t alpharho_answer_error(uint8_t *payload, uint8_t type, enum alpharho_error_code code, const char *text);

/* Send an ERROR. */
void alpharho_answer_refuse(struct alpharho_device *device, const struct alpharho_frame *request,
                            enum alpharho_error_code code, const char *text);

#ifdef __cplusplus
}
#endif

#endif
