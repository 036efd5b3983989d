#include "../dsp/conv.h"

#include "../m7.h"
#include "multiply.h"

static const struct method quad = {
    .channels = 4,
    .scaling_words = 10,
    .unit_taps = PAIR_TAPS,
    .units = M7_MULTIPLY_UNITS,
    .last_units = M7_MULTIPLY_LAST_UNITS,
    .unit_code_bytes = M7_MULTIPLY_CODE_BYTES,
    .expand = alpharho_m7_expand,
    .expand_rgb = alpharho_dsp_expand_rgb,
    .multiply = alpharho_m7_multiply_quad,
    .multiply_last = alpharho_m7_multiply_quad_last,
};

void alpharho_m7_pointwise(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_pointwise(&quad, p, in, out, scratch, 1);
}

void alpharho_m7_pointwise_any(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_pointwise(&quad, p, in, out, scratch, 0);
}

void alpharho_m7_conv(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_any(&quad, p, in, out, scratch);
}

void alpharho_m7_conv_rgb(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv_rgb(&quad, p, in, out, scratch);
}
