#include "instructions.h"
#include "kernels.h"
#include "memory.h"

enum { SIDE_MAX = 5, CHANNELS = 4 };

// Read by assembly: the order of the fields matters.
struct row_job {
  int32_t rounding;      // 2 * output zero point + 1
  const int32_t *packed; // see struct alpharho_dsp_depthwise
  const int32_t *packed_end;
  int32_t advance; // bytes from the end of a column to the next that a window begins with
  int32_t pixels;
  int32_t channels;
  int8_t *out;
  const int8_t *rows[SIDE_MAX];
};

#ifdef KERNELS_DSP_ASSEMBLY

// The weights of a tap of four channels: r4 those of 0 and 2, r5 those of 1 and 3, 16 bits each, as the inputs.
#define WEIGHTS                                                                                                        \
  "ldr r5, [r3], #4 \n"                                                                                                \
  "sxtb16 r4, r5 \n"                                                                                                   \
  "sxtb16 r5, r5, ror #8 \n"
#define WIDE_WEIGHTS "ldrd r4, r5, [r3], #8 \n"

// Four channels of one tap: r8 to r11 are the channels' sums.
#define TAP(weights, address)                                                                                          \
  "ldr r7, [" address "] \n" weights "sxtb16 r6, r7 \n"                                                                \
  "sxtb16 r7, r7, ror #8 \n"                                                                                           \
  "smlabb r8, r6, r4, r8 \n"                                                                                           \
  "smlatt r10, r6, r4, r10 \n"                                                                                         \
  "smlabb r9, r7, r5, r9 \n"                                                                                           \
  "smlatt r11, r7, r5, r11 \n"

// As requantise() does it. The shift is the lowest byte of r4.
#define STORE(sum)                                                                                                     \
  "add " sum ", " sum ", " sum ", asr #31 \n"                                                                          \
  "asr " sum ", " sum ", r4 \n"                                                                                        \
  "add " sum ", " sum ", r7 \n"                                                                                        \
  "ssat " sum ", #8, " sum ", asr #1 \n"                                                                               \
  "strb " sum ", [lr], #1 \n"

#define STORE_FOUR                                                                                                     \
  "ldmia r3!, {r4-r7} \n"                                                                                              \
  "smmlar r8, r8, r4, r8 \n"                                                                                           \
  "smmlar r9, r9, r5, r9 \n"                                                                                           \
  "smmlar r10, r10, r6, r10 \n"                                                                                        \
  "smmlar r11, r11, r7, r11 \n"                                                                                        \
  "ldr r4, [r3], #4 \n"                                                                                                \
  "ldr r7, [sp] \n" STORE("r8") "lsr r4, #8 \n" STORE("r9") "lsr r4, #8 \n" STORE("r10") "lsr r4, #8 \n" STORE("r11")

#define ROW_OF_THREE(weights, row) TAP(weights, row) TAP(weights, row ", r12") TAP(weights, row ", r12, lsl #1")

// r0 to r2 rows, r3 packed, r4 and r5 weights, r6 and r7 inputs, r8 to r11 sums, r12 channels, lr out. On the stack:
// the first five fields of the job.
#define ROW_3X3(weights)                                                                                               \
  __asm__ volatile("push {r4-r11, lr} \n"                                                                              \
                   "ldm r0, {r1-r5} \n"                                                                                \
                   "push {r1-r5} \n"                                                                                   \
                   "ldrd r12, lr, [r0, #20] \n"                                                                        \
                   "ldrd r1, r2, [r0, #32] \n"                                                                         \
                   "ldr r0, [r0, #28] \n"                                                                              \
                   "1: ldr r3, [sp, #4] \n"                                                                            \
                   "2: ldmia r3!, {r8-r11} \n" ROW_OF_THREE(weights, "r0") ROW_OF_THREE(weights, "r1")                 \
                       ROW_OF_THREE(weights, "r2") STORE_FOUR "ldr r4, [sp, #8] \n"                                    \
                                                              "add r0, #4 \n"                                          \
                                                              "add r1, #4 \n"                                          \
                                                              "add r2, #4 \n"                                          \
                                                              "cmp r3, r4 \n"                                          \
                                                              "bne 2b \n"                                              \
                                                              "ldrd r4, r5, [sp, #12] \n"                              \
                                                              "add r0, r4 \n"                                          \
                                                              "add r1, r4 \n"                                          \
                                                              "add r2, r4 \n"                                          \
                                                              "subs r5, #1 \n"                                         \
                                                              "str r5, [sp, #16] \n"                                   \
                                                              "bne 1b \n"                                              \
                                                              "add sp, #20 \n"                                         \
                                                              "pop {r4-r11, pc} \n")

