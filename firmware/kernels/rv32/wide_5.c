#include "wide.h"

void alpharho_rv32_depthwise_5_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  wide_row(p, ring, y, out, 5);
}

void alpharho_rv32_depthwise_5(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  rows_of(p, in, out, scratch, alpharho_rv32_depthwise_5_row);
}
