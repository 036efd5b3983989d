#include "instructions.h"
#include "memory.h"
#include "mve.h"

enum { SIDE_MIN = 3, SIDE_MAX = 5, BLOCK = 16, LANES = 4 };

// Read by assembly: the order of the fields matters.
struct row_job {
  const int32_t *packed; // see struct alpharho_mve_depthwise
  int32_t channels;
  const int8_t *taps[SIDE_MIN * SIDE_MIN]; // where each tap of the first pixel is; with a side of 5, only rows
  int8_t *out;
  int32_t pixels;
  int32_t advance;     // how far the blocks of one pixel leave the taps from those of the next
  int32_t out_advance; // and the same of `out`
  int32_t zero_point;
  int32_t column; // with a side of 5: from tap to tap in a row
};

#ifdef KERNELS_MVE_ASSEMBLY

// Sums of 16 channels are in q4 (channels 0, 4, 8, 12), q5 (2, ..), q6 (1, ..), q7 (3, ..); r0 packed. As weights are
// not -128, the products of two taps add up in 16 bits.
#define FIRST_OF_TWO(load)                                                                                             \
  load("q0") "vldrb.8 q1, [r0], #16 \n"                                                                                \
             "vmullb.s8 q2, q0, q1 \n"                                                                                 \
             "vmullt.s8 q0, q0, q1 \n"

// There is no vector left to keep the inputs in: they are loaded twice.
#define SECOND_OF_TWO(load, load_again)                                                                                \
  load("q1") "vldrb.8 q3, [r0], #16 \n"                                                                                \
             "vmullb.s8 q1, q1, q3 \n"                                                                                 \
             "vadd.i16 q2, q2, q1 \n" load_again("q1") "vmullt.s8 q1, q1, q3 \n"                                       \
                                                       "vadd.i16 q0, q0, q1 \n" ADD_TO_SUMS

#define ADD_TO_SUMS                                                                                                    \
  "vmovlb.s16 q1, q2 \n"                                                                                               \
  "vadd.i32 q4, q4, q1 \n"                                                                                             \
  "vmovlt.s16 q2, q2 \n"                                                                                               \
  "vadd.i32 q5, q5, q2 \n"                                                                                             \
  "vmovlb.s16 q1, q0 \n"                                                                                               \
  "vadd.i32 q6, q6, q1 \n"                                                                                             \
  "vmovlt.s16 q0, q0 \n"                                                                                               \
  "vadd.i32 q7, q7, q0 \n"

#define BIASES                                                                                                         \
  "vldrw.u32 q4, [r0], #16 \n"                                                                                         \
  "vldrw.u32 q5, [r0], #16 \n"                                                                                         \
  "vldrw.u32 q6, [r0], #16 \n"                                                                                         \
  "vldrw.u32 q7, [r0], #16 \n"

// Double rounding as gemmlowp does it: the upper half of 2 * sum * multiplier, rounded; then to the nearest, halves
// away from zero.
#define REQUANTISE(sum)                                                                                                \
  "vldrw.u32 q0, [r0], #16 \n"                                                                                         \
  "vqrdmulh.s32 " sum ", " sum ", q0 \n"                                                                               \
  "vldrb.s32 q0, [r0], #4 \n"                                                                                          \
  "vshr.s32 q1, " sum ", #31 \n"                                                                                       \
  "vadd.i32 " sum ", " sum ", q1 \n"                                                                                   \
  "vrshl.s32 " sum ", " sum ", q0 \n"

// Narrowing interleaves its two vectors: at last, the channels are in order.
#define STORE(zero_point, out)                                                                                         \
  REQUANTISE("q4")                                                                                                     \
  REQUANTISE("q5")                                                                                                     \
  REQUANTISE("q6")                                                                                                     \
  REQUANTISE("q7")                                                                                                     \
  "vqmovnb.s32 q4, q4 \n"                                                                                              \
  "vqmovnt.s32 q4, q5 \n"                                                                                              \
  "vqmovnb.s32 q6, q6 \n"                                                                                              \
  "vqmovnt.s32 q6, q7 \n"                                                                                              \
  "vqadd.s16 q4, q4, " zero_point " \n"                                                                                \
  "vqadd.s16 q6, q6, " zero_point " \n"                                                                                \
  "vqmovnb.s16 q4, q4 \n"                                                                                              \
  "vqmovnt.s16 q4, q6 \n"                                                                                              \
  "vstrb.8 q4, [" out "], #16 \n"

