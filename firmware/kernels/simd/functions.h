// The functions of a form, for its table: included last.
static void conv_function(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  conv(p, in, out, scratch);
}

static void row_function(const struct alpharho_simd_depthwise *p, const int8_t *const *taps, int8_t *out) {
  depthwise_row(p, taps, out);
}

static void add_function(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  add_or_sub(p, ADD, in1, in2, out);
}

static void sub_function(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  add_or_sub(p, SUB, in1, in2, out);
}

static void mul_function(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  multiply_pairs(p, in1, in2, out);
}

static void mean_function(const struct alpharho_mean *p, const int8_t *in, int8_t *out) { mean_of(p, in, out); }

static void dense_function(const struct alpharho_dense *p, const int8_t *in, int8_t *out) { dense_rows(p, in, out); }

#define FORM_FUNCTIONS                                                                                                 \
  {conv_function, row_function, add_function, sub_function, mul_function, mean_function, dense_function}
