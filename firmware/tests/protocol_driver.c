/* The protocol on this machine, for tests with sanitizers.
 *
 *   driver receive   frames and text of each stream, as lines:
 *                    `frame VERSION TYPE SEQ REPAIRED HEX`, `text HEX`, `long`, `damaged`
 *   driver device    what a device sends for each stream
 *   driver fuzz N    N streams of damaged and unusual requests, the same ones each time; ends in `done`
 *
 * Streams come on standard input and answers go to standard output, each with its length before it (u32). */
#include "protocol_device.h"

#include <stdio.h>
#include <stdlib.h>

#define STREAM_MAX (1u << 20)

static bool preserves = true;

static uint8_t *answer;
static size_t answer_size, answer_room;

static void write_bytes(const uint8_t *bytes, size_t count) {
  if (answer_size + count > answer_room) {
    answer_room = 2 * (answer_size + count) + 4096;
    uint8_t *larger = realloc(answer, answer_room);
    if (larger == NULL) {
      abort();
    }
    answer = larger;
  }
  memcpy(answer + answer_size, bytes, count);
  answer_size += count;
}

/* Output j is the sum of input 0, plus j. The inference fails if input 1 begins with 0xEE. */
static bool infer(uint64_t *ticks) {
  int8_t sum = 0;
  for (size_t i = 0; i < INPUT_0; i++) {
    sum = (int8_t)(sum + input_0[i]);
  }
  for (size_t j = 0; j < OUTPUT; j++) {
    output[j] = (int8_t)(sum + (int8_t)j);
  }
  if (!preserves) {
    memset(input_0, 0x77, INPUT_0);
  }
  *ticks = 0x0102030405060708u + device.inferences;
  return input_1[0] != 0xEE;
}

static uint64_t microseconds(void) { return 1234567; }

static void memory(struct alpharho_device_memory *memory) {
  *memory = (struct alpharho_device_memory){265, 4096, 440, 0, 3, 1ull << 40, 99};
}

static const struct alpharho_device_port port = {
    .write = write_bytes,
    .infer = infer,
    .microseconds = microseconds,
    .memory = memory,
    .restart = restart,
};
static struct alpharho_device_model model = {
    .info = info,
    .board = "board",
    .name = "network",
    .inputs = inputs,
    .outputs = outputs,
    .input_count = 2,
    .output_count = 1,
    .text_offset = 128,
};

static void start(bool preserves_input, uint8_t input_count) {
  preserves = preserves_input;
  model.input_preserved = preserves_input;
  model.input_count = input_count;
  memset(input_0, 0, sizeof input_0);
  memset(input_1, 0, sizeof input_1);
  answer_size = 0;
  alpharho_device_init(&device, &model, &port);
}

static void receive_as_device(const uint8_t *bytes, size_t count) {
  /* The first byte selects the kind of network. */
  if (count > 0) {
    start((bytes[0] & 1u) != 0, (bytes[0] & 2u) != 0 ? 1 : 2);
    alpharho_device_receive(&device, bytes + 1, count - 1);
  }
}

static void print(const char *line) { write_bytes((const uint8_t *)line, strlen(line)); }

static void print_hex(const char *before, const uint8_t *bytes, size_t count) {
  print(before);
  for (size_t i = 0; i < count; i++) {
    char pair[3];
    (void)snprintf(pair, sizeof pair, "%02x", bytes[i]);
    print(pair);
  }
  print("\n");
}

static void receive_only(const uint8_t *bytes, size_t count) {
  static struct alpharho_receiver receiver;
  char before[64];
  answer_size = 0;
  alpharho_receiver_init(&receiver);
  for (size_t i = 0; i < count; i++) {
    const struct alpharho_frame *frame = &receiver.frame;
    switch (alpharho_receiver_push(&receiver, bytes[i])) {
    case RECEIVED_FRAME:
      (void)snprintf(before, sizeof before, "frame %u %u %u %u ", frame->version, frame->type, frame->sequence,
                     frame->repaired);
      print_hex(before, frame->payload, frame->length);
      break;
    case RECEIVED_TEXT:
      print_hex("text ", receiver.buffer, strlen((char *)receiver.buffer));
      break;
    case RECEIVED_LONG_TEXT:
      print("long\n");
      break;
    case RECEIVED_DAMAGED_FRAME:
      print("damaged\n");
      break;
    default:
      break;
    }
  }
}