#define ROW_OF_FIVE(weights, place)                                                                                    \
  "ldr r0, [sp, #" place "] \n"                                                                                        \
  "add r0, r1 \n" ROW_OF_THREE(weights, "r0") TAP(weights, "r0, r2") TAP(weights, "r0, r12, lsl #2")

// As ROW_3X3, but r0 a row, r1 how far into it, r2 three times the channels; and the rows on the stack, too.
#define ROW_5X5(weights)                                                                                               \
  __asm__ volatile("push {r4-r11, lr} \n"                                                                              \
                   "add r12, r0, #28 \n"                                                                               \
                   "ldm r12, {r1-r5} \n"                                                                               \
                   "push {r1-r5} \n"                                                                                   \
                   "ldm r0, {r1-r5} \n"                                                                                \
                   "push {r1-r5} \n"                                                                                   \
                   "ldrd r12, lr, [r0, #20] \n"                                                                        \
                   "mov r1, #0 \n"                                                                                     \
                   "add r2, r12, r12, lsl #1 \n"                                                                       \
                   "1: ldr r3, [sp, #4] \n"                                                                            \
                   "2: ldmia r3!, {r8-r11} \n" ROW_OF_FIVE(weights, "20") ROW_OF_FIVE(weights, "24")                   \
                       ROW_OF_FIVE(weights, "28") ROW_OF_FIVE(weights, "32") ROW_OF_FIVE(weights, "36") STORE_FOUR     \
                   "ldr r4, [sp, #8] \n"                                                                               \
                   "add r1, #4 \n"                                                                                     \
                   "cmp r3, r4 \n"                                                                                     \
                   "bne 2b \n"                                                                                         \
                   "ldrd r4, r5, [sp, #12] \n"                                                                         \
                   "add r1, r4 \n"                                                                                     \
                   "subs r5, #1 \n"                                                                                    \
                   "str r5, [sp, #16] \n"                                                                              \
                   "bne 1b \n"                                                                                         \
                   "add sp, #40 \n"                                                                                    \
                   "pop {r4-r11, pc} \n")

#define ROW(name, body)                                                                                                \
  __attribute__((naked)) static void name(const struct row_job *job) {                                                 \
    body;                                                                                                              \
    (void)job;                                                                                                         \
  }

ROW(row_3x3, ROW_3X3(WEIGHTS))
ROW(row_5x5, ROW_5X5(WEIGHTS))
ROW(wide_row_3x3, ROW_3X3(WIDE_WEIGHTS))
ROW(wide_row_5x5, ROW_5X5(WIDE_WEIGHTS))

#else // The same in C, for tests on other machines.

// Weights of channels 0 and 2, and 1 and 3, of a tap.
static const int32_t *expand(const int32_t *packed, int wide, uint32_t *weights) {
  const uint32_t first = (uint32_t)*packed++;
  weights[0] = wide ? first : expand_even(first);
  weights[1] = wide ? (uint32_t)*packed++ : expand_odd(first);
  return packed;
}

