#include "row.h"

#include "row_in_c.h"

#ifndef KERNELS_DSP_ASSEMBLY // row.S and row_pair.S have these functions.

void alpharho_dsp_row_3x3(const struct row_job *job) { row_in_c(job, 3, 0); }
void alpharho_dsp_row_5x5(const struct row_job *job) { row_in_c(job, 5, 0); }
void alpharho_dsp_wide_row_3x3(const struct row_job *job) { row_in_c(job, 3, 1); }
void alpharho_dsp_wide_row_5x5(const struct row_job *job) { row_in_c(job, 5, 1); }
void alpharho_dsp_row_pair_3x3(const struct row_job *job) { row_pair_in_c(job, 0); }
void alpharho_dsp_wide_row_pair_3x3(const struct row_job *job) { row_pair_in_c(job, 1); }
void alpharho_dsp_row_pair_3x3_stride_2(const struct row_job *job) { row_pair_in_c(job, 0); }
void alpharho_dsp_wide_row_pair_3x3_stride_2(const struct row_job *job) { row_pair_in_c(job, 1); }

#endif
