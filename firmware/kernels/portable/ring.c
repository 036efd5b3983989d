#include "ring.h"

void alpharho_rows_of(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch,
                      depthwise_row *row) {
  rows_of(p, in, out, scratch, row);
}
