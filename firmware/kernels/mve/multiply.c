#include "multiply.h"

#include <string.h>

#include "instructions.h"

// The code of the inner loop is this often unrolled; each unit is UNIT_CODE_BYTES long, the branch back
// LOOP_CODE_BYTES.
enum { UNITS = 3, UNIT_CODE_BYTES = 56, LOOP_CODE_BYTES = 6 };

void multiply_job_set(struct multiply_job *job, const int32_t *packed, int32_t channels, const int8_t *inputs,
                      int32_t depth, int32_t zero_point) {
  const int32_t blocks = depth / BLOCK;
  job->packed = (const int8_t *)packed;
  job->packed_end = job->packed + channels / CHANNELS * CHANNELS * (depth + 3 * 4);
  job->inputs = inputs;
  job->blocks_end = inputs + blocks * BLOCK * PIXELS;
  job->zero_point = zero_point;
  job->groups = 1;
  job->advance = 0;
  job->depth = depth;
  // The first block stands before the unrolled loop, whose first pass is entered in its middle, so that the last one
  // ends at its end.
  const int32_t in_loop = blocks - 1;
  job->skip = (uint32_t)((UNITS - 1 - (in_loop - 1) % UNITS) * UNIT_CODE_BYTES);
  if (in_loop <= 0) {
    job->skip = UNITS * UNIT_CODE_BYTES + LOOP_CODE_BYTES;
  }
}

#ifdef KERNELS_MVE_ASSEMBLY

// r0, r2, r4, r6: sums of four pixels for one channel; r8, r10, r12, lr: for another. (An instruction that adds up a
// vector takes even registers only.) r9 packed, r11 inputs.
#define BLOCK_OF_TAPS(add)                                                                                             \
  "vldrb.8 q0, [r9], #16 \n"                                                                                           \
  "vldrb.8 q1, [r9], #16 \n"                                                                                           \
  "vldrb.8 q2, [r11], #16 \n" add " r0, q2, q0 \n" add " r8, q2, q1 \n"                                                \
  "vldrb.8 q3, [r11], #16 \n" add " r2, q3, q0 \n" add " r10, q3, q1 \n"                                               \
  "vldrb.8 q2, [r11], #16 \n" add " r4, q2, q0 \n" add " r12, q2, q1 \n"                                               \
  "vldrb.8 q3, [r11], #16 \n" add " r6, q3, q0 \n" add " lr, q3, q1 \n"

// One vector of weights for two channels, inputs twice: the predicate (in P0 the lower half, which each change between
// T and E inverts; after both blocks it is as before) says which half is added.
#define FIRST_PIXELS(then, otherwise, x0, x1, w)                                                                       \
  "vpstete \n" then " r0, " x0 ", " w " \n" otherwise " r8, " x0 ", " w " \n" then " r2, " x1 ", " w " \n" otherwise   \
  " r10, " x1 ", " w " \n"
#define LAST_PIXELS(then, otherwise, x2, x3, w)                                                                        \
  "vpstete \n" then " r12, " x2 ", " w " \n" otherwise " r4, " x2 ", " w " \n" then " lr, " x3 ", " w " \n" otherwise  \
  " r6, " x3 ", " w " \n"

#define HALF_BLOCK_OF_TAPS                                                                                             \
  "vldrb.8 q0, [r9], #16 \n"                                                                                           \
  "vldrb.8 q1, [r11], #16 \n"                                                                                          \
  "vldrb.8 q2, [r11], #16 \n"                                                                                          \
  "vldrb.8 q3, [r11], #16 \n" FIRST_PIXELS("vmladavat.s8", "vmladavae.s8", "q1", "q2",                                 \
                                           "q0") "vldrb.8 q1, [r11] \n" LAST_PIXELS("vmladavat.s8", "vmladavae.s8",    \
                                                                                    "q3", "q1", "q0")

// The sums of two channels into vectors, one lane for each pixel.
#define TO_LANES(first, second)                                                                                        \
  "vmov " first "[2], " first "[0], r0, r4 \n"                                                                         \
  "vmov " first "[3], " first "[1], r2, r6 \n"                                                                         \
  "vmov " second "[2], " second "[0], r8, r12 \n"                                                                      \
  "vmov " second "[3], " second "[1], r10, lr \n"

