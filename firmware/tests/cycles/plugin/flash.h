// Fills: lines of flash that are read and are in no buffer. Two buffers keep the last lines of instructions and the
// last lines of data. A buffer keeps one line at least: what is fetched.
#ifndef CYCLES_FLASH_H
#define CYCLES_FLASH_H

#include <stdbool.h>
#include <stdint.h>

// Reads FIRST:END:LINE:LINES:DATA_LINES: addresses, bytes of a line, and lines of the buffers. False if it is not that.
bool flash_set(const char *text);

// False where no flash was set: then nothing is a fill.
bool flash_waits(void);

void flash_read_code(uint32_t address, uint32_t bytes);
void flash_read_data(uint32_t address, uint32_t bytes);

// Fills since the last call.
uint64_t flash_take_fills(void);

#endif // CYCLES_FLASH_H
