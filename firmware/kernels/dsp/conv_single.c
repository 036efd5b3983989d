#include "conv.h"

// Channels one by one. In a file of its own: most networks need none of it.
static const struct method single = {
    .channels = 1,
    .scaling_words = 2,
    .unit_taps = BLOCK_TAPS,
    .units = MULTIPLY_SINGLE_UNITS,
    .unit_code_bytes = MULTIPLY_SINGLE_CODE_BYTES,
    .expand = alpharho_dsp_expand,
    .multiply = alpharho_dsp_multiply_single,
    .multiply_last = alpharho_dsp_multiply_single,
};

void alpharho_dsp_pointwise_single(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_pointwise(&single, p, in, out, scratch, 1);
}

void alpharho_dsp_pointwise_any_single(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out,
                                       int8_t *scratch) {
  conv_pointwise(&single, p, in, out, scratch, 0);
}

void alpharho_dsp_conv_single(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_any(&single, p, in, out, scratch);
}