static uint32_t next_random(void) { /* xorshift32: Marsaglia 2003 */
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static uint8_t stream[STREAM_MAX];
static size_t stream_size;

static void append(const uint8_t *bytes, size_t count) {
  memcpy(stream + stream_size, bytes, count);
  stream_size += count;
}

/* A request that is almost valid: any type, fields often at their limits. */
static void append_request(void) {
  uint8_t message[ALPHARHO_FRAME_MAX_DECODED];
  const uint8_t type = (uint8_t)(next_random() % 10u);
  uint16_t length =
      (uint16_t)(next_random() % 8u == 0u ? next_random() % (ALPHARHO_MAX_PAYLOAD + 1u) : next_random() % 80u);
  uint8_t *payload = message + ALPHARHO_FRAME_HEADER;
  for (uint16_t i = 0; i < length; i++) {
    payload[i] = (uint8_t)next_random();
  }
  if (type == 3u && length >= 5u) {
    payload[0] &= 1u | ALPHARHO_WRITE_WITH_MAP | ALPHARHO_WRITE_CODED;
    alpharho_put_u32(payload + 1, next_random() % 4u * 64u);
    if (length >= 8u && (payload[0] & ALPHARHO_WRITE_CODED) != 0u) {
      alpharho_put_u16(payload + 5, (uint16_t)(next_random() % 3u * 64u));
    }
  } else if (type == 4u) {
    length = 2;
    alpharho_put_u16(payload, (uint16_t)(next_random() % 130u));
  } else if (type == 5u) {
    length = 7;
    payload[0] = 0;
    alpharho_put_u32(payload + 1, next_random() % 12u);
    alpharho_put_u16(payload + 5, (uint16_t)(next_random() % 12u));
  }
  alpharho_frame_send(message, type, (uint16_t)(next_random() % 5u), length, next_random() % 2u == 0u, append);
}

static void append_text(void) {
  static const char *const words[] = {
      "name",  "profile", "timestamp", "db", "load", "print",
      "infer", "results", " ",         "1",  "200",  "99999999999999999999",
      "0",     "-1",      "%",         "%",  "%",    "\r\n",
      "zz",    "00ff",    "0f",        "\t", "65",
  };
  for (uint32_t i = next_random() % 12u; i > 0u; i--) {
    const char *word = words[next_random() % (sizeof words / sizeof words[0])];
    append((const uint8_t *)word, strlen(word));
    if (next_random() % 2u == 0u) {
      append((const uint8_t *)" ", 1);
    }
  }
  append((const uint8_t *)"%", 1);
}

static void fuzz(unsigned long count) {
  while (count-- > 0) {
    stream_size = 0;
    append(&(uint8_t){(uint8_t)next_random()}, 1);
    for (uint32_t parts = next_random() % 12u; parts > 0u; parts--) {
      if (next_random() % 3u == 0u) {
        append_text();
      } else {
        append_request();
      }
      if (next_random() % 6u == 0u) { /* damage */
        stream[1u + next_random() % stream_size] ^= (uint8_t)next_random();
      }
    }
    receive_as_device(stream, stream_size);
  }
  (void)puts("done");
}

static bool read_exactly(void *bytes, size_t count) { return fread(bytes, 1, count, stdin) == count; }

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "fuzz") == 0) {
    fuzz(strtoul(argv[2], NULL, 10));
    return 0;
  }
  uint32_t size;
  while (argc == 2 && read_exactly(&size, sizeof size) && size <= STREAM_MAX) {
    uint8_t *bytes = malloc(size + 1u); /* as large as the stream, so that a sanitizer reports a read behind it */
    if (bytes == NULL || !read_exactly(bytes, size)) {
      return 1;
    }
    (strcmp(argv[1], "receive") == 0 ? receive_only : receive_as_device)(bytes, size);
    free(bytes);
    size = (uint32_t)answer_size;
    (void)fwrite(&size, sizeof size, 1, stdout);
    (void)fwrite(answer, 1, answer_size, stdout);
    (void)fflush(stdout);
  }
  return 0;
}