#define LOAD_2(to) "vldrb.8 " to ", [r2] \n"
#define LOAD_4(to) "vldrb.8 " to ", [r4] \n"
#define LOAD_6(to) "vldrb.8 " to ", [r6] \n"
#define LOAD_8(to) "vldrb.8 " to ", [r8] \n"
#define NEXT_1(to) "vldrb.8 " to ", [r1], #16 \n"
#define NEXT_2(to) "vldrb.8 " to ", [r2], #16 \n"
#define NEXT_3(to) "vldrb.8 " to ", [r3], #16 \n"
#define NEXT_4(to) "vldrb.8 " to ", [r4], #16 \n"
#define NEXT_5(to) "vldrb.8 " to ", [r5], #16 \n"
#define NEXT_6(to) "vldrb.8 " to ", [r6], #16 \n"
#define NEXT_7(to) "vldrb.8 " to ", [r7], #16 \n"
#define NEXT_8(to) "vldrb.8 " to ", [r8], #16 \n"
#define NEXT_9(to) "vldrb.8 " to ", [r9], #16 \n"

#define BLOCK_3X3                                                                                                      \
  BIASES                                                                                                               \
  FIRST_OF_TWO(NEXT_1)                                                                                                 \
  SECOND_OF_TWO(LOAD_2, NEXT_2)                                                                                        \
  FIRST_OF_TWO(NEXT_3)                                                                                                 \
  SECOND_OF_TWO(LOAD_4, NEXT_4)                                                                                        \
  FIRST_OF_TWO(NEXT_5)                                                                                                 \
  SECOND_OF_TWO(LOAD_6, NEXT_6)                                                                                        \
  FIRST_OF_TWO(NEXT_7)                                                                                                 \
  SECOND_OF_TWO(LOAD_8, NEXT_8)                                                                                        \
  FIRST_OF_TWO(NEXT_9)                                                                                                 \
  ADD_TO_SUMS                                                                                                          \
  STORE("r11", "r10")

// r0 packed, r1 to r9 taps, r10 out, r11 zero point, r12 pixels.
#define ENTER_3X3                                                                                                      \
  "push {r4-r11, lr} \n"                                                                                               \
  "vpush {d8-d15} \n"                                                                                                  \
  "ldrd r12, lr, [r0, #44] \n"                                                                                         \
  "ldrd r2, r3, [r0, #52] \n"                                                                                          \
  "push {r2, r3} \n"                                                                                                   \
  "ldrd r2, r3, [r0] \n"                                                                                               \
  "push {r2, r3} \n"                                                                                                   \
  "ldr r11, [r0, #60] \n"                                                                                              \
  "mov r10, r12 \n"                                                                                                    \
  "mov r12, lr \n"                                                                                                     \
  "adds r0, #8 \n"                                                                                                     \
  "ldm r0, {r1-r9} \n"
#define LEAVE                                                                                                          \
  "add sp, #16 \n"                                                                                                     \
  "vpop {d8-d15} \n"                                                                                                   \
  "pop {r4-r11, pc} \n"

// Stride 1, a multiple of 16 channels: the blocks of one pixel end where those of the next begin.
__attribute__((naked)) static void row_3x3_dense(const struct row_job *job) {
  __asm__ volatile(ENTER_3X3 "ldr r14, [sp, #4] \n"
                             "lsr r14, r14, #4 \n"
                             "str r14, [sp, #4] \n"
                             "1: ldrd r0, lr, [sp] \n"
                             "2: \n" BLOCK_3X3 "le lr, 2b \n"
                             "subs r12, #1 \n"
                             "bne.w 1b \n" LEAVE);
  (void)job;
}

