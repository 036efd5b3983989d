// A plugin for QEMU that counts which blocks of code ran, each with the one before and the one behind it.
//
//   -plugin libblocks.so,out=FILE,begin=ADDRESS,end=ADDRESS[,calls=FILE][,cuts=FILE]
//           [,flash=FIRST:END:LINE:LINES:DATA_LINES]
//
// QEMU also cuts blocks where code has no jump: at borders of its pages, and behind some instructions. `cuts` has the
// instructions that are not jumps, in lines "ADDRESS END" in rising order: a block whose last instruction is one of
// them and the block behind it count as one, so that what is counted does not depend on where code is. Counting begins
// behind the block at `begin` and ends before the block at `end`. `calls` has lines "ADDRESS OPERATOR": from a block
// that begins there on, blocks count for that operator; for the next one if OPERATOR is -2. Written at the end are
// lines of eight numbers: operator (-1 before the first), address and instructions of the block before, of the block,
// address behind, times, fills. Fills are lines of LINE bytes that are read from flash, the addresses FIRST to END. Two
// buffers keep the LINES last lines of instructions and the DATA_LINES last lines of data. A buffer keeps one line at
// least: what is fetched. QEMU's plugin interface (docs/devel/tcg-plugins) is declared here: distributions do not
// package its header.
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum { CB_NO_REGISTERS };
enum { READ_AND_WRITTEN = 3 }; // QEMU 7.2 calls some of the reads alone a write; flash is never written
typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*accessed_t)(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *user);
typedef void (*translated_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*executed_t)(unsigned int cpu, void *user);
typedef void (*ended_t)(qemu_plugin_id_t id, void *user);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_t call);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, executed_t call, int flags, void *user);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended_t call, void *user);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, accessed_t call, int flags, int access,
                                      void *user);

// What QEMU looks for in a plugin.
extern int qemu_plugin_version;
int qemu_plugin_version = PLUGIN_VERSION;
// NOLINTNEXTLINE(misc-use-internal-linkage): QEMU's header, which declares it, is not packaged
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

#define NO_OPERATOR       (-1)
#define NEXT_OPERATOR     (-2)
#define MOST_LINES        4096
#define LONGEST_LINE      64
#define LONGEST_PATH      4096
#define MOST_TRANSLATIONS (1u << 20)

struct block {
  uint32_t address, instructions, bytes, end;
  int32_t called;              // that it calls
  bool is_cut;                 // it goes on in the block that begins at its end
  const struct block *second;  // of two blocks that count as one
  struct block *joined, *next; // those that begin with this one; others that begin with the same
};

struct count {
  const struct block *before, *block, *after;
  int32_t called;
  uint64_t times, fills;
};

// Lines that were read from flash, the last one first.
struct buffer {
  uint32_t size, used, lines[MOST_LINES];
};

struct cut {
  uint32_t address, end;
};

struct call {
  uint32_t address;
  int32_t called;
};

static struct count *counts; // open addressing; a power of two of places
static size_t places = 1u << 14, used, translations;
static struct call *calls;
static size_t call_count;
static struct cut *cuts;
static size_t cut_count;
static uint32_t begin_address, end_address;
static char out_path[LONGEST_PATH];
static bool is_inside;
static int32_t called = NO_OPERATOR, called_before = NO_OPERATOR;
static struct block *last, *before_last;
static uint32_t flash_first, flash_end, line_bytes; // 0 where flash does not wait
static struct buffer code_lines, data_lines;
static uint64_t fills; // since the last block was counted

static void stop(const char *what) {
  (void)fprintf(stderr, "blocks: %s\n", what);
  exit(3);
}

