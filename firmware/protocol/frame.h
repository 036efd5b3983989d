/* Frames and text on one line: docs/protocol.md, "Frames". Independent of requests and boards. */
#ifndef ALPHARHO_PROTOCOL_FRAME_H
#define ALPHARHO_PROTOCOL_FRAME_H

#include "cobs.h"
#include "parity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALPHARHO_PROTOCOL_VERSION  1u
#define ALPHARHO_MAX_VERSION       8u /* a second byte of 1 to 8 marks a frame: no text has one */
#define ALPHARHO_MAX_PAYLOAD       1024u
#define ALPHARHO_FRAME_HEADER      6u
#define ALPHARHO_FRAME_CRC         4u
#define ALPHARHO_FRAME_MAX_DECODED (ALPHARHO_FRAME_HEADER + ALPHARHO_MAX_PAYLOAD + ALPHARHO_FRAME_CRC)
#define ALPHARHO_WITHOUT_PARITY    ALPHARHO_PARITY_FAILED /* in a frame's `repaired` */
#define ALPHARHO_TEXT_MAX 200u /* the longest text command; the MLPerf Tiny runner sends at most 66 characters */

struct alpharho_frame {
  uint8_t version;
  uint8_t type;
  uint16_t sequence;
  uint16_t length;
  uint8_t repaired;       /* damaged bytes, or ALPHARHO_WITHOUT_PARITY */
  const uint8_t *payload; /* in the receiver's buffer: valid until the next byte is pushed */
};

enum alpharho_received {
  RECEIVED_NOTHING,
  RECEIVED_FRAME,
  RECEIVED_DAMAGED_FRAME,
  RECEIVED_TEXT,
  RECEIVED_LONG_TEXT,
};

struct alpharho_receiver {
  uint8_t buffer[ALPHARHO_COBS_MAX_ENCODED(ALPHARHO_FRAME_MAX_DECODED)];
  size_t used;
  uint8_t state;
  bool line_is_bad;        /* since the last `%` */
  bool damage_is_reported; /* since the last zero: one damaged frame may look like many lines */
  struct alpharho_frame frame;
};

/* Bytes for numbers on the wire, which is little-endian. */
uint16_t alpharho_get_u16(const uint8_t *bytes);
uint32_t alpharho_get_u32(const uint8_t *bytes);
void alpharho_put_u16(uint8_t *bytes, uint16_t value);
void alpharho_put_u32(uint8_t *bytes, uint32_t value);
void alpharho_put_u64(uint8_t *bytes, uint64_t value);

void alpharho_receiver_init(struct alpharho_receiver *receiver);

/* Take one byte from the line. A frame is then in `receiver->frame`; a text command, without its `%` and
 * ended by a zero, in `receiver->buffer`. */
enum alpharho_received alpharho_receiver_push(struct alpharho_receiver *receiver, uint8_t byte);

/* Send a frame whose payload is at `message + ALPHARHO_FRAME_HEADER` already; `message` has room for CRC and parity.
 * With parity if that is wished and the frame is short enough. */
void alpharho_frame_send(uint8_t *message, uint8_t type, uint16_t sequence, uint16_t length, bool with_parity,
                         void (*write)(const uint8_t *bytes, size_t count));

#ifdef __cplusplus
}
#endif

#endif
