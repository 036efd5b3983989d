/* State of the device's side of the protocol: the network, the board, and what earlier requests left. */
#ifndef ALPHARHO_PROTOCOL_STATE_H
#define ALPHARHO_PROTOCOL_STATE_H

#include "frame.h"

#define ALPHARHO_INPUT_GRANULE 64u /* bytes of input that one bit of `written` stands for */
#define ALPHARHO_WRITTEN_BYTES(input_bytes)                                                                            \
  (((input_bytes) + ALPHARHO_INPUT_GRANULE * 8u - 1u) / (ALPHARHO_INPUT_GRANULE * 8u))
#define ALPHARHO_WRITE_WITH_MAP   0x80u /* in WRITE's tensor: its answer says what else is stored */
#define ALPHARHO_WRITE_CODED      0x40u /* in WRITE's tensor: a code takes the place of the bytes */
#define ALPHARHO_WRITE_MAP_BYTES  8u
#define ALPHARHO_WRITE_MAP_BEFORE 32u /* granules in the map before that of the WRITE's first byte */
#define ALPHARHO_MAX_RUNS         ((ALPHARHO_MAX_PAYLOAD - 2u) / 8u)

/* Defined where the engine consumes its one input as it arrives, which costs code. */
#ifdef STREAMED_INPUT
#define ALPHARHO_INPUT_IS_STREAMED true
#else
#define ALPHARHO_INPUT_IS_STREAMED false
#endif

struct alpharho_device_tensor {
  void *data;
  uint32_t bytes;
  uint8_t *written; /* inputs only: ALPHARHO_WRITTEN_BYTES(bytes) of bits */
  float scale;      /* real value = scale * (int8 - zero_point) */
  int32_t zero_point;
};

struct alpharho_device_model {
  /* Copy INFO's JSON from `offset` on into `part`, at most `room` bytes. Returns the whole length.
   */
  uint32_t (*info)(uint32_t offset, uint8_t *part, uint32_t room);
  const char *board;
  const char *name;
  const struct alpharho_device_tensor *inputs;
  const struct alpharho_device_tensor *outputs;
  uint8_t input_count;
  uint8_t output_count;
  bool input_preserved;
  uint8_t text_offset; /* subtracted from each byte of `db`: 128 where those are pixels and the input is int8 */
};

/* Memory figures in bytes, and counts; those that are 0 are unknown and left out of STATS. */
struct alpharho_device_memory {
  uint32_t arena;
  uint32_t stack;
  uint32_t stack_used;
  uint32_t peak_rss;
  uint32_t overruns;  /* received bytes that were lost because the buffer was full: a count, always in STATS */
  uint64_t run_ticks; /* of all inferences, by the counter of INFO and by its second one */
  uint64_t run_second_ticks;
#ifdef LINUX_BOARD
  uint64_t load_ns; /* from the program's start until it answers */
  uint64_t first_inference_ns;
#endif
};

struct alpharho_device_port {
  void (*write)(const uint8_t *bytes, size_t count);
  bool (*infer)(uint64_t *ticks); /* run one inference and return its ticks; false if it failed */
#ifdef STREAMED_INPUT
  /* Replaces the only input's `data`, which is null. Consume the next bytes of the input, in order, and return
   * the ticks it took. `is_first`: they begin an input. */
  void (*stream)(const uint8_t *bytes, uint32_t count, bool is_first, uint64_t *ticks);
#endif
  uint64_t (*microseconds)(void);
  void (*memory)(struct alpharho_device_memory *memory);
  void (*restart)(void);
#ifdef LINUX_BOARD
  uint32_t (*board)(char *text, uint32_t room); /* write BOARD's JSON and return its length */
#endif
#ifdef TRACED
  /* Answer a TRACE of `count` bytes in `answer` and return its length, 0 where it can't be carried out. */
  uint32_t (*trace)(const uint8_t *request, uint32_t count, uint8_t *answer);
#endif
};

struct alpharho_device {
  const struct alpharho_device_model *model;
  const struct alpharho_device_port *port;
  struct alpharho_receiver receiver;
  uint8_t message[ALPHARHO_FRAME_MAX_DECODED]; /* the reply that is being written */
  uint8_t kept[ALPHARHO_MAX_PAYLOAD];          /* the last RUN's reply, or the outputs of a text-mode inference */
  uint16_t kept_length;
  uint16_t run_sequence; /* 0: no RUN is remembered */
  uint8_t run_type;
  bool outputs_are_kept;
  bool outputs_are_valid;
  bool input_is_old;  /* it was run, and may be run again: the next WRITE starts a new input */
  uint32_t load_size; /* text mode: bytes announced by `db load`, and how many came */
  uint32_t load_at;
#ifdef STREAMED_INPUT
  uint32_t streamed;        /* bytes of the input that the engine has consumed */
  uint16_t stream_sequence; /* of the frame that began the input */
  uint64_t stream_ticks;    /* their run time */
#endif
  uint32_t inferences;
  uint32_t frames;
  uint32_t damaged_frames;
};

#endif
