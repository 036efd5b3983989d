#include "conv.h"

// Four channels at a time.
static const struct method quad = {
    .channels = 4,
    .scaling_words = 10,
    .unit_taps = PAIR_TAPS,
    .units = MULTIPLY_QUAD_UNITS,
    .unit_code_bytes = MULTIPLY_QUAD_CODE_BYTES,
    .expand = alpharho_dsp_expand,
    .expand_rgb = alpharho_dsp_expand_rgb,
    .multiply = alpharho_dsp_multiply_quad,
    .multiply_last = alpharho_dsp_multiply_quad_last,
};

void alpharho_dsp_pointwise_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_pointwise(&quad, p, in, out, scratch, 1);
}

void alpharho_dsp_pointwise_any_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out,
                                     int8_t *scratch) {
  conv_pointwise(&quad, p, in, out, scratch, 0);
}

void alpharho_dsp_conv_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_any(&quad, p, in, out, scratch);
}

void alpharho_dsp_conv_rgb_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_rgb(&quad, p, in, out, scratch);
}
