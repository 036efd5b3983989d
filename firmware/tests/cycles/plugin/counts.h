// How often blocks ran, each with the one before and the one behind it.
#ifndef CYCLES_COUNTS_H
#define CYCLES_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct count;

struct block {
  uint32_t address, instructions, bytes, end;
  int32_t called;              // that it calls
  bool is_cut;                 // it goes on in the block that begins at its end
  const struct block *second;  // of two blocks that count as one
  struct block *joined, *next; // those that begin with this one; others that begin with the same
  struct count *recent;        // what was counted of it last
};

struct count {
  const struct block *before, *after;
  struct block *block;
  int32_t called; // the operator
  uint64_t times, fills;
};

// Adds times and fills to what was counted of the same blocks and operator. Blocks are kept by their addresses.
void counts_add(const struct count *one);

// Writes lines of eight numbers: operator, address and instructions of the block before (0 if there is none), of the
// block, address behind, times, fills.
void counts_write(const char *path);

#endif // CYCLES_COUNTS_H
