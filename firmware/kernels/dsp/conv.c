#include "conv.h"

// Two channels at a time.
static const struct method pair = {
    .channels = 2,
    .scaling_words = 6,
    .unit_taps = PAIR_TAPS,
    .units = MULTIPLY_PAIR_UNITS,
    .unit_code_bytes = MULTIPLY_PAIR_CODE_BYTES,
    .expand = alpharho_dsp_expand,
    .expand_rgb = alpharho_dsp_expand_rgb,
    .multiply = alpharho_dsp_multiply_pair,
    .multiply_last = alpharho_dsp_multiply_last,
};

void alpharho_dsp_pointwise(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_pointwise(&pair, p, in, out, scratch, 1);
}

void alpharho_dsp_pointwise_any(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_pointwise(&pair, p, in, out, scratch, 0);
}

void alpharho_dsp_conv(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_any(&pair, p, in, out, scratch);
}

void alpharho_dsp_conv_rgb(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_rgb(&pair, p, in, out, scratch);
}
