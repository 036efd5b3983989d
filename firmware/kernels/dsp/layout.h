// What C and assembly of this set share: which cores have the assembly, and where it finds the fields of structures.
// Only preprocessor lines: .S files include this. C checks each offset next to the definition of the structure.
#ifndef KERNELS_DSP_LAYOUT_H
#define KERNELS_DSP_LAYOUT_H

// KERNELS_DSP_IN_C: the set in C, for tests on other machines.
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(KERNELS_DSP_IN_C)
#define KERNELS_DSP_ASSEMBLY
#endif

// struct multiply_job, in multiply.h.
#define MULTIPLY_JOB_PACKED     0
#define MULTIPLY_JOB_PACKED_END 4
#define MULTIPLY_JOB_INPUTS     8
#define MULTIPLY_JOB_INPUTS_END 12
#define MULTIPLY_JOB_ROUNDING   16
#define MULTIPLY_JOB_OUT        20
#define MULTIPLY_JOB_NEXT       24
#define MULTIPLY_JOB_SKIP       36

// The inner loop of alpharho_dsp_multiply_pixels: how often it is unrolled, and the code bytes of one unit.
#define MULTIPLY_UNITS           8
#define MULTIPLY_UNIT_CODE_BYTES 100

// struct expand_job, in multiply.h.
#define EXPAND_JOB_ROWS 0
#define EXPAND_JOB_TO   16
#define EXPAND_JOB_END  20

// struct row_job, in row.h.
#define ROW_JOB_ROUNDING   0
#define ROW_JOB_PACKED     4
#define ROW_JOB_PACKED_END 8
#define ROW_JOB_ADVANCE    12
#define ROW_JOB_PIXELS     16
#define ROW_JOB_CHANNELS   20
#define ROW_JOB_OUT        24
#define ROW_JOB_ROWS       28

#endif // KERNELS_DSP_LAYOUT_H