static void row_in_c(const struct row_job *job, int32_t side, int wide) {
  int8_t *out = job->out;
  int32_t column = 0;
  for (int32_t x = 0; x < job->pixels; x++, column += job->advance) {
    for (const int32_t *w = job->packed; w != job->packed_end; column += CHANNELS) {
      int32_t sum[CHANNELS];
      for (int32_t c = 0; c < CHANNELS; c++) {
        sum[c] = *w++;
      }
      for (int32_t tap = 0; tap < side * side; tap++) {
        const int8_t *from = job->rows[tap / side] + column + tap % side * job->channels;
        uint32_t weights[2];
        w = expand(w, wide, weights);
        sum[0] += from[0] * (int16_t)weights[0];
        sum[1] += from[1] * (int16_t)weights[1];
        sum[2] += from[2] * (int16_t)(weights[0] >> 16);
        sum[3] += from[3] * (int16_t)(weights[1] >> 16);
      }
      for (int32_t c = 0; c < CHANNELS; c++) {
        *out++ = requantise(sum[c], w[c], w[CHANNELS] >> (8 * c) & 0xff, job->rounding);
      }
      w += CHANNELS + 1;
    }
  }
}

static void row_3x3(const struct row_job *job) { row_in_c(job, 3, 0); }
static void row_5x5(const struct row_job *job) { row_in_c(job, 5, 0); }
static void wide_row_3x3(const struct row_job *job) { row_in_c(job, 3, 1); }
static void wide_row_5x5(const struct row_job *job) { row_in_c(job, 5, 1); }

#endif

// Copy input row y to its place in the ring, with the zero point for padding.
static void load(const struct alpharho_dsp_depthwise *p, const int8_t *in, int32_t y, int32_t row_bytes, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  if (y < 0 || y >= w->in_h) {
    alpharho_dsp_fill_words(to, p->input_zero_point, row_bytes);
    return;
  }
  const int32_t left = w->pad_left * w->in_c, row = w->in_w * w->in_c;
  const int32_t copied = row < row_bytes - left ? row : row_bytes - left;
  alpharho_dsp_fill_words(to, p->input_zero_point, left);
  alpharho_dsp_copy_words(to + left, in + y * row, copied);
  alpharho_dsp_fill_words(to + left + copied, p->input_zero_point, row_bytes - left - copied);
}

static int32_t row_bytes_of(const struct alpharho_window *w) {
  return ((w->out_w - 1) * w->stride_w + w->kernel_w) * w->in_c;
}

typedef void row_function(const struct row_job *job);

// `tap_words` is how many words have the weights of a tap.
static void one_row(const struct alpharho_dsp_depthwise *p, int32_t tap_words, row_function *of, const int8_t *ring,
                    int32_t y, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t side = w->kernel_h, channels = w->in_c, row_bytes = row_bytes_of(w);
  const int32_t group_words = CHANNELS + side * side * tap_words + CHANNELS + 1;
  struct row_job job = {
      .rounding = 2 * p->zero_point + 1,
      .packed = p->packed,
      .packed_end = p->packed + channels / CHANNELS * group_words,
      .advance = (w->stride_w - 1) * channels,
      .pixels = w->out_w,
      .channels = channels,
      .out = out,
  };
  for (int32_t ky = 0, place = y * w->stride_h % side; ky < side; ky++) {
    job.rows[ky] = ring + place * row_bytes;
    place = place + 1 < side ? place + 1 : 0;
  }
  of(&job);
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    alpharho_dsp_limit(out, w->out_w * channels, p->min, p->max);
  }
}

void alpharho_dsp_depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  one_row(p, 1, p->window.kernel_h == SIDE_MAX ? row_5x5 : row_3x3, ring, y, out);
}

void alpharho_dsp_depthwise_wide_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                     int8_t *out) {
  one_row(p, 2, p->window.kernel_h == SIDE_MAX ? wide_row_5x5 : wide_row_3x3, ring, y, out);
}

typedef void depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

static void all_rows(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch,
                     depthwise_row *row) {
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
    row(p, scratch, y, out);
  }
}

void alpharho_dsp_depthwise(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  all_rows(p, in, out, scratch, alpharho_dsp_depthwise_row);
}

void alpharho_dsp_depthwise_wide(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                 int8_t *scratch) {
  all_rows(p, in, out, scratch, alpharho_dsp_depthwise_wide_row);
}
