// Along a row of a depthwise layer, a vector at a time.
#ifndef KERNELS_SIMD_STEPS_H
#define KERNELS_SIMD_STEPS_H

#include "form.h"

// Where vector `i` of a row begins: the last one ends with the row.
struct steps {
  int32_t in, out, count, last_in, last_out;
};

SIMD_INLINE int32_t in_at(const struct steps *s, int32_t i) { return i < s->count - 1 ? i * s->in : s->last_in; }

SIMD_INLINE int32_t out_at(const struct steps *s, int32_t i) { return i < s->count - 1 ? i * s->out : s->last_out; }

// Pixels of a vector. A strip of the layer may be narrower than the layer.
SIMD_INLINE int32_t pixels_of(const struct alpharho_simd_depthwise *p) { return p->window.out_w > 1 ? p->pixels : 1; }

SIMD_INLINE struct steps steps_of(const struct alpharho_simd_depthwise *p) {
  const struct alpharho_window *w = &p->window;
  const int32_t out = pixels_of(p) * w->in_c, last_out = (w->out_w - pixels_of(p)) * w->in_c;
  return (struct steps){
      out * w->stride_w, out, (w->out_w + pixels_of(p) - 1) / pixels_of(p), last_out * w->stride_w, last_out,
  };
}

#endif // KERNELS_SIMD_STEPS_H
