#include "text.h"

#include "format.h"
#include "input.h"

#include <string.h>

#define MAX_INFERENCES 10000000u /* the runner measures for ten seconds or more: enough at a microsecond each */
#define PRINT_COLUMNS  8u

static void say(struct alpharho_device *device, const char *text) {
  device->port->write((const uint8_t *)text, alpharho_text_length(text));
}

static void say_number(struct alpharho_device *device, uint64_t value) {
  char digits[ALPHARHO_DECIMAL_MAX];
  device->port->write((const uint8_t *)digits, alpharho_format_decimal(digits, value));
}

static void say_line(struct alpharho_device *device, const char *before, uint64_t value, const char *after) {
  say(device, before);
  say_number(device, value);
  say(device, after);
  say(device, "\r\n");
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Cut off and return the next word; NULL if there is none. */
static char *next_word(char **rest) {
  char *word = *rest;
  while (is_blank(*word)) {
    word++;
  }
  if (*word == '\0') {
    return NULL;
  }
  char *end = word;
  while (*end != '\0' && !is_blank(*end)) {
    end++;
  }
  *rest = end + (*end != '\0');
  *end = '\0';
  return word;
}

/* A decimal number up to `most`; most + 1 if the word is not one. */
static uint32_t number_of(const char *word, uint32_t most) {
  uint32_t value = 0;
  if (*word == '\0') {
    return most + 1u;
  }
  for (; *word != '\0'; word++) {
    if (*word < '0' || *word > '9' || value > (most - (uint32_t)(*word - '0')) / 10u) {
      return most + 1u;
    }
    value = value * 10u + (uint32_t)(*word - '0');
  }
  return value;
}

static void do_name(struct alpharho_device *device) {
  say(device, "m-name-dut-[");
  say(device, device->model->board);
  say(device, "]\r\n");
}

static void do_profile(struct alpharho_device *device) {
  say(device, "m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[");
  say(device, device->model->name);
  say(device, "]\r\n");
}

static void do_timestamp(struct alpharho_device *device) {
  say_line(device, "m-lap-us-", device->port->microseconds(), "");
}

static void do_load(struct alpharho_device *device, const char *word) {
  const uint32_t most = device->model->inputs[0].bytes;
  const uint32_t size = word == NULL ? 0 : number_of(word, most);
  if (size == 0u || size > most) {
    say_line(device, "e-[db load takes the number of bytes, 1 to ", most, "]");
    return;
  }
  device->run_sequence = 0;
  device->outputs_are_valid = false;
  device->outputs_are_kept = false;
  alpharho_input_clear(device);
  device->load_size = size;
  say_line(device, "m-[Expecting ", size, " bytes]");
}

static void do_bytes(struct alpharho_device *device, const char *digits) {
  const struct alpharho_device_tensor *input = &device->model->inputs[0];
  size_t count = 0;
  while (alpharho_parse_hex(digits[count]) >= 0) {
    count++;
  }
  if (digits[count] != '\0' || count % 2u != 0u) {
    say(device, "e-[db takes pairs of hexadecimal digits]\r\n");
    return;
  }
  if (device->load_at == device->load_size) {
    say(device, "e-[db: nothing is expected, db load comes first]\r\n");
    return;
  }
  device->outputs_are_valid = false;
  for (; *digits != '\0' && device->load_at < device->load_size; digits += 2) {
    const uint8_t value = (uint8_t)(alpharho_parse_hex(digits[0]) << 4 | alpharho_parse_hex(digits[1]));
    ((uint8_t *)input->data)[device->load_at++] = (uint8_t)(value - device->model->text_offset);
  }
  if (device->load_at == device->load_size) {
    alpharho_input_mark(device, 0, 0, device->load_size);
    say(device, "m-load-done\r\n");
  }
}

static void do_print(struct alpharho_device *device, const char *count_word, const char *offset_word) {
  const uint32_t size = device->load_at;
  const uint32_t offset = offset_word == NULL ? 0 : number_of(offset_word, size);
  if (offset > size) {
    say_line(device, "e-[db print: the offset is at most ", size, "]");
    return;
  }
  uint32_t count = count_word == NULL ? size : number_of(count_word, size);
  count = count < size - offset ? count : size - offset;
  const uint8_t *bytes = (const uint8_t *)device->model->inputs[0].data + offset;
  for (uint32_t i = 0; i < count; i++) {
    char pair[3] = "";
    alpharho_format_hex(pair, (uint8_t)(bytes[i] + device->model->text_offset));
    say(device, i % PRINT_COLUMNS == 0u ? "m-buffer-" : "-");
    say(device, pair);
    if (i % PRINT_COLUMNS == PRINT_COLUMNS - 1u || i + 1u == count) {
      say(device, "\r\n");
    }
  }
}

static void do_db(struct alpharho_device *device, char *rest) {
  char *word = next_word(&rest);
  if (word == NULL) {
    say(device, "e-[Command 'db' requires a subcommand]\r\n");
  } else if (alpharho_text_equal(word, "load")) {
    do_load(device, next_word(&rest));
  } else if (alpharho_text_equal(word, "print")) {
    const char *count = next_word(&rest);
    do_print(device, count, next_word(&rest));
  } else {
    do_bytes(device, word);
  }
}

static void say_thousandths(struct alpharho_device *device, uint32_t thousandths, bool negative) {
  char fraction[] = ".000";
  fraction[1] = (char)('0' + thousandths / 100u % 10u);
  fraction[2] = (char)('0' + thousandths / 10u % 10u);
  fraction[3] = (char)('0' + thousandths % 10u);
  say(device, negative && thousandths != 0u ? "-" : "");
  say_number(device, thousandths / 1000u);
  say(device, fraction);
}

static void do_results(struct alpharho_device *device) {
  const struct alpharho_device_tensor *output = &device->model->outputs[0];
  const int8_t *values = device->outputs_are_kept ? (const int8_t *)device->kept : output->data;
  if (!device->outputs_are_valid) {
    say(device, "e-[results: nothing was inferred since the last input]\r\n");
    return;
  }
  say(device, "m-results-[");
  for (uint32_t i = 0; i < output->bytes; i++) {
    say(device, i == 0u ? "" : ",");
    const int32_t steps = values[i] - output->zero_point;
    say_thousandths(device, alpharho_thousandths(steps, output->scale), steps < 0);
  }
  say(device, "]\r\n");
}

static bool infer_some(struct alpharho_device *device, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint64_t ticks;
    if (!device->port->infer(&ticks)) {
      return false;
    }
    device->inferences++;
  }
  return true;
}