// All taps of two channels; `entry` is where the place in the loop is to be found on the stack. The sign of r5 says
// whether there is a half of a block.
#define TWO_CHANNELS(label, end, entry, first, second)                                                                 \
  "mov r11, r7 \n" BLOCK_OF_TAPS(                                                                                      \
      "vmladav.s8") "ldr.w pc, [sp, #" entry "] \n"                                                                    \
                    ".balign 4 \n" label ": .rept 3 \n" BLOCK_OF_TAPS(                                                 \
                        "vmladava.s8") ".endr \n"                                                                      \
                                       "cmp r11, r3 \n"                                                                \
                                       "bne.w " label "b \n"                                                           \
                                       ".if . - " label "b - 3 * 56 - 6 \n"                                            \
                                       ".error \"UNIT_CODE_BYTES or LOOP_CODE_BYTES is wrong\" \n"                     \
                                       ".endif \n"                                                                     \
                                       "cmp r5, #0 \n"                                                                 \
                                       "bpl.w " end "f \n" HALF_BLOCK_OF_TAPS end ": \n" TO_LANES(first, second)

// Double rounding as gemmlowp does it: the upper half of 2 * sum * multiplier, rounded; then to the nearest, halves
// away from zero.
#define REQUANTISE(sum, temporary, bias, multiplier, shift)                                                            \
  "vadd.i32 " sum ", " sum ", " bias " \n"                                                                             \
  "vqrdmulh.s32 " sum ", " sum ", " multiplier " \n"                                                                   \
  "vshr.s32 " temporary ", " sum ", #31 \n"                                                                            \
  "vadd.i32 " sum ", " sum ", " temporary " \n"                                                                        \
  "vrshl.s32 " sum ", " shift " \n"

// Four channels of four pixels, q4 to q7, to bytes; with the zero point (r5), limited. Narrowing interleaves its two
// vectors, so that a word holds the channels of a pixel.
#define STORE(temporary)                                                                                               \
  "ldm r9!, {r0, r2, r4, r6, r8, r10} \n" REQUANTISE("q4", temporary, "r0", "r2", "r4")                                \
      REQUANTISE("q5", temporary, "r6", "r8",                                                                          \
                 "r10") "ldm r9!, {r0, r2, r4, r6, r8, r10} \n" REQUANTISE("q6", temporary, "r0", "r2", "r4")          \
          REQUANTISE("q7", temporary, "r6", "r8", "r10") "vqmovnb.s32 q4, q4 \n"                                       \
                                                         "vqmovnt.s32 q4, q6 \n"                                       \
                                                         "vqmovnb.s32 q5, q5 \n"                                       \
                                                         "vqmovnt.s32 q5, q7 \n"                                       \
                                                         "vqadd.s16 q4, q4, r5 \n"                                     \
                                                         "vqadd.s16 q5, q5, r5 \n"                                     \
                                                         "vqmovnb.s16 q4, q4 \n"                                       \
                                                         "vqmovnt.s16 q4, q5 \n"                                       \
                                                         "vldrw.u32 " temporary ", [sp] \n"                            \
                                                         "vstrw.32 q4, [r1, " temporary "] \n"                         \
                                                         "adds r1, #4 \n"

// r1 out, r3 blocks_end, r5 zero point (and bit 3 of the depth as its sign), r7 inputs. On the stack: next, where to
// enter the two loops, packed_end.
__attribute__((naked)) void multiply_tile(const struct multiply_job *job) {
  __asm__ volatile("push {r4-r11, lr} \n"
                   "vpush {d8-d15} \n"
                   "sub sp, #32 \n"
                   "vldrw.u32 q0, [r0, #24] \n"
                   "vstrw.32 q0, [sp] \n"
                   "ldrd r1, r5, [r0, #16] \n"
                   "ldr r2, [r0, #52] \n"
                   "pkhbt r5, r5, r2, lsl #28 \n"
                   "ldrd r7, r3, [r0, #8] \n"
                   "ldr r12, [r0, #40] \n"
                   "ldrd r9, r0, [r0] \n"
                   "adr.w r2, 2f \n"
                   "add r2, r2, r12 \n"
                   "orr r2, r2, #1 \n"
                   "adr.w r4, 3f \n"
                   "add r4, r4, r12 \n"
                   "orr r4, r4, #1 \n"
                   "strd r2, r4, [sp, #16] \n"
                   "str r0, [sp, #24] \n"
                   "movs r2, #255 \n"
                   "vmsr p0, r2 \n"
                   "1: \n" TWO_CHANNELS("2", "4", "16", "q4", "q5") TWO_CHANNELS("3", "5", "20", "q6", "q7")
                       STORE("q0") "ldr r12, [sp, #24] \n"
                                   "cmp r9, r12 \n"
                                   "bne.w 1b \n"
                                   "add sp, #32 \n"
                                   "vpop {d8-d15} \n"
                                   "pop {r4-r11, pc} \n");
  (void)job;
}

