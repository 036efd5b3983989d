// A plugin for QEMU that counts which blocks of code ran, each with the one before and the one behind it.
//
//   -plugin libblocks.so,out=FILE,begin=ADDRESS,end=ADDRESS[,calls=FILE][,cuts=FILE]
//           [,flash=FIRST:END:LINE:LINES:DATA_LINES]
//
// QEMU also cuts blocks where code has no jump: at borders of its pages, and behind some instructions. `cuts` has the
// instructions that are not jumps, in lines "ADDRESS END" (addresses.h): a block whose last instruction is one of
// them and the block behind it count as one, so that what is counted does not depend on where code is. Counting begins
// behind the block at `begin` and ends before the block at `end`. `calls` has lines "ADDRESS OPERATOR": from a block
// that begins there on, blocks count for that operator; for the next one if OPERATOR is -2. The operator is -1 before
// the first. counts.h says what is written at the end, flash.h what `flash` is.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "counts.h"
#include "flash.h"
#include "qemu.h"
#include "stop.h"

int qemu_plugin_version = PLUGIN_VERSION;

#define NO_OPERATOR       (-1)
#define NEXT_OPERATOR     (-2)
#define LONGEST_PATH      4096
#define MOST_TRANSLATIONS (1u << 20)

static struct addresses calls, cuts;
static size_t translations;
static uint32_t begin_address, end_address;
static char out_path[LONGEST_PATH];
static bool is_inside;
static int32_t called = NO_OPERATOR, called_before = NO_OPERATOR;
static struct block *last, *before_last;

static void accessed(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *user) {
  (void)cpu;
  (void)user;
  if (is_inside) {
    flash_read_data((uint32_t)address, 1u << qemu_plugin_mem_size_shift(info));
  }
}

static struct block *new_block(void) {
  struct block *const block = calloc(1, sizeof *block); // kept: counts point to it
  if (!block) {
    stop("out of memory");
  }
  return block;
}

// A block and the one that it goes on in, as one block.
static struct block *join(struct block *first, const struct block *second) {
  struct block *found = first->joined;
  while (found && found->second != second) {
    found = found->next;
  }
  if (!found) {
    found = new_block();
    *found = *first;
    found->instructions += second->instructions;
    found->bytes += second->bytes;
    found->end = second->end;
    found->is_cut = second->is_cut;
    found->second = second;
    found->joined = NULL;
    found->recent = NULL;
    found->next = first->joined;
    first->joined = found;
  }
  return found;
}

static void executed(unsigned int cpu, void *user) {
  (void)cpu;
  struct block *const block = user;
  if (!is_inside) {
    is_inside = block->address == begin_address;
    return;
  }
  if (last && last->is_cut && last->end == block->address) {
    flash_read_code(block->address, block->bytes);
    last = join(last, block);
    return;
  }
  if (last) {
    counts_add(&(struct count){before_last, block, last, called_before, 1, flash_take_fills()});
  }
  if (block->address == end_address) {
    is_inside = false;
    last = before_last = NULL;
    return;
  }
  if (block->called == NEXT_OPERATOR) {
    called++;
  } else if (block->called != NO_OPERATOR) {
    called = block->called;
  }
  flash_read_code(block->address, block->bytes);
  called_before = called;
  before_last = last;
  last = block;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  if (++translations > MOST_TRANSLATIONS) {
    stop("the program runs away: it is not linked for this machine");
  }
  struct block *const block = new_block();
  block->address = (uint32_t)qemu_plugin_tb_vaddr(tb);
  block->instructions = (uint32_t)qemu_plugin_tb_n_insns(tb);
  const struct numbered *const call = addresses_find(&calls, block->address);
  block->called = call ? (int32_t)call->number : NO_OPERATOR;
  uint32_t last_address = block->address;
  for (size_t i = 0; i < block->instructions; i++) {
    struct qemu_plugin_insn *const one = qemu_plugin_tb_get_insn(tb, i);
    last_address = (uint32_t)qemu_plugin_insn_vaddr(one);
    block->bytes += (uint32_t)qemu_plugin_insn_size(one);
    if (flash_waits()) {
      qemu_plugin_register_vcpu_mem_cb(one, accessed, CB_NO_REGISTERS, READ_AND_WRITTEN, NULL);
    }
  }
  // QEMU 7.2 takes what it reads ahead at the border of a page for a part of the last instruction.
  const struct numbered *const cut = addresses_find(&cuts, last_address);
  if (cut) {
    block->is_cut = true;
    block->end = cut->number;
    block->bytes = block->end - block->address;
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, CB_NO_REGISTERS, block);
}

static void ended(qemu_plugin_id_t id, void *user) {
  (void)id;
  (void)user;
  counts_write(out_path);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    const char *const value = strchr(argv[i], '=');
    if (value && strncmp(argv[i], "out=", 4) == 0) {
      (void)snprintf(out_path, sizeof out_path, "%s", value + 1); // QEMU frees the arguments
    } else if (value && strncmp(argv[i], "begin=", 6) == 0) {
      begin_address = (uint32_t)strtoul(value + 1, NULL, 0);
    } else if (value && strncmp(argv[i], "end=", 4) == 0) {
      end_address = (uint32_t)strtoul(value + 1, NULL, 0);
    } else if (value && strncmp(argv[i], "calls=", 6) == 0) {
      addresses_read(&calls, value + 1);
    } else if (value && strncmp(argv[i], "cuts=", 5) == 0) {
      addresses_read(&cuts, value + 1);
    } else if (value && strncmp(argv[i], "flash=", 6) == 0) {
      if (!flash_set(value + 1)) {
        return 1;
      }
    } else {
      return 1;
    }
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