/* Where the engine overwrites its input, only the first inference has the right one: its outputs are kept, and the
 * inferences after it only take time. */
static bool keep_outputs(struct alpharho_device *device) {
  const struct alpharho_device_tensor *output = &device->model->outputs[0];
  if (!infer_some(device, 1) || output->bytes > sizeof device->kept) {
    return false;
  }
  memcpy(device->kept, output->data, output->bytes);
  device->outputs_are_kept = true;
  return true;
}

static bool measure(struct alpharho_device *device, uint32_t count, uint32_t warmups) {
  const bool must_keep = !device->model->input_preserved && count + warmups > 1u;
  device->outputs_are_kept = false;
  if (must_keep && !keep_outputs(device)) {
    return false;
  }
  say_line(device, "m-warmup-start-", warmups, "");
  if (!infer_some(device, warmups)) {
    return false;
  }
  say(device, "m-warmup-done\r\n");
  say_line(device, "m-infer-start-", count, "");
  do_timestamp(device);
  if (!infer_some(device, count)) {
    return false;
  }
  do_timestamp(device);
  say(device, "m-infer-done\r\n");
  return true;
}

static void do_infer(struct alpharho_device *device, char *rest) {
  const char *count_word = next_word(&rest);
  const char *warmup_word = next_word(&rest);
  const uint32_t count = count_word == NULL ? 1u : number_of(count_word, MAX_INFERENCES);
  const uint32_t warmups = warmup_word == NULL ? 10u : number_of(warmup_word, MAX_INFERENCES);
  if (count == 0u || count > MAX_INFERENCES || warmups > MAX_INFERENCES) {
    say_line(device, "e-[infer: inferences are 1, warm-ups 0, to ", MAX_INFERENCES, "]");
    return;
  }
  if (!alpharho_input_is_whole(device)) {
    say_line(device, "e-[infer: the input is not whole, it takes ", device->model->inputs[0].bytes, " bytes]");
    return;
  }
  device->run_sequence = 0;
  device->outputs_are_valid = measure(device, count, warmups);
  device->input_is_old = true;
  if (!device->model->input_preserved) {
    alpharho_input_clear(device);
  }
  if (device->outputs_are_valid) {
    do_results(device);
  } else {
    say(device, "e-[infer: the inference failed]\r\n");
  }
}

static void run_command(struct alpharho_device *device, char *command) {
  char *rest = command;
  const char *word = next_word(&rest);
  if (word == NULL) {
    return;
  }
  if (alpharho_text_equal(word, "name")) {
    do_name(device);
  } else if (alpharho_text_equal(word, "profile")) {
    do_profile(device);
  } else if (alpharho_text_equal(word, "timestamp")) {
    do_timestamp(device);
  } else if (ALPHARHO_INPUT_IS_STREAMED && (alpharho_text_equal(word, "db") || alpharho_text_equal(word, "infer"))) {
    say(device, "e-[this firmware takes its input row by row, in frames: build it without --stream-input]\r\n");
  } else if (alpharho_text_equal(word, "db")) {
    do_db(device, rest);
  } else if (alpharho_text_equal(word, "infer")) {
    do_infer(device, rest);
  } else if (alpharho_text_equal(word, "results")) {
    do_results(device);
  } else {
    say(device, "e-[Unknown command: ");
    say(device, word);
    say(device, "]\r\n");
  }
}

void alpharho_text_command(struct alpharho_device *device, char *command) {
  run_command(device, command);
  say(device, "m-ready\r\n");
}

void alpharho_text_too_long(struct alpharho_device *device) {
  say_line(device, "e-[The command is longer than ", ALPHARHO_TEXT_MAX, " characters]");
  say(device, "m-ready\r\n");
}