// The inputs of four pixels stay in q0 to q3. r1 out, r3 packed_end, r5 zero point, r7 inputs. On the stack: next, a
// copy of q3, packed, groups, advance.
#define SMALL(load_inputs, two_channels_a, two_channels_b)                                                             \
  __asm__ volatile("push {r4-r11, lr} \n"                                                                              \
                   "vpush {d8-d15} \n"                                                                                 \
                   "sub sp, #48 \n"                                                                                    \
                   "vldrw.u32 q0, [r0, #24] \n"                                                                        \
                   "vstrw.32 q0, [sp] \n"                                                                              \
                   "ldrd r1, r5, [r0, #16] \n"                                                                         \
                   "ldr r7, [r0, #8] \n"                                                                               \
                   "ldrd r4, r6, [r0, #44] \n"                                                                         \
                   "ldrd r9, r3, [r0] \n"                                                                              \
                   "strd r9, r4, [sp, #32] \n"                                                                         \
                   "str r6, [sp, #40] \n"                                                                              \
                   "movs r2, #255 \n"                                                                                  \
                   "vmsr p0, r2 \n"                                                                                    \
                   "2: ldr r9, [sp, #32] \n" load_inputs "vstrw.32 q3, [sp, #16] \n"                                   \
                   "1: \n" two_channels_a TO_LANES("q4", "q5") two_channels_b TO_LANES("q6", "q7")                     \
                       STORE("q3") "vldrw.u32 q3, [sp, #16] \n"                                                        \
                                   "cmp r9, r3 \n"                                                                     \
                                   "bne.w 1b \n"                                                                       \
                                   "ldrd r4, r6, [sp, #36] \n"                                                         \
                                   "add r1, r6 \n"                                                                     \
                                   "subs r4, #1 \n"                                                                    \
                                   "str r4, [sp, #36] \n"                                                              \
                                   "bne.w 2b \n"                                                                       \
                                   "add sp, #48 \n"                                                                    \
                                   "vpop {d8-d15} \n"                                                                  \
                                   "pop {r4-r11, pc} \n")

#define SIXTEEN_TAPS(w, sum0, sum1, sum2, sum3)                                                                        \
  "vldrb.8 " w ", [r9], #16 \n"                                                                                        \
  "vmladav.s8 " sum0 ", q0, " w " \n"                                                                                  \
  "vmladav.s8 " sum1 ", q1, " w " \n"                                                                                  \
  "vmladav.s8 " sum2 ", q2, " w " \n"                                                                                  \
  "vmladav.s8 " sum3 ", q3, " w " \n"
#define SIXTEEN_TAPS_OF_TWO(w) SIXTEEN_TAPS(w, "r0", "r2", "r4", "r6") SIXTEEN_TAPS(w, "r8", "r10", "r12", "lr")
#define EIGHT_TAPS_OF_TWO(w)                                                                                           \
  "vldrb.8 " w ", [r9], #16 \n" FIRST_PIXELS("vmladavt.s8", "vmladave.s8", "q0", "q1", w)                              \
      LAST_PIXELS("vmladavt.s8", "vmladave.s8", "q2", "q3", w)

__attribute__((naked)) void multiply_16(const struct multiply_job *job) {
  SMALL("vldrb.8 q0, [r7], #16 \n"
        "vldrb.8 q1, [r7], #16 \n"
        "vldrb.8 q2, [r7], #16 \n"
        "vldrb.8 q3, [r7], #16 \n",
        SIXTEEN_TAPS_OF_TWO("q4"), SIXTEEN_TAPS_OF_TWO("q6"));
  (void)job;
}

// Pixels 0 and 1 come in q0, 2 and 3 in q2.
__attribute__((naked)) void multiply_8(const struct multiply_job *job) {
  SMALL("vldrb.8 q0, [r7], #16 \n"
        "vldrb.8 q2, [r7], #16 \n"
        "vmov d2, d1 \n"
        "vmov d3, d1 \n"
        "vmov d1, d0 \n"
        "vmov d6, d5 \n"
        "vmov d7, d5 \n"
        "vmov d5, d4 \n",
        EIGHT_TAPS_OF_TWO("q4"), EIGHT_TAPS_OF_TWO("q6"));
  (void)job;
}

#define STORE_TILE                                                                                                     \
  "vstrb.8 q0, [%[tile]], #16 \n"                                                                                      \
  "vstrb.8 q1, [%[tile]], #16 \n"                                                                                      \
  "vstrb.8 q2, [%[tile]], #16 \n"                                                                                      \
  "vstrb.8 q3, [%[tile]], #16 \n"

