#include "frame.h"

#include "crc32.h"

enum state { UNKNOWN, IN_FRAME, TOO_LONG, IN_TEXT };

uint16_t alpharho_get_u16(const uint8_t *bytes) { return (uint16_t)(bytes[0] | (uint32_t)bytes[1] << 8); }

uint32_t alpharho_get_u32(const uint8_t *bytes) {
  return alpharho_get_u16(bytes) | (uint32_t)alpharho_get_u16(bytes + 2) << 16;
}

void alpharho_put_u16(uint8_t *bytes, uint16_t value) {
  bytes[0] = (uint8_t)value;
  bytes[1] = (uint8_t)(value >> 8);
}

void alpharho_put_u32(uint8_t *bytes, uint32_t value) {
  alpharho_put_u16(bytes, (uint16_t)value);
  alpharho_put_u16(bytes + 2, (uint16_t)(value >> 16));
}

void alpharho_put_u64(uint8_t *bytes, uint64_t value) {
  alpharho_put_u32(bytes, (uint32_t)value);
  alpharho_put_u32(bytes + 4, (uint32_t)(value >> 32));
}

static void start_chunk(struct alpharho_receiver *receiver) {
  receiver->used = 0;
  receiver->state = UNKNOWN;
  receiver->line_is_bad = false;
  receiver->damage_is_reported = false;
}

void alpharho_receiver_init(struct alpharho_receiver *receiver) { start_chunk(receiver); }

/* Small numbers are frequent, and COBS marks each zero: a frame with parity has a mask on all but its version. */
static void mask(uint8_t *bytes, size_t count) {
  for (size_t i = 1; i < count; i++) {
    bytes[i] ^= 0x55u;
  }
}

/* Take a frame from its header to its CRC. Returns false if it is damaged. */
static bool take(struct alpharho_receiver *receiver, size_t count, uint8_t repaired) {
  const uint8_t *bytes = receiver->buffer;
  const size_t covered = count - ALPHARHO_FRAME_CRC;
  const struct alpharho_frame frame = {
      .version = bytes[0],
      .type = bytes[1],
      .sequence = alpharho_get_u16(bytes + 2),
      .length = alpharho_get_u16(bytes + 4),
      .repaired = repaired,
      .payload = bytes + ALPHARHO_FRAME_HEADER,
  };
  if (frame.length != covered - ALPHARHO_FRAME_HEADER ||
      alpharho_crc32_update(0, bytes, covered) != alpharho_get_u32(bytes + covered)) {
    return false;
  }
  receiver->frame = frame;
  return true;
}

static bool take_with_parity(struct alpharho_receiver *receiver, size_t count) {
  uint8_t *bytes = receiver->buffer;
  const size_t covered = count - ALPHARHO_PARITY_BYTES;
  mask(bytes, covered);
  if (take(receiver, covered, 0)) {
    return true;
  }
  mask(bytes, covered);
  const uint8_t repaired = alpharho_parity_repair(bytes, count);
  mask(bytes, covered);
  return repaired != ALPHARHO_PARITY_FAILED && take(receiver, covered, repaired);
}

static enum alpharho_received end_frame(struct alpharho_receiver *receiver) {
  const size_t count = alpharho_cobs_decode(receiver->buffer, receiver->used);
  if (count == ALPHARHO_COBS_BAD || count < ALPHARHO_FRAME_HEADER + ALPHARHO_FRAME_CRC ||
      count > ALPHARHO_FRAME_MAX_DECODED) {
    return RECEIVED_DAMAGED_FRAME;
  }
  bool is_whole = false;
  if (alpharho_get_u16(receiver->buffer + 4) == count - ALPHARHO_FRAME_HEADER - ALPHARHO_FRAME_CRC) {
    is_whole = take(receiver, count, ALPHARHO_WITHOUT_PARITY);
  } else if (count >= ALPHARHO_FRAME_HEADER + ALPHARHO_FRAME_CRC + ALPHARHO_PARITY_BYTES &&
             count <= ALPHARHO_PARITY_MAX) {
    is_whole = take_with_parity(receiver, count);
  }
  return is_whole ? RECEIVED_FRAME : RECEIVED_DAMAGED_FRAME;
}

