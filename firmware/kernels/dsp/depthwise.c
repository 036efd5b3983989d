#include "depthwise.h"

#include "row.h"

static const struct row_method narrow = {
    .pair = alpharho_dsp_row_pair_3x3,
    .pair_stride_2 = alpharho_dsp_row_pair_3x3_stride_2,
    .each = alpharho_dsp_row_3x3,
    .tap_words = 1,
};

static const struct row_method wide = {
    .pair = alpharho_dsp_wide_row_pair_3x3,
    .pair_stride_2 = alpharho_dsp_wide_row_pair_3x3_stride_2,
    .each = alpharho_dsp_wide_row_3x3,
    .tap_words = 2,
};

static const struct row_method narrow_5x5 = {.each = alpharho_dsp_row_5x5, .tap_words = 1};
static const struct row_method wide_5x5 = {.each = alpharho_dsp_wide_row_5x5, .tap_words = 2};

void alpharho_dsp_depthwise(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  depthwise_all_rows(&narrow, p, in, out, scratch);
}

void alpharho_dsp_depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  depthwise_one_row(&narrow, p, ring, y, out);
}

void alpharho_dsp_depthwise_wide(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                 int8_t *scratch) {
  depthwise_all_rows(&wide, p, in, out, scratch);
}

void alpharho_dsp_depthwise_wide_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                     int8_t *out) {
  depthwise_one_row(&wide, p, ring, y, out);
}

void alpharho_dsp_depthwise_5x5(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                int8_t *scratch) {
  depthwise_all_rows(&narrow_5x5, p, in, out, scratch);
}

void alpharho_dsp_depthwise_5x5_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                    int8_t *out) {
  depthwise_one_row(&narrow_5x5, p, ring, y, out);
}

void alpharho_dsp_depthwise_wide_5x5(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                     int8_t *scratch) {
  depthwise_all_rows(&wide_5x5, p, in, out, scratch);
}

void alpharho_dsp_depthwise_wide_5x5_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                         int8_t *out) {
  depthwise_one_row(&wide_5x5, p, ring, y, out);
}
