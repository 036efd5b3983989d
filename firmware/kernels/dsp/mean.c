#include "../portable/fixed_point.h"
#include "dsp.h"
#include "instructions.h"

// Sums of this many int8 fit 16 bits.
enum { CHANNELS = 4, SUMMED = 256 };

// Sums of four channels over up to SUMMED pixels, `pitch` bytes apart.
static inline void sum_pixels(const int8_t *from, int32_t pitch, int32_t pixels, int32_t *sums) {
  uint32_t even = 0, odd = 0;
  for (const int8_t *const end = from + pitch * pixels; from != end; from += pitch) {
    const uint32_t four = load_word(from);
    even = add_even(even, four);
    odd = add_odd(odd, four);
  }
  sums[0] += (int16_t)even;
  sums[1] += (int16_t)odd;
  sums[2] += (int16_t)(even >> 16);
  sums[3] += (int16_t)(odd >> 16);
}

void alpharho_dsp_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out) {
  for (int32_t o = 0; o < p->outer; o++, in += p->reduced * p->inner, out += p->inner) {
    for (int32_t i = 0; i < p->inner; i += CHANNELS) {
      int32_t sums[CHANNELS] = {p->offset, p->offset, p->offset, p->offset};
      for (int32_t first = 0; first < p->reduced; first += SUMMED) {
        const int32_t left = p->reduced - first;
        sum_pixels(in + first * p->inner + i, p->inner, left < SUMMED ? left : SUMMED, sums);
      }
      for (int32_t c = 0; c < CHANNELS; c++) {
        const int32_t mean = wrap_add(scale(sums[c], p->multiplier, p->shift), p->zero_point);
        out[i + c] = (int8_t)clamp(mean, INT8_MIN, INT8_MAX);
      }
    }
  }
}