static bool is_text(uint8_t byte) {
  return byte == '\t' || byte == '\r' || byte == '\n' || (byte >= ' ' && byte <= '~');
}

static enum alpharho_received push_zero(struct alpharho_receiver *receiver) {
  enum alpharho_received event = RECEIVED_NOTHING;
  if (receiver->state == IN_FRAME) {
    event = end_frame(receiver);
  } else if (receiver->state == UNKNOWN && receiver->used == 1u && !is_text(receiver->buffer[0])) {
    event = RECEIVED_DAMAGED_FRAME;
  }
  start_chunk(receiver);
  return event;
}

static enum alpharho_received push_text(struct alpharho_receiver *receiver, uint8_t byte) {
  if (byte == '%') {
    const size_t used = receiver->used;
    const bool is_command = used > 0u && !receiver->line_is_bad;
    receiver->used = 0;
    receiver->line_is_bad = false;
    if (!is_command) {
      return RECEIVED_NOTHING;
    }
    receiver->buffer[used] = 0;
    return used > ALPHARHO_TEXT_MAX ? RECEIVED_LONG_TEXT : RECEIVED_TEXT;
  }
  if (byte == '\r' || byte == '\n') {
    return RECEIVED_NOTHING;
  }
  if (!is_text(byte)) {
    const enum alpharho_received event = receiver->damage_is_reported ? RECEIVED_NOTHING : RECEIVED_DAMAGED_FRAME;
    receiver->line_is_bad = true;
    receiver->damage_is_reported = true;
    return event;
  }
  if (receiver->used <= ALPHARHO_TEXT_MAX) {
    receiver->buffer[receiver->used++] = byte;
  }
  return RECEIVED_NOTHING;
}

/* Take the first two bytes: by the second one, a frame differs from text. */
static enum alpharho_received push_unknown(struct alpharho_receiver *receiver, uint8_t byte) {
  receiver->buffer[receiver->used++] = byte;
  if (receiver->used < 2u) {
    return RECEIVED_NOTHING;
  }
  if (byte <= ALPHARHO_MAX_VERSION) {
    receiver->state = IN_FRAME;
    return RECEIVED_NOTHING;
  }
  const uint8_t first = receiver->buffer[0];
  receiver->state = IN_TEXT;
  receiver->used = 0;
  const enum alpharho_received event = push_text(receiver, first);
  const enum alpharho_received next = push_text(receiver, byte);
  return next == RECEIVED_NOTHING ? event : next;
}

static enum alpharho_received push_frame(struct alpharho_receiver *receiver, uint8_t byte) {
  if (receiver->used < sizeof receiver->buffer) {
    receiver->buffer[receiver->used++] = byte;
    return RECEIVED_NOTHING;
  }
  receiver->state = TOO_LONG;
  return RECEIVED_DAMAGED_FRAME;
}

enum alpharho_received alpharho_receiver_push(struct alpharho_receiver *receiver, uint8_t byte) {
  if (byte == 0u) {
    return push_zero(receiver);
  }
  switch (receiver->state) {
  case UNKNOWN:
    return push_unknown(receiver, byte);
  case IN_FRAME:
    return push_frame(receiver, byte);
  case IN_TEXT:
    return push_text(receiver, byte);
  default:
    return RECEIVED_NOTHING;
  }
}

void alpharho_frame_send(uint8_t *message, uint8_t type, uint16_t sequence, uint16_t length, bool with_parity,
                         void (*write)(const uint8_t *bytes, size_t count)) {
  static const uint8_t delimiter = 0;
  const size_t covered = ALPHARHO_FRAME_HEADER + (size_t)length;
  size_t count = covered + ALPHARHO_FRAME_CRC;
  message[0] = ALPHARHO_PROTOCOL_VERSION;
  message[1] = type;
  alpharho_put_u16(message + 2, sequence);
  alpharho_put_u16(message + 4, length);
  alpharho_put_u32(message + covered, alpharho_crc32_update(0, message, covered));
  if (with_parity && count + ALPHARHO_PARITY_BYTES <= ALPHARHO_PARITY_MAX) {
    mask(message, count);
    alpharho_parity_add(message, count);
    count += ALPHARHO_PARITY_BYTES;
  }
  write(&delimiter, 1);
  alpharho_cobs_encode(message, count, write);
  write(&delimiter, 1);
}
