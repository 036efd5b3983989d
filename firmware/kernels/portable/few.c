#include "few.h"

#include <stddef.h>

#include "layout.h"
#include "portable.h"
#include "requant.h"

#ifdef __thumb2__

PORTABLE_ASSERT_OFFSET(struct few_job, bias, FEW_BIAS);
PORTABLE_ASSERT_OFFSET(struct few_job, multiplier, FEW_MULTIPLIER);
PORTABLE_ASSERT_OFFSET(struct few_job, shift, FEW_SHIFT);
PORTABLE_ASSERT_OFFSET(struct few_job, rounding, FEW_ROUNDING);
PORTABLE_ASSERT_OFFSET(struct few_job, out, FEW_OUT);
PORTABLE_ASSERT_OFFSET(struct few_job, channel, FEW_CHANNEL);
PORTABLE_ASSERT_OFFSET(struct few_job, weights, FEW_WEIGHTS);
PORTABLE_ASSERT_OFFSET(struct few_job, channels, FEW_CHANNELS);
PORTABLE_ASSERT_OFFSET(struct few_job, pixels, FEW_PIXELS);
PORTABLE_ASSERT_OFFSET(struct few_job, in, FEW_IN);
PORTABLE_ASSERT_OFFSET(struct few_job, depth, FEW_DEPTH);

void alpharho_pointwise_few(const struct alpharho_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_requant *q = &p->requant;
  const struct few_job job = {
      .bias = p->bias,
      .multiplier = q->multiplier,
      .shift = q->shift,
      .rounding = 2 * q->zero_point + 1,
      .out = out,
      .weights = p->weights,
      .channels = p->window.out_c,
      .pixels = p->window.out_h * p->window.out_w,
      .in = in,
      .depth = p->window.in_c,
  };
  (void)scratch;
  alpharho_few_channels(&job);
  limit_outputs(q, out, job.pixels * job.channels);
}

#else // Their convolutions take as long.

void alpharho_pointwise_few(const struct alpharho_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  alpharho_conv(p, in, out, scratch);
}

#endif
