#include "../dsp/depthwise.h"

#include "../m7.h"
#include "row.h"

static const struct row_method narrow = {
    .pair = alpharho_m7_row_pair_3x3,
    .pair_stride_2 = alpharho_m7_row_pair_3x3_stride_2,
    .each = alpharho_dsp_row_3x3,
    .tap_words = 1,
};

static const struct row_method wide = {
    .pair = alpharho_m7_wide_row_pair_3x3,
    .pair_stride_2 = alpharho_m7_wide_row_pair_3x3_stride_2,
    .each = alpharho_dsp_wide_row_3x3,
    .tap_words = 2,
};

void alpharho_m7_depthwise(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  depthwise_all_rows(&narrow, p, in, out, scratch);
}

void alpharho_m7_depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  depthwise_one_row(&narrow, p, ring, y, out);
}

void alpharho_m7_depthwise_wide(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                int8_t *scratch) {
  depthwise_all_rows(&wide, p, in, out, scratch);
}

void alpharho_m7_depthwise_wide_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                    int8_t *out) {
  depthwise_one_row(&wide, p, ring, y, out);
}
