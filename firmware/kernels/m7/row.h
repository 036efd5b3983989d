// Two neighboring pixels of a row of a depthwise convolution.
#ifndef KERNELS_M7_ROW_H
#define KERNELS_M7_ROW_H

#include "../dsp/row.h"

// As those of set dsp.
void alpharho_m7_row_pair_3x3(const struct row_job *job);
void alpharho_m7_wide_row_pair_3x3(const struct row_job *job);
void alpharho_m7_row_pair_3x3_stride_2(const struct row_job *job);
void alpharho_m7_wide_row_pair_3x3_stride_2(const struct row_job *job);

#endif // KERNELS_M7_ROW_H
