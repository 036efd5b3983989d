/* The device's side of the protocol under libFuzzer, built with TRACED, and with STREAMED_INPUT or without.
 *
 * An input is a byte that selects the network, then parts, each of a byte that selects its kind, one for its length
 * and so many bytes. Most parts become frames with right checksums: random bytes almost never pass the check, and what
 * is behind it is what this is for. Ends the process where the device breaks its contract with a port or a host. */
#include "cobs.h"
#include "crc32.h"
#include "input.h"
#include "protocol_device.h"
#include "trace.h"
#include "trace_request.h"

#include <stdlib.h>

#define TRACED_COUNT   103u /* more than one answer has room for */
#define TRACED_EVERY   32u  /* inferences */
#define INFERENCES_MAX 300u /* in one input: text mode takes up to ten million */
#define LONG_PART      0x80u
#define WITH_PARITY    0x40u
#define DAMAGED        0x20u

enum part { RAW, TEXT, WRITE_CHUNK, FRAME, FRAME_OF_VERSION, PART_KINDS };

static uint32_t inferred;
static struct alpharho_receiver host;
static uint8_t frame_options; /* of the part: WITH_PARITY, DAMAGED */
static struct alpharho_trace_tensor traced[TRACED_COUNT];

static void expect(bool is_so) {
  if (!is_so) {
    abort();
  }
}

/* The host reads what the device sends: whole frames, and text between them. */
static void write_bytes(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const enum alpharho_received received = alpharho_receiver_push(&host, bytes[i]);
    expect(received != RECEIVED_DAMAGED_FRAME);
    expect(received != RECEIVED_FRAME || host.frame.version == ALPHARHO_PROTOCOL_VERSION);
    expect(received != RECEIVED_FRAME || host.frame.repaired == 0u || host.frame.repaired == ALPHARHO_WITHOUT_PARITY);
  }
}

static void trace_all(const int8_t *bytes) {
  alpharho_trace_begin(traced, TRACED_COUNT);
  for (uint16_t i = 0; i < TRACED_COUNT; i++) {
    alpharho_trace(&traced[i], i, bytes, OUTPUT / 2u);
    alpharho_trace(&traced[i], i, bytes + OUTPUT / 2u, OUTPUT - OUTPUT / 2u);
  }
}

#ifdef STREAMED_INPUT
static uint32_t consumed;

static void stream(const uint8_t *bytes, uint32_t count, bool is_first, uint64_t *ticks) {
  consumed = is_first ? 0u : consumed;
  expect(count <= INPUT_0 - consumed);
  memcpy(input_0 + consumed, bytes, count); /* a sanitizer sees where it is read from */
  consumed += count;
  *ticks = count;
}
#endif

static bool infer(uint64_t *ticks) {
  expect(alpharho_input_is_whole(&device));
#ifdef STREAMED_INPUT
  expect(consumed == INPUT_0);
#endif
  for (size_t j = 0; j < OUTPUT; j++) {
    output[j] = (int8_t)(input_0[j] + j);
  }
  if (inferred % TRACED_EVERY == 0u) {
    trace_all(output);
  }
  if (!device.model->input_preserved) {
    memset(input_0, 0x77, INPUT_0);
  }
  *ticks = UINT64_MAX - inferred;
  return ++inferred < INFERENCES_MAX && output[0] != 0x6E;
}

static uint64_t microseconds(void) { return UINT64_MAX; }

static void memory(struct alpharho_device_memory *memory) {
  *memory = (struct alpharho_device_memory){265, 4096, 440, 0, 3, UINT64_MAX, 99};
}

static const struct alpharho_device_port port = {
    .write = write_bytes,
    .infer = infer,
#ifdef STREAMED_INPUT
    .stream = stream,
#endif
    .microseconds = microseconds,
    .memory = memory,
    .restart = restart,
    .trace = alpharho_trace_request,
};
static struct alpharho_device_model model = {
    .info = info,
    .board = "board",
    .name = "network",
    .inputs = inputs,
    .outputs = outputs,
    .output_count = 1,
    .text_offset = 128,
};

static void start(uint8_t kind) {
#ifdef STREAMED_INPUT
  (void)kind;
  model.input_preserved = false;
  model.input_count = 1;
  consumed = 0;
#else
  model.input_preserved = (kind & 1u) != 0u;
  model.input_count = (kind & 2u) != 0u ? 1 : 2;
#endif
  memset(input_0, 0, sizeof input_0);
  memset(input_1, 0, sizeof input_1);
  inferred = 0;
  restarted = false;
  trace_all(output);
  alpharho_receiver_init(&host);
  alpharho_device_init(&device, &model, &port);
}