static void read_flash(struct buffer *buffer, uint32_t address, uint32_t bytes) {
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

static void accessed(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *user) {
  (void)cpu;
  (void)user;
  if (is_inside) {
    read_flash(&data_lines, (uint32_t)address, 1u << qemu_plugin_mem_size_shift(info));
  }
}

static size_t place_of(const struct count *table, size_t size, const struct count *key) {
  uint64_t hash = (uintptr_t)key->block * 0x9E3779B97F4A7C15u;
  hash = (hash ^ (uintptr_t)key->before) * 0xC2B2AE3D27D4EB4Fu;
  hash = (hash ^ (uintptr_t)key->after ^ ((uint64_t)(uint32_t)key->called << 40)) * 0x9E3779B97F4A7C15u;
  size_t at = (size_t)(hash >> 24) & (size - 1u);
  while (table[at].block && (table[at].block != key->block || table[at].before != key->before ||
                             table[at].after != key->after || table[at].called != key->called)) {
    at = (at + 1u) & (size - 1u);
  }
  return at;
}

static void grow(void) {
  const size_t size = places * 2u;
  struct count *table = calloc(size, sizeof *table);
  if (!table) {
    stop("out of memory");
  }
  for (size_t i = 0; i < places; i++) {
    if (counts[i].block) {
      table[place_of(table, size, &counts[i])] = counts[i];
    }
  }
  free(counts);
  counts = table;
  places = size;
}

static void count_last(const struct block *after) {
  if (!last) {
    return;
  }
  const struct count key = {before_last, last, after, called_before, 0, 0};
  const size_t at = place_of(counts, places, &key);
  if (!counts[at].block) {
    counts[at] = key;
    used++;
  }
  counts[at].times++;
  counts[at].fills += fills;
  fills = 0;
  if (used > places / 2u) {
    grow();
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
    if (line_bytes) {
      read_flash(&code_lines, block->address, block->bytes);
    }
    last = join(last, block);
    return;
  }
  count_last(block);
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
  if (line_bytes) {
    read_flash(&code_lines, block->address, block->bytes);
  }
  called_before = called;
  before_last = last;
  last = block;
}

static const struct cut *cut_at(uint32_t address) {
  size_t first = 0, behind = cut_count;
  while (first < behind) {
    const size_t middle = first + (behind - first) / 2u;
    if (cuts[middle].address == address) {
      return &cuts[middle];
    }
    if (cuts[middle].address < address) {
      first = middle + 1u;
    } else {
      behind = middle;
    }
  }
  return NULL;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  if (++translations > MOST_TRANSLATIONS) {
    stop("the program runs away: it is not linked for this machine");
  }
  struct block *const block = new_block();
  block->address = (uint32_t)qemu_plugin_tb_vaddr(tb);
  block->instructions = (uint32_t)qemu_plugin_tb_n_insns(tb);
  block->called = NO_OPERATOR;
  for (size_t i = 0; i < call_count; i++) {
    if (calls[i].address == block->address) {
      block->called = calls[i].called;
    }
  }
  uint32_t last_address = block->address;
  for (size_t i = 0; i < block->instructions; i++) {
    struct qemu_plugin_insn *const one = qemu_plugin_tb_get_insn(tb, i);
    last_address = (uint32_t)qemu_plugin_insn_vaddr(one);
    block->bytes += (uint32_t)qemu_plugin_insn_size(one);
    if (line_bytes) {
      qemu_plugin_register_vcpu_mem_cb(one, accessed, CB_NO_REGISTERS, READ_AND_WRITTEN, NULL);
    }
  }
  // QEMU 7.2 takes what it reads ahead at the border of a page for a part of the last instruction.
  const struct cut *cut = cut_at(last_address);
  if (cut) {
    block->is_cut = true;
    block->end = cut->end;
    block->bytes = block->end - block->address;
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, CB_NO_REGISTERS, block);
}

static void ended(qemu_plugin_id_t id, void *user) {
  (void)id;
  (void)user;
  FILE *const out = fopen(out_path, "w");
  if (!out) {
    stop("the file of counts can't be written");
  }
  for (size_t i = 0; i < places; i++) {
    const struct count *const one = &counts[i];
    if (one->block) {
      (void)fprintf(out,
                    "%" PRId32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n",
                    one->called, one->before ? one->before->address : 0u, one->before ? one->before->instructions : 0u,
                    one->block->address, one->block->instructions, one->after->address, one->times, one->fills);
    }
  }
  if (fclose(out) != 0) {
    stop("the file of counts can't be written");
  }
}

static void read_calls(const char *path) {
  FILE *const in = fopen(path, "r");
  if (!in) {
    stop("the file of calls can't be read");
  }
  char line[LONGEST_LINE];
  while (fgets(line, sizeof line, in)) {
    struct call *const more = realloc(calls, (call_count + 1u) * sizeof *calls);
    if (!more) {
      stop("out of memory");
    }
    calls = more;
    char *rest = line;
    const uint32_t address = (uint32_t)strtoul(line, &rest, 10);
    calls[call_count++] = (struct call){address, (int32_t)strtol(rest, NULL, 10)};
  }
  (void)fclose(in);
}

static void read_cuts(const char *path) {
  FILE *const in = fopen(path, "r");
  if (!in) {
    stop("the file of cuts can't be read");
  }
  size_t room = 0;
  char line[LONGEST_LINE];
  while (fgets(line, sizeof line, in)) {
    if (cut_count == room) {
      room = room ? 2u * room : 4096u;
      struct cut *const more = realloc(cuts, room * sizeof *cuts);
      if (!more) {
        stop("out of memory");
      }
      cuts = more;
    }
    char *rest = line;
    const uint32_t address = (uint32_t)strtoul(line, &rest, 10);
    cuts[cut_count++] = (struct cut){address, (uint32_t)strtoul(rest, NULL, 10)};
  }
  (void)fclose(in);
}

static bool read_flash_option(const char *text) {
  uint32_t parts[5] = {0};
  for (size_t i = 0; i < 5u; i++) {
    char *rest = NULL;
    parts[i] = (uint32_t)strtoul(text, &rest, 0);
    if (rest == text || *rest != (i < 4u ? ':' : '\0')) {
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
      read_calls(value + 1);
    } else if (value && strncmp(argv[i], "cuts=", 5) == 0) {
      read_cuts(value + 1);
    } else if (value && strncmp(argv[i], "flash=", 6) == 0) {
      if (!read_flash_option(value + 1)) {
        return 1;
      }
    } else {
      return 1;
    }
  }
  counts = calloc(places, sizeof *counts);
  if (!counts) {
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
