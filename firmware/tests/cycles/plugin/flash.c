#include "flash.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINES = 4096, PARTS = 5 };

// Lines that were read from flash, the last one first.
struct buffer {
  uint32_t size, used, lines[MOST_LINES];
};

static uint32_t flash_first, flash_end, line_bytes;
static struct buffer code_lines, data_lines;
static uint64_t fills;

bool flash_set(const char *text) {
  uint32_t parts[PARTS] = {0};
  for (size_t i = 0; i < PARTS; i++) {
    char *rest = NULL;
    parts[i] = (uint32_t)strtoul(text, &rest, 0);
    if (rest == text || *rest != (i + 1u < PARTS ? ':' : '\0')) {
      return false;
    }
    text = rest + 1;
  }
  flash_first = parts[0];
  flash_end = parts[1];
  line_bytes = parts[2];
  code_lines.size = parts[3] ? parts[3] : 1u;
  data_lines.size = parts[4] ? parts[4] : 1u;
  return line_bytes && code_lines.size <= MOST_LINES && data_lines.size <= MOST_LINES;
}

bool flash_waits(void) { return line_bytes != 0; }

static void read_lines(struct buffer *buffer, uint32_t address, uint32_t bytes) {
  if (address < flash_first || address >= flash_end || bytes == 0) {
    return;
  }
  for (uint32_t line = address / line_bytes; line <= (address + bytes - 1u) / line_bytes; line++) {
    uint32_t at = 0;
    while (at < buffer->used && buffer->lines[at] != line) {
      at++;
    }
    if (at == buffer->used) {
      fills++;
      buffer->used += buffer->used < buffer->size;
      at = buffer->used - 1u;
    }
    memmove(buffer->lines + 1, buffer->lines, at * sizeof line);
    buffer->lines[0] = line;
  }
}

void flash_read_code(uint32_t address, uint32_t bytes) { read_lines(&code_lines, address, bytes); }

void flash_read_data(uint32_t address, uint32_t bytes) { read_lines(&data_lines, address, bytes); }

uint64_t flash_take_fills(void) {
  const uint64_t taken = fills;
  fills = 0;
  return taken;
}