__attribute__((naked)) static void row_3x3(const struct row_job *job) {
  __asm__ volatile(ENTER_3X3 "1: ldrd r0, lr, [sp] \n"
                             "dlstp.8 lr, lr \n"
                             "2: \n" BLOCK_3X3 "letp lr, 2b \n"
                             "ldrd r0, lr, [sp, #8] \n"
                             "add r1, r0 \n"
                             "add r2, r0 \n"
                             "add r3, r0 \n"
                             "add r4, r0 \n"
                             "add r5, r0 \n"
                             "add r6, r0 \n"
                             "add r7, r0 \n"
                             "add r8, r0 \n"
                             "add r9, r0 \n"
                             "add r10, lr \n"
                             "subs r12, #1 \n"
                             "bne.w 1b \n" LEAVE);
  (void)job;
}

// A row of five taps: the first `row` on its own, which moves it on by 16, the others at r6, a column apart.
#define START_ROW(row)  "add r6, " row ", r7 \n"
#define COLUMN(to)      "vldrb.8 " to ", [r6] \n"
#define NEXT_COLUMN(to) "vldrb.8 " to ", [r6] \nadd r6, r6, r8 \n"

// Rows that begin with the first of two taps, and with the second of two.
#define ROW_BEGINNING_A_PAIR(first, row)                                                                               \
  FIRST_OF_TWO(first)                                                                                                  \
  START_ROW(row)                                                                                                       \
  SECOND_OF_TWO(COLUMN, NEXT_COLUMN)                                                                                   \
  FIRST_OF_TWO(NEXT_COLUMN)                                                                                            \
  SECOND_OF_TWO(COLUMN, NEXT_COLUMN)                                                                                   \
  FIRST_OF_TWO(COLUMN)
#define ROW_ENDING_A_PAIR(load, next, row)                                                                             \
  SECOND_OF_TWO(load, next)                                                                                            \
  START_ROW(row)                                                                                                       \
  FIRST_OF_TWO(NEXT_COLUMN)                                                                                            \
  SECOND_OF_TWO(COLUMN, NEXT_COLUMN)                                                                                   \
  FIRST_OF_TWO(NEXT_COLUMN)                                                                                            \
  SECOND_OF_TWO(COLUMN, COLUMN)

// r0 packed, r1 to r5 rows, r6 a tap, r7 from the end of the first tap's block to the second's, r8 from tap to tap,
// r9 advance, r10 out, r11 zero point, r12 pixels.
__attribute__((naked)) static void row_5x5(const struct row_job *job) {
  __asm__ volatile("push {r4-r11, lr} \n"
                   "vpush {d8-d15} \n"
                   "ldrd r10, r12, [r0, #44] \n"
                   "ldrd r9, r3, [r0, #52] \n"
                   "push {r2, r3} \n"
                   "ldrd r2, r3, [r0] \n"
                   "push {r2, r3} \n"
                   "ldrd r11, r8, [r0, #60] \n"
                   "sub r7, r8, #16 \n"
                   "adds r0, #8 \n"
                   "ldm r0, {r1-r5} \n"
                   "1: ldrd r0, lr, [sp] \n"
                   "dlstp.8 lr, lr \n"
                   "2: \n" BIASES ROW_BEGINNING_A_PAIR(NEXT_1, "r1") ROW_ENDING_A_PAIR(LOAD_2, NEXT_2, "r2")
                       ROW_BEGINNING_A_PAIR(NEXT_3, "r3") ROW_ENDING_A_PAIR(LOAD_4, NEXT_4, "r4")
                           ROW_BEGINNING_A_PAIR(NEXT_5, "r5") ADD_TO_SUMS STORE("r11", "r10") "letp lr, 2b \n"
                                                                                              "ldr r0, [sp, #12] \n"
                                                                                              "add r1, r9 \n"
                                                                                              "add r2, r9 \n"
                                                                                              "add r3, r9 \n"
                                                                                              "add r4, r9 \n"
                                                                                              "add r5, r9 \n"
                                                                                              "add r10, r0 \n"
                                                                                              "subs r12, #1 \n"
                                                                                              "bne.w 1b \n" LEAVE);
  (void)job;
}

#else // The same in C, for tests on other machines.

// The sum of a block's channel at this place in the order of biases.
static int32_t channel_at(int32_t place) {
  static const int32_t first[LANES] = {0, 2, 1, 3};
  return first[place / LANES] + place % LANES * LANES;
}

// Bytes of a block in `packed`.
static int32_t block_bytes(int32_t side) { return BLOCK * (4 + side * side + 4 + 1); }

