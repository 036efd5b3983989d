#include "../dsp/row_in_c.h"
#include "layout.h"
#include "row.h"

#ifndef KERNELS_DSP_ASSEMBLY // row_pair.S has these functions.

void alpharho_m7_row_pair_3x3(const struct row_job *job) { row_pair_in_c(job, 0); }
void alpharho_m7_wide_row_pair_3x3(const struct row_job *job) { row_pair_in_c(job, 1); }
void alpharho_m7_row_pair_3x3_stride_2(const struct row_job *job) { row_pair_in_c(job, 0); }
void alpharho_m7_wide_row_pair_3x3_stride_2(const struct row_job *job) { row_pair_in_c(job, 1); }

#endif
