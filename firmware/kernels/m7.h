// Kernel set m7 (Cortex-M7): kernels of dsp.h for a core that issues two instructions in a cycle, one of which can be a
// multiplication. It takes dsp's for what it has no kernel of its own for.
#ifndef ALPHARHO_KERNELS_M7_H
#define ALPHARHO_KERNELS_M7_H

#include "dsp.h"

#ifdef __cplusplus
extern "C" {
#endif

// As alpharho_dsp_pointwise_quad and so on.
void alpharho_m7_pointwise(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_m7_pointwise_any(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_m7_conv_rgb(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_m7_conv(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// As the functions of dsp.h.
void alpharho_m7_depthwise(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_m7_depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);
void alpharho_m7_depthwise_wide(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_m7_depthwise_wide_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_KERNELS_M7_H