static void row_in_c(const struct row_job *job, int32_t side) {
  int8_t *out = job->out;
  int32_t moved = 0;
  for (int32_t x = 0; x < job->pixels; x++, moved += job->advance, out += job->out_advance) {
    const int8_t *w = (const int8_t *)job->packed;
    for (int32_t c = 0; c < job->channels; c += BLOCK, moved += BLOCK, out += BLOCK, w += block_bytes(side)) {
      const int32_t *biases = (const void *)w;
      const int8_t *weights = w + BLOCK * 4, *scaling = weights + side * side * BLOCK;
      for (int32_t place = 0; place < BLOCK; place++) {
        const int32_t channel = channel_at(place);
        if (c + channel >= job->channels) {
          continue;
        }
        int32_t sum = biases[place];
        for (int32_t tap = 0; tap < side * side; tap++) {
          const int8_t *from = side == SIDE_MAX ? job->taps[tap / side] + tap % side * job->column : job->taps[tap];
          sum = wrap_add(sum, from[moved + channel] * weights[tap * BLOCK + channel]);
        }
        const int8_t *lane = scaling + place / LANES * (LANES * 4 + LANES);
        const int32_t multiplier = ((const int32_t *)(const void *)lane)[place % LANES];
        out[channel] = requantise(sum, multiplier, lane[LANES * 4 + place % LANES], job->zero_point);
      }
    }
  }
}

static void row_3x3_dense(const struct row_job *job) { row_in_c(job, 3); }
static void row_3x3(const struct row_job *job) { row_in_c(job, 3); }
static void row_5x5(const struct row_job *job) { row_in_c(job, 5); }

#endif

static int32_t row_bytes_of(const struct alpharho_window *w) {
  return ((w->out_w - 1) * w->stride_w + w->kernel_w) * w->in_c;
}

void alpharho_mve_depthwise_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t side = w->kernel_h, row_bytes = row_bytes_of(w), channels = w->in_c * p->pixels_at_once;
  const int32_t covered = (channels + BLOCK - 1) / BLOCK * BLOCK;
  struct row_job job = {
      .packed = p->packed,
      .channels = channels,
      .out = out,
      .pixels = w->out_w / p->pixels_at_once,
      .advance = w->stride_w * channels - covered,
      .out_advance = channels - covered,
      .zero_point = p->zero_point,
      .column = w->in_c,
  };
  for (int32_t ky = 0, place = y * w->stride_h % side; ky < side; ky++) {
    const int8_t *const row = ring + place * row_bytes;
    if (side == SIDE_MAX) {
      job.taps[ky] = row;
    } else {
      for (int32_t kx = 0; kx < SIDE_MIN; kx++) {
        job.taps[ky * SIDE_MIN + kx] = row + kx * w->in_c;
      }
    }
    place = place + 1 < side ? place + 1 : 0;
  }
  if (side == SIDE_MAX) {
    row_5x5(&job);
  } else if (job.advance == 0 && job.out_advance == 0) {
    row_3x3_dense(&job);
  } else {
    row_3x3(&job);
  }
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    limit(out, w->out_w * w->in_c, p->min, p->max);
  }
}

// Copy input row y to its place in the ring, with the zero point for padding.
static void load(const struct alpharho_mve_depthwise *p, const int8_t *in, int32_t y, int32_t row_bytes, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  if (y < 0 || y >= w->in_h) {
    fill_bytes(to, p->input_zero_point, row_bytes);
    return;
  }
  const int32_t left = w->pad_left * w->in_c, row = w->in_w * w->in_c, copied = least(row, row_bytes - left);
  fill_bytes(to, p->input_zero_point, left);
  copy_bytes(to + left, in + y * row, copied);
  fill_bytes(to + left + copied, p->input_zero_point, row_bytes - left - copied);
}

void alpharho_mve_depthwise(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t side = w->kernel_h, row_bytes = row_bytes_of(w);
  int32_t next = 0;
  for (int32_t y = 0; y < w->out_h; y++, out += w->out_w * w->in_c) {
    const int32_t top = y * w->stride_h;
    if (next < top) {
      next = top;
    }
    for (; next < top + side; next++) {
      load(p, in, next - w->pad_top, row_bytes, scratch + next % side * row_bytes);
    }
    alpharho_mve_depthwise_row(p, scratch, y, out);
  }
}