static void receive(const uint8_t *bytes, size_t count) { alpharho_device_receive(&device, bytes, count); }

/* `message` has the payload at ALPHARHO_FRAME_HEADER, and room for the checksum. */
static void receive_frame(uint8_t *message, uint8_t version, uint8_t type, uint16_t sequence, size_t length) {
  const size_t covered = ALPHARHO_FRAME_HEADER + length;
  message[0] = version;
  message[1] = type;
  alpharho_put_u16(message + 2, sequence);
  alpharho_put_u16(message + 4, (uint16_t)length);
  alpharho_put_u32(message + covered, alpharho_crc32_update(0, message, covered));
  size_t count = covered + ALPHARHO_FRAME_CRC;
  if ((frame_options & WITH_PARITY) != 0u && count + ALPHARHO_PARITY_BYTES <= ALPHARHO_PARITY_MAX) {
    for (size_t i = 1; i < count; i++) {
      message[i] ^= 0x55u;
    }
    alpharho_parity_add(message, count);
    count += ALPHARHO_PARITY_BYTES;
  }
  if ((frame_options & DAMAGED) != 0u) {
    for (size_t i = 0; i < sequence % 6u; i++) { /* as many as can be repaired, and one more */
      message[(i + 1u) * length % count] ^= (uint8_t)(sequence + 1u);
    }
  }
  receive((const uint8_t[]){0}, 1);
  alpharho_cobs_encode(message, count, receive);
  receive((const uint8_t[]){0}, 1);
}

/* A frame from its version where that is given, its type, one byte of its sequence number, and its payload. */
static void receive_any_frame(const uint8_t *bytes, size_t count, bool with_version) {
  uint8_t message[ALPHARHO_FRAME_MAX_DECODED];
  uint8_t version = ALPHARHO_PROTOCOL_VERSION;
  if (with_version && count > 0u) {
    version = bytes[0];
    bytes++;
    count--;
  }
  if (count < 2u) {
    return;
  }
  const size_t length = count - 2u < ALPHARHO_MAX_PAYLOAD ? count - 2u : ALPHARHO_MAX_PAYLOAD;
  memcpy(message + ALPHARHO_FRAME_HEADER, bytes + 2, length);
  receive_frame(message, version, bytes[0], bytes[1], length);
}

/* A WRITE at multiples of 64 bytes, from its input, sequence number, first granule and how many granules it has. */
static void receive_write(const uint8_t *bytes, size_t count) {
  uint8_t message[ALPHARHO_FRAME_MAX_DECODED];
  if (count < 4u) {
    return;
  }
  const uint32_t offset = bytes[2] % 5u * ALPHARHO_INPUT_GRANULE;
  const uint32_t whole = bytes[0] % 2u == 0u ? INPUT_0 : INPUT_1;
  uint32_t length = bytes[3] % 5u * ALPHARHO_INPUT_GRANULE;
  if (offset < whole && length > whole - offset) {
    length = whole - offset;
  }
  uint8_t *payload = message + ALPHARHO_FRAME_HEADER;
  payload[0] = bytes[0];
  alpharho_put_u32(payload + 1, offset);
  for (uint32_t i = 0; i < length; i++) {
    payload[5u + i] = bytes[i % count];
  }
  receive_frame(message, ALPHARHO_PROTOCOL_VERSION, 3, bytes[1], 5u + length);
}

static void receive_part(uint8_t kind, const uint8_t *bytes, size_t count) {
  frame_options = kind & (WITH_PARITY | DAMAGED);
  switch ((enum part)(kind % PART_KINDS)) {
  case RAW:
    receive(bytes, count);
    break;
  case TEXT:
    receive(bytes, count);
    receive((const uint8_t *)"%", 1);
    break;
  case WRITE_CHUNK:
    receive_write(bytes, count);
    break;
  default:
    receive_any_frame(bytes, count, kind % PART_KINDS == FRAME_OF_VERSION);
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count); /* NOLINT(misc-use-internal-linkage): libFuzzer's */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  if (count == 0u) {
    return 0;
  }
  const uint8_t network = bytes[0];
  start(network);
  for (size_t at = 1; count - at >= 2u;) {
    const uint8_t kind = bytes[at];
    size_t length = (size_t)bytes[at + 1u] * ((kind & LONG_PART) != 0u ? 8u : 1u);
    at += 2u;
    length = length < count - at ? length : count - at;
    receive_part(kind, bytes + at, length);
    at += length;
    if (restarted) {
      start(network);
    }
  }
  return 0;
}
