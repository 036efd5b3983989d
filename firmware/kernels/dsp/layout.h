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
#define MULTIPLY_JOB_INPUTS     4
#define MULTIPLY_JOB_OUT        8
#define MULTIPLY_JOB_STEPS      12
#define MULTIPLY_JOB_PACKED_END 20
#define MULTIPLY_JOB_SKIP       24
#define MULTIPLY_JOB_INPUTS_END 28
#define MULTIPLY_JOB_NEGATIVES  32
#define MULTIPLY_JOB_ROUNDING   36

// The inner loops: how often each is unrolled, and the code bytes of one unit.
#define MULTIPLY_PAIR_UNITS        16
#define MULTIPLY_PAIR_CODE_BYTES   56
#define MULTIPLY_QUAD_UNITS        16
#define MULTIPLY_QUAD_CODE_BYTES   56
#define MULTIPLY_SINGLE_UNITS      4
#define MULTIPLY_SINGLE_CODE_BYTES 52

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

// Where the weights of four channels begin, behind their biases.
#define ROW_PACKED_TAPS 16

#endif // KERNELS_DSP_LAYOUT_H