// Each row's taps by sixteen, what is left of it by eight, and those twice.
void make_tile(const int8_t *const rows[PIXELS], int32_t taps, int8_t *tile) {
  const int8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
  __asm__ volatile("wls lr, %[blocks], 2f \n"
                   "1: vldrb.8 q0, [%[r0]], #16 \n"
                   "vldrb.8 q1, [%[r1]], #16 \n"
                   "vldrb.8 q2, [%[r2]], #16 \n"
                   "vldrb.8 q3, [%[r3]], #16 \n" STORE_TILE "le lr, 1b \n"
                   "2: cbz %[rest], 4f \n"
                   "vctp.8 %[rest] \n"
                   "vpstttt \n"
                   "vldrbt.8 q0, [%[r0]] \n"
                   "vldrbt.8 q1, [%[r1]] \n"
                   "vldrbt.8 q2, [%[r2]] \n"
                   "vldrbt.8 q3, [%[r3]] \n"
                   "cmp %[rest], #8 \n"
                   "bhi 3f \n"
                   "vmov d1, d0 \n"
                   "vmov d3, d2 \n"
                   "vmov d5, d4 \n"
                   "vmov d7, d6 \n"
                   "3: " STORE_TILE "4: \n"
                   : [r0] "+r"(r0), [r1] "+r"(r1), [r2] "+r"(r2), [r3] "+r"(r3), [tile] "+r"(tile)
                   : [blocks] "r"(taps / BLOCK), [rest] "l"(taps % BLOCK)
                   : "q0", "q1", "q2", "q3", "lr", "cc", "memory");
}

#else // The same in C, for tests on other machines.

// Weight of one of the four channels at `packed`, of tap `k` of `depth`.
static int32_t weight(const int8_t *packed, int32_t depth, int32_t channel, int32_t k) {
  const int32_t size = depth - k / BLOCK * BLOCK < BLOCK ? HALF : BLOCK;
  return packed[channel / 2 * 2 * depth + k / BLOCK * BLOCK * 2 + channel % 2 * size + k % BLOCK];
}

// All channels of one pixel, whose blocks of taps are `pitch` bytes apart.
static void multiply_pixel(const struct multiply_job *job, const int8_t *x, int32_t pitch, int8_t *out) {
  const int32_t depth = job->depth;
  for (const int8_t *w = job->packed; w != job->packed_end; w += CHANNELS * (depth + 3 * 4)) {
    const int32_t *scaling = (const void *)(w + CHANNELS * depth);
    for (int32_t c = 0; c < CHANNELS; c++, scaling += 3) {
      uint32_t sum = (uint32_t)scaling[0];
      for (int32_t k = 0; k < depth; k++) {
        sum += (uint32_t)(x[k / BLOCK * pitch + k % BLOCK] * weight(w, depth, c, k));
      }
      *out++ = requantise((int32_t)sum, scaling[1], scaling[2], job->zero_point);
    }
  }
}

void multiply_tile(const struct multiply_job *job) {
  for (int32_t i = 0; i < PIXELS; i++) {
    multiply_pixel(job, job->inputs + i * BLOCK, PIXELS * BLOCK, job->out + job->next[i]);
  }
}

static void multiply_groups(const struct multiply_job *job) {
  const int32_t channels = (int32_t)(job->packed_end - job->packed) / (job->depth + 3 * 4);
  const int8_t *x = job->inputs;
  int8_t *out = job->out;
  for (int32_t group = 0; group < job->groups; group++, x += PIXELS * job->depth, out += channels + job->advance) {
    int8_t inputs[PIXELS * BLOCK];
    memcpy(inputs, x, (size_t)(PIXELS * job->depth));
    for (int32_t i = 0; i < PIXELS; i++) {
      multiply_pixel(job, inputs + i * job->depth, BLOCK, out + job->next[i]);
    }
  }
}

void multiply_8(const struct multiply_job *job) { multiply_groups(job); }

void multiply_16(const struct multiply_job *job) { multiply_groups(job); }

void make_tile(const int8_t *const rows[PIXELS], int32_t taps, int8_t *tile) {
  for (int32_t k = 0; k < taps; k += BLOCK) {
    const int32_t size = least(taps - k, BLOCK);
    for (int32_t i = 0; i < PIXELS; i++, tile += BLOCK) {
      memset(tile, 0, BLOCK);
      memcpy(tile, rows[i] + k, (size_t)size);
      if (size <= HALF) {
        memcpy(tile + HALF, rows[i] + k, (size_t)size);
      }
    }
  }
}

#endif
